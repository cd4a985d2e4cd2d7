// The commands that a user's rules may name: those of Redis 7.0, and the categories that they are in.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "engine/command/user/absent.h"

namespace powercut::engine {

inline constexpr size_t kMostCommandNames = 512;
// By their numbers.
using CommandSet = std::bitset<kMostCommandNames>;

// Sorted by name: a command's place is its number.
std::span<const CommandName> command_names();
// Of a name in lower case, such as "get" or "client|list".
std::optional<size_t> command_number(std::string_view name);
// Of a container such as CLIENT, its subcommands.
const CommandSet& subcommands_of(size_t number);

struct CommandCategory {
  std::string_view name;
  CommandSet members;
  CommandSet with_subcommands;  // of the containers among them, too
};
// In Redis's order.
std::span<const CommandCategory> command_categories();
// In lower case; nullptr if there is none.
const CommandCategory* find_category(std::string_view name);

}  // namespace powercut::engine
