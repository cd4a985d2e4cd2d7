// COMMAND: the command table, as clients ask for it.
#include <fmt/format.h>

#include <vector>

#include "engine/command/command_table.h"
#include "engine/command/number.h"
#include "engine/command/server/server_commands.h"

namespace powercut::engine {

namespace server {

namespace {

void describe(Call& call, const CommandSpec& spec) {
  static constexpr struct {
    CommandFlag flag;
    std::string_view name;
  } kNames[] = {{kWrite, "write"}, {kReadOnly, "readonly"}, {kDenyOom, "denyoom"},
                {kAdmin, "admin"}, {kNoMulti, "no_multi"},  {kMovableKeys, "movablekeys"}};
  call.reply.array(10);
  call.reply.bulk(spec.name);
  call.reply.integer(spec.arity);
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const auto& [flag, name] : kNames) {
    if ((spec.flags & flag) == 0) continue;
    call.reply.simple(name);
    ++count;
  }
  call.reply.end_deferred_set(mark, count);
  call.reply.integer(spec.first_key);
  call.reply.integer(spec.last_key);
  call.reply.integer(spec.key_step);
  for (int i = 0; i < 4; ++i)
    call.reply.array(0);  // categories, tips, key specifications, subcommands
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
    const CommandSpec* spec = find_command(call.arg(i));
    if (spec == nullptr) {
      call.reply.null_array();
    } else {
      describe(call, *spec);
    }
  }
}

// Names and arities without texts: enough for clients that ask when they connect.
void docs(Call& call) {
  std::vector<const CommandSpec*> specs;
  for (size_t i = 2; i < call.argc(); ++i) {
    if (const CommandSpec* spec = find_command(call.arg(i))) specs.push_back(spec);
  }
  if (call.argc() == 2) specs = all_commands();
  call.reply.map(specs.size());
  for (const CommandSpec* spec : specs) {
    call.reply.bulk(spec->name);
    call.reply.map(1);
    call.reply.bulk("arity");
    call.reply.integer(spec->arity);
  }
}

void list(Call& call) {
  const bool filtered = call.argc() == 5 && call.is(2, "FILTERBY");
  if (call.argc() != 2 &&
      !(filtered && (call.is(3, "PATTERN") || call.is(3, "ACLCAT") || call.is(3, "MODULE")))) {
    return call.fail(kSyntaxError);
  }
  const bool none = filtered && !call.is(3, "PATTERN");
  const size_t mark = call.reply.begin_deferred();
  size_t count = 0;
  for (const CommandSpec* spec : all_commands()) {
    if (none || (filtered && !glob_match(lower_case(call.arg(4)), spec->name))) continue;
    call.reply.bulk(spec->name);
    ++count;
  }
  call.reply.end_deferred(mark, count);
}

void getkeys(Call& call) {
  const auto args = call.args.subspan(2);
  const CommandSpec* spec = find_command(args[0]);
  if (spec == nullptr) return call.fail("ERR Invalid command specified");
  if (spec->first_key == 0 && spec->keys_of == nullptr) {
    return call.fail("ERR The command has no key arguments");
  }
  if (!arity_fits(*spec, args.size())) {
    return call.fail("ERR Invalid number of arguments specified for command");
  }
  std::vector<size_t> positions;
  key_positions(*spec, args, positions);
  std::erase_if(positions, [&](size_t position) { return position >= args.size(); });
  if (positions.empty()) return call.fail("ERR Invalid arguments specified for command");
  call.reply.array(positions.size());
  for (const size_t position : positions) call.reply.bulk(args[position]);
}

}  // namespace

void command(Call& call) {
  static constexpr Subcommand kSubcommands[] = {{"count", count, 2},
                                                {"docs", docs, -2},
                                                {"info", info, -2},
                                                {"list", list, -2},
                                                {"getkeys", getkeys, -4}};
  if (call.argc() == 1) return all(call);
  dispatch(call, "command", kSubcommands);
}

}  // namespace server

}  // namespace powercut::engine
