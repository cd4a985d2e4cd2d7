// Reads a C++ source the way the house rules need it: comments and literals set apart from code,
// code cut into tokens, includes listed. Not a parser: it knows no types, so a rule can only name
// words and how they stand to each other.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace powercut::house {

struct Token {
  std::string text;
  size_t line;
};

struct Include {
  std::string path;  // with its quotes or brackets
  size_t line;
};

struct Source {
  std::string path;
  std::string raw;
  std::string prose;     // string and character literals blanked: code and comments are left
  std::string comments;  // those alone
  std::vector<Token> tokens;
  std::vector<Include> includes;
  bool pragma_once = false;
  size_t lines = 0;
};

inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// The words and signs of a piece of code without comments. Every floating literal reads as 0.0, so
// that one pattern names them all.
inline std::vector<Token> tokenize(std::string_view code, size_t line = 1) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < code.size();) {
    const char c = code[i];
    const auto digit = [&](size_t at) {
      return at < code.size() && std::isdigit(static_cast<unsigned char>(code[at]));
    };
    size_t end = i + 1;
    if (digit(i) || (c == '.' && digit(i + 1))) {
      const bool hex = code.substr(i, 2) == "0x" || code.substr(i, 2) == "0X";
      bool floating = c == '.';
      for (; end < code.size(); ++end) {
        const char d = code[end], before = code[end - 1];
        const bool exponent = hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
        if (!is_word(d) && d != '.' && d != '\'' && !(exponent && (d == '+' || d == '-'))) break;
        if (d == '.' || (hex ? d == 'p' || d == 'P' : d == 'e' || d == 'E')) floating = true;
      }
      tokens.push_back({floating ? "0.0" : std::string(code.substr(i, end - i)), line});
    } else if (is_word(c)) {
      while (end < code.size() && is_word(code[end])) ++end;
      tokens.push_back({std::string(code.substr(i, end - i)), line});
    } else if (c == ':' && code.substr(i, 2) == "::") {
      tokens.push_back({"::", line});
      end = i + 2;
    } else if (c == '\n') {
      ++line;
    } else if (!std::isspace(static_cast<unsigned char>(c))) {
      tokens.push_back({std::string(1, c), line});
    }
    i = end;
  }
  return tokens;
}

// Two copies of `text` with the same line breaks: `code` without comments and literals, `prose`
// without literals. Names of included files stay.
inline void strip(std::string_view text, std::string* code, std::string* prose) {
  enum { kComment = 1, kLiteral = 2 };
  const auto put = [&](std::string_view piece, int kind) {
    for (const char c : piece) {
      *code += c == '\n' || kind == 0 ? c : ' ';
      *prose += c == '\n' || kind != kLiteral ? c : ' ';
    }
  };
  const auto find = [&](std::string_view what, size_t from) {
    return std::min(text.find(what, from), text.size());
  };
  for (size_t i = 0; i < text.size();) {
    size_t word = i;  // where the word that ends here began
    while (word > 0 && (is_word(text[word - 1]) || text[word - 1] == '\'')) --word;
    size_t end = i + 1;
    int kind = 0;
    if (text.substr(i, 2) == "//") {
      end = find("\n", i);
      kind = kComment;
    } else if (text.substr(i, 2) == "/*") {
      end = std::min(find("*/", i + 2) + 2, text.size());
      kind = kComment;
    } else if (text[i] == '"' && i > word && text[i - 1] == 'R') {
      const std::string delimiter(text.substr(i + 1, find("(", i) - i - 1));
      end = std::min(find(")" + delimiter + "\"", i) + delimiter.size() + 2, text.size());
      kind = kLiteral;
    } else if (text[i] == '"' ||
               (text[i] == '\'' && !std::isdigit(static_cast<unsigned char>(text[word])))) {
      while (end < text.size() && text[end] != text[i] && text[end] != '\n')
        end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
      const size_t start = code->rfind('\n') == std::string::npos ? 0 : code->rfind('\n') + 1;
      kind = code->compare(start, 8, "#include") == 0 ? 0 : kLiteral;
    }
    put(text.substr(i, end - i), kind);
    i = end;
  }
}

inline Source parse(std::string path, std::string text) {
  Source source{std::move(path), std::move(text), "", "", {}, {}, false, 0};
  std::string code;
  strip(source.raw, &code, &source.prose);
  source.comments = source.prose;
  for (size_t i = 0; i < code.size(); ++i)
    if (code[i] != '\n' && code[i] == source.prose[i]) source.comments[i] = ' ';
  std::istringstream lines(code);
  for (std::string line; std::getline(lines, line);) {
    ++source.lines;
    if (line.rfind("#pragma once", 0) == 0) source.pragma_once = true;
    if (line.rfind("#include", 0) == 0) {
      const size_t from = std::min(line.find_first_of("<\"", 8), line.size());
      const size_t to = line.find_first_of(">\"", from + 1);
      source.includes.push_back({line.substr(from, to - from + 1), source.lines});
    } else {
      for (Token& token : tokenize(line, source.lines)) source.tokens.push_back(std::move(token));
    }
  }
  return source;
}

// Where a function's body begins and ends, as line numbers. What stands inside counts with it.
struct Function {
  size_t first;
  size_t last;
};
inline std::vector<Function> functions_of(const Source& source) {
  std::vector<Function> functions;
  const std::vector<Token>& tokens = source.tokens;
  // What stands in front of a brace, back to the statement before it, says what the brace opens.
  const auto opens_function = [&](size_t brace) {
    bool called = false;
    int inside = 0;  // of parentheses and template brackets
    for (size_t i = brace; i-- > 0;) {
      const std::string& text = tokens[i].text;
      const bool arrow = text == ">" && i > 0 && tokens[i - 1].text == "-";
      if (text == ")" || (text == ">" && !arrow)) ++inside;
      if (text == "(" || text == "<") --inside;
      if (text == "(" && inside == 0) called = true;
      if (inside > 0) continue;
      if (text == ";" || text == "{" || text == "}") break;
      if (text == "namespace" || text == "class" || text == "struct" || text == "union" ||
          text == "enum" || text == "=")
        return false;
    }
    return called;
  };
  std::vector<bool> open;  // by brace: it opened a function
  size_t depth = 0;        // of functions
  size_t first = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].text == "{") {
      open.push_back(depth == 0 && opens_function(i));
      if (open.back() && ++depth == 1) first = tokens[i].line;
    } else if (tokens[i].text == "}" && !open.empty()) {
      if (open.back() && --depth == 0) functions.push_back({first, tokens[i].line});
      open.pop_back();
    }
  }
  return functions;
}

// Where `pattern` stands in `source`, as line numbers. A pattern is
//   <fcntl.h> or <boost/   an include that begins so;
//   std::thread            these tokens in this order; ? is any one token, *_x a word that ends so;
//   fsync(                 a call of the free function: not a member, not another class's, not a
//                          declaration. With :: in front, only a call that is written so.
inline std::vector<size_t> matches(const Source& source, std::string_view pattern) {
  std::vector<size_t> lines;
  if (pattern.front() == '<') {
    const std::string_view prefix =
        pattern.back() == '/' ? pattern : pattern.substr(0, pattern.size() - 1);
    for (const Include& include : source.includes) {
      const bool whole = pattern.back() == '/' || include.path == pattern;
      if (whole && include.path.rfind(prefix, 0) == 0) lines.push_back(include.line);
    }
    return lines;
  }
  std::vector<std::string> wanted;
  for (Token& token : tokenize(pattern)) {
    if (!wanted.empty() && wanted.back() == "*" && is_word(token.text[0]))
      wanted.back() += token.text;
    else
      wanted.push_back(std::move(token.text));
  }
  const auto same = [](const std::string& text, const std::string& want) {
    if (want == "?") return true;
    if (want.size() < 2 || want[0] != '*') return text == want;
    const size_t tail = want.size() - 1;
    return text.size() > tail && text.compare(text.size() - tail, tail, want, 1) == 0;
  };
  const bool call = wanted.size() > 1 && wanted.back() == "(" && is_word(wanted.end()[-2][0]);
  const auto is_name = [](const std::string& text) {
    return is_word(text[0]) && text != "return" && text != "else" && text != "co_return" &&
           text != "case" && text != "do" && text != "throw";
  };
  const std::vector<Token>& tokens = source.tokens;
  for (size_t i = 0; i + wanted.size() <= tokens.size(); ++i) {
    size_t n = 0;
    while (n < wanted.size() && same(tokens[i + n].text, wanted[n])) ++n;
    if (n < wanted.size()) continue;
    const auto before = [&](size_t k) { return k <= i ? tokens[i - k].text : std::string(); };
    if (call && (before(1) == "." || before(1) == ">" || is_name(before(1)))) continue;
    if (call && before(1) == "::" && is_name(before(2)) && before(2) != "std") continue;
    lines.push_back(tokens[i].line);
  }
  return lines;
}

}  // namespace powercut::house
