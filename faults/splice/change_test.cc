// How automatic mutants are named, listed and spliced: all but where they are found.
#include "faults/splice/change.h"

#include <gtest/gtest.h>

#include "faults/splice/splice.h"

namespace powercut::faults {
namespace {

constexpr std::string_view kSource = "void f() {\n  g(1);\n  g(1);\n  if (a < b) h();\n}\n";
const SourceText source("engine/a.cc", kSource);

Change change(Rule rule, std::string_view text, std::string after, size_t from = 0) {
  const size_t begin = kSource.find(text, from);
  const bool statements = text.ends_with(';');
  return {
      rule, "f", 0, kSource.size() - 1, begin, begin + text.size(), statements, std::move(after)};
}

const Change first = change(Rule::kDrop, "g(1);", "");
const Change second = change(Rule::kDrop, "g(1);", "", first.end);
const Change bound = change(Rule::kShift, "a < b", "a <= b");

TEST(Change, TheSameTextTwiceInAFunctionHasTwoNames) {
  const auto names = names_of(source, {first, second, bound});
  EXPECT_TRUE(names[0].starts_with("engine/a.cc:f:drop:")) << names[0];
  EXPECT_TRUE(names[2].starts_with("engine/a.cc:f:shift:")) << names[2];
  EXPECT_NE(names[0], names[1]);
}

TEST(Change, ANameOutlivesWhatStandsElsewhere) {
  const std::string more = "// above\n\n" + std::string(kSource);
  const SourceText moved("engine/a.cc", more);
  Change there = bound;
  there.begin += more.size() - kSource.size();
  there.end += more.size() - kSource.size();
  EXPECT_EQ(names_of(moved, {there}), names_of(source, {bound}));
}

TEST(Change, ALineOfTheListHasAllOfIt) {
  const std::string name = names_of(source, {bound})[0];
  const std::string line = list_line(source, bound, name);
  EXPECT_EQ(line.substr(0, name.size() + 3), name + "\t4\t");
  EXPECT_TRUE(line.ends_with("\ta < b\ta <= b\n")) << line;
}

TEST(Change, IsSplicedLikeAPageAndOneMayLieInAnother) {
  const Change whole = change(Rule::kDrop, "if (a < b) h();", "");
  const std::string text =
      weave(source, {edit_of(source, bound, "bound"), edit_of(source, whole, "whole")});
  std::string flat;
  for (const Token& token : tokens_of(text.substr(text.find("void")))) flat += token.text;
  EXPECT_NE(flat.find("if(mutant(\"whole\")){"), flat.npos) << text;
  EXPECT_NE(flat.find("(mutant(\"bound\")?("), flat.npos) << text;
}

// What is true or false, as it stands or negated, is a bool: as what it was, an optional of a bool would be
// there either way.
TEST(Change, ANegatedConditionIsABoolEitherWay) {
  const Change negated = change(Rule::kNegate, "a < b", "!(a < b)");
  const std::string text =
      weave(source, {edit_of(source, negated, "m"), edit_of(source, bound, "n")});
  std::string flat;
  for (const Token& token : tokens_of(text))
    if (token.text[0] != '#') flat += token.text;
  EXPECT_NE(flat.find("(mutant(\"m\")?static_cast<bool>("), flat.npos) << flat;
  EXPECT_NE(flat.find("):mutant(\"n\")?static_cast<bool>("), flat.npos) << flat;
  EXPECT_NE(flat.find("):static_cast<bool>(a<b))"), flat.npos) << flat;
}

}  // namespace
}  // namespace powercut::faults
