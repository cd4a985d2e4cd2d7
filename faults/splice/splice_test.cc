// What becomes of a source when pages are spliced into it, and which pages are refused.
#include "faults/splice/splice.h"

#include <gtest/gtest.h>

#include "faults/splice/tokens.h"

namespace powercut::faults {
namespace {

constexpr const char* kOriginal =
    "int f(int a) {\n"
    "  const int b = g(a, 1);\n"
    "  if (a < b && h(a)) {\n"
    "    count(a);\n"
    "    count(b);\n"
    "  } else if (a > b) {\n"
    "    return 1;\n"
    "  }\n"
    "  for (int i = 0; i < b; ++i) count(i);\n"
    "  TRY(scan([&] {\n"
    "    count(7);\n"
    "  }));\n"
    "  TRY_ASSIGN(const int c, make(a, b));\n"
    "  if (c) count(c);\n"
    "  return c;\n"
    "}\n";

Page page(std::string name, std::string change) {
  const std::string text = name + "\n\nstory: s\n\nin engine/a.cc\n" + change;
  return parse_page("pages/" + name, text).value();
}

std::string spliced(const std::vector<Page>& pages) {
  const auto outcome = splice("engine/a.cc", kOriginal, pages);
  return outcome.ok() ? outcome.value() : outcome.error().message;
}

std::string flat(std::string_view text) {
  std::string line;
  for (const Token& token : tokens_of(text)) line.append(token.text).append(" ");
  return line;
}
// Without directives, and in tokens: what the compiler sees.
std::string code(const std::vector<Page>& pages) {
  std::string text = spliced(pages);
  for (size_t at = text.find('#'); at != text.npos; at = text.find('#', at))
    text.erase(at, text.find('\n', at) - at);
  return flat(text);
}
std::string whole(std::string part, const std::string& by) {
  std::string text = flat(kOriginal);
  part = flat(part);
  const size_t at = text.find(part);
  EXPECT_NE(at, text.npos) << part;
  return at == text.npos ? "" : text.replace(at, part.size(), flat(by));
}

std::string refused_splice(const std::string& change) {
  const auto outcome = splice("engine/a.cc", kOriginal, std::vector{page("m", change)});
  return outcome.ok() ? "applies" : outcome.error().message;
}

// --- Statements ---

TEST(Splice, ASourceOfNoPageIsAsItWas) {
  EXPECT_EQ(
      spliced({}),
      std::string("#include \"faults/splice/planted.h\"\n#line 1 \"engine/a.cc\"\n") + kOriginal);
  Page other = page("m", "-  return c;\n");
  other.changes[0].file = "engine/b.cc";
  EXPECT_EQ(spliced({other}), spliced({}));
}

TEST(Splice, AStatementIsReplacedAndMessagesLeadBack) {
  const std::string text =
      spliced({page("m", "   if (c) count(c);\n-  return c;\n+  return -c;\n")});
  EXPECT_NE(text.find("  if (c) count(c);\n"
                      "if (mutant(\"m\")) {\n"
                      "#line 8 \"pages/m\"\n"
                      "  return -c;\n"
                      "} else {\n"
                      "#line 15 \"engine/a.cc\"\n"
                      "  return c;\n"
                      "}\n"
                      "#line 16 \"engine/a.cc\"\n"
                      "}\n"),
            std::string::npos)
      << text;
}

TEST(Splice, StatementsArePutInAndTakenOut) {
  EXPECT_EQ(code({page("m", "     count(b);\n+    count(1);\n+    return 2;\n")}),
            whole("count(b);", "count(b); if (mutant(\"m\")) { count(1); return 2; } else {}"));
  EXPECT_EQ(code({page("m", "-    count(a);\n-    count(b);\n")}),
            whole("count(a); count(b);", "if (mutant(\"m\")) {} else { count(a); count(b); }"));
  EXPECT_EQ(code({page("m", "-  if (c) count(c);\n+  if (c) {\n+    count(0);\n+  }\n")}),
            whole("if (c) count(c);",
                  "if (mutant(\"m\")) { if (c) { count(0); } } else { if (c) count(c); }"));
}

TEST(Splice, OneBugMayChangeSeveralPlaces) {
  const std::string text = code({page(
      "m", "-    count(a);\n     count(b);\n+    count(2);\n\nin engine/a.cc\n-  return c;\n")});
  EXPECT_NE(
      text.find("if ( mutant ( \"m\" ) ) { } else { count ( a ) ; } count ( b ) ; if ( mutant "
                "( \"m\" ) ) { count ( 2 ) ; } else { }"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("{ } else { return c ; }"), std::string::npos) << text;
}

// --- Expressions ---

TEST(Splice, AConditionIsReplacedInItsBrackets) {
  EXPECT_EQ(code({page("m", "-  if (a < b && h(a)) {\n+  if (a <= b && h(a)) {\n")}),
            whole("a < b && h(a)", "(mutant(\"m\") ? (a <= b && h(a)) : (a < b && h(a)))"));
  EXPECT_EQ(code({page("m", "-  } else if (a > b) {\n+  } else if (false) {\n")}),
            whole("a > b", "(mutant(\"m\") ? (false) : (a > b))"));
  EXPECT_EQ(code({page("m",
                       "-  for (int i = 0; i < b; ++i) count(i);\n"
                       "+  for (int i = 1; i < b; ++i) count(i);\n")}),
            whole("for (int i = 0; i < b; ++i) count(i);",
                  "if (mutant(\"m\")) { for (int i = 1; i < b; ++i) count(i); } else {"
                  "for (int i = 0; i < b; ++i) count(i); }"));
}

TEST(Splice, AnExpressionKeepsTheLinesOfTheSource) {
  const std::string text =
      spliced({page("m", "-  if (a < b && h(a)) {\n+  if (a <= b && h(a)) {\n")});
  EXPECT_NE(text.find("  if ((mutant(\"m\") ? (\n"
                      "#line 7 \"pages/m\"\n"
                      "a <= b && h(a)\n"
                      "#line 3 \"engine/a.cc\"\n"
                      ") : (a < b && h(a)))) {\n"),
            std::string::npos)
      << text;
}

TEST(Splice, ADeclarationKeepsItsName) {
  EXPECT_EQ(code({page("m", "-  const int b = g(a, 1);\n+  const int b = 5;\n")}),
            whole("= g(a, 1)", "= (mutant(\"m\") ? (5) : (g(a, 1)))"));
  EXPECT_EQ(code({page("m", "-  const int b = g(a, 1);\n+  const int b = g(a, 2);\n")}),
            whole("g(a, 1)", "g(a, (mutant(\"m\") ? (2) : (1)))"));
  // An argument more is another call.
  EXPECT_EQ(code({page("m", "-  const int b = g(a, 1);\n+  const int b = g(a);\n")}),
            whole("= g(a, 1)", "= (mutant(\"m\") ? (g(a)) : (g(a, 1)))"));
  EXPECT_EQ(code({page("m", "-  const int b = g(a, 1);\n+  const int b = g(1, a);\n")}),
            whole("= g(a, 1)", "= (mutant(\"m\") ? (g(1, a)) : (g(a, 1)))"));
}

TEST(Splice, NoDirectiveStandsAmongAMacrosArguments) {
  const std::string text = spliced(
      {page("m", "-  TRY_ASSIGN(const int c, make(a, b));\n+  TRY_ASSIGN(const int c, keep(a));\n"),
       page("n",
            "   TRY(scan([&] {\n+    // why\n+    count(6);\n+    count(5);\n     count(7);\n")});
  EXPECT_NE(text.find("TRY_ASSIGN(const int c, (mutant(\"m\") ? (keep(a )) : (make(a, b))));\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  TRY(scan([&] {\n"
                      "if (mutant(\"n\")) {count(6); count(5);} else {}    count(7);\n  }));\n"),
            std::string::npos)
      << text;
}

// --- Several bugs ---

TEST(Splice, BugsOfTheSameLinesStandBesideEachOther) {
  EXPECT_EQ(
      code({page("m", "-  return c;\n+  return 1;\n"), page("n", "-  return c;\n+  return 2;\n")}),
      whole("return c;",
            "if (mutant(\"m\")) { return 1; } else if (mutant(\"n\")) { return 2; }"
            "else { return c; }"));
  EXPECT_EQ(code({page("m", "-  } else if (a > b) {\n+  } else if (a) {\n"),
                  page("n", "-  } else if (a > b) {\n+  } else if (b) {\n")}),
            whole("a > b", "(mutant(\"m\") ? (a) : mutant(\"n\") ? (b) : (a > b))"));
  EXPECT_EQ(
      code({page("m", "     count(a);\n+    f(1);\n"), page("n", "     count(a);\n+    f(2);\n")}),
      whole("count(a);",
            "count(a); if (mutant(\"m\")) { f(1); } else if (mutant(\"n\")) { f(2); }"
            "else {}"));
}

TEST(Splice, ABugWithinAnothersLinesIsSplicedIntoWhatStandsThere) {
  const std::string inner = "     count(a);\n+    f(1);\n     count(b);\n";
  const std::string outer = "-    count(a);\n-    count(b);\n+    f(0);\n";
  const std::string expected = whole("count(a); count(b);",
                                     "if (mutant(\"o\")) { f(0); } else { count(a);"
                                     "if (mutant(\"i\")) { f(1); } else {} count(b); }");
  EXPECT_EQ(code({page("o", outer), page("i", inner)}), expected);
  EXPECT_EQ(code({page("i", inner), page("o", outer)}), expected);
}

TEST(Splice, BugsThatOverlapTakeWhatTheyHaveInCommon) {
  const auto outcome =
      splice("engine/a.cc", "void f() {\n  a();\n  b();\n  c();\n}\n",
             std::vector{page("m", "-  a();\n-  b();\n+  d();\n"), page("n", "-  b();\n-  c();\n"),
                         page("o", "   a();\n+  e();\n   b();\n")});
  const std::string text = outcome.value();
  EXPECT_NE(text.find("if (mutant(\"m\")) {\n"
                      "#line 8 \"pages/m\"\n"
                      "  d();\n"
                      "  c();\n"
                      "} else if (mutant(\"n\")) {\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("#line 2 \"engine/a.cc\"\n  a();\nif (mutant(\"o\")) {\n"), std::string::npos)
      << text;
}

// --- What does not apply ---

TEST(Splice, LinesThatDoNotStandThereAreNamed) {
  EXPECT_EQ(
      refused_splice("-  return d;\n"),
      "pages/m:5: does not apply to engine/a.cc: no line there says \"  return d;\"; bring the "
      "page's lines up to date with the source, or remove the page if the bug has no place "
      "there any more");
  EXPECT_EQ(
      refused_splice("     count(a);\n-    count(c);\n"),
      "pages/m:7: does not apply to engine/a.cc: line 5 there says \"    count(b);\"; bring the "
      "page's lines up to date with the source, or remove the page if the bug has no place "
      "there any more");
  // To the blank.
  EXPECT_NE(refused_splice("- return c;\n").find("does not apply"), std::string::npos);
}

TEST(Splice, LinesThatStandThereTwiceAreNamed) {
  const auto outcome = splice("engine/a.cc", "void f() {\n  a();\n  b();\n  a();\n}\n",
                              std::vector{page("m", "-  a();\n")});
  EXPECT_EQ(outcome.error().message,
            "pages/m:5: its lines stand in engine/a.cc more than once, at 2 and 4: put more lines "
            "around them");
}

TEST(Splice, WhatIsNeitherStatementsNorAValueIsRefused) {
  EXPECT_NE(refused_splice("-  const int b = g(a, 1);\n").find("neither whole statements"),
            std::string::npos);
  EXPECT_NE(
      refused_splice("-  const int b = g(a, 1);\n+  int b = g(a, 1);\n").find("neither whole"),
      std::string::npos);
  EXPECT_NE(refused_splice("-  } else if (a > b) {\n+  } else {\n").find("neither whole"),
            std::string::npos);
  EXPECT_NE(refused_splice("-  return c;\n+  return  c;  // twice\n").find("both say the same"),
            std::string::npos);
}

TEST(Splice, OnlyOneStatementFitsBehindAConditionWithoutBraces) {
  const std::string source = "void f() {\n  if (a)\n    b();\n  else\n    c();\n  d();\n}\n";
  const auto spliced_there = [&](const std::string& change) {
    const auto outcome = splice("engine/a.cc", source, std::vector{page("m", change)});
    return outcome.ok() ? "applies" : outcome.error().message;
  };
  EXPECT_EQ(spliced_there("-    b();\n+    c();\n+    c();\n"), "applies");
  EXPECT_EQ(spliced_there("-    c();\n"), "applies");
  const std::string refused = ": only one statement fits there, and it must be replaced as a whole";
  EXPECT_EQ(spliced_there("   if (a)\n+    c();\n"),
            "pages/m:7: stands behind \")\" in engine/a.cc" + refused);
  EXPECT_EQ(spliced_there("   else\n-    c();\n-  d();\n"),
            "pages/m:7: stands behind \"else\" in engine/a.cc" + refused);
}

// --- Tokens ---

TEST(Tokens, LiteralsAndCommentsAreNotCode) {
  const auto texts = [](std::string_view text) {
    std::string line = flat(text);
    line.pop_back();
    return line;
  };
  EXPECT_EQ(texts("a(\"b;{\\\"\") /* } */ 'c' // (\n d"), "a ( \"b;{\\\"\" ) 'c' d");
  EXPECT_EQ(texts("R\"x()\")x\" u8\"y\" L'z'"), "R\"x()\")x\" u8\"y\" L'z'");
  EXPECT_EQ(texts("1'000'000+0x1p-3 .5e+7f"), "1'000'000 + 0x1p-3 .5e+7f");
  EXPECT_EQ(texts("a<=b->c::d==e"), "a <= b -> c :: d == e");
  EXPECT_EQ(texts("\"open"), "\"open");
  EXPECT_EQ(joined(tokens_of("a>>b  /* c */ (1) ;")), "a>>b (1) ;");
}

}  // namespace
}  // namespace powercut::faults
