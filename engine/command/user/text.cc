// Users as rules that make the same.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/check.h"
#include "engine/command/user/user.h"

namespace powercut::engine {

namespace {

using Patterns = std::vector<std::string>;

std::string joined(const Patterns& words) {
  std::string text;
  for (const std::string& word : words) text += fmt::format("{}{}", text.empty() ? "" : " ", word);
  return text;
}

// Categories that say much of it in few words: each the one that is least wrong for what is not said yet. Adds them to
// `rules`; what they make of `made` is there then.
void add_categories(const Selector& selector, CommandSet& made, Patterns& rules) {
  const bool adds = !selector.unnamed_commands;
  const auto categories = command_categories();
  std::vector<bool> said(categories.size());
  CommandSet left = selector.commands;
  for (;;) {
    size_t best = categories.size();
    size_t fewest = SIZE_MAX;
    size_t most = 0;
    for (size_t i = 0; i < categories.size(); ++i) {
      if (said[i]) continue;
      const CommandSet& members = categories[i].members;
      const size_t on = (left & members).count();
      const size_t off = members.count() - on;
      const size_t wrong = adds ? off : on;
      const size_t right = adds ? on : off;
      if (right <= wrong || wrong > fewest || (wrong == fewest && right <= most)) continue;
      best = i;
      fewest = wrong;
      most = right;
    }
    if (best == categories.size()) return;
    const CommandSet& changed = categories[best].with_subcommands;
    said[best] = true;
    rules.push_back(fmt::format("{}@{}", adds ? '+' : '-', categories[best].name));
    adds ? made |= changed : made &= ~changed;
    adds ? left &= ~changed : left |= changed;
  }
}

std::string describe_selector(const Selector& selector) {
  std::string text = describe_keys(selector);
  if (!text.empty()) text += ' ';
  if (!selector.all_channels) text += "resetchannels ";
  const std::string channels = describe_channels(selector);
  text += channels.empty() ? "" : channels + ' ';
  return text + describe_commands(selector);
}

}  // namespace

std::string describe_commands(const Selector& selector) {
  Patterns rules{selector.unnamed_commands ? "+@all" : "-@all"};
  CommandSet made;
  if (selector.unnamed_commands) made.set();
  add_categories(selector, made, rules);
  const auto names = command_names();
  for (size_t i = 0; i < names.size(); ++i) {
    const bool allowed = selector.commands.test(i);
    if (allowed != made.test(i)) {
      rules.push_back(fmt::format("{}{}", allowed ? '+' : '-', names[i].name));
      const CommandSet& with = subcommands_of(i);
      made.set(i, allowed);
      allowed ? made |= with : made &= ~with;
    }
    const auto arguments = selector.first_arguments.find(i);
    if (allowed || arguments == selector.first_arguments.end()) continue;
    for (const std::string& argument : arguments->second)
      rules.push_back(fmt::format("+{}|{}", names[i].name, argument));
  }
  for (size_t i = 0; i < names.size(); ++i) CHECK(made.test(i) == selector.commands.test(i));
  return joined(rules);
}

std::string describe_keys(const Selector& selector) {
  if (selector.all_keys) return "~*";
  Patterns words;
  for (const KeyPattern& key : selector.keys) {
    const std::string_view begins = key.reads && key.writes ? "~" : key.reads ? "%R~" : "%W~";
    words.push_back(fmt::format("{}{}", begins, key.pattern));
  }
  return joined(words);
}

std::string describe_channels(const Selector& selector) {
  if (selector.all_channels) return "&*";
  Patterns words;
  for (const std::string& channel : selector.channels) words.push_back(fmt::format("&{}", channel));
  return joined(words);
}

std::vector<std::string_view> flags_of(const User& user) {
  std::vector<std::string_view> flags{user.on ? "on" : "off"};
  if (user.no_password) flags.emplace_back("nopass");
  if (user.sanitize == User::Sanitize::kSkip) flags.emplace_back("skip-sanitize-payload");
  if (user.sanitize == User::Sanitize::kYes) flags.emplace_back("sanitize-payload");
  return flags;
}

std::string describe(const User& user) {
  std::string text = fmt::format("user {}", user.name);
  for (const std::string_view flag : flags_of(user)) text += fmt::format(" {}", flag);
  for (const std::string& password : user.passwords) text += fmt::format(" #{}", password);
  for (const Selector& selector : user.selectors) {
    const bool own = &selector == &user.selectors.front();
    const std::string rules = describe_selector(selector);
    text += own ? fmt::format(" {}", rules) : fmt::format(" ({})", rules);
  }
  return text;
}

}  // namespace powercut::engine
