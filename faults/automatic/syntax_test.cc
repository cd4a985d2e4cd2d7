// Which changes are found in a source, and that they can be spliced. Only the automatic build has this test:
// it needs libclang.
#include "faults/automatic/syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/splice/splice.h"

namespace powercut::faults {
namespace {

using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

constexpr const char* kPath = "engine/planted_source.cc";

std::string source_of(const std::string& body) {
  return "#include <string>\n#include \"engine/base/result.h\"\n"
         "namespace powercut {\nint g(int a);\nint h(int a, int b);\nResult<void> r(int a);\n" +
         body + "}\n";
}

Syntax parsed(const std::string& text) {
  auto syntax = Syntax::of(POWERCUT_SOURCE_DIR, kPath, text);
  EXPECT_TRUE(syntax.ok()) << syntax.error().message;
  return std::move(syntax).value();
}

// "RULE: BEFORE -> AFTER", each on one line.
std::vector<std::string> changes_of(const std::string& body) {
  const std::string text = source_of(body);
  std::vector<std::string> told;
  for (const Change& change : parsed(text).changes())
    told.push_back(std::string(name(change.rule)) + ": " +
                   joined(tokens_of(text.substr(change.begin, change.end - change.begin))) +
                   " -> " + joined(tokens_of(change.after)));
  return told;
}

TEST(Syntax, StatementsAreDroppedAndCallsSwapped) {
  EXPECT_THAT(changes_of("void f(int a) { g(1); g(2); a = 3; }"),
              UnorderedElementsAre("drop: g(1); -> ", "drop: g(2); -> ", "drop: a = 3; -> ",
                                   "swap: g(1); g(2); -> g(2); g(1);"));
  EXPECT_THAT(changes_of("int f(int a) { if (a) return 1; return 2; }"),
              UnorderedElementsAre("drop: if (a) return 1; -> ", "drop: return 1; -> ",
                                   "negate: a -> !(a)"));
}

TEST(Syntax, ConditionsAreNegatedAndBoundsShifted) {
  EXPECT_THAT(
      changes_of("bool f(int a, int b) { return a < b && a >= g(b - 1); }"),
      UnorderedElementsAre("negate: a < b && a >= g(b - 1) -> !(a < b && a >= g(b - 1))",
                           "negate: a < b -> !(a < b)", "negate: a >= g(b - 1) -> !(a >= g(b - 1))",
                           "shift: a < b -> a <= b", "shift: a >= g(b - 1) -> a > g(b - 1)",
                           "shift: b - 1 -> b"));
  EXPECT_THAT(changes_of("void f(int a) { for (int i = 0; i < a; ++i) g(i); }"),
              IsSupersetOf({"negate: i < a -> !(i < a)", "shift: i < a -> i <= a"}));
}

TEST(Syntax, ResultsAreIgnoredAndArgumentsReplaced) {
  EXPECT_THAT(changes_of("Result<void> f(int a) { TRY(r(a)); return r(1); }"),
              UnorderedElementsAre("drop: TRY(r(a)); -> ", "ignore: TRY(r(a)); -> (void)(r(a));",
                                   "ignore: return r(1); -> (void)r(1); return {};"));
  EXPECT_THAT(changes_of("bool f(int a) { return r(a).ok(); }"),
              IsSupersetOf({"ignore: r(a).ok() -> ((void)(r(a)), true)"}));
  EXPECT_THAT(
      changes_of("int f(int a) { return h(a, 7); }"),
      UnorderedElementsAre("neighbour: h(a, 7) -> h(a, a)", "neighbour: h(a, 7) -> h(7, 7)"));
}

TEST(Syntax, WhatDecidesNothingIsLeftAlone) {
  EXPECT_THAT(changes_of("void f(int a) { CHECK(a < h(a, 1)); }"), UnorderedElementsAre());
  EXPECT_THAT(changes_of("#define TWICE(x) g(x); g(x)\nint k = h(1, 2);\nint f(int a);"),
              UnorderedElementsAre());
}

TEST(Syntax, AllTogetherCompileAndAMistakeIsSeenWhereItStands) {
  const std::string text = source_of(
      "Result<void> f(int a, std::string s) {\n"
      "  TRY(r(h(a, 1)));\n"
      "  for (int i = 0; i < a; ++i) if (i > 3) break; else g(i);\n"
      "  if (const int b = g(a); b < 3 || s.empty()) { g(1); g(2); }\n"
      "  return r(2);\n"
      "}\n");
  const SourceText source(kPath, text);
  Syntax syntax = parsed(text);
  const auto changes = syntax.changes();
  const auto names = names_of(source, changes);
  EXPECT_GT(changes.size(), 15u);
  std::vector<Edit> edits;
  for (size_t i = 0; i < changes.size(); ++i)
    edits.push_back(edit_of(source, changes[i], names[i]));
  EXPECT_EQ(syntax.mistake(weave(source, edits)), std::nullopt);
  const std::string wrong = source_of("int f(int a) { if (a) return 1; }\n");
  const auto mistake = syntax.mistake(wrong);
  ASSERT_TRUE(mistake);
  EXPECT_GT(*mistake, wrong.find("int f"));
}

}  // namespace
}  // namespace powercut::faults
