#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ListCommand : public testing::Test {
 protected:
  std::string all(std::string_view key) { return run.run({"LRANGE", key, "0", "-1"}); }
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  CommandHarness run;
};

TEST_F(ListCommand, PushesAtBothEnds) {
  EXPECT_EQ(run("RPUSH l b c"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: RPUSH l b c"));
  EXPECT_EQ(run("LPUSH l a z"), ":4\r\n");
  EXPECT_EQ(all("l"), array({"z", "a", "b", "c"}));
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("LPUSHX nokey a"), ":0\r\n");
  EXPECT_EQ(run("RPUSHX nokey a"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_FALSE(exists("nokey"));
  EXPECT_EQ(run("RPUSHX l d"), ":5\r\n");
  EXPECT_EQ(run("LLEN l"), ":5\r\n");
  EXPECT_EQ(run("LLEN nokey"), ":0\r\n");
}

TEST_F(ListCommand, IsBinarySafe) {
  using namespace std::string_view_literals;
  const auto key = "k\0\r\n"sv, item = "\0\xff\r\n"sv;
  run.run({"RPUSH", key, item, ""});
  EXPECT_EQ(all(key), array({item, ""}));
  EXPECT_EQ(run.run({"LPOS", key, item}), ":0\r\n");
  EXPECT_EQ(run.run({"LREM", key, "0", ""}), ":1\r\n");
  EXPECT_EQ(run.run({"LPOP", key}), bulk(item));
  EXPECT_FALSE(exists(key));
}

TEST_F(ListCommand, Pops) {
  run("RPUSH l a b c d e");
  EXPECT_EQ(run("LPOP l"), bulk("a"));
  EXPECT_THAT(run.log, ElementsAre("0: LPOP l"));
  EXPECT_EQ(run("RPOP l 2"), array({"e", "d"}));
  EXPECT_EQ(run("LPOP l 0"), "*0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("LPOP l 10"), array({"b", "c"}));
  EXPECT_FALSE(exists("l"));
  EXPECT_EQ(run("LPOP l"), "$-1\r\n");
  EXPECT_EQ(run("LPOP l 1"), "*-1\r\n");
  EXPECT_EQ(run("LPOP l -1"), "-ERR value is out of range, must be positive\r\n");
  EXPECT_EQ(run("RPOP l 1 2"), "-ERR wrong number of arguments for 'rpop' command\r\n");
}

TEST_F(ListCommand, ReadsAndWritesByIndex) {
  run("RPUSH l a b c");
  EXPECT_EQ(run("LINDEX l -1"), bulk("c"));
  EXPECT_EQ(run("LINDEX l 3"), "$-1\r\n");
  EXPECT_EQ(run("LINDEX l x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("LSET l -3 A"), "+OK\r\n");
  EXPECT_EQ(run("LSET l 3 x"), "-ERR index out of range\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("LSET nokey 0 x"), "-ERR no such key\r\n");
  EXPECT_EQ(run("LINSERT l BEFORE b x"), ":4\r\n");
  EXPECT_EQ(run("LINSERT l after c y"), ":5\r\n");
  EXPECT_EQ(run("LINSERT l BEFORE none y"), ":-1\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("LINSERT nokey BEFORE a y"), ":0\r\n");
  EXPECT_EQ(run("LINSERT l AT a y"), "-ERR syntax error\r\n");
  EXPECT_EQ(all("l"), array({"A", "x", "b", "c", "y"}));
  EXPECT_EQ(run("LRANGE l 3 100"), array({"c", "y"}));
  EXPECT_EQ(run("LRANGE l -100 0"), array({"A"}));
  EXPECT_EQ(run("LRANGE l 3 2"), "*0\r\n");
}

TEST_F(ListCommand, Trims) {
  run("RPUSH l a b c d");
  EXPECT_EQ(run("LTRIM l 0 -1"), "+OK\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("LTRIM l 1 -2"), "+OK\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: LTRIM l 1 -2"));
  EXPECT_EQ(all("l"), array({"b", "c"}));
  EXPECT_EQ(run("LTRIM l 5 9"), "+OK\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: LTRIM l 5 9"));
  EXPECT_FALSE(exists("l"));
}

TEST_F(ListCommand, RemovesByContent) {
  run("RPUSH l a b a c a");
  EXPECT_EQ(run("LREM l -2 a"), ":2\r\n");
  EXPECT_EQ(all("l"), array({"a", "b", "c"}));
  EXPECT_EQ(run("LREM l 1 none"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  run("DEL l");
  run("RPUSH m a a");
  EXPECT_EQ(run("LREM m 0 a"), ":2\r\n");
  EXPECT_FALSE(exists("m"));
}

TEST_F(ListCommand, FindsPositions) {
  run("RPUSH l a b c 1 2 3 c c");
  EXPECT_EQ(run("LPOS l c"), ":2\r\n");
  EXPECT_EQ(run("LPOS l c RANK 2"), ":6\r\n");
  EXPECT_EQ(run("LPOS l c RANK -1"), ":7\r\n");
  EXPECT_EQ(run("LPOS l c COUNT 2"), "*2\r\n:2\r\n:6\r\n");
  EXPECT_EQ(run("LPOS l c RANK -1 COUNT 0"), "*3\r\n:7\r\n:6\r\n:2\r\n");
  EXPECT_EQ(run("LPOS l c MAXLEN 2"), "$-1\r\n");
  EXPECT_EQ(run("LPOS l x COUNT 0"), "*0\r\n");
  EXPECT_EQ(run("LPOS l c COUNT -1"), "-ERR COUNT can't be negative\r\n");
  EXPECT_EQ(run("LPOS l c MAXLEN x"), "-ERR MAXLEN can't be negative\r\n");
  EXPECT_EQ(run("LPOS l c RANK 0").substr(0, 23), "-ERR RANK can't be zero");
}

TEST_F(ListCommand, Moves) {
  run("RPUSH l a b");
  EXPECT_EQ(run("LMOVE l m LEFT RIGHT"), bulk("a"));
  EXPECT_THAT(run.log, ElementsAre("0: LMOVE l m LEFT RIGHT"));
  EXPECT_EQ(run("RPOPLPUSH l m"), bulk("b"));
  EXPECT_FALSE(exists("l"));
  EXPECT_EQ(all("m"), array({"b", "a"}));
  EXPECT_EQ(run("LMOVE m m LEFT RIGHT"), bulk("b"));
  EXPECT_EQ(all("m"), array({"a", "b"}));
  EXPECT_EQ(run("RPOPLPUSH l m"), "$-1\r\n");
  EXPECT_EQ(run("LMOVE m l UP LEFT"), "-ERR syntax error\r\n");
  run("RPUSH one x");
  EXPECT_EQ(run("RPOPLPUSH one one"), bulk("x"));
  EXPECT_EQ(all("one"), array({"x"}));
}

TEST_F(ListCommand, MovesOntoAnExpiredKey) {
  run("RPUSH old x y");
  run.keyspace.set_expiry(0, "old", run.keyspace.find_for_write(0, "old"),
                          run.keyspace.now().unix_ms + 10);
  run.keyspace.settle();
  run("RPUSH l a b");  // stands behind `old`, so that removing that moves it
  run.advance_ms(10);
  EXPECT_EQ(run("LMOVE l old LEFT LEFT"), bulk("a"));
  EXPECT_THAT(run.log, ElementsAre("0: DEL old", "0: LMOVE l old LEFT LEFT"));
  EXPECT_EQ(all("old"), array({"a"}));
  EXPECT_EQ(all("l"), array({"b"}));
}

TEST_F(ListCommand, PopsFromTheFirstOfSeveral) {
  run("RPUSH l a b c");
  EXPECT_EQ(run("LMPOP 2 nokey l LEFT"), "*2\r\n$1\r\nl\r\n*1\r\n$1\r\na\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: LPOP l 1"));
  EXPECT_EQ(run("LMPOP 1 l RIGHT COUNT 9"), "*2\r\n$1\r\nl\r\n*2\r\n$1\r\nc\r\n$1\r\nb\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: RPOP l 2"));
  EXPECT_FALSE(exists("l"));
  EXPECT_EQ(run("LMPOP 1 l RIGHT"), "*-1\r\n");
  EXPECT_EQ(run("LMPOP 0 l LEFT"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(run("LMPOP 2 l LEFT"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("LMPOP 9223372036854775807 l LEFT"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("LMPOP 1 l LEFT COUNT 0"), "-ERR count should be greater than 0\r\n");
  EXPECT_EQ(run("LMPOP 1 l LEFT COUNT 1 COUNT 1"), "-ERR syntax error\r\n");
}

// As in a transaction: whoever may not wait is answered at once.
TEST_F(ListCommand, BlockingFormsAnswerAtOnceAndLogTheOthers) {
  run("RPUSH l a b c d e f");
  EXPECT_EQ(run("BLPOP nokey l 0"), array({"l", "a"}));
  EXPECT_THAT(run.log, ElementsAre("0: LPOP l"));
  EXPECT_EQ(run("BRPOP l 1.5"), array({"l", "f"}));
  EXPECT_THAT(run.log, ElementsAre("0: RPOP l"));
  EXPECT_EQ(run("BLMOVE l m right left 0"), bulk("e"));
  EXPECT_THAT(run.log, ElementsAre("0: LMOVE l m RIGHT LEFT"));
  EXPECT_EQ(run("BRPOPLPUSH l m 0"), bulk("d"));
  EXPECT_THAT(run.log, ElementsAre("0: RPOPLPUSH l m"));
  EXPECT_EQ(run("BLMPOP 0 1 l LEFT COUNT 5"), "*2\r\n$1\r\nl\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: LPOP l 2"));
  EXPECT_FALSE(exists("l"));
  for (const std::string_view line : {"BLPOP l 0", "BRPOP l l 0", "BLMPOP 0 1 l LEFT"}) {
    EXPECT_EQ(run(line), "*-1\r\n") << line;
    EXPECT_THAT(run.log, IsEmpty());
  }
  for (const std::string_view line : {"BLMOVE l m LEFT LEFT 0", "BRPOPLPUSH l m 0"}) {
    EXPECT_EQ(run(line), "$-1\r\n") << line;
    EXPECT_THAT(run.log, IsEmpty());
  }
  EXPECT_EQ(run("BLPOP l x"), "-ERR timeout is not a float or out of range\r\n");
  EXPECT_EQ(run("BLPOP l -1"), "-ERR timeout is negative\r\n");
}

TEST_F(ListCommand, RefusesOtherTypes) {
  run("HSET h f v");
  run("RPUSH l a");
  for (const std::string_view line :
       {"LPUSH h a", "RPUSHX h a", "LPOP h", "RPOP h 0", "LLEN h", "LINDEX h 0", "LSET h 0 a",
        "LINSERT h BEFORE a b", "LRANGE h 0 1", "LTRIM h 0 1", "LREM h 0 a", "LPOS h a",
        "LMOVE h l LEFT LEFT", "LMOVE l h LEFT LEFT", "RPOPLPUSH l h", "LMPOP 2 h l LEFT",
        "BLPOP h l 0", "BLMOVE l h LEFT LEFT 0", "BLMPOP 0 1 h LEFT"}) {
    EXPECT_EQ(run(line), kWrongTypeReply) << line;
    EXPECT_THAT(run.log, IsEmpty()) << line;
  }
  EXPECT_EQ(all("l"), array({"a"}));
}

TEST_F(ListCommand, KnowsItsKeys) {
  const auto keys = [](std::initializer_list<std::string_view> args) {
    std::vector<size_t> positions;
    const std::span<const std::string_view> all(args.begin(), args.size());
    key_positions(*find_command(all[0]), all, positions);
    return positions;
  };
  EXPECT_THAT(keys({"LMPOP", "2", "a", "b", "LEFT"}), ElementsAre(2, 3));
  EXPECT_THAT(keys({"BLMPOP", "0", "2", "a", "b", "LEFT"}), ElementsAre(3, 4));
  EXPECT_THAT(keys({"BLPOP", "a", "b", "0"}), ElementsAre(1, 2));
  EXPECT_THAT(keys({"LMOVE", "a", "b", "LEFT", "LEFT"}), ElementsAre(1, 2));
  EXPECT_THAT(keys({"LMPOP", "x", "a", "b"}), IsEmpty());
}

}  // namespace
}  // namespace powercut::engine
