#include "faults/splice/splice.h"

#include <fmt/format.h>

#include <algorithm>

namespace powercut::faults {

namespace {

class Weaver {
 public:
  Weaver(const SourceText& source, std::vector<Edit> edits)
      : source_(source), edits_(std::move(edits)) {}

  std::string weave() {
    widen();
    std::stable_sort(edits_.begin(), edits_.end(), [](const Edit& a, const Edit& b) {
      return a.begin != b.begin ? a.begin < b.begin : before(a, b);
    });
    std::string text = "#include \"faults/splice/planted.h\"\n" + line_directive(source_.path, 1);
    put(text, 0, source_.text.size(), 0, edits_.size());
    return text;
  }

 private:
  using Index = size_t;

  // Of two that begin together: what is put in stands first, and then the longer one.
  static bool before(const Edit& a, const Edit& b) {
    const bool inserts = a.begin == a.end;
    return inserts != (b.begin == b.end) ? inserts : a.end > b.end;
  }

  // Where two overlap and neither holds the other, both become what they have in common.
  void widen() {
    const auto to = [&](Edit& edit, size_t begin, size_t end) {
      edit.after = std::string(source_.text.substr(begin, edit.begin - begin)) + edit.after +
                   std::string(source_.text.substr(edit.end, end - edit.end));
      edit.begin = begin;
      edit.end = end;
    };
    for (bool again = true; again;) {
      again = false;
      for (Edit& a : edits_) {
        for (Edit& b : edits_) {
          if (a.begin >= b.begin || b.begin >= a.end || a.end >= b.end) continue;
          const size_t begin = a.begin;
          const size_t end = b.end;
          to(a, begin, end);
          to(b, begin, end);
          again = true;
        }
      }
    }
  }

  static std::string line_directive(std::string_view file, size_t line) {
    return fmt::format("#line {} \"{}\"\n", line, file);
  }
  std::string back_to(size_t at) const { return line_directive(source_.path, source_.line_at(at)); }

  // A directive must not stand among the arguments of a macro: those of ours are in capitals.
  bool in_macro(size_t at) const {
    size_t depth = 0;
    for (size_t i = source_.token_at(at); i-- > 1;) {
      const Token& token = source_.tokens[i];
      if (closes(token)) ++depth;
      if (!opens(token)) continue;
      if (depth > 0) {
        --depth;
      } else if (token.text == "(" && in_capitals(source_.tokens[i - 1].text)) {
        return true;
      }
    }
    return false;
  }
  static bool in_capitals(std::string_view word) {
    return word.size() > 1 && std::all_of(word.begin(), word.end(), [](char c) {
             return (c >= 'A' && c <= 'Z') || c == '_';
           });
  }

  // The source from `begin` to `end`, with the edits [first, last), which lie in it.
  void put(std::string& text, size_t begin, size_t end, Index first, Index last) {
    while (first < last) {
      const size_t from = edits_[first].begin;
      const size_t to = edits_[first].end;
      Index inner = first + 1;  // behind those that replace the same
      while (inner < last && edits_[inner].begin == from && edits_[inner].end == to) ++inner;
      Index next = inner;
      while (next < last && edits_[next].begin < to) ++next;
      text += source_.text.substr(begin, from - begin);
      put_edits(text, first, inner, next);
      begin = to;
      first = next;
    }
    text += source_.text.substr(begin, end - begin);
  }

  // The edits [first, inner) replace the same; [inner, next) lie within.
  void put_edits(std::string& text, Index first, Index inner, Index next) {
    const Edit& edit = edits_[first];
    const bool directives = !in_macro(edit.begin);
    const bool condition = std::any_of(edits_.begin() + first, edits_.begin() + inner,
                                       [](const Edit& one) { return one.is_condition; });
    // `m ? !(x) : (x)` of an optional number would be an optional that has one, either way.
    const char* const opens = condition ? "static_cast<bool>(" : "(";
    for (Index i = first; i < inner; ++i) {
      const Edit& one = edits_[i];
      const std::string after = directives ? one.after : joined(tokens_of(one.after));
      if (one.statements)
        text += fmt::format("if (mutant(\"{}\")) {{", one.mutant);
      else
        text += fmt::format("{}mutant(\"{}\") ? {}", i == first ? "(" : "", one.mutant, opens);
      if (directives) text += '\n' + line_directive(one.page, one.line);
      text += after;
      if (directives && !one.statements) text += '\n' + back_to(edit.begin);
      text += one.statements ? "} else " : ") : ";
    }
    text += edit.statements ? "{" : opens;
    if (edit.statements && directives && edit.begin != edit.end) text += '\n' + back_to(edit.begin);
    put(text, edit.begin, edit.end, inner, next);
    text += edit.statements ? "}" : "))";
    if (edit.statements && directives) text += '\n' + back_to(edit.end);
  }

  const SourceText& source_;
  std::vector<Edit> edits_;
};

}  // namespace

Result<std::string> splice(std::string_view path, std::string_view source,
                           std::span<const Page> pages) {
  const SourceText text(path, source);
  std::vector<Edit> edits;
  for (const Page& page : pages) {
    TRY_ASSIGN(const std::vector<Edit> more, edits_of(page, text));
    edits.insert(edits.end(), more.begin(), more.end());
  }
  return weave(text, std::move(edits));
}

std::string weave(const SourceText& source, std::vector<Edit> edits) {
  return Weaver(source, std::move(edits)).weave();
}

}  // namespace powercut::faults
