// A page's changes, found in the source and measured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "faults/splice/page.h"
#include "faults/splice/tokens.h"

namespace powercut::faults {

struct SourceText {
  SourceText(std::string_view path, std::string_view text);

  // The line, counted from 1, that the byte `at` stands in.
  size_t line_at(size_t at) const;
  std::string_view line(size_t number) const;
  size_t lines() const { return begins.size(); }
  // The first token that begins at `at` or behind it; tokens.size() if there is none.
  size_t token_at(size_t at) const;

  std::string_view path;
  std::string_view text;
  std::vector<size_t> begins;  // where each line begins
  std::vector<Token> tokens;
};

// The bytes [begin, end) of the source are replaced by `after` when `mutant` is the bug of the run.
struct Edit {
  size_t begin = 0;
  size_t end = 0;
  bool statements = true;  // or an expression
  std::string after;
  std::string mutant;
  std::string page;
  size_t line = 0;            // of the page, where `after` begins
  bool is_condition = false;  // of an expression: what counts of it is whether it is true
};

// Errors: as splice().
Result<std::vector<Edit>> edits_of(const Page& page, const SourceText& source);

}  // namespace powercut::faults
