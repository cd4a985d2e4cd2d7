#include "engine/command/permission.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/command/key_flags.h"
#include "engine/command/number.h"

namespace powercut::engine {

namespace {

// --- Commands ---

bool is_first_argument(const Selector& selector, size_t number, std::string_view argument) {
  const auto known = selector.first_arguments.find(number);
  if (known == selector.first_arguments.end()) return false;
  return std::find(known->second.begin(), known->second.end(), lower_case(argument)) !=
         known->second.end();
}

// Where Redis has no such subcommand, its rules are of the whole command, and of its first argument.
bool allows_command(const Selector& selector, const CommandSpec& spec,
                    std::span<const std::string_view> args) {
  if ((spec.flags & kNoAuth) != 0) return true;
  auto number = command_number(spec.name);
  if (!number) number = command_number(spec.name.substr(0, spec.name.find('|')));
  if (!number) return selector.unnamed_commands;
  return selector.commands.test(*number) ||
         (args.size() > 1 && is_first_argument(selector, *number, args[1]));
}

// --- Keys ---

struct KeyUse {
  size_t position;
  bool reads = false;
  bool writes = false;
};

// Which keys a request names is found out once, for all selectors.
class KeyUses {
 public:
  KeyUses(const CommandSpec& spec, std::span<const std::string_view> args)
      : spec_(spec), args_(args) {}

  const std::vector<KeyUse>& get() {
    if (known_) return uses_;
    known_ = true;
    std::vector<size_t> positions;
    key_positions(spec_, args_, positions);
    const std::vector<KeyPlace> places = key_places(spec_.name);
    for (const size_t position : positions) {
      if (position >= args_.size()) continue;
      KeyUse use{position};
      for (const std::string_view flag : key_flags(places, spec_, args_, position)) {
        use.reads |= flag == "access";
        use.writes |= flag == "insert" || flag == "delete" || flag == "update";
      }
      uses_.push_back(use);
    }
    return uses_;
  }

 private:
  const CommandSpec& spec_;
  std::span<const std::string_view> args_;
  std::vector<KeyUse> uses_;
  bool known_ = false;
};

bool allows_key(const Selector& selector, const KeyUse& use, std::string_view key) {
  return std::any_of(selector.keys.begin(), selector.keys.end(), [&](const KeyPattern& known) {
    return (known.reads || !use.reads) && (known.writes || !use.writes) &&
           glob_match(known.pattern, key);
  });
}

bool reads_every_key(const Selector& selector) {
  return selector.all_keys ||
         std::any_of(selector.keys.begin(), selector.keys.end(),
                     [](const KeyPattern& key) { return key.reads && key.pattern == "*"; });
}

// --- Channels ---

// Commands that name channels, from their first argument on.
struct ChannelCommand {
  std::string_view name;
  bool several;
  bool patterns;
};
constexpr ChannelCommand kChannelCommands[] = {{"subscribe", true, false},
                                               {"psubscribe", true, true},
                                               {"ssubscribe", true, false},
                                               {"publish", false, false},
                                               {"spublish", false, false}};

Verdict check_channels(const Selector& selector, const CommandSpec& spec,
                       std::span<const std::string_view> args) {
  const auto* const found =
      std::find_if(std::begin(kChannelCommands), std::end(kChannelCommands),
                   [&](const ChannelCommand& one) { return one.name == spec.name; });
  if (selector.all_channels || found == std::end(kChannelCommands)) return {};
  const size_t end = found->several ? args.size() : 2;
  for (size_t i = 1; i < end; ++i)
    if (!may_listen(selector.channels, args[i], found->patterns)) return {Denied::kChannel, i};
  return {};
}

Verdict check(const Selector& selector, const CommandSpec& spec,
              std::span<const std::string_view> args, KeyUses& keys) {
  if (!allows_command(selector, spec, args)) return {Denied::kCommand, 0};
  if (!selector.all_keys) {
    for (const KeyUse& use : keys.get())
      if (!allows_key(selector, use, args[use.position])) return {Denied::kKey, use.position};
  }
  return check_channels(selector, spec, args);
}

}  // namespace

// A pattern is allowed as it stands, since it would be hard to say what it matches.
bool may_listen(std::span<const std::string> allowed, std::string_view name, bool pattern) {
  return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
    return pattern ? one == name : glob_match(one, name);
  });
}

Verdict check_permission(const User& user, const CommandSpec& spec,
                         std::span<const std::string_view> args) {
  KeyUses keys(spec, args);
  Verdict told{Denied::kCommand, 0};
  for (const Selector& selector : user.selectors) {
    const Verdict verdict = check(selector, spec, args, keys);
    if (verdict.what == Denied::kNothing) return verdict;
    if (verdict.what > told.what ||
        (verdict.what == told.what && verdict.argument > told.argument)) {
      told = verdict;
    }
  }
  return told;
}

bool may_read_every_key(const User& user, const CommandSpec& spec,
                        std::span<const std::string_view> args) {
  KeyUses keys(spec, args);
  return std::any_of(user.selectors.begin(), user.selectors.end(), [&](const Selector& selector) {
    return reads_every_key(selector) && check(selector, spec, args, keys).what == Denied::kNothing;
  });
}

// --- What is told ---

std::string_view reason_of(Denied what) {
  CHECK(what != Denied::kNothing);
  return what == Denied::kCommand ? "command" : what == Denied::kKey ? "key" : "channel";
}

std::string_view object_of(const Verdict& verdict, const CommandSpec& spec,
                           std::span<const std::string_view> args) {
  return verdict.what == Denied::kCommand ? spec.name : args[verdict.argument];
}

std::string denial_error(Denied what, const CommandSpec& spec) {
  if (what == Denied::kCommand)
    return fmt::format("NOPERM this user has no permissions to run the '{}' command", spec.name);
  return fmt::format(
      "NOPERM this user has no permissions to access one of the {}s used as arguments",
      reason_of(what));
}

std::string late_denial_error(Denied what) {
  const std::string_view why =
      what == Denied::kCommand ? "no permission to execute the command or subcommand"
      : what == Denied::kKey   ? "no permission to touch the specified keys"
                               : "no permission to access one of the channels used as arguments";
  return fmt::format(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
      "call. This command is no longer allowed for the following reason: {}",
      why);
}

}  // namespace powercut::engine
