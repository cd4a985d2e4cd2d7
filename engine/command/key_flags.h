// Where a command's keys stand, and what becomes of each, in Redis's words: "RW access update", as the facts have it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/command/command_table.h"

namespace powercut::engine {

// One place where keys stand, as CommandFacts::keys has it.
struct KeyPlace {
  std::vector<std::string_view> flags;
  bool anywhere = false;
  std::string_view
      keyword;  // it stands behind this word, which is looked for from the first number on
  bool counted =
      false;  // the numbers are: where the count stands, first, step; else first, last, step, limit
  int numbers[4] = {};
};
std::vector<KeyPlace> key_places(std::string_view name);

// Of the key at a position of a request. REQUIRES: the arity fits, and `places` are the command's.
std::vector<std::string_view> key_flags(const std::vector<KeyPlace>& places,
                                        const CommandSpec& spec,
                                        std::span<const std::string_view> args, size_t position);

// The words of a text, at blanks.
std::vector<std::string_view> split_at_blanks(std::string_view text);

}  // namespace powercut::engine
