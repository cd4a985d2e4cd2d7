// Which automatic mutants there are, and which are drawn.
#include "faults/automatic.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace powercut::faults {
namespace {

Automatic ten_thousand() {
  static std::string list;  // what is read points into it
  list = "engine/a.cc\t7\n";
  for (int i = 0; i < 10'000; ++i)
    list += "engine/a.cc:f:drop:" + std::to_string(i) + "\t12\tabcd\tg(1);\t\n";
  return read_automatic(std::vector<std::string_view>{
      list, "engine/b.cc\t2\nengine/b.cc:f:shift:1\t3\tef01\ta < b\ta <= b\n"});
}

TEST(Automatic, AListIsRead) {
  const Automatic all = ten_thousand();
  EXPECT_EQ(all.not_compiled, 9u);
  ASSERT_EQ(all.mutants.size(), 10'001u);
  const AutomaticMutant& last = all.mutants.back();
  EXPECT_EQ(last.file, "engine/b.cc");
  EXPECT_EQ(last.line, "3");
  EXPECT_EQ(last.function, "ef01");
  EXPECT_EQ(last.info.name, "engine/b.cc:f:shift:1");
  EXPECT_EQ(last.info.story, "a < b -> a <= b");
  EXPECT_NE(last.info.planted, Mutant());
  EXPECT_EQ(all.mutants[0].info.story, "g(1); -> nothing");
}

TEST(Automatic, ADrawIsOneOfManyAndTheSameForASeed) {
  const Automatic all = ten_thousand();
  const auto drawn = draw(all, 1'000, 1);
  EXPECT_EQ(drawn.size(), 1'000u);
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end()) << "one twice";
  EXPECT_EQ(draw(all, 1'000, 1), drawn);
  EXPECT_NE(draw(all, 1'000, 2), drawn);
  // No part of the sources is favoured.
  const auto half = std::count_if(drawn.begin(), drawn.end(),
                                  [&](const auto* one) { return one < &all.mutants[5'000]; });
  EXPECT_GT(half, 440);
  EXPECT_LT(half, 560);
  EXPECT_EQ(draw(all, 20'000, 1).size(), all.mutants.size());
}

}  // namespace
}  // namespace powercut::faults
