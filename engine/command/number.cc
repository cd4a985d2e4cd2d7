#include "engine/command/number.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

constexpr size_t kLongestFloat = 5 * 1024;  // Redis refuses longer texts as a long double

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// `convert` is strtod or strtold. Those skip leading spaces and need a NUL behind the text.
template <class T>
std::optional<T> parse_float(std::string_view text, T (*convert)(const char*, char**)) {
  if (text.empty() || is_space(text[0])) return std::nullopt;
  char small[64];
  std::string large;
  const char* begin = small;
  if (text.size() < sizeof(small)) {
    std::memcpy(small, text.data(), text.size());
    small[text.size()] = '\0';
  } else {
    large = text;
    begin = large.c_str();
  }
  errno = 0;
  char* end = nullptr;
  const T value = convert(begin, &end);
  if (static_cast<size_t>(end - begin) != text.size() || std::isnan(value)) return std::nullopt;
  // A subnormal result also says ERANGE, and is fine.
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// Whether `c` is in the class that begins behind '[' at pattern[i]; moves i behind the class.
bool class_match(std::string_view pattern, size_t& i, unsigned char c) {
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  for (; i < pattern.size() && pattern[i] != ']'; ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      ++i;
      found |= static_cast<unsigned char>(pattern[i]) == c;
    } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
      auto low = static_cast<unsigned char>(pattern[i]);
      auto high = static_cast<unsigned char>(pattern[i + 2]);
      if (low > high) std::swap(low, high);
      found |= low <= c && c <= high;
      i += 2;
    } else {
      found |= static_cast<unsigned char>(pattern[i]) == c;
    }
  }
  if (i < pattern.size()) ++i;  // the bracket; a class that is not closed ends with the pattern
  return found != negated;
}

// Whether the pattern's element at i, which is no star, takes `c`; moves i behind the element.
bool element_match(std::string_view pattern, size_t& i, char c) {
  const char p = pattern[i++];
  if (p == '?') return true;
  if (p == '[') return class_match(pattern, i, static_cast<unsigned char>(c));
  if (p == '\\' && i < pattern.size()) return pattern[i++] == c;
  return p == c;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) {
    return value;
  }
  return parse_float<double>(text, std::strtod);  // a plus sign, hexadecimal, inf, out of range
}

std::optional<long double> parse_long_double(std::string_view text) {
  if (text.size() >= kLongestFloat) return std::nullopt;
  return parse_float<long double>(text, std::strtold);
}

std::string format_double(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  // %.17g writes whole numbers below 1e17 as integers.
  if (value > -1e17 && value < 1e17 && !(value == 0 && std::signbit(value))) {
    const auto whole = static_cast<int64_t>(value);
    if (static_cast<double>(whole) == value) return format_integer(whole);
  }
  char buffer[40];
  const int length = std::snprintf(buffer, sizeof(buffer), "%.17g", value);
  CHECK(length > 0 && static_cast<size_t>(length) < sizeof(buffer));
  return std::string(buffer, static_cast<size_t>(length));
}

std::string format_long_double(long double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[kLongestFloat];
  const int written = std::snprintf(buffer, sizeof(buffer), "%.17Lf", value);
  CHECK(written > 0 && static_cast<size_t>(written) < sizeof(buffer));
  std::string_view text(buffer, static_cast<size_t>(written));
  while (text.back() == '0') text.remove_suffix(1);
  if (text.back() == '.') text.remove_suffix(1);
  return std::string(text == "-0" ? "0" : text);
}

std::string format_integer(int64_t value) {
  char buffer[kLongestInteger];
  return std::string(buffer, write_integer(buffer, value));
}

bool equals_ignoring_case(std::string_view text, std::string_view upper_word) {
  if (text.size() != upper_word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c) != upper_word[i]) return false;
  }
  return true;
}

// Every element but a star takes one byte, so it is enough to go back to the last star.
bool glob_match(std::string_view pattern, std::string_view text) {
  if (text.empty())
    return pattern.empty();  // as in Redis, where a star stands for nothing only behind something
  size_t p = 0;
  size_t t = 0;
  size_t behind_star = std::string_view::npos;
  size_t star_text = 0;  // the star stands for text up to here
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      behind_star = ++p;
      star_text = t;
      if (p == pattern.size()) return true;
    } else if (p < pattern.size() && element_match(pattern, p, text[t])) {
      ++t;
    } else if (behind_star != std::string_view::npos) {
      p = behind_star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace powercut::engine
