// COMMAND: the command table, as clients ask for it.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/base/words.h"
#include "engine/command/command_table.h"
#include "engine/command/facts.h"
#include "engine/command/key_flags.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

// Flags for commands that Redis has not, and facts says nothing of.
std::vector<std::string_view> flags_of(const CommandSpec& spec) {
  if (const CommandFacts* facts = find_facts(spec.name)) return split_at_blanks(facts->flags);
  static constexpr struct {
    CommandFlag flag;
    std::string_view name;
  } kNames[] = {{kWrite, "write"}, {kReadOnly, "readonly"},       {kDenyOom, "denyoom"},
                {kAdmin, "admin"}, {kMovableKeys, "movablekeys"}, {kLoading, "loading"}};
  std::vector<std::string_view> names;
  for (const auto& [flag, name] : kNames)
    if ((spec.flags & flag) != 0) names.push_back(name);
  return names;
}

void add_pairs(Call& call, std::initializer_list<std::pair<std::string_view, int>> pairs) {
  call.reply.map(pairs.size());
  for (const auto& [name, value] : pairs) {
    call.reply.bulk(name);
    call.reply.integer(value);
  }
}

// The type of a search, and its numbers.
void add_search(Call& call, std::string_view name, std::string_view type,
                std::initializer_list<std::pair<std::string_view, int>> pairs) {
  call.reply.bulk(name);
  call.reply.map(2);
  call.reply.bulk("type");
  call.reply.bulk(type);
  call.reply.bulk("spec");
  add_pairs(call, pairs);
}

void add_place(Call& call, const KeyPlace& place) {
  call.reply.map(3);
  call.reply.bulk("flags");
  call.reply.set(place.flags.size());
  for (const std::string_view flag : place.flags) call.reply.simple(flag);
  const auto& n = place.numbers;
  if (place.anywhere) {
    add_search(call, "begin_search", "unknown", {});
    add_search(call, "find_keys", "unknown", {});
    return;
  }
  if (place.keyword.empty()) {
    add_search(call, "begin_search", "index", {{"index", n[0]}});
  } else {
    call.reply.bulk("begin_search");
    call.reply.map(2);
    call.reply.bulk("type");
    call.reply.bulk("keyword");
    call.reply.bulk("spec");
    call.reply.map(2);
    call.reply.bulk("keyword");
    call.reply.bulk(place.keyword);
    call.reply.bulk("startfrom");
    call.reply.integer(n[0]);
  }
  if (place.counted) {
    add_search(call, "find_keys", "keynum",
               {{"keynumidx", n[1]}, {"firstkey", n[2]}, {"keystep", n[3]}});
  } else {
    add_search(call, "find_keys", "range", {{"lastkey", n[1]}, {"keystep", n[2]}, {"limit", n[3]}});
  }
}

void describe(Call& call, const CommandSpec& spec) {
  const CommandFacts* facts = find_facts(spec.name);
  const auto places = key_places(spec.name);
  call.reply.array(10);
  call.reply.bulk(spec.name);
  call.reply.integer(spec.arity);
  const auto flags = flags_of(spec);
  call.reply.set(flags.size());
  for (const std::string_view flag : flags) call.reply.simple(flag);
  // A container names no keys; its row here has those of its subcommands.
  const bool keys = spec.subcommand_count == 0;
  call.reply.integer(keys ? spec.first_key : 0);
  call.reply.integer(keys ? spec.last_key : 0);
  call.reply.integer(keys ? spec.key_step : 0);
  const auto categories =
      split_at_blanks(facts == nullptr ? std::string_view() : facts->categories);
  call.reply.set(categories.size());
  for (const std::string_view category : categories)
    call.reply.simple(fmt::format("@{}", category));
  call.reply.array(0);  // tips
  call.reply.array(places.size());
  for (const KeyPlace& place : places) add_place(call, place);
  call.reply.array(spec.subcommand_count);
  for (const CommandSpec& subcommand : spec.subcommands()) describe(call, subcommand);
}

void all(Call& call) {
  call.reply.array(all_commands().size());
  for (const CommandSpec* spec : all_commands()) describe(call, *spec);
}

void count(Call& call) { call.reply.integer(static_cast<int64_t>(all_commands().size())); }

void info(Call& call) {
  if (call.argc() == 2) return all(call);
  call.reply.array(call.argc() - 2);
  for (size_t i = 2; i < call.argc(); ++i) {
    const CommandSpec* spec = find_command_or_subcommand(call.arg(i));
    if (spec == nullptr) {
      call.reply.null_array();
    } else {
      describe(call, *spec);
    }
  }
}

// Without texts: enough for clients that ask when they connect.
void document(Call& call, const CommandSpec& spec) {
  const CommandFacts* facts = find_facts(spec.name);
  call.reply.bulk(spec.name);
  call.reply.map((facts == nullptr ? 1u : 3u) + (spec.subcommand_count == 0 ? 0u : 1u));
  if (facts != nullptr) {
    call.reply.bulk("since");
    call.reply.bulk(facts->since);
    call.reply.bulk("group");
    call.reply.bulk(facts->group);
  }
  call.reply.bulk("arity");
  call.reply.integer(spec.arity);
  if (spec.subcommand_count == 0) return;
  call.reply.bulk("subcommands");
  call.reply.map(spec.subcommand_count);
  for (const CommandSpec& subcommand : spec.subcommands()) document(call, subcommand);
}

void docs(Call& call) {
  std::vector<const CommandSpec*> specs;
  for (size_t i = 2; i < call.argc(); ++i) {
    if (const CommandSpec* spec = find_command_or_subcommand(call.arg(i))) specs.push_back(spec);
  }
  if (call.argc() == 2) specs = all_commands();
  call.reply.map(specs.size());
  for (const CommandSpec* spec : specs) document(call, *spec);
}

bool is_in(const CommandSpec& spec, std::string_view category) {
  const CommandFacts* facts = find_facts(spec.name);
  if (facts == nullptr) return false;
  const auto categories = split_at_blanks(facts->categories);
  return std::find(categories.begin(), categories.end(), category) != categories.end();
}

void list_commands(Call& call) {
  const bool filtered = call.argc() == 5 && call.is(2, "FILTERBY");
  if (call.argc() != 2 &&
      !(filtered && (call.is(3, "PATTERN") || call.is(3, "ACLCAT") || call.is(3, "MODULE")))) {
    return call.fail(kSyntaxError);
  }
  const std::string wanted = filtered ? lower_case(call.arg(4)) : "";
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const CommandSpec* spec : all_commands_and_subcommands()) {
    if (filtered && call.is(3, "MODULE")) continue;
    if (filtered && call.is(3, "ACLCAT") && !is_in(*spec, wanted)) continue;
    if (filtered && call.is(3, "PATTERN") && !glob_match(wanted, spec->name)) continue;
    call.reply.bulk(spec->name);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

// The command of the request behind COMMAND GETKEYS, and where its keys stand; nullptr: it was answered why not.
const CommandSpec* keys_of(Call& call, std::vector<size_t>& positions) {
  const auto args = call.args.subspan(2);
  const CommandSpec* spec = resolve(args);
  if (spec == nullptr) {
    call.fail("ERR Invalid command specified");
  } else if (spec->first_key == 0 && spec->keys_of == nullptr) {
    call.fail("ERR The command has no key arguments");
  } else if (!arity_fits(*spec, args.size())) {
    call.fail("ERR Invalid number of arguments specified for command");
  } else {
    key_positions(*spec, args, positions);
    std::erase_if(positions, [&](size_t position) { return position >= args.size(); });
    // A script may do without.
    if (!positions.empty() || (spec->flags & kRunsScript) != 0) return spec;
    call.fail("ERR Invalid arguments specified for command");
  }
  return nullptr;
}

void getkeys(Call& call) {
  std::vector<size_t> positions;
  if (keys_of(call, positions) == nullptr) return;
  call.reply.array(positions.size());
  for (const size_t position : positions) call.reply.bulk(call.args[2 + position]);
}

void getkeysandflags(Call& call) {
  std::vector<size_t> positions;
  const CommandSpec* spec = keys_of(call, positions);
  if (spec == nullptr) return;
  const auto places = key_places(spec->name);
  call.reply.array(positions.size());
  for (const size_t position : positions) {
    call.reply.array(2);
    call.reply.bulk(call.args[2 + position]);
    const auto flags = key_flags(places, *spec, call.args.subspan(2), position);
    call.reply.set(flags.size());
    for (const std::string_view flag : flags) call.reply.simple(flag);
  }
}

void command(Call& call) { call.argc() == 1 ? all(call) : dispatch(call); }

}  // namespace

}  // namespace server

std::span<const CommandSpec> command_commands() {
  using namespace server;
  static constexpr CommandSpec kSubcommands[] = {
      {"command|count", server::count, 2, kLoading},
      {"command|docs", docs, -2, kLoading},
      {"command|getkeys", getkeys, -4, kLoading},
      {"command|getkeysandflags", getkeysandflags, -4, kLoading},
      {"command|help", help, 2, kLoading},
      {"command|info", info, -2, kLoading},
      {"command|list", list_commands, -2, kLoading}};
  static constexpr CommandSpec kCommands[] = {
      container("command", command, -1, kLoading, kSubcommands)};
  return kCommands;
}

}  // namespace powercut::engine
