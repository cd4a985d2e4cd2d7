#include "scenarios/base/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/base/terminal.h"

namespace powercut::scenarios {

namespace {

bool is_broken(const Row& row) {
  return std::any_of(row.begin(), row.end(),
                     [](const std::string& cell) { return cell.starts_with("BROKEN"); });
}

constexpr size_t kGap = 2;

// The columns [1, n) in runs that fit beside the first one.
std::vector<std::pair<size_t, size_t>> folds(const std::vector<size_t>& widths) {
  std::vector<std::pair<size_t, size_t>> parts;
  for (size_t begin = 1; begin < widths.size();) {
    size_t width = widths[0];
    size_t end = begin;
    while (end < widths.size() && (end == begin || width + kGap + widths[end] <= kColumns))
      width += kGap + widths[end++];
    parts.emplace_back(begin, end);
    begin = end;
  }
  if (parts.empty()) parts.emplace_back(1, 1);
  return parts;
}

}  // namespace

void print_columns(std::FILE* out, const std::vector<Row>& rows, bool numbers, size_t words) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  bool first = true;
  for (const auto& [begin, end] : folds(widths)) {
    if (!first) fmt::print(out, "\n");
    first = false;
    for (const Row& row : rows) {
      std::string line = fmt::format("{:<{}}", row[0], widths[0]);
      for (size_t i = begin; i < std::min(end, row.size()); ++i) {
        const bool left = i < words || (i + 1 == widths.size() && !numbers);
        line += std::string(kGap, ' ');
        line += left ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("{:>{}}", row[i], widths[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      const Colour colour = &row == &rows.front() ? Colour::kFaint
                            : is_broken(row)      ? Colour::kBad
                                                  : Colour::kPlain;
      fmt::print(out, "{}\n", coloured(out, colour, line));
    }
  }
}

std::string folded(std::string_view text, size_t indent) {
  std::string out;
  std::string line;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (line.find_first_not_of(' ') != std::string::npos &&
        line.size() + 1 + word.size() > kColumns) {
      out += line + '\n';
      line = std::string(indent, ' ') + std::string(word);
    } else {
      if (begin != 0) line += ' ';
      line += word;
    }
    begin = end + 1;
  }
  return out + line + '\n';
}

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

}  // namespace powercut::scenarios
