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
using testing::UnorderedElementsAre;

// Counts what passes the keyspace's door.
class Doorkeeper : public KeyspaceObserver {
 public:
  void before_change(Database&, std::string_view, Object*) override { ++passed; }
  void before_flush(Database&) override {}
  int passed = 0;
};

class SetCommand : public testing::Test {
 protected:
  SetCommand() { run.keyspace.put(0, "str", Value(String("x"))); }
  std::set<std::string> members(std::string_view key) {
    const auto items = bulks(run.run({"SMEMBERS", key}));
    return {items.begin(), items.end()};
  }
  bool exists(std::string_view key) { return run.keyspace.peek(0, key) != nullptr; }
  CommandHarness run;
};

TEST_F(SetCommand, AddsRemovesAndLooksUp) {
  EXPECT_EQ(run("SADD s a b a"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SADD s a b a"));
  EXPECT_EQ(run("SADD s a"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("SCARD s"), ":2\r\n");
  EXPECT_EQ(run("SISMEMBER s a"), ":1\r\n");
  EXPECT_EQ(run("SISMEMBER s c"), ":0\r\n");
  EXPECT_EQ(run("SMISMEMBER s a c b"), "*3\r\n:1\r\n:0\r\n:1\r\n");
  EXPECT_EQ(run("SREM s c"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("SREM s a c b"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SREM s a c b"));
  EXPECT_FALSE(exists("s"));
}

TEST_F(SetCommand, ReadsAnAbsentKeyAsEmpty) {
  EXPECT_EQ(run("SREM none a"), ":0\r\n");
  EXPECT_EQ(run("SCARD none"), ":0\r\n");
  EXPECT_EQ(run("SISMEMBER none a"), ":0\r\n");
  EXPECT_EQ(run("SMISMEMBER none a b"), "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(run("SMEMBERS none"), "*0\r\n");
  EXPECT_EQ(run("SPOP none"), "$-1\r\n");
  EXPECT_EQ(run("SPOP none 3"), "*0\r\n");
  EXPECT_EQ(run("SRANDMEMBER none"), "$-1\r\n");
  EXPECT_EQ(run("SRANDMEMBER none -3"), "*0\r\n");
  EXPECT_EQ(run("SSCAN none 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_FALSE(exists("none"));
}

TEST_F(SetCommand, RefusesOtherTypes) {
  for (const std::string_view line :
       {"SADD str a", "SREM str a", "SISMEMBER str a", "SMISMEMBER str a", "SCARD str",
        "SMEMBERS str", "SPOP str", "SPOP str 1", "SRANDMEMBER str", "SRANDMEMBER str 1",
        "SMOVE str s a", "SINTER none str", "SUNION none str", "SDIFF none str",
        "SINTERCARD 2 none str", "SINTERSTORE d none str", "SUNIONSTORE d str",
        "SDIFFSTORE d none str", "SSCAN str 0"}) {
    EXPECT_EQ(run(line), kWrongTypeReply) << line;
    EXPECT_THAT(run.log, IsEmpty());
  }
}

TEST_F(SetCommand, KeepsAnyBytes) {
  const std::string_view binary("\0\r\n\xff", 4);
  run.run({"SADD", "s", binary, ""});
  EXPECT_EQ(run.run({"SISMEMBER", "s", binary}), ":1\r\n");
  EXPECT_EQ(run.run({"SISMEMBER", "s", ""}), ":1\r\n");
  EXPECT_EQ(members("s"), (std::set<std::string>{std::string(binary), ""}));
}

TEST_F(SetCommand, PassesTheDoorOnlyToChangeSomething) {
  run("SADD s a b");
  run("SADD t a");
  Doorkeeper doorkeeper;
  run.keyspace.add_observer(&doorkeeper);
  for (const std::string_view line :
       {"SADD s a b", "SREM s c", "SMOVE s t c", "SMOVE s s a", "SPOP s 0", "SRANDMEMBER s 2",
        "SDIFFSTORE none t s", "SPOP str", "SINTER s t"}) {
    run(line);
    EXPECT_EQ(doorkeeper.passed, 0) << line;
  }
  run("SADD s c");
  EXPECT_EQ(doorkeeper.passed, 1);
  run.keyspace.remove_observer(&doorkeeper);
}

TEST_F(SetCommand, Moves) {
  run("SADD s a b");
  EXPECT_EQ(run("SMOVE s t a"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SMOVE s t a"));
  EXPECT_EQ(run("SMOVE s t none"), ":0\r\n");
  EXPECT_EQ(run("SMOVE s s b"), ":1\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("SMOVE s str b"), kWrongTypeReply);
  EXPECT_EQ(run("SMOVE none str b"), ":0\r\n");
  EXPECT_EQ(run("SMOVE s t b"), ":1\r\n");
  EXPECT_FALSE(exists("s"));
  EXPECT_EQ(members("t"), (std::set<std::string>{"a", "b"}));
  run("SADD s a");
  EXPECT_EQ(run("SMOVE s t a"), ":1\r\n");
  EXPECT_FALSE(exists("s"));
}

TEST_F(SetCommand, LogsWhatWasPopped) {
  run("SADD s a b c d e");
  auto popped = bulks(run("SPOP s"));
  ASSERT_EQ(popped.size(), 1u);
  EXPECT_THAT(run.log, ElementsAre("0: SREM s " + popped[0]));
  popped = bulks(run("SPOP s 2"));
  ASSERT_EQ(popped.size(), 2u);
  EXPECT_THAT(run.log, ElementsAre("0: SREM s " + popped[0] + " " + popped[1]));
  EXPECT_EQ(run("SCARD s"), ":2\r\n");
  EXPECT_EQ(bulks(run("SPOP s 9")).size(), 2u);
  EXPECT_THAT(run.log, ElementsAre("0: DEL s"));
  EXPECT_FALSE(exists("s"));
  run("SADD s only");
  EXPECT_EQ(run("SPOP s"), "$4\r\nonly\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SREM s only"));
  EXPECT_FALSE(exists("s"));
}

TEST_F(SetCommand, PopRefusesBadCounts) {
  constexpr std::string_view kNotPositive = "-ERR value is out of range, must be positive\r\n";
  EXPECT_EQ(run("SPOP s -1"), kNotPositive);
  EXPECT_EQ(run("SPOP str x"), kNotPositive);
  EXPECT_EQ(run("SPOP s 1 2"), "-ERR syntax error\r\n");
}

TEST_F(SetCommand, DrawsRandomMembers) {
  run("SADD s a b c d e");
  EXPECT_EQ(run("SRANDMEMBER s 0"), "*0\r\n");
  EXPECT_THAT(bulks(run("SRANDMEMBER s 99")), UnorderedElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(bulks(run("SRANDMEMBER s -99")).size(), 99u);
  for (int count = 1; count <= 5; ++count) {
    const auto drawn = bulks(run("SRANDMEMBER s " + std::to_string(count)));
    EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), static_cast<size_t>(count));
  }
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("SRANDMEMBER s x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("SRANDMEMBER s -9223372036854775808"),
            "-ERR value is out of range, value must between -9223372036854775807 and "
            "9223372036854775807\r\n");
  EXPECT_EQ(run("SRANDMEMBER s 1 2"), "-ERR syntax error\r\n");
}

TEST_F(SetCommand, CombinesSets) {
  run("SADD s a b c");
  run("SADD t b c d");
  EXPECT_THAT(bulks(run("SINTER s t")), UnorderedElementsAre("b", "c"));
  EXPECT_THAT(bulks(run("SUNION s none t")), UnorderedElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(bulks(run("SDIFF s t none")), ElementsAre("a"));
  EXPECT_EQ(run("SINTER s none"), "*0\r\n");
  EXPECT_EQ(run("SDIFF none s"), "*0\r\n");
  EXPECT_EQ(run("SDIFF s s"), "*0\r\n");
  EXPECT_EQ(run("SINTERCARD 2 s t"), ":2\r\n");
  EXPECT_EQ(run("SINTERCARD 2 s t LIMIT 1"), ":1\r\n");
  EXPECT_EQ(run("SINTERCARD 2 s t limit 0"), ":2\r\n");
}

TEST_F(SetCommand, StoresCombinations) {
  run("SADD s a b c");
  run("SADD t b c d");
  EXPECT_EQ(run("SINTERSTORE str s t"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SINTERSTORE str s t"));
  EXPECT_EQ(members("str"), (std::set<std::string>{"b", "c"}));
  EXPECT_EQ(run("SUNIONSTORE s s t"), ":4\r\n");
  EXPECT_EQ(run("SDIFFSTORE d s t"), ":1\r\n");
  EXPECT_EQ(members("d"), (std::set<std::string>{"a"}));
  EXPECT_EQ(run("SINTERSTORE d s none"), ":0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: SINTERSTORE d s none"));
  EXPECT_FALSE(exists("d"));
  EXPECT_EQ(run("SDIFFSTORE d none s"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(SetCommand, IntersectionCardinalityChecksItsArguments) {
  EXPECT_EQ(run("SINTERCARD 0 s"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(run("SINTERCARD x s"), "-ERR numkeys should be greater than 0\r\n");
  EXPECT_EQ(run("SINTERCARD 2 s"), "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(run("SINTERCARD 1 s LIMIT -1"), "-ERR LIMIT can't be negative\r\n");
  EXPECT_EQ(run("SINTERCARD 1 s LIMIT"), "-ERR syntax error\r\n");
  EXPECT_EQ(run("SINTERCARD 1 s FOO"), "-ERR syntax error\r\n");
}

TEST_F(SetCommand, ScansEverything) {
  std::set<std::string> expected;
  for (int i = 0; i < 100; ++i) {
    expected.insert("m" + std::to_string(i));
    run("SADD s m" + std::to_string(i));
  }
  std::set<std::string> seen;
  std::string cursor = "0";
  do {
    auto items = bulks(run.run({"SSCAN", "s", cursor, "COUNT", "7"}));
    cursor = items[0];
    seen.insert(items.begin() + 1, items.end());
  } while (cursor != "0");
  EXPECT_EQ(seen, expected);
  EXPECT_THAT(bulks(run("SSCAN s 0 MATCH m4? COUNT 200")).size(), 11u);
  EXPECT_EQ(run("SSCAN s x"), "-ERR invalid cursor\r\n");
}

TEST_F(SetCommand, ExpiredSetsAreGone) {
  run("SADD s a b");
  run.keyspace.set_expiry(0, "s", run.keyspace.find_for_write(0, "s"), 1'700'000'000'500);
  run.keyspace.settle();
  run.advance_ms(1000);
  EXPECT_EQ(run("SADD s c"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: DEL s", "0: SADD s c"));
  EXPECT_EQ(members("s"), (std::set<std::string>{"c"}));
}

TEST_F(SetCommand, NamesTheKeysBehindACount) {
  const auto positions = [](std::vector<std::string_view> args) {
    std::vector<size_t> found;
    key_positions(*find_command(args[0]), args, found);
    return found;
  };
  EXPECT_THAT(positions({"sintercard", "2", "a", "b", "LIMIT", "3"}), ElementsAre(2u, 3u));
  EXPECT_THAT(positions({"sintercard", "9", "a", "b"}), ElementsAre(2u, 3u));
  EXPECT_THAT(positions({"sintercard", "x", "a", "b"}), IsEmpty());
  EXPECT_THAT(positions({"sintercard", "-1", "a", "b"}), IsEmpty());
}

RC_GTEST_PROP(SetCommandProperty, WhatIsLoggedDoesItAgain, ()) {
  static constexpr std::string_view kTemplates[] = {
      "SADD", "SADD",  "SADD",        "SREM",        "SPOP",
      "SPOP", "SMOVE", "SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"};
  CommandHarness first;
  CommandHarness again;
  const size_t empty = first.keyspace.memory_bytes();
  const auto key = [] { return "k" + std::to_string(*rc::gen::inRange(0, 4)); };
  const auto member = [] { return "m" + std::to_string(*rc::gen::inRange(0, 12)); };
  const int steps = *rc::gen::inRange(0, 60);
  for (int i = 0; i < steps; ++i) {
    const std::string name(kTemplates[*rc::gen::inRange<size_t>(0, std::size(kTemplates))]);
    std::string line = name + " " + key();
    if (name == "SPOP") line += *rc::gen::inRange(0, 2) == 0 ? "" : " " + member().substr(1);
    if (name == "SMOVE" || name.ends_with("STORE")) line += " " + key();
    if (name.ends_with("STORE")) line += " " + key();
    if (name == "SADD" || name == "SMOVE" || name == "SREM") line += " " + member();
    if (name == "SADD") line += " " + member();
    first(line);
    for (const std::string& logged : first.log) again(logged.substr(3));
  }
  for (int i = 0; i < 4; ++i) {
    const std::string smembers = "SMEMBERS k" + std::to_string(i);
    const auto a = bulks(first(smembers));
    const auto b = bulks(again(smembers));
    RC_ASSERT(std::set<std::string>(a.begin(), a.end()) ==
              std::set<std::string>(b.begin(), b.end()));
  }
  // Nothing is left of keys that are gone, in memory as in the accounts.
  for (int i = 0; i < 4; ++i) first("SPOP k" + std::to_string(i) + " 100");
  RC_ASSERT(first.keyspace.size(0) == 0u);
  RC_ASSERT(first.keyspace.memory_bytes() ==
            empty + first.keyspace.database(0).table().memory_bytes());
}

}  // namespace
}  // namespace powercut::engine
