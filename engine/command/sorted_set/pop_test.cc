// Sorted set commands that take from several keys, or at random: pops, algebra, draws, scans.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SortedSetPop : public testing::Test {
 protected:
  SortedSetPop() {
    run.keyspace.put(0, "str", Value(String("x")));
    run("ZADD z 1 a 2 b 3 c 4 d 5 e");
    run("ZADD y 10 b 20 c 30 f");
    run("SADD s c d g");
  }
  std::vector<std::string> items(std::string_view line) { return bulks(run(line)); }
  std::vector<std::string> all(std::string_view key) {
    return items("ZRANGE " + std::string(key) + " 0 -1 WITHSCORES");
  }
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  CommandHarness run;
};

// --- Pops ---

TEST_F(SortedSetPop, PopsFromEitherEnd) {
  EXPECT_EQ(run("ZPOPMIN z"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMIN z"));
  EXPECT_THAT(items("ZPOPMAX z 2"), ElementsAre("e", "5", "d", "4"));
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMAX z 2"));
  EXPECT_EQ(run("ZPOPMIN z 0"), "*0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(items("ZPOPMAX z 9"), ElementsAre("c", "3", "b", "2"));
  EXPECT_FALSE(exists("z"));
}

TEST_F(SortedSetPop, PopsFromTheFirstKeyThatHasOne) {
  EXPECT_EQ(run("ZMPOP 2 none z MIN"), "*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMIN z 1"));
  EXPECT_THAT(items("BZMPOP 0 2 z y MAX COUNT 9"),
              ElementsAre("z", "e", "5", "d", "4", "c", "3", "b", "2"));
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMAX z 4"));
  EXPECT_FALSE(exists("z"));
  EXPECT_EQ(run("BZPOPMIN z y 0.5"), "*3\r\n$1\r\ny\r\n$1\r\nb\r\n$2\r\n10\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMIN y"));
  EXPECT_THAT(items("BZPOPMAX z y 0"), ElementsAre("y", "f", "30"));
  EXPECT_THAT(run.log, ElementsAre("0: ZPOPMAX y"));
}

TEST_F(SortedSetPop, PopsRefuseNonsense) {
  constexpr std::string_view kNotPositive = "-ERR value is out of range, must be positive\r\n";
  EXPECT_EQ(run("ZPOPMIN z -1"), kNotPositive);
  EXPECT_EQ(run("ZPOPMIN z x"), kNotPositive);
  EXPECT_EQ(run("ZPOPMIN z 1 1"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 0 z MIN"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(run("ZMPOP 9223372036854775807 z MIN"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 2 z MIN"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 1 z MID"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 1 z MIN COUNT"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 1 z MIN COUNT 1 COUNT 1"), kSyntaxReply);
  EXPECT_EQ(run("ZMPOP 1 z MIN COUNT 0"), "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(run("BZPOPMIN z x"), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(run("BZPOPMIN z -1"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(run("BZMPOP -1 1 z MIN"), "-ERR timeout is negative\r\n");
  EXPECT_EQ(run("BZMPOP x 1 z MID"), kSyntaxReply);
  EXPECT_THAT(run.log, IsEmpty());
}

// --- Algebra ---

TEST_F(SortedSetPop, Combines) {
  EXPECT_THAT(items("ZUNION 2 y s WITHSCORES"),
              ElementsAre("d", "1", "g", "1", "b", "10", "c", "21", "f", "30"));
  EXPECT_THAT(items("ZINTER 3 z y s WITHSCORES"), ElementsAre("c", "24"));
  EXPECT_THAT(items("ZINTER 2 z y WEIGHTS 2 0.5 AGGREGATE MIN WITHSCORES"),
              ElementsAre("b", "4", "c", "6"));
  EXPECT_THAT(items("ZUNION 2 z y AGGREGATE max WEIGHTS 1 -1"),
              ElementsAre("f", "a", "b", "c", "d", "e"));
  EXPECT_THAT(items("ZDIFF 3 z y s WITHSCORES"), ElementsAre("a", "1", "e", "5"));
  EXPECT_THAT(items("ZDIFF 2 none z"), IsEmpty());
  EXPECT_THAT(items("ZINTER 2 none z"), IsEmpty());
  EXPECT_EQ(run("ZINTERCARD 2 z y"), ":2\r\n");
  EXPECT_EQ(run("ZINTERCARD 2 z y LIMIT 1"), ":1\r\n");
}

TEST_F(SortedSetPop, NotANumberCountsAsZero) {
  run("ZADD p inf a");
  run("ZADD m -inf a");
  EXPECT_THAT(items("ZUNION 2 p m WITHSCORES"), ElementsAre("a", "0"));
  EXPECT_THAT(items("ZINTER 2 p m WITHSCORES"), ElementsAre("a", "0"));
  EXPECT_THAT(items("ZUNION 1 p WEIGHTS 0 WITHSCORES"), ElementsAre("a", "0"));
}

TEST_F(SortedSetPop, StoresCombinations) {
  EXPECT_EQ(run("ZUNIONSTORE str 2 y s WEIGHTS 1 2"), ":5\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZUNIONSTORE str 2 y s WEIGHTS 1 2"));
  EXPECT_THAT(all("str"), ElementsAre("d", "2", "g", "2", "b", "10", "c", "22", "f", "30"));
  EXPECT_EQ(run("ZINTERSTORE z 2 z y"), ":2\r\n");
  EXPECT_THAT(all("z"), ElementsAre("b", "12", "c", "23"));
  EXPECT_EQ(run("ZDIFFSTORE z 2 z y"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZDIFFSTORE z 2 z y"));
  EXPECT_FALSE(exists("z"));
  EXPECT_EQ(run("ZINTERSTORE z 1 none"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(SortedSetPop, AlgebraRefusesNonsense) {
  EXPECT_EQ(run("ZUNION 0 z"), "-ERR at least 1 input key is needed for 'zunion' command\r\n");
  EXPECT_EQ(run("zinterstore d -1 z"),
            "-ERR at least 1 input key is needed for 'zinterstore' command\r\n");
  EXPECT_EQ(run("ZUNION x z"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("ZUNION 1 z WEIGHTS x"), "-ERR weight value is not a float\r\n");
  EXPECT_EQ(run("ZINTERCARD 1 z LIMIT -1"), "-ERR LIMIT can't be negative\r\n");
  for (const std::string_view line :
       {"ZUNION 2 z", "ZUNION 1 z FOO", "ZUNION 1 z WEIGHTS", "ZUNION 1 z AGGREGATE AVG",
        "ZDIFF 1 z WEIGHTS 1", "ZUNIONSTORE d 1 z WITHSCORES", "ZINTERCARD 1 z WITHSCORES"}) {
    EXPECT_EQ(run(line), kSyntaxReply) << line;
    EXPECT_THAT(run.log, IsEmpty());
  }
}

TEST_F(SortedSetPop, NamesTheKeysBehindACount) {
  const auto positions = [](std::vector<std::string_view> args) {
    std::vector<size_t> found;
    key_positions(*find_command(args[0]), args, found);
    return found;
  };
  EXPECT_THAT(positions({"zunionstore", "d", "2", "a", "b", "WEIGHTS", "1", "2"}),
              ElementsAre(1u, 3u, 4u));
  EXPECT_THAT(positions({"zunion", "1", "a", "WITHSCORES"}), ElementsAre(2u));
  EXPECT_THAT(positions({"bzmpop", "0", "2", "a", "b", "MIN"}), ElementsAre(3u, 4u));
  EXPECT_THAT(positions({"bzpopmin", "a", "b", "0"}), ElementsAre(1u, 2u));
  EXPECT_THAT(positions({"zrangestore", "d", "s", "0", "1"}), ElementsAre(1u, 2u));
}

// --- Draws and scans ---

TEST_F(SortedSetPop, DrawsRandomMembers) {
  EXPECT_EQ(items("ZRANDMEMBER z").size(), 1u);
  EXPECT_EQ(run("ZRANDMEMBER z 0"), "*0\r\n");
  EXPECT_EQ(items("ZRANDMEMBER z -20").size(), 20u);
  EXPECT_EQ(items("ZRANDMEMBER z 20 WITHSCORES").size(), 10u);
  for (size_t count = 1; count <= 5; ++count) {
    const auto drawn = items("ZRANDMEMBER z " + std::to_string(count));
    EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), count);
  }
  EXPECT_EQ(run("ZRANDMEMBER z x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("ZRANDMEMBER z 1 FOO"), kSyntaxReply);
  EXPECT_EQ(run("ZRANDMEMBER z 9223372036854775807 WITHSCORES"), "-ERR value is out of range\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(SortedSetPop, ScansEverything) {
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    auto part = bulks(run.run({"ZSCAN", "z", cursor, "COUNT", "2"}));
    cursor = part[0];
    for (size_t i = 1; i < part.size(); i += 2) seen.insert(part[i] + "=" + part[i + 1]);
  } while (cursor != "0");
  EXPECT_THAT(seen, ElementsAre("a=1", "b=2", "c=3", "d=4", "e=5"));
}

RC_GTEST_PROP(SortedSetProperty, WhatIsLoggedDoesItAgain, ()) {
  static constexpr std::string_view kNames[] = {
      "ZADD",     "ZADD",        "ZINCRBY",     "ZREM",       "ZPOPMIN",          "ZMPOP",
      "BZPOPMAX", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE", "ZREMRANGEBYSCORE", "ZRANGESTORE"};
  CommandHarness first;
  CommandHarness again;
  const size_t empty = first.keyspace.memory_bytes();
  const auto key = [] { return " k" + std::to_string(*rc::gen::inRange(0, 3)); };
  const auto member = [] { return " m" + std::to_string(*rc::gen::inRange(0, 12)); };
  const auto number = [] { return " " + std::to_string(*rc::gen::inRange(-3, 6)) + ".1"; };
  const int steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    const std::string name(kNames[*rc::gen::inRange<size_t>(0, std::size(kNames))]);
    std::string line = name;
    if (name == "ZMPOP")
      line += " 2" + key() + key() + " MAX COUNT 2";
    else
      line += key();
    if (name == "ZADD") line += number() + member() + number() + member();
    if (name == "ZINCRBY") line += number() + member();
    if (name == "ZREM") line += member();
    if (name == "BZPOPMAX") line += " 0";
    if (name == "ZREMRANGEBYSCORE") line += number() + number();
    if (name == "ZRANGESTORE")
      line += key() + " 1 3";
    else if (name.ends_with("STORE"))
      line += " 2" + key() + key();
    first(line);
    for (const std::string& logged : first.log) again(logged.substr(3));
  }
  for (int i = 0; i < 3; ++i) {
    const std::string range = "ZRANGE k" + std::to_string(i) + " 0 -1 WITHSCORES";
    RC_ASSERT(first(range) == again(range));
  }
  // Nothing is left of keys that are gone, in memory as in the accounts.
  for (int i = 0; i < 3; ++i) first("ZREMRANGEBYRANK k" + std::to_string(i) + " 0 -1");
  RC_ASSERT(first.keyspace.size(0) == 0u);
  RC_ASSERT(first.keyspace.memory_bytes() ==
            empty + first.keyspace.database(0).table().memory_bytes());
}

}  // namespace
}  // namespace powercut::engine
