#include "faults/splice/tokens.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace powercut::faults {

namespace {

constexpr std::array<std::string_view, 21> kLongOperators = {
    "::", "->", "==", "!=", "<=", ">=", "&&", "||", "++", "--", "<<",
    "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "##", "..",
};

bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

// Where a literal that begins with the quote at `at` ends.
size_t end_of_literal(std::string_view code, size_t at) {
  const char quote = code[at];
  for (++at; at < code.size() && code[at] != quote; ++at) {
    if (code[at] == '\\') ++at;
  }
  return std::min(at + 1, code.size());
}

// `at`: of the quote of R"delimiter(...)delimiter".
size_t end_of_raw_literal(std::string_view code, size_t at) {
  const size_t open = code.find('(', at);
  if (open == code.npos) return code.size();
  const std::string close = ')' + std::string(code.substr(at + 1, open - at - 1)) + '"';
  const size_t end = code.find(close, open);
  return end == code.npos ? code.size() : end + close.size();
}

size_t end_of_number(std::string_view code, size_t at) {
  const bool hex = code.substr(at, 2) == "0x" || code.substr(at, 2) == "0X";
  for (++at; at < code.size(); ++at) {
    const char c = code[at];
    const char before = code[at - 1];
    const bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
    if (is_word_char(c) || c == '.' || (exponent && (c == '+' || c == '-'))) continue;
    if (c != '\'' || at + 1 == code.size() || !is_word_char(code[at + 1])) break;
  }
  return at;
}

// Behind blanks and comments.
size_t skip_blanks(std::string_view code, size_t at) {
  while (at < code.size()) {
    if (std::isspace(static_cast<unsigned char>(code[at]))) {
      ++at;
    } else if (code.substr(at, 2) == "//") {
      at = std::min(code.find('\n', at), code.size());
    } else if (code.substr(at, 2) == "/*") {
      const size_t end = code.find("*/", at + 2);
      at = end == code.npos ? code.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

size_t end_of_token(std::string_view code, size_t at) {
  const char c = code[at];
  if (is_digit(c) || (c == '.' && at + 1 < code.size() && is_digit(code[at + 1])))
    return end_of_number(code, at);
  if (c == '"' || c == '\'') return end_of_literal(code, at);
  if (is_word_char(c)) {
    size_t end = at;
    while (end < code.size() && is_word_char(code[end])) ++end;
    if (end == code.size() || (code[end] != '"' && code[end] != '\'')) return end;
    return code[end] == '"' && code[end - 1] == 'R' ? end_of_raw_literal(code, end)
                                                    : end_of_literal(code, end);
  }
  const std::string_view two = code.substr(at, 2);
  return std::find(kLongOperators.begin(), kLongOperators.end(), two) == kLongOperators.end()
             ? at + 1
             : at + 2;
}

}  // namespace

std::vector<Token> tokens_of(std::string_view code) {
  std::vector<Token> tokens;
  for (size_t at = skip_blanks(code, 0); at < code.size();) {
    const size_t end = end_of_token(code, at);
    tokens.push_back({code.substr(at, end - at), at});
    at = skip_blanks(code, end);
  }
  return tokens;
}

bool is_word(const Token& token) {
  return is_word_char(token.text[0]) && !is_digit(token.text[0]) && is_word_char(token.text.back());
}
bool opens(const Token& token) {
  return token.text == "(" || token.text == "[" || token.text == "{";
}
bool closes(const Token& token) {
  return token.text == ")" || token.text == "]" || token.text == "}";
}

bool is_balanced(Tokens tokens) {
  std::string open;
  for (const Token& token : tokens) {
    if (opens(token)) open += token.text;
    if (!closes(token)) continue;
    const char other = token.text == ")" ? '(' : token.text == "]" ? '[' : '{';
    if (open.empty() || open.back() != other) return false;
    open.pop_back();
  }
  return open.empty();
}

size_t count_outside(Tokens tokens, std::string_view text) {
  size_t depth = 0;
  size_t count = 0;
  for (const Token& token : tokens) {
    if (depth == 0 && token.text == text) ++count;
    if (opens(token)) ++depth;
    if (closes(token) && depth > 0) --depth;
  }
  return count;
}

std::string joined(Tokens tokens) {
  std::string line;
  const char* end = nullptr;
  for (const Token& token : tokens) {
    if (end != nullptr && end != token.text.data()) line += ' ';
    line += token.text;
    end = token.text.data() + token.text.size();
  }
  return line;
}

}  // namespace powercut::faults
