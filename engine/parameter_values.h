// Reading the values of parameters, with Redis's texts for those that do not fit.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/command/number.h"
#include "engine/parameters.h"

namespace powercut::engine {

inline Error invalid(std::string_view text) { return {Errc::kInvalid, std::string(text)}; }

inline std::string yes_no(bool value) { return value ? "yes" : "no"; }

inline Result<void> set_bool(bool& field, std::string_view value) {
  if (!equals_ignoring_case(value, "YES") && !equals_ignoring_case(value, "NO")) {
    return invalid("argument must be 'yes' or 'no'");
  }
  field = equals_ignoring_case(value, "YES");
  return {};
}

inline Result<int64_t> integer(std::string_view value, int64_t least, int64_t most) {
  const auto parsed = parse_integer(value);
  if (!parsed) return invalid("argument couldn't be parsed into an integer");
  if (*parsed < least || *parsed > most) {
    return invalid(fmt::format("argument must be between {} and {} inclusive", least, most));
  }
  return *parsed;
}

inline Result<void> set_bytes(uint64_t& field, std::string_view value) {
  const auto parsed = parse_bytes(value);
  if (!parsed) return invalid("argument must be a memory value");
  field = *parsed;
  return {};
}

// Which of the words it is, in any case.
inline Result<size_t> word(std::string_view value, std::span<const std::string_view> words) {
  std::string all;
  size_t place = 0;
  for (const std::string_view known : words) {
    bool same = known.size() == value.size();
    for (size_t i = 0; same && i < value.size(); ++i)
      same = known[i] == (value[i] >= 'A' && value[i] <= 'Z' ? value[i] + ('a' - 'A') : value[i]);
    if (same) return place;
    all += fmt::format("{}{}", all.empty() ? "" : ", ", known);
    ++place;
  }
  return invalid("argument(s) must be one of the following: " + all);
}

inline Result<size_t> word(std::string_view value, std::initializer_list<std::string_view> words) {
  return word(value, std::span(words.begin(), words.size()));
}

// The words of a value, at blanks.
inline std::vector<std::string> words_of(std::string_view value) {
  std::vector<std::string> words;
  while (!value.empty()) {
    const size_t end = std::min(value.find(' '), value.size());
    if (end != 0) words.emplace_back(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return words;
}

}  // namespace powercut::engine
