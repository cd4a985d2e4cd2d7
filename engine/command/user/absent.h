// The commands of Redis 7.0 that this store has not, so that the rules of its users can be read: who forbids EVAL means
// something, also where there is none.
#pragma once

#include <span>
#include <string_view>

namespace powercut::engine {

struct CommandName {
  std::string_view name;        // of a subcommand "xinfo|stream"
  std::string_view categories;  // words, at blanks, without "@"
};

std::span<const CommandName> absent_commands();

}  // namespace powercut::engine
