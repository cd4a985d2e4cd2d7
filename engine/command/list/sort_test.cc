#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SortCommand : public testing::Test {
 protected:
  void set(std::string_view key, std::string text) {
    run.keyspace.put(0, key, Value(std::move(text)));
    run.keyspace.settle();
  }
  std::string all(std::string_view key) { return run.run({"LRANGE", key, "0", "-1"}); }
  CommandHarness run;
};

TEST_F(SortCommand, SortsNumbers) {
  run("RPUSH l 10 9 -1 1e2 3.5");
  EXPECT_EQ(run("SORT l"), array({"-1", "3.5", "9", "10", "1e2"}));
  EXPECT_EQ(run("SORT l DESC"), array({"1e2", "10", "9", "3.5", "-1"}));
  EXPECT_EQ(run("SORT_RO l LIMIT 1 2"), array({"3.5", "9"}));
  EXPECT_EQ(run("SORT l LIMIT -5 2"), array({"-1", "3.5"}));
  EXPECT_EQ(run("SORT l LIMIT 3 -1"), array({"10", "1e2"}));
  EXPECT_EQ(run("SORT l LIMIT 9 2"), "*0\r\n");
  EXPECT_EQ(run("SORT l LIMIT 1 9223372036854775807"), array({"3.5", "9", "10", "1e2"}));
  EXPECT_EQ(run("SORT l ALPHA"), array({"-1", "10", "1e2", "3.5", "9"}));
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("SORT nokey"), "*0\r\n");
}

TEST_F(SortCommand, SortsSetsAndSortedSets) {
  Set members;
  Zset scored;
  for (const std::string_view member : {"3", "1", "2"}) members.add(member);
  scored.set("5", 1);
  scored.set("4", 2);
  scored.set("6", 3);
  run.keyspace.put(0, "s", Value(std::move(members)));
  run.keyspace.put(0, "z", Value(std::move(scored)));
  run.keyspace.settle();
  EXPECT_EQ(run("SORT s"), array({"1", "2", "3"}));
  EXPECT_EQ(run("SORT z"), array({"4", "5", "6"}));
  EXPECT_EQ(run("SORT z BY nosort"), array({"5", "4", "6"}));
  EXPECT_EQ(run("SORT z BY nosort DESC LIMIT 0 2"), array({"6", "4"}));
  // What is stored must not depend on the order in which a set's members lie.
  EXPECT_EQ(run("SORT s BY nosort STORE d"), ":3\r\n");
  EXPECT_EQ(all("d"), array({"1", "2", "3"}));
}

TEST_F(SortCommand, SortsByPatterns) {
  run("RPUSH l a b c d");
  set("w_a", "3");
  set("w_b", "1");
  set("w_c", "2");
  run("HSET h_a f 1");
  run("HSET h_b f 3");
  run("HSET h_c f 2");
  EXPECT_EQ(run("SORT l BY w_*"), array({"d", "b", "c", "a"}));
  EXPECT_EQ(run("SORT l BY h_*->f DESC"), array({"b", "c", "a", "d"}));
  EXPECT_EQ(run("SORT l BY w_* ALPHA"), array({"d", "b", "c", "a"}));
  EXPECT_EQ(run("SORT l BY nosort DESC"), array({"d", "c", "b", "a"}));
  EXPECT_EQ(run("SORT l BY none_*"), array({"a", "b", "c", "d"}));
  EXPECT_EQ(run("SORT l BY w_* GET # GET h_*->f LIMIT 1 2"), array({"b", "3", "c", "2"}));
  EXPECT_EQ(run("SORT l BY w_* GET w_* LIMIT 0 1"), "*1\r\n$-1\r\n");
  EXPECT_EQ(run("SORT l BY w_* GET plain LIMIT 0 1"), "*1\r\n$-1\r\n");
}

TEST_F(SortCommand, Stores) {
  run("RPUSH l 2 1");
  set("w_1", "one");
  EXPECT_EQ(run("SORT l GET w_* STORE d"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SORT l GET w_* STORE d"));
  EXPECT_EQ(all("d"), array({"one", ""}));
  EXPECT_EQ(run("SORT l STORE l"), ":2\r\n");
  EXPECT_EQ(all("l"), array({"1", "2"}));
  EXPECT_EQ(run("SORT nokey STORE d"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SORT nokey STORE d"));
  EXPECT_EQ(run.keyspace.peek(0, "d"), nullptr);
  EXPECT_EQ(run("SORT nokey STORE d"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(SortCommand, LooksUpPatternsThatExpire) {
  run("RPUSH first x");
  run("RPUSH l 2 1");
  for (const std::string_view key : {"w_1", "w_2"}) {
    run.keyspace.set_expiry(0, key, run.keyspace.put(0, key, Value(String("5"))),
                            run.keyspace.now().unix_ms + 10);
  }
  run.keyspace.settle();
  run.advance_ms(10);
  EXPECT_EQ(run("SORT l BY w_* STORE d"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: DEL w_2", "0: DEL w_1", "0: SORT l BY w_* STORE d"));
  EXPECT_EQ(all("d"), array({"1", "2"}));
}

TEST_F(SortCommand, Refuses) {
  run("RPUSH l a b");
  run("HSET h f v");
  EXPECT_EQ(run("SORT l STORE d"), "-ERR One or more scores can't be converted into double\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run.keyspace.peek(0, "d"), nullptr);
  EXPECT_EQ(run("SORT h"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(run("SORT_RO l STORE d"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("SORT l LIMIT 1"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("SORT l LIMIT x 1"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("SORT l BY"), "-ERR syntax error\r\n");
}

TEST_F(SortCommand, KnowsItsKeys) {
  const auto keys = [](std::initializer_list<std::string_view> args) {
    std::vector<size_t> positions;
    const std::span<const std::string_view> all(args.begin(), args.size());
    key_positions(*find_command(all[0]), all, positions);
    return positions;
  };
  EXPECT_THAT(keys({"SORT", "l"}), ElementsAre(1));
  EXPECT_THAT(keys({"SORT", "l", "BY", "store", "GET", "#", "STORE", "d"}), ElementsAre(1, 7));
  EXPECT_THAT(keys({"SORT_RO", "l", "BY", "w_*"}), ElementsAre(1));
}

}  // namespace
}  // namespace powercut::engine
