#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SortedSetCommand : public testing::Test {
 protected:
  SortedSetCommand() {
    run.keyspace.put(0, "str", Value(String("x")));
    run("ZADD z 1 a 2 b 3 c 4 d 5 e");
    run("ZADD l 0 a 0 b 0 c 0 d 0 e");
  }
  // The words of a reply: bulks as they are, integers and nulls as RESP writes them; nesting is
  // left out.
  std::vector<std::string> words(std::string_view line) {
    const std::string reply = run(line);
    std::vector<std::string> found;
    std::string_view rest = reply;
    while (!rest.empty()) {
      const size_t end = rest.find("\r\n");
      std::string head(rest.substr(0, end));
      rest.remove_prefix(end + 2);
      if (head[0] == '*' && head != "*-1") continue;
      if (head[0] == '$' && head != "$-1") {
        const size_t length = std::stoul(head.substr(1));
        head = rest.substr(0, length);
        rest.remove_prefix(length + 2);
      }
      found.push_back(head);
    }
    return found;
  }
  std::vector<std::string> all(std::string_view key) {
    return words("ZRANGE " + std::string(key) + " 0 -1 WITHSCORES");
  }
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  CommandHarness run;
};

// --- ZADD and ZINCRBY ---

TEST_F(SortedSetCommand, AddsAndUpdates) {
  EXPECT_EQ(run("ZADD n 1 a 2.5 b 1 a"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZADD n 1 a 2.5 b 1 a"));
  EXPECT_EQ(run("ZADD n 1 a"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("ZADD n 3 a"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZADD n 3 a"));
  EXPECT_EQ(run("ZADD n CH 4 a 5 c 2.5 b"), ":2\r\n");
  EXPECT_THAT(all("n"), ElementsAre("b", "2.5", "a", "4", "c", "5"));
}

TEST_F(SortedSetCommand, AddsUnderConditions) {
  EXPECT_EQ(run("ZADD none XX 1 a"), ":0\r\n");
  EXPECT_FALSE(exists("none"));
  EXPECT_EQ(run("ZADD z NX 9 a 9 n"), ":1\r\n");
  EXPECT_EQ(run("ZADD z XX CH 8 b 8 m"), ":1\r\n");
  EXPECT_EQ(run("ZADD z GT CH 2 c 7 d"), ":1\r\n");
  EXPECT_EQ(run("ZADD z LT CH 2 c 9 d 1 new"), ":2\r\n");
  EXPECT_THAT(all("z"),
              ElementsAre("a", "1", "new", "1", "c", "2", "e", "5", "d", "7", "b", "8", "n", "9"));
}

TEST_F(SortedSetCommand, Increments) {
  EXPECT_EQ(run("ZINCRBY z 1.5 a"), "$3\r\n2.5\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZINCRBY z 1.5 a"));
  EXPECT_EQ(run("ZINCRBY n -2 a"), "$2\r\n-2\r\n");
  EXPECT_EQ(run("ZINCRBY n 0 a"), "$2\r\n-2\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("ZADD z INCR 0.1 a"), "$18\r\n2.6000000000000001\r\n");
  EXPECT_EQ(run("ZADD z NX INCR 1 a"), "$-1\r\n");
  EXPECT_EQ(run("ZADD z GT INCR -1 a"), "$-1\r\n");
  EXPECT_EQ(run("ZADD none XX INCR 1 a"), "$-1\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_FALSE(exists("none"));
}

TEST_F(SortedSetCommand, AddRefusesNonsense) {
  EXPECT_EQ(run("ZADD n 1 a 2"), kSyntaxReply);
  EXPECT_EQ(run("ZADD n NX CH"), kSyntaxReply);
  EXPECT_EQ(run("ZADD n XX NX 1 a"),
            "-ERR XX and NX options at the same time are not compatible\r\n");
  for (const std::string_view options : {"GT LT", "NX GT", "LT NX"}) {
    EXPECT_EQ(run("ZADD n " + std::string(options) + " 1 a"),
              "-ERR GT, LT, and/or NX options at the same time are not compatible\r\n");
  }
  EXPECT_EQ(run("ZADD n INCR 1 a 2 b"),
            "-ERR INCR option supports a single increment-element pair\r\n");
  EXPECT_EQ(run("ZADD n 1 a x b"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run("ZADD n nan a"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run("ZINCRBY n x b"), "-ERR value is not a valid float\r\n");
  EXPECT_FALSE(exists("n"));
}

TEST_F(SortedSetCommand, InfinitiesAreScoresButNotANumberIsNot) {
  run("ZADD n -inf low +inf high 0 middle");
  EXPECT_THAT(all("n"), ElementsAre("low", "-inf", "middle", "0", "high", "inf"));
  EXPECT_EQ(run("ZINCRBY n -inf high"), "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_EQ(run("ZADD n INCR inf low"), "-ERR resulting score is not a number (NaN)\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(words("ZRANGEBYSCORE n (-inf (inf"), ElementsAre("middle"));
  EXPECT_EQ(run("ZCOUNT n -inf +inf"), ":3\r\n");
  EXPECT_EQ(run("ZADD n -0 middle"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

// --- Looking up and removing ---

TEST_F(SortedSetCommand, LooksUp) {
  EXPECT_EQ(run("ZCARD z"), ":5\r\n");
  EXPECT_EQ(run("ZSCORE z b"), "$1\r\n2\r\n");
  EXPECT_EQ(run("ZSCORE z none"), "$-1\r\n");
  EXPECT_EQ(run("ZMSCORE z b none"), "*2\r\n$1\r\n2\r\n$-1\r\n");
  EXPECT_EQ(run("ZRANK z b"), ":1\r\n");
  EXPECT_EQ(run("ZREVRANK z b"), ":3\r\n");
  EXPECT_EQ(run("ZRANK z none"), "$-1\r\n");
}

TEST_F(SortedSetCommand, ReadsAnAbsentKeyAsEmpty) {
  EXPECT_EQ(run("ZREM none a"), ":0\r\n");
  EXPECT_EQ(run("ZCARD none"), ":0\r\n");
  EXPECT_EQ(run("ZSCORE none a"), "$-1\r\n");
  EXPECT_EQ(run("ZMSCORE none a b"), "*2\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(run("ZRANK none a"), "$-1\r\n");
  EXPECT_EQ(run("ZCOUNT none 0 1"), ":0\r\n");
  EXPECT_EQ(run("ZRANGE none 0 -1"), "*0\r\n");
  EXPECT_EQ(run("ZREMRANGEBYRANK none 0 -1"), ":0\r\n");
  EXPECT_EQ(run("ZPOPMIN none"), "*0\r\n");
  EXPECT_EQ(run("ZMPOP 1 none MIN"), "*-1\r\n");
  EXPECT_EQ(run("BZPOPMIN none 0"), "*-1\r\n");
  EXPECT_EQ(run("BZMPOP 0 1 none MIN"), "*-1\r\n");
  EXPECT_EQ(run("ZRANDMEMBER none"), "$-1\r\n");
  EXPECT_EQ(run("ZRANDMEMBER none 2"), "*0\r\n");
  EXPECT_EQ(run("ZSCAN none 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
}

TEST_F(SortedSetCommand, RefusesOtherTypes) {
  for (const std::string_view line : {"ZADD str 1 a",
                                      "ZINCRBY str 1 a",
                                      "ZREM str a",
                                      "ZCARD str",
                                      "ZSCORE str a",
                                      "ZMSCORE str a",
                                      "ZRANK str a",
                                      "ZREVRANK str a",
                                      "ZCOUNT str 0 1",
                                      "ZLEXCOUNT str - +",
                                      "ZRANGE str 0 1",
                                      "ZREVRANGE str 0 1",
                                      "ZRANGEBYSCORE str 0 1",
                                      "ZRANGEBYLEX str - +",
                                      "ZRANGESTORE d str 0 1",
                                      "ZREMRANGEBYRANK str 0 1",
                                      "ZREMRANGEBYSCORE str 0 1",
                                      "ZREMRANGEBYLEX str - +",
                                      "ZPOPMIN str",
                                      "ZPOPMAX str 0",
                                      "ZMPOP 2 none str MIN",
                                      "BZPOPMIN none str z 0",
                                      "BZMPOP 0 1 str MAX",
                                      "ZUNION 2 z str",
                                      "ZINTER 2 none str",
                                      "ZDIFF 1 str",
                                      "ZINTERCARD 1 str",
                                      "ZUNIONSTORE d 1 str FOO",
                                      "ZRANDMEMBER str",
                                      "ZSCAN str 0"}) {
    EXPECT_EQ(run(line), kWrongTypeReply) << line;
    EXPECT_THAT(run.log, IsEmpty());
  }
}

TEST_F(SortedSetCommand, RemovesMembersAndEmptyKeys) {
  EXPECT_EQ(run("ZREM z none"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("ZREM z a none b"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZREM z a none b"));
  EXPECT_EQ(run("ZREM z c d e"), ":3\r\n");
  EXPECT_FALSE(exists("z"));
}

TEST_F(SortedSetCommand, RemovesRanges) {
  EXPECT_EQ(run("ZREMRANGEBYRANK z 1 1"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZREMRANGEBYRANK z 1 1"));
  EXPECT_EQ(run("ZREMRANGEBYSCORE z (1 3"), ":1\r\n");
  EXPECT_EQ(run("ZREMRANGEBYSCORE z 9 10"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(all("z"), ElementsAre("a", "1", "d", "4", "e", "5"));
  EXPECT_EQ(run("ZREMRANGEBYRANK z -99 99"), ":3\r\n");
  EXPECT_FALSE(exists("z"));
  EXPECT_EQ(run("ZREMRANGEBYLEX l [b (d"), ":2\r\n");
  EXPECT_THAT(words("ZRANGE l 0 -1"), ElementsAre("a", "d", "e"));
  EXPECT_EQ(run("ZREMRANGEBYRANK l x 1"), "-ERR value is not an integer or out of range\r\n");
}

// What is found by name then depends on how the set is held, and that on what came before.
TEST_F(SortedSetCommand, OfUnequalScoresNamesAreLoggedAsRanks) {
  run("ZADD u 1 d 2 b 3 c 4 a");
  EXPECT_EQ(run("ZREMRANGEBYLEX u - [d"), ":4\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZREMRANGEBYRANK u 0 3"));
  run("ZADD u 1 d 2 b 3 c 4 a");
  EXPECT_EQ(run("ZRANGESTORE to u [d + BYLEX LIMIT 1 1"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE to u 1 1"));
  EXPECT_EQ(run("ZRANGESTORE to u (d [d BYLEX"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE to u 1 0"));
  EXPECT_EQ(run("ZRANGESTORE to u (d [d BYLEX"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty()) << "there was none";
  run("ZRANGESTORE u u - + BYLEX");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE u u 0 3"));
  EXPECT_EQ(run("ZREMRANGEBYLEX l [b (d"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZREMRANGEBYLEX l [b (d"));
  run("ZRANGESTORE to l - + BYLEX");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE to l - + BYLEX"));
}

// --- Ranges ---

TEST_F(SortedSetCommand, RangesByRank) {
  EXPECT_THAT(words("ZRANGE z 1 2 WITHSCORES"), ElementsAre("b", "2", "c", "3"));
  EXPECT_THAT(words("ZRANGE z -2 99"), ElementsAre("d", "e"));
  EXPECT_THAT(words("ZRANGE z 0 1 REV"), ElementsAre("e", "d"));
  EXPECT_THAT(words("ZREVRANGE z -2 -1"), ElementsAre("b", "a"));
  EXPECT_THAT(words("ZRANGE z 3 1"), IsEmpty());
  EXPECT_THAT(words("ZRANGE z 5 9"), IsEmpty());
  EXPECT_THAT(words("ZRANGE z -9223372036854775808 -9"), IsEmpty());
}

TEST_F(SortedSetCommand, RangesByScore) {
  EXPECT_THAT(words("ZRANGEBYSCORE z (1 3"), ElementsAre("b", "c"));
  EXPECT_THAT(words("ZRANGE z 2 +inf BYSCORE LIMIT 1 2"), ElementsAre("c", "d"));
  EXPECT_THAT(words("ZREVRANGEBYSCORE z 4 (1 WITHSCORES LIMIT 1 1"), ElementsAre("c", "3"));
  EXPECT_THAT(words("ZRANGE z 4 2 BYSCORE REV LIMIT 0 -1"), ElementsAre("d", "c", "b"));
  EXPECT_THAT(words("ZRANGEBYSCORE z 4 2"), IsEmpty());
  EXPECT_THAT(words("ZRANGEBYSCORE z 1 5 LIMIT -1 2"), IsEmpty());
  EXPECT_THAT(words("ZRANGEBYSCORE z 1 5 LIMIT 9223372036854775807 2"), IsEmpty());
  EXPECT_EQ(run("ZCOUNT z (1 (5"), ":3\r\n");
  EXPECT_EQ(run("ZCOUNT z 5 1"), ":0\r\n");
}

TEST_F(SortedSetCommand, RangesByMember) {
  EXPECT_THAT(words("ZRANGEBYLEX l - [c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words("ZREVRANGEBYLEX l + (b LIMIT 1 2"), ElementsAre("d", "c"));
  EXPECT_THAT(words("ZRANGE l (b (d BYLEX"), ElementsAre("c"));
  EXPECT_THAT(words("ZRANGE l + - BYLEX REV LIMIT 0 1"), ElementsAre("e"));
  EXPECT_THAT(words("ZRANGEBYLEX l + -"), IsEmpty());
  EXPECT_EQ(run("ZLEXCOUNT l [b +"), ":4\r\n");
  EXPECT_EQ(run("ZLEXCOUNT l [ +"), ":5\r\n");
}

TEST_F(SortedSetCommand, RangeRefusesNonsense) {
  constexpr std::string_view kNotFloatRange = "-ERR min or max is not a float\r\n";
  constexpr std::string_view kNotLexRange = "-ERR min or max not valid string range item\r\n";
  for (const std::string_view line : {"ZRANGEBYSCORE z x 1", "ZCOUNT z 1 (x", "ZCOUNT z nan 1",
                                      "ZREMRANGEBYSCORE z 1 1x", "ZRANGE str 0 (( BYSCORE"}) {
    EXPECT_EQ(run(line), kNotFloatRange) << line;
  }
  for (const std::string_view line : {"ZRANGEBYLEX l a +", "ZLEXCOUNT l +a +", "ZLEXCOUNT l - 1",
                                      "ZREMRANGEBYLEX l -- +", "ZRANGE str 0 1 BYLEX"}) {
    EXPECT_EQ(run(line), kNotLexRange) << line;
  }
  for (const std::string_view line :
       {"ZRANGE z 0 1 FOO", "ZRANGE z 0 1 BYSCORE BYLEX", "ZRANGE z 0 1 REV REV",
        "ZREVRANGE z 0 1 REV", "ZRANGEBYSCORE z 0 1 BYLEX", "ZRANGE z 0 1 BYSCORE LIMIT 1",
        "ZRANGESTORE d z 0 1 WITHSCORES"}) {
    EXPECT_EQ(run(line), kSyntaxReply) << line;
  }
  EXPECT_EQ(run("ZRANGE z 0 1 LIMIT 0 1"),
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
            "BYLEX\r\n");
  EXPECT_EQ(run("ZRANGEBYLEX l - + WITHSCORES"),
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n");
}

TEST_F(SortedSetCommand, StoresRanges) {
  EXPECT_EQ(run("ZRANGESTORE str z 4 2 BYSCORE REV LIMIT 0 2"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE str z 4 2 BYSCORE REV LIMIT 0 2"));
  EXPECT_THAT(all("str"), ElementsAre("c", "3", "d", "4"));
  EXPECT_EQ(run("ZRANGESTORE z z 0 0"), ":1\r\n");
  EXPECT_EQ(run("ZRANGESTORE str z 5 9"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: ZRANGESTORE str z 5 9"));
  EXPECT_FALSE(exists("str"));
  EXPECT_EQ(run("ZRANGESTORE none none 0 -1"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(SortedSetCommand, KeepsAnyBytes) {
  const std::string_view binary("\0\r\n\xff", 4);
  run.run({"ZADD", "n", "1", binary, "1", "", "1", "a"});
  EXPECT_EQ(run.run({"ZRANK", "n", ""}), ":0\r\n");
  EXPECT_EQ(run.run({"ZRANK", "n", binary}), ":1\r\n");
  EXPECT_EQ(run.run({"ZRANGEBYLEX", "n", "(", std::string("[") + std::string(binary)}),
            "*1\r\n$4\r\n" + std::string(binary) + "\r\n");
}

}  // namespace
}  // namespace powercut::engine
