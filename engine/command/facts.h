// What COMMAND INFO, COMMAND DOCS and ACL CAT tell of a command, as Redis 7.0 names it; and what users' rules go
// by: categories, and what becomes of a key.
#pragma once

#include <span>
#include <string_view>

namespace powercut::engine {

struct CommandFacts {
  std::string_view name;
  std::string_view flags;       // words, at blanks
  std::string_view categories;  // without "@"
  std::string_view group;
  std::string_view since;
  // Where keys stand and what becomes of them: "RW insert@1:0:1; RO access@2#0:1:1". Behind "@" the first, the last
  // behind it and the step, and where only a part of these are keys, one of how many; or, behind "#", where their number
  // stands, and from there the first and the step; behind a word and "+", behind that word, which is looked for from
  // there on; "?": anywhere.
  std::string_view keys;
};

// Sorted by name.
std::span<const CommandFacts> all_facts();
// nullptr: it is our own.
const CommandFacts* find_facts(std::string_view name);

}  // namespace powercut::engine
