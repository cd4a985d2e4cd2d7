// Text for a terminal: tables that fit its 80 columns, and lines that are broken there.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::scenarios {

inline constexpr size_t kColumns = 80;

using Row = std::vector<std::string>;

// The first row is the head; the first `words` columns are words, the others are numbers, and the last is
// words again unless `numbers`. A table that is wider than 80 columns is folded: what does not fit stands
// below, under the first column once more. A row with a cell that begins with BROKEN stands out.
void print_columns(std::FILE* out, const std::vector<Row>& rows, bool numbers = false,
                   size_t words = 1);

// Broken at blanks so that no line is longer than 80 columns, if no word is; what continues a line is
// `indent` further in. Ends in a newline.
std::string folded(std::string_view text, size_t indent = 2);

// The number with commas: 39919 -> "39,919".
std::string grouped(uint64_t number);

}  // namespace powercut::scenarios
