#include "faults/automatic/syntax.h"

#include <clang-c/Index.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace powercut::faults {

namespace {

std::string text_of(CXString string) {
  const char* text = clang_getCString(string);
  std::string copy = text == nullptr ? "" : text;
  clang_disposeString(string);
  return copy;
}

std::vector<CXCursor> children_of(CXCursor node) {
  std::vector<CXCursor> children;
  clang_visitChildren(
      node,
      [](CXCursor child, CXCursor, CXClientData data) {
        static_cast<std::vector<CXCursor>*>(data)->push_back(child);
        return CXChildVisit_Continue;
      },
      &children);
  return children;
}

// Without what the compiler put around it, which stands nowhere: conversions, temporaries.
CXCursor bare(CXCursor node) {
  while (clang_getCursorKind(node) == CXCursor_UnexposedExpr) {
    const auto children = children_of(node);
    if (children.size() != 1) break;
    node = children[0];
  }
  return node;
}

bool is_expression(CXCursor node) { return clang_isExpression(clang_getCursorKind(node)); }

// As far as one may stand for another: without const and references.
std::string type_of(CXCursor node) {
  CXType type = clang_getCanonicalType(clang_getCursorType(node));
  if (type.kind == CXType_LValueReference || type.kind == CXType_RValueReference)
    type = clang_getPointeeType(type);
  std::string name = text_of(clang_getTypeSpelling(type));
  if (name.starts_with("const ")) name.erase(0, 6);
  return name;
}

struct Range {
  size_t begin;
  size_t end;
  auto operator<=>(const Range&) const = default;
};

class Walker {
 public:
  Walker(CXTranslationUnit unit, const SourceText& source)
      : file_(clang_getFile(unit, std::string(source.path).c_str())), source_(source) {
    const CXCursor root = clang_getTranslationUnitCursor(unit);
    for (const CXCursor node : children_of(root)) {
      if (clang_getCursorKind(node) != CXCursor_MacroExpansion || !is_here(node)) continue;
      const auto [begin, end] = extent(node);
      macros_[begin] = {text_of(clang_getCursorSpelling(node)), end};
    }
    for (const CXCursor node : children_of(root))
      if (is_here(node)) visit(node);
  }

  std::vector<Change> take() {
    std::vector<Change> changes;
    std::set<std::tuple<size_t, size_t, std::string>> seen;
    for (Change& change : changes_)
      if (seen.emplace(change.begin, change.end, change.after).second)
        changes.push_back(std::move(change));
    std::stable_sort(changes.begin(), changes.end(),
                     [](const Change& a, const Change& b) { return a.begin < b.begin; });
    return changes;
  }

 private:
  struct Macro {
    std::string name;
    size_t end;
  };
  struct Function {
    std::string name;
    Range range;
  };

  // --- Places ---

  static bool is_here(CXCursor node) {
    return clang_Location_isFromMainFile(clang_getCursorLocation(node)) != 0;
  }

  // Of a macro's argument, where that was written; else of what the macro is made of, its name.
  size_t place(CXSourceLocation location) const {
    CXFile file;
    unsigned offset = 0;
    clang_getFileLocation(location, &file, nullptr, nullptr, &offset);
    return clang_File_isEqual(file, file_) ? offset : source_.text.size();
  }
  Range extent(CXCursor node) const {
    const CXSourceRange range = clang_getCursorExtent(node);
    return {place(clang_getRangeStart(range)), place(clang_getRangeEnd(range))};
  }
  const Macro* macro_at(size_t begin) const {
    const auto found = macros_.find(begin);
    return found == macros_.end() ? nullptr : &found->second;
  }

  // Where it stands, if it is written out here.
  std::optional<Range> range(CXCursor node) const {
    const Range range = extent(node);
    if (range.end > source_.text.size() || range.begin >= range.end) return {};
    if (macro_at(range.begin) != nullptr || !is_balanced(tokens(range))) return {};
    return range;
  }
  Tokens tokens(Range range) const {
    const size_t begin = source_.token_at(range.begin);
    return Tokens(source_.tokens).subspan(begin, source_.token_at(range.end) - begin);
  }
  std::string text(Range range) const {
    return std::string(source_.text.substr(range.begin, range.end - range.begin));
  }
  std::string_view token_behind(size_t at) const {
    const size_t token = source_.token_at(at);
    return token == source_.tokens.size() ? "" : source_.tokens[token].text;
  }
  std::string_view token_before(size_t at) const {
    const size_t token = source_.token_at(at);
    return token == 0 ? "" : source_.tokens[token - 1].text;
  }

  // --- What is found ---

  void add(Rule rule, Range range, bool statements, std::string after) {
    if (!function_ || text(range) == after) return;
    changes_.push_back({rule, function_->name, function_->range.begin, function_->range.end,
                        range.begin, range.end, statements, std::move(after)});
  }

  void negate(CXCursor condition) {
    const auto at = range(condition);
    if (at) add(Rule::kNegate, *at, false, "!(" + text(*at) + ")");
  }

  // --- The tree ---

  void visit(CXCursor node) {
    const CXCursorKind kind = clang_getCursorKind(node);
    const auto children = children_of(node);
    switch (kind) {
      case CXCursor_FunctionDecl:
      case CXCursor_CXXMethod:
      case CXCursor_Constructor:
      case CXCursor_Destructor:
      case CXCursor_ConversionFunction:
      case CXCursor_FunctionTemplate:
        return visit_function(node, children);
      case CXCursor_StaticAssert:
        return;
      case CXCursor_CompoundStmt:
        return visit_statements(children);
      case CXCursor_CaseStmt:
      case CXCursor_DefaultStmt:
        return visit_statement(children.back());
      case CXCursor_IfStmt:
      case CXCursor_WhileStmt:
      case CXCursor_ForStmt:
      case CXCursor_CXXForRangeStmt:
      case CXCursor_DoStmt:
        return visit_controlled(kind, children);
      case CXCursor_ConditionalOperator:
        negate(children[0]);
        break;
      case CXCursor_BinaryOperator:
        visit_operator(node, children);
        break;
      case CXCursor_CallExpr:
        if (is_text(node)) return;
        visit_call(node);
        break;
      case CXCursor_ReturnStmt:
        visit_return(node, children);
        break;
      default:
        break;
    }
    for (const CXCursor child : children) visit(child);
  }

  void visit_function(CXCursor node, const std::vector<CXCursor>& children) {
    if (function_ || !clang_isCursorDefinition(node)) return;
    std::string name = text_of(clang_getCursorSpelling(node));
    const CXCursor parent = clang_getCursorSemanticParent(node);
    const CXCursorKind kind = clang_getCursorKind(parent);
    if (kind == CXCursor_ClassDecl || kind == CXCursor_StructDecl || kind == CXCursor_ClassTemplate)
      name = text_of(clang_getCursorSpelling(parent)) + "::" + name;
    std::replace(name.begin(), name.end(), ' ', '_');
    function_ = Function{name, extent(node)};
    for (const CXCursor child : children) {
      if (clang_getCursorKind(child) == CXCursor_CompoundStmt) {
        const auto statements = children_of(child);
        last_ = statements.empty() ? clang_getNullCursor() : statements.back();
      }
      visit(child);
    }
    function_.reset();
  }

  // A message is for people.
  static bool is_text(CXCursor call) {
    const CXCursor called = clang_getCursorReferenced(call);
    return text_of(clang_getCursorSpelling(called)) == "format" &&
           text_of(clang_getCursorUSR(called)).find("@N@fmt@") != std::string::npos;
  }

  // --- Statements ---

  // With its semicolon, if it has one; macros are statements as a whole.
  std::optional<Range> statement_range(CXCursor node) const {
    Range found = extent(node);
    const Macro* macro = macro_at(found.begin);
    if (macro != nullptr && in_macro_) return {};
    if (macro != nullptr) found.end = std::max(macro->end, found.end);
    if (found.end > source_.text.size() || found.begin >= found.end) return {};
    const size_t next = source_.token_at(found.end);
    if (next < source_.tokens.size() && source_.tokens[next].text == ";" && ends_in_semicolon(node))
      found.end = source_.tokens[next].end();
    const std::string_view last = token_before(found.end);
    if ((last != ";" && last != "}") || !is_balanced(tokens(found))) return {};
    return found;
  }
  static bool ends_in_semicolon(CXCursor node) {
    switch (clang_getCursorKind(node)) {
      case CXCursor_IfStmt:
      case CXCursor_WhileStmt:
      case CXCursor_ForStmt:
      case CXCursor_CXXForRangeStmt:
        return ends_in_semicolon(children_of(node).back());
      case CXCursor_SwitchStmt:
      case CXCursor_CompoundStmt:
        return false;
      default:
        return true;
    }
  }
  std::string_view macro_name(Range statement) const {
    const Macro* macro = macro_at(statement.begin);
    return macro == nullptr ? "" : std::string_view(macro->name);
  }

  bool is_call(CXCursor node, Range statement) const {
    if (macro_name(statement) == "TRY") return true;
    const CXCursor call = bare(node);
    if (clang_getCursorKind(call) != CXCursor_CallExpr) return false;
    return !text_of(clang_getCursorSpelling(call)).starts_with("operator");
  }

  void visit_statements(const std::vector<CXCursor>& statements) {
    for (size_t i = 0; i < statements.size(); ++i) {
      visit_statement(statements[i]);
      if (i + 1 == statements.size()) break;
      const auto first = statement_range(statements[i]);
      const auto second = statement_range(statements[i + 1]);
      if (!first || !second || first->end > second->begin) continue;
      if (macro_name(*first) == "CHECK" || macro_name(*second) == "CHECK") continue;
      if (is_call(statements[i], *first) && is_call(statements[i + 1], *second))
        add(Rule::kSwap, {first->begin, second->end}, true, text(*second) + "\n" + text(*first));
    }
  }

  void visit_statement(CXCursor node) {
    const auto at = statement_range(node);
    const std::string_view macro = at ? macro_name(*at) : "";
    if (macro == "CHECK") return;
    const bool needed =
        clang_getCursorKind(node) == CXCursor_ReturnStmt && clang_equalCursors(node, last_);
    if (at && !needed && can_drop(node, macro)) add(Rule::kDrop, *at, true, "");
    if (macro == "TRY") {
      const std::string call = text(*at);
      const size_t open = call.find('(');
      add(Rule::kIgnore, *at, true, "(void)" + call.substr(open, call.rfind(')') + 1 - open) + ";");
    }
    const bool outer = in_macro_;
    in_macro_ |= !macro.empty();
    visit(node);
    in_macro_ = outer;
  }

  static bool can_drop(CXCursor node, std::string_view macro) {
    if (!macro.empty()) return macro == "TRY";
    if (is_expression(node)) return true;
    switch (clang_getCursorKind(node)) {
      case CXCursor_IfStmt:
      case CXCursor_SwitchStmt:
      case CXCursor_WhileStmt:
      case CXCursor_DoStmt:
      case CXCursor_ForStmt:
      case CXCursor_CXXForRangeStmt:
      case CXCursor_BreakStmt:
      case CXCursor_ContinueStmt:
      case CXCursor_ReturnStmt:
        return true;
      default:
        return false;
    }
  }

  // if, while, for, do: conditions by where they stand, bodies behind the last bracket or `do`.
  void visit_controlled(CXCursorKind kind, const std::vector<CXCursor>& children) {
    size_t declared_until = 0;
    for (const CXCursor child : children) {
      const Range at = extent(child);
      const std::string_view before = token_before(at.begin);
      const std::string_view behind = token_behind(at.end);
      const bool condition = kind == CXCursor_ForStmt ? before == ";" && behind == ";"
                             : kind == CXCursor_DoStmt
                                 ? behind == ")"
                                 : (before == "(" || before == ";") && behind == ")";
      if (kind != CXCursor_CXXForRangeStmt && is_expression(child) && condition) {
        if (at.begin >= declared_until) negate(child);
        visit(child);
      } else if (before == ")" || before == "else" || before == "do" || before == "]") {
        visit_statement(child);
      } else {
        declared_until = at.end;
        visit(child);
      }
    }
  }

  void visit_return(CXCursor node, const std::vector<CXCursor>& children) {
    const auto at = statement_range(node);
    if (!at || children.size() != 1 || !range(children[0])) return;
    if (type_of(children[0]) == "bool") negate(children[0]);
    const CXCursor value = bare(children[0]);
    if (type_of(value) != "powercut::Result<>" || !is_call(value, *at)) return;
    const std::string call = text(extent(value));
    if (call.ends_with(')')) add(Rule::kIgnore, *at, true, "(void)" + call + ";\nreturn {};");
  }

  // --- Expressions ---

  // The operator between its two sides.
  std::optional<Token> operator_of(const std::vector<CXCursor>& sides) const {
    if (sides.size() < 2) return {};
    const auto left = range(sides.front());
    const auto right = range(sides.back());
    if (!left || !right || left->end > right->begin) return {};
    const size_t token = source_.token_at(left->end);
    const Token& found = source_.tokens[token];
    if (token + 1 >= source_.tokens.size() || source_.tokens[token + 1].at != right->begin)
      return {};
    return found;
  }

  void visit_operator(CXCursor node, const std::vector<CXCursor>& children) {
    const auto whole = range(node);
    const auto token = operator_of(children);
    if (!whole || !token) return;
    const std::string_view op = token->text;
    if (op == "&&" || op == "||") {
      negate(children.front());
      negate(children.back());
    }
    shift(*whole, *token);
    const Range right = extent(children.back());
    if ((op == "+" || op == "-") && text(right) == "1")
      add(Rule::kShift, *whole, false, text({whole->begin, token->at}));
  }

  void shift(Range whole, const Token& op) {
    static const std::map<std::string_view, std::string_view> kShifted = {
        {"<", "<="}, {"<=", "<"}, {">", ">="}, {">=", ">"}};
    const auto shifted = kShifted.find(op.text);
    if (shifted == kShifted.end()) return;
    add(Rule::kShift, whole, false,
        text({whole.begin, op.at}) + std::string(shifted->second) + text({op.end(), whole.end}));
  }

  void visit_call(CXCursor node) {
    const auto whole = range(node);
    if (!whole) return;
    const std::string called = text_of(clang_getCursorSpelling(node));
    if (called.starts_with("operator")) {
      const auto children = children_of(node);
      if (children.size() == 3) {
        if (const auto op = operator_of({children[0], children[2]})) shift(*whole, *op);
      }
      return;
    }
    const std::string call = text(*whole);
    if (called == "ok" && call.ends_with(".ok()")) {
      const std::string of = call.substr(0, call.size() - std::string_view(".ok()").size());
      add(Rule::kIgnore, *whole, false, "((void)(" + of + "), true)");
    }
    visit_arguments(node, *whole);
  }

  void visit_arguments(CXCursor node, Range whole) {
    const int count = clang_Cursor_getNumArguments(node);
    for (int i = 0; i + 1 < count; ++i) {
      const CXCursor left = clang_Cursor_getArgument(node, static_cast<unsigned>(i));
      const CXCursor right = clang_Cursor_getArgument(node, static_cast<unsigned>(i + 1));
      const auto first = range(left);
      const auto second = range(right);
      if (!first || !second || first->end > second->begin) continue;
      if (type_of(left) != type_of(right)) continue;
      const auto with = [&](Range place, Range instead) {
        return text({whole.begin, place.begin}) + text(instead) + text({place.end, whole.end});
      };
      add(Rule::kNeighbour, whole, false, with(*first, *second));
      add(Rule::kNeighbour, whole, false, with(*second, *first));
    }
  }

  CXFile file_;
  const SourceText& source_;
  std::map<size_t, Macro> macros_;  // by where they begin
  std::optional<Function> function_;
  CXCursor last_ = clang_getNullCursor();  // statement of the function
  bool in_macro_ = false;
  std::vector<Change> changes_;
};

}  // namespace

struct Syntax::Unit {
  std::string path;
  std::string text;
  CXIndex index = nullptr;
  CXTranslationUnit unit = nullptr;

  CXUnsavedFile unsaved(const std::string& now) const {
    return {path.c_str(), now.c_str(), static_cast<unsigned long>(now.size())};
  }
  // Where the first error is, and what it says.
  struct Mistake {
    size_t at;
    std::string text;
  };
  std::optional<Mistake> mistake() const {
    std::optional<Mistake> found;
    for (unsigned i = 0; i < clang_getNumDiagnostics(unit) && !found; ++i) {
      const CXDiagnostic diagnostic = clang_getDiagnostic(unit, i);
      if (clang_getDiagnosticSeverity(diagnostic) >= CXDiagnostic_Error) {
        unsigned at = 0;
        clang_getFileLocation(clang_getDiagnosticLocation(diagnostic), nullptr, nullptr, nullptr,
                              &at);
        found = Mistake{at, text_of(clang_formatDiagnostic(
                                diagnostic, clang_defaultDiagnosticDisplayOptions()))};
      }
      clang_disposeDiagnostic(diagnostic);
    }
    return found;
  }
  ~Unit() {
    clang_disposeTranslationUnit(unit);
    clang_disposeIndex(index);
  }
};

Syntax::Syntax(std::unique_ptr<Unit> unit) : unit_(std::move(unit)) {}
Syntax::Syntax(Syntax&&) noexcept = default;
Syntax::~Syntax() = default;

Result<Syntax> Syntax::of(const std::string& root, const std::string& path,
                          const std::string& text) {
  auto unit = std::make_unique<Unit>();
  unit->path = path;
  unit->text = text;
  unit->index = clang_createIndex(0, 0);
  const std::string include = "-I" + root;
  // Warnings are off but for those that say what a mutant would do is undefined.
  const char* arguments[] = {"-xc++",
                             "-std=c++20",
                             include.c_str(),
                             "-ferror-limit=0",
                             "-Wno-everything",
                             "-Werror=return-type",
                             "-Werror=uninitialized",
                             "-Werror=sometimes-uninitialized",
                             "-Werror=vla-extension"};
  CXUnsavedFile file = unit->unsaved(unit->text);
  const auto code = clang_parseTranslationUnit2(
      unit->index, path.c_str(), arguments, std::size(arguments), &file, 1,
      CXTranslationUnit_DetailedPreprocessingRecord | CXTranslationUnit_PrecompiledPreamble |
          CXTranslationUnit_CreatePreambleOnFirstParse,
      &unit->unit);
  if (code != CXError_Success)
    return Error{Errc::kInvalid, fmt::format("{}: libclang cannot parse it", path)};
  if (const auto mistake = unit->mistake())
    return Error{Errc::kInvalid, fmt::format("{}: {}", path, mistake->text)};
  return Syntax(std::move(unit));
}

std::vector<Change> Syntax::changes() const {
  const SourceText source(unit_->path, unit_->text);
  return Walker(unit_->unit, source).take();
}

std::optional<size_t> Syntax::mistake(const std::string& text) {
  CXUnsavedFile file = unit_->unsaved(text);
  if (clang_reparseTranslationUnit(unit_->unit, 1, &file,
                                   clang_defaultReparseOptions(unit_->unit)) != 0)
    return 0;
  const auto found = unit_->mistake();
  return found ? std::optional(found->at) : std::nullopt;
}

}  // namespace powercut::faults
