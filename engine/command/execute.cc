#include "engine/command/execute.h"

#include <fmt/format.h>

#include "engine/command/announce.h"
#include "engine/command/events.h"

namespace powercut::engine {

namespace {

// A look-up removes what has expired, and the last entry of the table moves into the hole: a handler that holds one
// object while it looks for another would hold nothing. So what it may look up has gone before it begins.
void expire_keys(Call& call, const CommandSpec& spec) {
  std::vector<size_t> positions;
  key_positions(spec, call.args, positions);
  for (const size_t position : positions) (void)call.keyspace.look(call.db, call.args[position]);
}

}  // namespace

void execute(Call& call, const CommandSpec& spec) {
  CHECK(arity_fits(spec, call.argc()));
  if (call.keyspace.any_due()) expire_keys(call, spec);
  spec.handler(call);
  if (call.dirty()) {
    // Or it would neither wait for room nor be refused.
    CHECK((spec.flags & kWrite) != 0 || ((spec.flags & kMayWrite) != 0 && call.may_keep()));
    CHECK(!call.failed());
  }
  CHECK(call.db >= 0 && call.db < call.keyspace.databases());
  if (call.dirty() && !call.replaced()) call.effects.add(call.db, call.args);
  if (call.dirty() && call.events != nullptr && call.events->any()) announce_by_name(call, spec);
  call.keyspace.settle();
}

std::string unknown_command_error(std::span<const std::string_view> args) {
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < 128; ++i) {
    shown += fmt::format("'{}' ", args[i].substr(0, 128 - shown.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}",
                     args[0].substr(0, 128), shown);
}

std::string wrong_arity_error(const CommandSpec& spec) {
  return fmt::format("ERR wrong number of arguments for '{}' command", spec.name);
}

}  // namespace powercut::engine
