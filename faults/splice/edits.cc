#include "faults/splice/edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace powercut::faults {

namespace {

Error wrong(const Page& page, size_t line, std::string_view what) {
  return {Errc::kInvalid, fmt::format("{}:{}: {}", page.path, line, what)};
}

// --- Where a change stands ---

// How many lines of `wanted` stand at line `first` of the source and on.
size_t standing(const std::vector<const PageLine*>& wanted, const SourceText& source,
                size_t first) {
  size_t count = 0;
  while (count < wanted.size() && first + count <= source.lines() &&
         source.line(first + count) == wanted[count]->text)
    ++count;
  return count;
}

Error not_found(const Page& page, const PageChange& change, const SourceText& source,
                const std::vector<const PageLine*>& wanted) {
  size_t nearest = 1;
  size_t most = 0;
  for (size_t first = 1; first <= source.lines(); ++first) {
    if (standing(wanted, source, first) <= most) continue;
    nearest = first;
    most = standing(wanted, source, first);
  }
  const PageLine& other = *wanted[most];
  const std::string where =
      most == 0 ? fmt::format("no line there says \"{}\"", other.text)
                : fmt::format("line {} there says \"{}\"", nearest + most,
                              nearest + most <= source.lines() ? source.line(nearest + most) : "");
  return wrong(page, most == 0 ? change.number : other.number,
               fmt::format("does not apply to {}: {}; bring the page's lines up to date with the "
                           "source, or remove the page if the bug has no place there any more",
                           change.file, where));
}

// The line of the source where the change begins.
Result<size_t> place_of(const Page& page, const PageChange& change, const SourceText& source) {
  std::vector<const PageLine*> wanted;
  for (const PageLine& line : change.lines)
    if (line.sign != '+') wanted.push_back(&line);
  std::vector<size_t> found;
  for (size_t first = 1; first <= source.lines(); ++first)
    if (standing(wanted, source, first) == wanted.size()) found.push_back(first);
  if (found.empty()) return not_found(page, change, source, wanted);
  if (found.size() > 1)
    return wrong(page, change.number,
                 fmt::format("its lines stand in {} more than once, at {} and {}: put more lines "
                             "around them",
                             change.file, found[0], found[1]));
  return found[0];
}

// --- Statements ---

bool are_statements(Tokens tokens) {
  return is_balanced(tokens) &&
         (tokens.empty() || tokens.back().text == ";" || tokens.back().text == "}");
}

bool is_one_statement(Tokens tokens) {
  return count_outside(tokens, ";") == 1 && count_outside(tokens, "{") == 0;
}

// "T name = ...;", "const auto x{...};", "TRY_ASSIGN(...);": what stands behind it sees the name.
bool is_declaration(Tokens tokens) {
  static const std::set<std::string_view> kNoTypes = {"return", "throw", "delete", "new", "else",
                                                      "if",     "for",   "while",  "do",  "case",
                                                      "goto",   "using", "switch"};
  static const std::set<std::string_view> kAlways = {"const", "constexpr", "static", "auto",
                                                     "TRY_ASSIGN"};
  if (count_outside(tokens, ";") != 1 || count_outside(tokens, "{") > 1) return false;
  if (!is_word(tokens[0])) return false;
  if (kAlways.contains(tokens[0].text)) return true;
  if (kNoTypes.contains(tokens[0].text)) return false;
  // A type's name, and behind it another.
  size_t at = 1;
  while (at + 1 < tokens.size() && tokens[at].text == "::") at += 2;
  if (at < tokens.size() && tokens[at].text == "<") {
    while (at < tokens.size() && tokens[at].text != ">" && tokens[at].text != ";") ++at;
    ++at;
  }
  while (at < tokens.size() && (tokens[at].text == "*" || tokens[at].text == "&")) ++at;
  return at + 1 < tokens.size() && is_word(tokens[at]);
}

// --- Expressions ---

// Between two of these stands a whole expression.
bool bounds_left(const Token& token) {
  static const std::set<std::string_view> kBounds = {"(", "[", "{", ",",      ";",
                                                     "=", "?", ":", "return", "case"};
  return kBounds.contains(token.text);
}
bool bounds_right(const Token& token) {
  static const std::set<std::string_view> kBounds = {")", "]", "}", ",", ";", "?", ":"};
  return kBounds.contains(token.text);
}

// One value, that brackets may be put around.
bool is_expression(Tokens tokens) {
  return !tokens.empty() && is_balanced(tokens) && count_outside(tokens, ",") == 0 &&
         count_outside(tokens, ";") == 0 && count_outside(tokens, "=") == 0 &&
         count_outside(tokens, "?") == count_outside(tokens, ":");
}

// A bracket there finds its other half behind the tokens, or before them.
bool is_open(Tokens tokens) {
  size_t depth = 0;
  for (size_t i = tokens.size(); i-- > 0;) {
    if (closes(tokens[i])) ++depth;
    if (opens(tokens[i]) && depth-- == 0) return true;
  }
  return false;
}
bool is_closed(Tokens tokens) {
  size_t depth = 0;
  for (const Token& token : tokens) {
    if (opens(token)) ++depth;
    if (closes(token) && depth-- == 0) return true;
  }
  return false;
}

// The tokens of the source that an expression takes, and what stands there instead.
struct Span {
  size_t begin;
  size_t end;
  std::vector<Token> instead;
};

class Grower {
 public:
  Grower(const SourceText& source, Span span) : tokens_(source.tokens), span_(std::move(span)) {}

  // False: there is no such expression.
  bool grow() {
    for (;;) {
      if (!grow_to_bounds()) return false;
      const Tokens taken = Tokens(tokens_).subspan(span_.begin, span_.end - span_.begin);
      if (is_expression(taken) && is_expression(span_.instead)) return true;
      // To the other half of a bracket, or out of those that it fills.
      const bool opened = is_open(taken) || is_open(span_.instead);
      const bool closed = is_closed(taken) || is_closed(span_.instead);
      if ((closed || !opened) && !step_left()) return false;
      if ((opened || !closed) && !step_right()) return false;
    }
  }
  Span take() { return std::move(span_); }

 private:
  bool grow_to_bounds() {
    while (span_.begin > 0 && !bounds_left(tokens_[span_.begin - 1]))
      if (!step_left()) return false;
    while (span_.end < tokens_.size() && !bounds_right(tokens_[span_.end]))
      if (!step_right()) return false;
    return true;
  }

  // By one token, or by one pair of brackets and what is in it. Not out of a statement.
  bool step_left() {
    if (span_.begin == 0) return false;
    const Token& next = tokens_[span_.begin - 1];
    if (next.text == ";" || next.text == "{") return false;
    if (next.text == "}" && is_word(tokens_[span_.begin])) return false;  // a block, then another
    size_t depth = 0;
    do {
      if (span_.begin == 0) return false;
      const Token& token = tokens_[--span_.begin];
      span_.instead.insert(span_.instead.begin(), token);
      if (closes(token)) ++depth;
      if (opens(token) && depth > 0) --depth;
    } while (depth > 0);
    return true;
  }
  bool step_right() {
    if (span_.end == tokens_.size()) return false;
    const Token& next = tokens_[span_.end];
    if (next.text == ";" || next.text == "}") return false;
    size_t depth = 0;
    do {
      if (span_.end == tokens_.size()) return false;
      const Token& token = tokens_[span_.end++];
      span_.instead.push_back(token);
      if (opens(token)) ++depth;
      if (closes(token) && depth > 0) --depth;
    } while (depth > 0);
    return true;
  }

  const std::vector<Token>& tokens_;
  Span span_;
};

// --- One change ---

// What is taken away, and what is put in its place: lines of a page without other lines between.
struct Group {
  size_t begin;  // bytes of the source
  size_t end;
  std::string after;
  size_t line;  // of the page
};

class Measure {
 public:
  Measure(const Page& page, const SourceText& source, const Group& group)
      : page_(page), source_(source), group_(group), after_(tokens_of(group.after)) {
    begin_ = source.token_at(group.begin);
    end_ = source.token_at(group.end);
  }

  Result<Edit> edit() const {
    const Tokens before = Tokens(source_.tokens).subspan(begin_, end_ - begin_);
    if (same(before)) return wrong(page_, group_.line, "changes nothing: both say the same");
    const bool whole = are_statements(before) && are_statements(after_);
    if (!whole || is_declaration(before)) return expression(before);
    TRY(check_place(before));
    return Edit{group_.begin, group_.end, true, group_.after, page_.name, page_.path, group_.line};
  }

 private:
  bool same(Tokens before) const {
    return std::equal(before.begin(), before.end(), after_.begin(), after_.end(),
                      [](const Token& a, const Token& b) { return a.text == b.text; });
  }

  // A statement may begin there; and where only one may, there is one.
  Result<void> check_place(Tokens before) const {
    const std::string_view previous = begin_ == 0 ? ";" : source_.tokens[begin_ - 1].text;
    if (previous == ";" || previous == "{" || previous == "}" || previous == ":") return {};
    if ((previous == ")" || previous == "else" || previous == "do") && is_one_statement(before))
      return {};
    return wrong(page_, group_.line,
                 fmt::format("stands behind \"{}\" in {}: only one statement fits there, and it "
                             "must be replaced as a whole",
                             previous, source_.path));
  }

  Result<Edit> expression(Tokens before) const {
    size_t head = 0;
    while (head < before.size() && head < after_.size() && before[head].text == after_[head].text)
      ++head;
    size_t tail = 0;
    while (tail < before.size() - head && tail < after_.size() - head &&
           before[before.size() - 1 - tail].text == after_[after_.size() - 1 - tail].text)
      ++tail;
    Grower grower(source_, {begin_ + head,
                            end_ - tail,
                            {after_.begin() + static_cast<std::ptrdiff_t>(head),
                             after_.end() - static_cast<std::ptrdiff_t>(tail)}});
    if (!grower.grow())
      return wrong(page_, group_.line,
                   "neither whole statements nor a value in a condition, an argument or a "
                   "declaration: take more lines, so that whole statements are replaced");
    const Span span = grower.take();
    const auto& tokens = source_.tokens;
    return Edit{tokens[span.begin].at,
                tokens[span.end - 1].end(),
                false,
                joined(span.instead),
                page_.name,
                page_.path,
                group_.line};
  }

  const Page& page_;
  const SourceText& source_;
  const Group& group_;
  std::vector<Token> after_;
  size_t begin_ = 0;  // tokens of the source
  size_t end_ = 0;
};

std::vector<Group> groups_of(const PageChange& change, const SourceText& source, size_t place) {
  std::vector<Group> groups;
  bool open = false;
  for (const PageLine& line : change.lines) {
    if (line.sign == ' ') {
      open = false;
      ++place;
      continue;
    }
    const size_t at = place <= source.lines() ? source.begins[place - 1] : source.text.size();
    if (!open) groups.push_back({at, at, "", line.number});
    open = true;
    Group& group = groups.back();
    if (line.sign == '+') {
      if (group.after.empty()) group.line = line.number;
      group.after += line.text + '\n';
    } else {
      ++place;
      group.end = place <= source.lines() ? source.begins[place - 1] : source.text.size();
    }
  }
  return groups;
}

}  // namespace

SourceText::SourceText(std::string_view path_, std::string_view text_)
    : path(path_), text(text_), tokens(tokens_of(text_)) {
  for (size_t at = 0; at < text.size(); ++at) {
    begins.push_back(at);
    at = std::min(text.find('\n', at), text.size());
  }
}

size_t SourceText::line_at(size_t at) const {
  return static_cast<size_t>(std::upper_bound(begins.begin(), begins.end(), at) - begins.begin());
}

std::string_view SourceText::line(size_t number) const {
  const size_t begin = begins[number - 1];
  return text.substr(begin, text.find('\n', begin) - begin);
}

size_t SourceText::token_at(size_t at) const {
  return static_cast<size_t>(
      std::lower_bound(tokens.begin(), tokens.end(), at,
                       [](const Token& token, size_t place) { return token.at < place; }) -
      tokens.begin());
}

Result<std::vector<Edit>> edits_of(const Page& page, const SourceText& source) {
  std::vector<Edit> edits;
  for (const PageChange& change : page.changes) {
    if (change.file != source.path) continue;
    TRY_ASSIGN(const size_t place, place_of(page, change, source));
    for (const Group& group : groups_of(change, source, place)) {
      TRY_ASSIGN(Edit edit, Measure(page, source, group).edit());
      edits.push_back(std::move(edit));
    }
  }
  return edits;
}

}  // namespace powercut::faults
