// Executes one command against a keyspace: arity, handler, effects. The executor, log replay and
// the tests all come through here.
#pragma once

#include "engine/command/call.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

// Runs the command `spec` of `call`. Afterwards call.effects has what is to be logged; after an error reply
// it has none of the command's own. Keys found expired are logged by the keyspace's listener, before it.
// REQUIRES: the arity fits. Never yields, except for the commands whose Control methods do.
void execute(Call& call, const CommandSpec& spec);

// What Redis answers to a name it does not know, or to a wrong number of arguments.
std::string unknown_command_error(std::span<const std::string_view> args);
std::string wrong_arity_error(const CommandSpec& spec);

}  // namespace powercut::engine
