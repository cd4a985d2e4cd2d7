// Commands that are made of subcommands: CLIENT, CONFIG, OBJECT and the like.
#pragma once

#include "engine/command/call.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

// The handler of a container: runs the subcommand that args[1] names; answers unknown names and wrong numbers of
// arguments itself. The executor goes to the subcommand by itself.
void dispatch(Call& call);
// The handler of each container's HELP: its subcommands' names.
void help(Call& call);

// What is answered to a name that the container does not know.
std::string unknown_subcommand_error(std::span<const std::string_view> args);

}  // namespace powercut::engine
