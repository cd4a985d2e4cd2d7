#include "engine/base/words.h"

#include <fmt/format.h>

#include "engine/base/check.h"

namespace powercut {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// A blank, or a quote. Most characters lie above all of these.
bool ends_word(char c) { return c <= '\'' && (is_space(c) || c == '"' || c == '\''); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that the escape at line[i], behind its backslash, stands for; moves i to its last
// character.
char unescape(std::string_view line, size_t& i) {
  CHECK(i < line.size());
  if (line[i] == 'x' && i + 2 < line.size()) {
    const int high = hex_digit(line[i + 1]);
    const int low = hex_digit(line[i + 2]);
    if (high >= 0 && low >= 0) {
      i += 2;
      return static_cast<char>(high * 16 + low);
    }
  }
  switch (line[i]) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return line[i];
  }
}

}  // namespace

bool split_words(std::string_view line, std::vector<std::string>& words) {
  words.clear();
  size_t i = 0;
  while (true) {
    while (i < line.size() && is_space(line[i])) ++i;
    if (i == line.size()) return true;
    const size_t begin = i;
    while (i < line.size() && !ends_word(line[i])) ++i;
    std::string& word = words.emplace_back(line.substr(begin, i - begin));
    if (i == line.size() || is_space(line[i])) continue;
    const char quote = line[i];
    for (++i; i < line.size() && line[i] != quote; ++i) {
      if (line[i] == '\\' && i + 1 < line.size() && (quote == '"' || line[i + 1] == '\'')) {
        ++i;
        word += quote == '"' ? unescape(line, i) : line[i];
      } else {
        word += line[i];
      }
    }
    if (i == line.size()) return false;
    ++i;  // behind a closing quote the word ends
    if (i < line.size() && !is_space(line[i])) return false;
  }
}

std::string quoted_word(std::string_view word) {
  bool plain = !word.empty();
  for (const char c : word)
    plain = plain && c > ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\';
  if (plain) return std::string(word);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (byte >= ' ' && byte <= '~') {
      text += c;
    } else {
      text += "\\x";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
  }
  return text + '"';
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return lower;
}

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
  return upper;
}

std::string shown(std::string_view bytes) {
  constexpr size_t kMost = 60;
  std::string text;
  for (const char c : bytes.substr(0, kMost))
    text += c >= ' ' && c <= '~' && c != '"' && c != '\'' && c != '\\'
                ? std::string(1, c)
                : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return text + (bytes.size() > kMost ? "..." : "");
}

}  // namespace powercut
