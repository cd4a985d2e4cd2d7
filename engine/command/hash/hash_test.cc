#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HashCommand : public testing::Test {
 protected:
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  void fill(int fields) {
    for (int i = 0; i < fields; ++i) {
      run("HSET h f" + std::to_string(i) + " v" + std::to_string(i));
    }
  }
  CommandHarness run;
};

TEST_F(HashCommand, SetsAndGets) {
  EXPECT_EQ(run("HSET h a 1 b 2"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: HSET h a 1 b 2"));
  EXPECT_EQ(run("HSET h a 3 c 4"), ":1\r\n");
  EXPECT_EQ(run("HMSET h d 5"), "+OK\r\n");
  EXPECT_EQ(run("HGET h a"), bulk("3"));
  EXPECT_EQ(run("HGET h none"), "$-1\r\n");
  EXPECT_EQ(run("HGET nokey a"), "$-1\r\n");
  EXPECT_EQ(run("HMGET h a none b"), "*3\r\n" + bulk("3") + "$-1\r\n" + bulk("2"));
  EXPECT_EQ(run("HMGET nokey a b"), "*2\r\n$-1\r\n$-1\r\n");
  EXPECT_EQ(run("HGETALL h"), array({"a", "3", "b", "2", "c", "4", "d", "5"}));
  EXPECT_EQ(run("HKEYS h"), array({"a", "b", "c", "d"}));
  EXPECT_EQ(run("HVALS h"), array({"3", "2", "4", "5"}));
  EXPECT_EQ(run("HGETALL nokey"), "*0\r\n");
  EXPECT_EQ(run("HLEN h"), ":4\r\n");
  EXPECT_EQ(run("HSTRLEN h a"), ":1\r\n");
  EXPECT_EQ(run("HSTRLEN h none"), ":0\r\n");
  EXPECT_EQ(run("HEXISTS h a"), ":1\r\n");
  EXPECT_EQ(run("HEXISTS nokey a"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(HashCommand, RefusesAnOddPair) {
  EXPECT_EQ(run("HSET h a 1 b"), "-ERR wrong number of arguments for 'hset' command\r\n");
  EXPECT_EQ(run("HMSET h a 1 b"), "-ERR wrong number of arguments for 'hmset' command\r\n");
  EXPECT_FALSE(exists("h"));
}

TEST_F(HashCommand, SetsOnlyWhatIsNew) {
  EXPECT_EQ(run("HSETNX h a 1"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: HSETNX h a 1"));
  EXPECT_EQ(run("HSETNX h a 2"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("HGET h a"), bulk("1"));
}

TEST_F(HashCommand, DeletesAndVanishes) {
  run("HSET h a 1 b 2");
  EXPECT_EQ(run("HDEL h none"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("HDEL h a a none"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: HDEL h a a none"));
  EXPECT_EQ(run("HDEL h b"), ":1\r\n");
  EXPECT_FALSE(exists("h"));
  EXPECT_EQ(run("HDEL h b"), ":0\r\n");
}

TEST_F(HashCommand, IsBinarySafe) {
  using namespace std::string_view_literals;
  const auto field = "\0f\r\n"sv, value = "\0\xff"sv;
  run.run({"HSET", "h", field, value, "", ""});
  EXPECT_EQ(run.run({"HGET", "h", field}), bulk(value));
  EXPECT_EQ(run.run({"HGETALL", "h"}), array({field, value, "", ""}));
  EXPECT_EQ(run.run({"HDEL", "h", ""}), ":1\r\n");
}

TEST_F(HashCommand, CountsUp) {
  EXPECT_EQ(run("HINCRBY h n 5"), ":5\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: HINCRBY h n 5"));
  EXPECT_EQ(run("HINCRBY h n -7"), ":-2\r\n");
  EXPECT_EQ(run("HINCRBY h n x"), "-ERR value is not an integer or out of range\r\n");
  run("HSET h text abc max 9223372036854775807");
  EXPECT_EQ(run("HINCRBY h text 1"), "-ERR hash value is not an integer\r\n");
  EXPECT_EQ(run("HINCRBY h max 1"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("HINCRBY h max -1"), ":9223372036854775806\r\n");
}

TEST_F(HashCommand, CountsUpByFloatsAndLogsTheSum) {
  EXPECT_EQ(run("HINCRBYFLOAT h f 10.5"), bulk("10.5"));
  EXPECT_THAT(run.log, ElementsAre("0: HSET h f 10.5"));
  EXPECT_EQ(run("HINCRBYFLOAT h f 0.1"), bulk("10.6"));
  EXPECT_EQ(run("HINCRBYFLOAT h f 5.0e3"), bulk("5010.60000000000000009"));
  EXPECT_EQ(run("HINCRBYFLOAT h f x"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run("HINCRBYFLOAT h f inf"), "-ERR value is NaN or Infinity\r\n");
  run("HSET h text abc large 1e4932");
  EXPECT_EQ(run("HINCRBYFLOAT h text 1"), "-ERR hash value is not a float\r\n");
  EXPECT_EQ(run("HINCRBYFLOAT h large 1e4932"), "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(HashCommand, DrawsFields) {
  EXPECT_EQ(run("HRANDFIELD nokey"), "$-1\r\n");
  EXPECT_EQ(run("HRANDFIELD nokey 3"), "*0\r\n");
  fill(10);
  EXPECT_EQ(bulks(run("HRANDFIELD h")).size(), 1u);
  EXPECT_EQ(run("HRANDFIELD h 0"), "*0\r\n");
  std::set<std::string> drawn;
  for (int i = 0; i < 200; ++i) {
    for (const int count : {1, 4, 9, 10, 12}) {
      const auto fields = bulks(run("HRANDFIELD h " + std::to_string(count)));
      const std::set<std::string> distinct(fields.begin(), fields.end());
      EXPECT_EQ(fields.size(), std::min<size_t>(static_cast<size_t>(count), 10));
      EXPECT_EQ(distinct.size(), fields.size());
      if (count < 10) drawn.insert(fields.begin(), fields.end());
    }
  }
  EXPECT_EQ(drawn.size(), 10u);
  EXPECT_EQ(bulks(run("HRANDFIELD h -30")).size(), 30u);
  const auto pairs = bulks(run("HRANDFIELD h -5 withvalues"));
  ASSERT_EQ(pairs.size(), 10u);
  for (size_t i = 0; i < pairs.size(); i += 2) {
    EXPECT_EQ("v" + pairs[i].substr(1), pairs[i + 1]);
  }
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(HashCommand, RefusesBadDraws) {
  EXPECT_EQ(run("HRANDFIELD h x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("HRANDFIELD h 1 VALUES"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("HRANDFIELD h 1 WITHVALUES x"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("HRANDFIELD h 9223372036854775807 WITHVALUES"), "-ERR value is out of range\r\n");
  EXPECT_EQ(run("HRANDFIELD h -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
}

TEST_F(HashCommand, Scans) {
  fill(25);
  std::set<std::string> met;
  std::string cursor = "0";
  do {
    const auto reply = bulks(run("HSCAN h " + cursor + " COUNT 7"));
    cursor = reply[0];
    for (size_t i = 1; i < reply.size(); i += 2) {
      EXPECT_EQ("v" + reply[i].substr(1), reply[i + 1]);
      met.insert(reply[i]);
    }
  } while (cursor != "0");
  EXPECT_EQ(met.size(), 25u);
  EXPECT_EQ(bulks(run("HSCAN h 0 MATCH f1? COUNT 100")).size(), 1 + 2 * 10u);
  EXPECT_EQ(run("HSCAN nokey 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(run("HSCAN h x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(run("HSCAN h 0 NOSUCH"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("HSCAN nokey 0 NOSUCH"), run("HSCAN nokey 0"));
}

TEST_F(HashCommand, RefusesOtherTypes) {
  run("RPUSH l a");
  for (const std::string_view line :
       {"HSET l a b", "HMSET l a b", "HSETNX l a b", "HGET l a", "HMGET l a", "HGETALL l",
        "HDEL l a", "HLEN l", "HSTRLEN l a", "HEXISTS l a", "HKEYS l", "HVALS l", "HINCRBY l a 1",
        "HINCRBYFLOAT l a 1", "HRANDFIELD l", "HSCAN l 0"}) {
    EXPECT_EQ(run(line), kWrongTypeReply) << line;
    EXPECT_THAT(run.log, IsEmpty()) << line;
  }
}

}  // namespace
}  // namespace powercut::engine
