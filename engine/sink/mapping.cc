#include "engine/sink/mapping.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/command/number.h"

namespace powercut::engine {

namespace {

constexpr size_t kNameMost = 64;
// What the sink itself and SQLite call theirs.
constexpr std::string_view kTaken[] = {"POWERCUT_", "SQLITE_"};

bool fits(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || name.size() > kNameMost || !letter(name[0])) return false;
  for (const std::string_view taken : kTaken)
    if (name.size() >= taken.size() && equals_ignoring_case(name.substr(0, taken.size()), taken))
      return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Result<std::vector<SinkTable>> parse_sink_tables(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (words.empty() || words.size() % 2 != 0)
    return Error{Errc::kInvalid, "it must be PATTERN TABLE, in pairs"};
  std::vector<SinkTable> tables;
  for (size_t i = 0; i < words.size(); i += 2) {
    if (!fits(words[i + 1]))
      return Error{Errc::kInvalid, fmt::format("'{}' cannot be the name of a table", words[i + 1])};
    tables.push_back({words[i], words[i + 1]});
  }
  return tables;
}

std::string format_sink_tables(const std::vector<SinkTable>& tables) {
  std::string text;
  for (const SinkTable& table : tables)
    text += fmt::format("{}{} {}", text.empty() ? "" : " ", table.pattern, table.name);
  return text;
}

std::optional<size_t> sink_table_of(const std::vector<SinkTable>& tables, std::string_view key) {
  for (size_t i = 0; i < tables.size(); ++i)
    if (tables[i].pattern == "*" || glob_match(tables[i].pattern, key)) return i;
  return std::nullopt;
}

}  // namespace powercut::engine
