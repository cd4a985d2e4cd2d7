// The handlers of server.cc's table that stand in files of their own, and how commands with subcommands find them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/command/call.h"

namespace powercut::engine {

struct Subcommand {
  std::string_view name;  // lower case
  void (*handler)(Call&);
  int arity;  // counts both names; negative: at least that many
};

// Runs the subcommand that args[1] names; answers HELP, unknown names and wrong numbers of arguments itself.
void dispatch(Call& call, std::string_view container, std::span<const Subcommand> subcommands);

std::string lower_case(std::string_view text);
std::string upper_case(std::string_view text);

namespace server {

// connection.cc
void client(Call& call);
void hello(Call& call);
void auth(Call& call);
void reset(Call& call);
void quit(Call& call);

// command.cc
void command(Call& call);

}  // namespace server

}  // namespace powercut::engine
