// An automatic mutant: one small change of one place of a source, made from its syntax tree
// (faults/automatic/syntax.h). It is spliced as a page's is (faults/splice/), and has a name instead of a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/splice/edits.h"

namespace powercut::faults {

enum class Rule : uint8_t {
  kDrop,    // a statement is not there
  kNegate,  // a condition, an operand of && or ||, or a bool that is returned, is negated
  kShift,   // a bound is moved by one: < and <=, > and >=; what is added or taken away is 0, not 1
  kIgnore,  // a call's result is not looked at: TRY(f()), f().ok(), return f()
  kSwap,    // two calls that follow each other change places
  kNeighbour,  // an argument is the one before it, or behind it
};
std::string_view name(Rule rule);

struct Change {
  Rule rule;
  std::string function;   // that it is in, with its class
  size_t function_begin;  // bytes of the source
  size_t function_end;
  size_t begin;
  size_t end;
  bool statements;  // or an expression
  std::string after;
};

// What tells it from all others, and outlives whatever else changes: FILE:FUNCTION:RULE:HASH, of the
// text before and after. Those that have the same text in one function are counted.
std::vector<std::string> names_of(const SourceText& source, const std::vector<Change>& changes);

// One line of a list: the name, the source's line, a hash of its function, and the text before and
// after.
std::string list_line(const SourceText& source, const Change& change, const std::string& name);

Edit edit_of(const SourceText& source, const Change& change, const std::string& name);

}  // namespace powercut::faults
