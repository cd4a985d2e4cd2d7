// Consumer groups: who is given what, what is pending, who claims it; and that the log says how things are then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Groups : public testing::Test {
 protected:
  Groups() {
    run("SET str x");
    for (int i = 1; i <= 5; ++i) run("XADD s 1-" + std::to_string(i) + " f v");
    run("XGROUP CREATE s g 0");
  }
  std::vector<std::string> items(std::string_view line) { return bulks(run(line)); }
  std::string read(std::string_view consumer, std::string_view rest) {
    return run("XREADGROUP GROUP g " + std::string(consumer) + " " + std::string(rest));
  }
  const StreamGroup& group() { return *run.keyspace.peek(0, "s")->value.stream()->find_group("g"); }
  // "1-1 of a, 2 times; ..."
  std::string pending() {
    std::string text;
    for (const auto& [id, one] : group().pending())
      text += id.text() + " of " + one.owner->first + ", " + std::to_string(one.deliveries) +
              " times; ";
    return text;
  }
  CommandHarness run;
};

// --- XGROUP ---

TEST_F(Groups, AreMadeAndGo) {
  EXPECT_EQ(run("XGROUP CREATE s g 0"), "-BUSYGROUP Consumer Group name already exists\r\n");
  EXPECT_EQ(run("XGROUP CREATE s h $ ENTRIESREAD 5"), "+OK\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP CREATE s h $ ENTRIESREAD 5"));
  EXPECT_THAT(run("XGROUP CREATE none g 0"), HasSubstr("requires the key to exist"));
  EXPECT_EQ(run("XGROUP CREATE new g $ MKSTREAM"), "+OK\r\n");
  EXPECT_EQ(run("XLEN new"), ":0\r\n");
  EXPECT_THAT(run("XGROUP CREATE s i 0 ENTRIESREAD -2"), HasSubstr("must be positive or -1"));
  EXPECT_THAT(run("XGROUP CREATE s i 0 OTHER"), HasSubstr("unknown subcommand or wrong number"));
  EXPECT_THAT(run("XGROUP CREATE s i x"), HasSubstr("Invalid stream ID"));
  EXPECT_EQ(run("XGROUP CREATE str g 0"), kWrongTypeReply);
  EXPECT_EQ(run("XGROUP DESTROY s h"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP DESTROY s h"));
  EXPECT_EQ(run("XGROUP DESTROY s h"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(Groups, ConsumersAreMadeAndGo) {
  EXPECT_EQ(run("XGROUP CREATECONSUMER s g a"), ":1\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP CREATECONSUMER s g a"));
  EXPECT_EQ(run("XGROUP CREATECONSUMER s g a"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  read("a", "COUNT 2 STREAMS s >");
  EXPECT_EQ(run("XGROUP DELCONSUMER s g a"), ":2\r\n");
  EXPECT_EQ(pending(), "");
  EXPECT_EQ(run("XGROUP DELCONSUMER s g a"), ":0\r\n");
  EXPECT_EQ(run("XGROUP DELCONSUMER s none a"),
            "-NOGROUP No such consumer group 'none' for key name 's'\r\n");
}

TEST_F(Groups, CanBeSetBackAndForth) {
  EXPECT_EQ(run("XGROUP SETID s g 1-3 ENTRIESREAD 3"), "+OK\r\n");
  EXPECT_EQ(group().entries_read, 3);
  EXPECT_EQ(run("XGROUP SETID s g $"), "+OK\r\n");
  EXPECT_EQ(group().last_id, (StreamId{1, 5}));
  EXPECT_EQ(group().entries_read, StreamGroup::kUnknown);
  EXPECT_EQ(run("XGROUP SETID s g -"), "+OK\r\n");
  EXPECT_EQ(run("XGROUP SETID s none 0"),
            "-NOGROUP No such consumer group 'none' for key name 's'\r\n");
}

// --- XREADGROUP ---

TEST_F(Groups, WhoReadsIsGivenWhatNobodyWasAndTheLogSaysWhom) {
  EXPECT_EQ(read("a", "COUNT 1 STREAMS s >"),
            "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_THAT(run.log,
              ElementsAre("0: XCLAIM s g a 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID "
                          "LASTID 1-1",
                          "0: XGROUP SETID s g 1-1 ENTRIESREAD 1"));
  run.advance_ms(50);
  EXPECT_THAT(bulks(read("b", "COUNT 2 STREAMS s >")),
              ElementsAre("s", "1-2", "f", "v", "1-3", "f", "v"));
  EXPECT_EQ(pending(), "1-1 of a, 1 times; 1-2 of b, 1 times; 1-3 of b, 1 times; ");
  read("a", "STREAMS s >");
  EXPECT_EQ(read("a", "STREAMS s >"), "*-1\r\n");
  EXPECT_EQ(group().entries_read, 5);
}

TEST_F(Groups, WithoutAcknowledgementNothingIsPending) {
  EXPECT_THAT(bulks(read("a", "NOACK COUNT 2 STREAMS s >")),
              ElementsAre("s", "1-1", "f", "v", "1-2", "f", "v"));
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP CREATECONSUMER s g a",
                                   "0: XGROUP SETID s g 1-2 ENTRIESREAD 2"));
  EXPECT_EQ(pending(), "");
  read("a", "NOACK COUNT 1 STREAMS s >");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP SETID s g 1-3 ENTRIESREAD 3"));
}

TEST_F(Groups, WhatOneHasIsGivenAgainAndCounted) {
  read("a", "COUNT 3 STREAMS s >");
  run.advance_ms(7);
  run("XDEL s 1-2");
  EXPECT_EQ(read("a", "STREAMS s 0"),
            "*1\r\n*2\r\n$1\r\ns\r\n*3\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"
            "*2\r\n$3\r\n1-2\r\n*-1\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_THAT(run.log,
              ElementsAre("0: XCLAIM s g a 0 1-1 TIME 1700000000007 RETRYCOUNT 2 FORCE JUSTID "
                          "LASTID 1-3",
                          "0: XCLAIM s g a 0 1-3 TIME 1700000000007 RETRYCOUNT 2 FORCE JUSTID "
                          "LASTID 1-3"));
  EXPECT_EQ(pending(), "1-1 of a, 2 times; 1-2 of a, 1 times; 1-3 of a, 2 times; ");
  EXPECT_EQ(read("b", "STREAMS s 0"), "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP CREATECONSUMER s g b"));
  EXPECT_EQ(read("b", "STREAMS s 0"), "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
}

TEST_F(Groups, ReadingForAGroupHasItsErrors) {
  EXPECT_EQ(
      run("XREADGROUP GROUP none a STREAMS s >"),
      "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option\r\n");
  EXPECT_THAT(run("XREADGROUP COUNT 1 NOACK STREAMS s >"), HasSubstr("Missing GROUP option"));
  EXPECT_THAT(read("a", "STREAMS s $"), HasSubstr("The $ ID is meaningless"));
  EXPECT_EQ(read("a", "COUNT 1 NOACK s >"), kSyntaxReply);
  EXPECT_THAT(run.log, IsEmpty());
}

// --- XACK, XPENDING ---

TEST_F(Groups, WhatIsAcknowledgedIsPendingNoMore) {
  read("a", "COUNT 3 STREAMS s >");
  EXPECT_EQ(run("XACK s g 1-1 1-3 9-9 1-1"), ":2\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XACK s g 1-1 1-3 9-9 1-1"));
  EXPECT_EQ(pending(), "1-2 of a, 1 times; ");
  EXPECT_EQ(run("XACK s g 1-1"), ":0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(run("XACK s g 1-2 x"), HasSubstr("Invalid stream ID"));
  EXPECT_EQ(run("XACK s none 1-2"), ":0\r\n");
  EXPECT_EQ(run("XACK none g 1-2"), ":0\r\n");
  EXPECT_EQ(run("XACK str g 1-2"), kWrongTypeReply);
}

TEST_F(Groups, TellsWhatIsPending) {
  EXPECT_EQ(run("XPENDING s g"), "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
  read("a", "COUNT 2 STREAMS s >");
  run.advance_ms(20);
  read("b", "COUNT 1 STREAMS s >");
  EXPECT_EQ(
      run("XPENDING s g"),
      "*4\r\n:3\r\n$3\r\n1-1\r\n$3\r\n1-3\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n$1\r\nb\r\n"
      "$1\r\n1\r\n");
  EXPECT_EQ(run("XPENDING s g - + 1"), "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\na\r\n:20\r\n:1\r\n");
  EXPECT_EQ(run("XPENDING s g (1-1 + 9 a"), "*1\r\n*4\r\n$3\r\n1-2\r\n$1\r\na\r\n:20\r\n:1\r\n");
  EXPECT_THAT(items("XPENDING s g IDLE 15 - + 9"), ElementsAre("1-1", "a", "1-2", "a"));
  EXPECT_EQ(run("XPENDING s g - + 9 none"), "*0\r\n");
  EXPECT_EQ(run("XPENDING s g - +"), kSyntaxReply);
  EXPECT_EQ(run("XPENDING s g IDLE 15 - +"), kSyntaxReply);
  EXPECT_EQ(run("XPENDING s none"), "-NOGROUP No such key 's' or consumer group 'none'\r\n");
}

// --- XCLAIM, XAUTOCLAIM ---

TEST_F(Groups, WhatHasWaitedIsClaimed) {
  read("a", "COUNT 3 STREAMS s >");
  run.advance_ms(10);
  EXPECT_EQ(run("XCLAIM s g b 50 1-1"), "*0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_THAT(items("XCLAIM s g b 5 1-1 1-2 9-9"), ElementsAre("1-1", "f", "v", "1-2", "f", "v"));
  EXPECT_THAT(run.log,
              ElementsAre("0: XCLAIM s g b 0 1-1 TIME 1700000000010 RETRYCOUNT 2 FORCE JUSTID "
                          "LASTID 1-3",
                          "0: XCLAIM s g b 0 1-2 TIME 1700000000010 RETRYCOUNT 2 FORCE JUSTID "
                          "LASTID 1-3"));
  EXPECT_THAT(items("XCLAIM s g c 0 1-3 JUSTID"), ElementsAre("1-3"));
  EXPECT_EQ(pending(), "1-1 of b, 2 times; 1-2 of b, 2 times; 1-3 of c, 1 times; ");
  EXPECT_THAT(items("XCLAIM s g c 0 1-4 FORCE IDLE 4 RETRYCOUNT 9 JUSTID LASTID 1-4"),
              ElementsAre("1-4"));
  EXPECT_THAT(run.log, ElementsAre("0: XCLAIM s g c 0 1-4 TIME 1700000000006 RETRYCOUNT 9 FORCE "
                                   "JUSTID LASTID 1-4"));
  EXPECT_EQ(run("XCLAIM s g c 0 9-9 LASTID 1-5"), "*0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XGROUP SETID s g 1-5 ENTRIESREAD 3"));
}

TEST_F(Groups, WhatIsGoneIsClaimedByNobody) {
  read("a", "COUNT 3 STREAMS s >");
  run("XDEL s 1-1 1-2");
  EXPECT_EQ(run("XCLAIM s g b 0 1-1"), "*0\r\n");
  EXPECT_THAT(run.log, ElementsAre("0: XCLAIM s g a 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE "
                                   "JUSTID LASTID 1-3"));
  EXPECT_EQ(
      run("XAUTOCLAIM s g b 0 -"),
      "*3\r\n$3\r\n0-0\r\n*1\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n*1\r\n$3\r\n1-2"
      "\r\n");
  EXPECT_EQ(pending(), "1-3 of b, 2 times; ");
}

TEST_F(Groups, ClaimsByTheHandful) {
  read("a", "STREAMS s >");
  EXPECT_THAT(items("XAUTOCLAIM s g b 0 0 COUNT 2 JUSTID"), ElementsAre("1-3", "1-1", "1-2"));
  EXPECT_THAT(items("XAUTOCLAIM s g b 0 (1-2 COUNT 9 JUSTID"),
              ElementsAre("0-0", "1-3", "1-4", "1-5"));
  EXPECT_EQ(run("XAUTOCLAIM s g c 9 0"), "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n");
  EXPECT_THAT(run.log, IsEmpty());
  EXPECT_EQ(run("XAUTOCLAIM s g c 9 0 COUNT 0"), "-ERR COUNT must be > 0\r\n");
  EXPECT_EQ(run("XAUTOCLAIM s g c x 0"), "-ERR Invalid min-idle-time argument for XAUTOCLAIM\r\n");
  EXPECT_EQ(run("XAUTOCLAIM s none c 0 0"),
            "-NOGROUP No such key 's' or consumer group 'none'\r\n");
  EXPECT_EQ(run("XCLAIM s g c x 1-1"), "-ERR Invalid min-idle-time argument for XCLAIM\r\n");
  EXPECT_EQ(run("XCLAIM s g c 0 1-1 WHAT"), "-ERR Unrecognized XCLAIM option 'WHAT'\r\n");
}

// A clock that goes back makes no delivery younger where the log is read again.
TEST_F(Groups, ALogSaysWhenItWas) {
  run.keyspace.set_loading(true);
  run("XCLAIM s g a 0 1-1 TIME 1800000000000 RETRYCOUNT 3 FORCE JUSTID LASTID 1-1");
  EXPECT_EQ(group().find_pending({1, 1})->delivered_ms, 1'800'000'000'000);
  run.keyspace.set_loading(false);
  run("XCLAIM s g a 0 1-1 TIME 1800000000000");
  EXPECT_EQ(group().find_pending({1, 1})->delivered_ms, 1'700'000'000'000);
}

// --- XINFO ---

TEST_F(Groups, TellsHowFarTheyHaveRead) {
  EXPECT_EQ(
      run("XINFO GROUPS s"),
      "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n"
      "$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:5\r\n");
  read("a", "COUNT 2 STREAMS s >");
  EXPECT_THAT(run("XINFO GROUPS s"), HasSubstr("entries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n"));
  run("XDEL s 1-4");
  EXPECT_THAT(run("XINFO GROUPS s"), HasSubstr("entries-read\r\n:2\r\n$3\r\nlag\r\n$-1\r\n"));
  run.advance_ms(30);
  EXPECT_EQ(run("XINFO CONSUMERS s g"),
            "*1\r\n*6\r\n$4\r\nname\r\n$1\r\na\r\n$7\r\npending\r\n:2\r\n$4\r\nidle\r\n:30\r\n");
  EXPECT_THAT(run("XINFO CONSUMERS s none"), HasSubstr("NOGROUP"));
  EXPECT_THAT(
      run("XINFO STREAM s FULL COUNT 1"),
      HasSubstr("$7\r\npending\r\n*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\na\r\n:1700000000000\r\n:1\r\n"
                "$9\r\nconsumers\r\n*1\r\n*8\r\n$4\r\nname\r\n$1\r\na\r\n$9\r\nseen-time\r\n"
                ":1700000000000\r\n$9\r\npel-count\r\n:2\r\n$7\r\npending\r\n*1\r\n*3\r\n"
                "$3\r\n1-1\r\n:1700000000000\r\n:1\r\n"));
}

}  // namespace
}  // namespace powercut::engine
