// Clients that wait for a key: who is served, with what, in which order; and what the log has of it.
#include <gmock/gmock.h>

#include <memory>

#include "engine/command/executor_harness.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOk[] = "+OK\r\n";
constexpr char kNoPair[] = "*-1\r\n";
constexpr char kQueued[] = "+QUEUED\r\n";

class Waits : public ExecutorTest {
 protected:
  // As ask(), of a request that waits.
  void wait(Session& from, const std::string& line) {
    EXPECT_EQ(ask(from, line), "") << line;
    EXPECT_TRUE(from.waits()) << line;
  }
  void pass(Duration time) {
    os.monotonic_ns += time.ns;
    executor.end_overdue_waits();
  }
  std::string push(const std::string& line) { return ask(producer, line); }

  Session producer{executor};
};

// --- One operation ---

TEST_F(Waits, ThePushAndWhatItServesAreOneEntry) {
  wait(session, "BLPOP none q 0");
  EXPECT_EQ(push("RPUSH q a b"), ":2\r\n");
  EXPECT_EQ(taken(session), array({"q", "a"}));
  EXPECT_FALSE(session.waits());
  EXPECT_THAT(log.take(), ElementsAre("0: RPUSH q a b;0: LPOP q;"));
  EXPECT_THAT(listener.lsns, ElementsAre(1));
  EXPECT_EQ(ask("LLEN q"), ":1\r\n");
}

TEST_F(Waits, EachFormIsLoggedAsWhatItDid) {
  const auto served = [&](const std::string& waits, const std::string& pushes) {
    wait(session, waits);
    push(pushes);
    const std::string reply = taken(session);
    push("FLUSHALL");
    return reply + " " + log.take()[0];
  };
  EXPECT_EQ(served("BRPOP q 0", "RPUSH q a b"), array({"q", "b"}) + " 0: RPUSH q a b;0: RPOP q;");
  EXPECT_EQ(served("BLMOVE q to LEFT RIGHT 0", "RPUSH q a"),
            bulk("a") + " 0: RPUSH q a;0: LMOVE q to LEFT RIGHT;");
  EXPECT_EQ(served("BRPOPLPUSH q to 0", "RPUSH q a"),
            bulk("a") + " 0: RPUSH q a;0: RPOPLPUSH q to;");
  EXPECT_THAT(served("BLMPOP 0 2 p q RIGHT COUNT 9", "RPUSH q a b"),
              HasSubstr(" 0: RPUSH q a b;0: RPOP q 2;"));
  EXPECT_THAT(served("BZPOPMIN z y 0", "ZADD y 1 a 2 b"),
              HasSubstr("$1\r\na\r\n$1\r\n1\r\n 0: ZADD y 1 a 2 b;0: ZPOPMIN y;"));
  EXPECT_THAT(served("BZPOPMAX z y 0", "ZADD y 1 a 2 b"), HasSubstr(";0: ZPOPMAX y;"));
  EXPECT_THAT(served("BZMPOP 0 2 z y MIN COUNT 2", "ZADD y 1 a 2 b"),
              HasSubstr(";0: ZPOPMIN y 2;"));
}

TEST_F(Waits, BothRepliesRestOnThatEntry) {
  release_all = false;
  wait(session, "BLPOP q 0");
  EXPECT_EQ(push("RPUSH q a"), "");
  EXPECT_EQ(taken(session), "");
  EXPECT_FALSE(session.waits());
  log.released = 1;
  EXPECT_EQ(taken(session), array({"q", "a"}));
  EXPECT_EQ(taken(producer), ":1\r\n");
}

TEST_F(Waits, ThatThereIsNothingRestsOnWhoTookIt) {
  push("RPUSH q a");
  release_all = false;
  push("LPOP q");
  wait(session, "BLPOP q 0.1");
  pass(milliseconds(100));
  EXPECT_EQ(taken(session), "");
  log.released = 2;
  EXPECT_EQ(taken(session), kNoPair);
}

// --- Who is served, and with what ---

TEST_F(Waits, WhoCameFirstIsServedFirst) {
  wait(session, "BLPOP other q 0");
  wait(other, "BLPOP q 0");
  push("RPUSH q a");
  EXPECT_EQ(taken(session), array({"q", "a"}));
  EXPECT_EQ(taken(other), "");
  wait(session, "BLPOP q 0");
  push("RPUSH q b c");
  EXPECT_EQ(taken(other), array({"q", "b"}));
  EXPECT_EQ(taken(session), array({"q", "c"}));
  EXPECT_EQ(ask("EXISTS q"), ":0\r\n");
}

TEST_F(Waits, AKeyNamedTwiceIsOne) {
  wait(session, "BLPOP q p q 0");
  push("RPUSH q a b");
  EXPECT_EQ(taken(session), array({"q", "a"}));
  EXPECT_TRUE(executor.clients().waiters.empty());
}

TEST_F(Waits, ATransactionServesWhenItIsDone) {
  wait(session, "BLPOP a b 0");
  for (const char* line : {"MULTI", "RPUSH b 1", "RPUSH a 2", "LPUSH b 0"}) push(line);
  EXPECT_EQ(taken(session), "");
  push("EXEC");
  // What became ready first, and as it is at the end.
  EXPECT_EQ(taken(session), array({"b", "0"}));
  EXPECT_THAT(log.take(), ElementsAre("0: RPUSH b 1;0: RPUSH a 2;0: LPUSH b 0;0: LPOP b;"));
}

TEST_F(Waits, WhatATransactionTakesBackServesNobody) {
  wait(session, "BLPOP q 0");
  for (const char* line : {"MULTI", "RPUSH q a", "DEL q", "SET q x", "EXEC"}) push(line);
  EXPECT_TRUE(session.waits());
  push("DEL q");
  push("RPUSH q b");
  EXPECT_EQ(taken(session), array({"q", "b"}));
}

TEST_F(Waits, WhatHasExpiredByThenServesNobody) {
  push("SELECT 1");
  push("RPUSH q a");
  push("PEXPIRE q 100");
  wait(session, "BRPOP q 0");
  os.unix_ms += 101;
  push("SWAPDB 0 1");
  EXPECT_TRUE(session.waits());
}

TEST_F(Waits, AnotherTypeServesWhoWaitsForThat) {
  wait(session, "BLPOP q 0");
  wait(other, "BZPOPMIN q 0");
  push("SET q x");
  push("DEL q");
  push("ZADD q 1 a");
  EXPECT_TRUE(session.waits());
  EXPECT_EQ(taken(other), "*3\r\n$1\r\nq\r\n$1\r\na\r\n$1\r\n1\r\n");
  push("RPUSH q b");
  EXPECT_EQ(taken(session), array({"q", "b"}));
}

TEST_F(Waits, WhatIsMovedServesTheNext) {
  Session last{executor};
  wait(last, "BLPOP c 0");
  wait(other, "BLMOVE b c LEFT LEFT 0");
  wait(session, "BRPOPLPUSH a b 0");
  push("RPUSH a x");
  EXPECT_EQ(taken(session) + taken(other) + taken(last), bulk("x") + bulk("x") + array({"c", "x"}));
  EXPECT_THAT(log.take(),
              ElementsAre("0: RPUSH a x;0: RPOPLPUSH a b;0: LMOVE b c LEFT LEFT;0: LPOP c;"));
}

TEST_F(Waits, WhoCannotMoveIsToldSoAndTheNextIsServed) {
  push("SET to x");
  wait(session, "BLMOVE q to LEFT LEFT 0");
  wait(other, "BLPOP q 0");
  log.take();
  push("RPUSH q a");
  EXPECT_EQ(taken(session), kWrongTypeReply);
  EXPECT_EQ(taken(other), array({"q", "a"}));
  EXPECT_THAT(log.take(), ElementsAre("0: RPUSH q a;0: LPOP q;"));
}

TEST_F(Waits, WhateverMakesTheKeyServes) {
  push("RPUSH from 2 1");
  push("ZADD ranks 1 a");
  for (const char* line : {"RENAME from q", "COPY from q", "SORT from STORE q",
                           "LMOVE from q LEFT LEFT", "RENAMENX from q", "MOVE q 0", "SWAPDB 0 3"}) {
    push("FLUSHALL");
    push("RPUSH from 2 1");
    push("SELECT 3");
    push("RPUSH q 3 4");
    if (line[0] != 'M') push("SELECT 0");
    wait(session, "BLPOP q 0");
    push(line);
    EXPECT_FALSE(session.waits()) << line;
    taken(session);
    push("SELECT 0");
  }
  for (const char* line : {"ZUNIONSTORE z 1 ranks", "ZRANGESTORE z ranks 0 -1", "RENAME ranks z"}) {
    push("ZADD ranks 1 a");
    wait(session, "BZPOPMAX z 0");
    push(line);
    EXPECT_FALSE(session.waits()) << line;
    taken(session);
  }
}

TEST_F(Waits, ADatabaseIsWaitedForByItsNumber) {
  ask("SELECT 2");
  wait(session, "BLPOP q 0");
  push("RPUSH q a");
  EXPECT_TRUE(session.waits());
  push("MOVE q 2");
  EXPECT_EQ(taken(session), array({"q", "a"}));
  EXPECT_THAT(log.take(), ElementsAre("0: RPUSH q a;", "0: MOVE q 2;2: LPOP q;"));
}

TEST_F(Waits, InATransactionNobodyWaits) {
  for (const char* line : {"MULTI", "BLPOP q 0", "BLMOVE q p LEFT LEFT 0", "BZPOPMIN z 0"})
    ask(line);
  EXPECT_EQ(ask("EXEC"), "*3\r\n*-1\r\n$-1\r\n*-1\r\n");
}

// --- How else it ends ---

TEST_F(Waits, NoLongerThanItWantedTo) {
  wait(session, "BLPOP q 0.1");
  wait(other, "BLMOVE q p LEFT LEFT 0.0501");
  EXPECT_EQ(executor.clients().waiters.with_deadline(), 2u);
  pass(milliseconds(50));
  EXPECT_TRUE(other.waits());
  pass(milliseconds(1));
  EXPECT_EQ(taken(other), kNoPair);
  EXPECT_TRUE(session.waits());
  pass(milliseconds(49));
  EXPECT_EQ(taken(session), kNoPair);
  EXPECT_EQ(push("RPUSH q a"), ":1\r\n");
  wait(other, "BLPOP p 0");
  pass(seconds(1'000'000));
  EXPECT_TRUE(other.waits());
}

TEST_F(Waits, AnotherMayEndIt) {
  const auto unblock = [&](const std::string& how) {
    wait(session, "BLPOP q 0");
    EXPECT_THAT(push("CLIENT LIST"), HasSubstr("flags=b "));
    EXPECT_EQ(push("CLIENT UNBLOCK 1" + how), ":1\r\n");
    return taken(session);
  };
  EXPECT_EQ(unblock(""), kNoPair);
  EXPECT_EQ(unblock(" TIMEOUT"), kNoPair);
  EXPECT_EQ(unblock(" error"), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  wait(session, "WAIT 1 0");
  EXPECT_EQ(push("CLIENT UNBLOCK 1"), ":1\r\n");
  EXPECT_EQ(taken(session), ":0\r\n");
  wait(session, "WAIT 1 0");
  EXPECT_EQ(push("CLIENT UNBLOCK 1 ERROR"), ":1\r\n");
  EXPECT_EQ(taken(session), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
  EXPECT_EQ(push("CLIENT UNBLOCK 1"), ":0\r\n");
  EXPECT_EQ(push("CLIENT UNBLOCK 99"), ":0\r\n");
  EXPECT_EQ(push("CLIENT UNBLOCK x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(push("CLIENT UNBLOCK 1 WHY"),
            "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
  EXPECT_EQ(push("RPUSH q a"), ":1\r\n");
  EXPECT_EQ(push("LLEN q"), ":1\r\n");
}

TEST_F(Waits, WhoHasGoneIsNotServed) {
  auto gone = std::make_unique<Session>(executor);
  wait(*gone, "BLPOP q 0");
  gone.reset();
  wait(other, "BLPOP q 5");
  other.client().give_up();
  push("RPUSH q a");
  EXPECT_EQ(push("LLEN q"), ":1\r\n");
  EXPECT_TRUE(executor.clients().waiters.empty());
  EXPECT_EQ(executor.clients().waiters.with_deadline(), 0u);
}

TEST_F(Waits, WhatItSaysMeanwhileWaits) {
  session.feed("BLPOP q 0\r\nSET a 1\r\nBLPOP p 0\r\nSET b 1\r\n");
  EXPECT_EQ(push("EXISTS a"), ":0\r\n");
  session.resume();
  EXPECT_TRUE(session.waits());
  push("RPUSH q x");
  EXPECT_EQ(taken(session), array({"q", "x"}));
  session.resume();
  log.released = log.applied;
  EXPECT_EQ(taken(session), kOk);
  EXPECT_TRUE(session.waits());
  EXPECT_EQ(push("EXISTS a b"), ":1\r\n");
}

TEST_F(Waits, WhatItSaidMeanwhileIsRunOnce) {
  wait(session, "BLPOP q 0");
  push("RPUSH q x");
  session.resume();
  session.set_most_unsent(1);
  session.resume();
  EXPECT_FALSE(session.stalled()) << "there is nothing more to run";
}

// --- Streams, where who reads takes nothing away ---

TEST_F(Waits, AllWhoReadAStreamAreServed) {
  push("XADD s 1-1 f v");
  log.take();
  wait(session, "XREAD BLOCK 0 STREAMS none s 0 $");
  wait(other, "XREAD COUNT 1 BLOCK 0 STREAMS s 1-2");
  push("XADD s 1-2 f v");
  EXPECT_EQ(bulks(taken(session)), (std::vector<std::string>{"s", "1-2", "f", "v"}));
  EXPECT_TRUE(other.waits()) << "it has that";
  EXPECT_THAT(log.take(), ElementsAre("0: XADD s 1-2 f v;"));
  EXPECT_EQ(push("XADD s 1-3 f v"), bulk("1-3"));
  EXPECT_EQ(bulks(taken(other)), (std::vector<std::string>{"s", "1-3", "f", "v"}));
}

TEST_F(Waits, OneConsumerOfAGroupIsServedAndTheLogSaysWho) {
  push("XGROUP CREATE s g $ MKSTREAM");
  log.take();
  wait(session, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >");
  wait(other, "XREADGROUP GROUP g b BLOCK 0 NOACK STREAMS s >");
  push("XADD s 1-1 f v");
  EXPECT_EQ(bulks(taken(session)), (std::vector<std::string>{"s", "1-1", "f", "v"}));
  EXPECT_TRUE(other.waits());
  EXPECT_THAT(log.take(),
              ElementsAre("0: XADD s 1-1 f v;"
                          "0: XCLAIM s g a 0 1-1 TIME 1000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1;"
                          "0: XGROUP SETID s g 1-1 ENTRIESREAD 1;"));
  push("XADD s 1-2 f v");
  EXPECT_EQ(bulks(taken(other)), (std::vector<std::string>{"s", "1-2", "f", "v"}));
  EXPECT_THAT(log.take(), ElementsAre("0: XADD s 1-2 f v;0: XGROUP CREATECONSUMER s g b;"
                                      "0: XGROUP SETID s g 1-2 ENTRIESREAD 2;"));
}

TEST_F(Waits, WhatATransactionAddedAndDeletedWakesNobody) {
  wait(session, "XREAD BLOCK 0 STREAMS s 0");
  for (const char* line : {"MULTI", "XADD s 1-1 f v", "XDEL s 1-1", "EXEC"}) push(line);
  EXPECT_TRUE(session.waits());
  for (const char* line : {"MULTI", "XADD s 1-2 f v", "XADD s 1-3 f v", "EXEC"}) push(line);
  EXPECT_EQ(bulks(taken(session)),
            (std::vector<std::string>{"s", "1-2", "f", "v", "1-3", "f", "v"}));
}

// Whoever reads for a group is told that there is none; whoever does not waits for the next stream of that name.
TEST_F(Waits, WhoReadsForAGroupIsToldThatItHasGone) {
  constexpr char kGone[] = "-UNBLOCKED the stream key no longer exists\r\n";
  const auto goes = [&](const std::string& line) {
    push("SELECT 0");
    push("DEL s");
    push("XGROUP CREATE s g $ MKSTREAM");
    wait(session, "XREADGROUP GROUP g a BLOCK 0 STREAMS s >");
    push(line);
    return taken(session);
  };
  wait(other, "XREAD BLOCK 0 STREAMS s $");
  EXPECT_EQ(goes("DEL s"), kGone);
  EXPECT_EQ(goes("SET s x"), kGone);
  EXPECT_EQ(goes("FLUSHALL"), kGone);
  EXPECT_EQ(goes("SWAPDB 0 1"), kGone);
  EXPECT_EQ(goes("RENAME s t"), kGone);
  EXPECT_THAT(goes("XGROUP DESTROY s g"), HasSubstr("-NOGROUP "));
  EXPECT_TRUE(other.waits());
  push("XADD s * f v");
  EXPECT_EQ(bulks(taken(other)), (std::vector<std::string>{"s", "1000-0", "f", "v"}));
}

TEST_F(Waits, ForAStreamEndsAsOthersDo) {
  wait(session, "XREAD BLOCK 20 STREAMS s $");
  pass(milliseconds(21));
  EXPECT_EQ(taken(session), kNoPair);
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("XREAD BLOCK 0 STREAMS s $"), kQueued);
  EXPECT_EQ(ask("EXEC"), std::string("*1\r\n") + kNoPair);
}

// --- What is counted, and what is watched ---

TEST_F(Waits, ItIsOneCall) {
  wait(session, "BLPOP q 0");
  const auto& tally = executor.tally().of(find_command("blpop"));
  EXPECT_EQ(tally.calls, 1u);
  EXPECT_EQ(tally.latency, nullptr);
  push("RPUSH q a");
  EXPECT_EQ(tally.calls, 1u);
  EXPECT_NE(tally.latency, nullptr);
  taken(session);
  wait(session, "BLPOP q 0");
  push("CLIENT UNBLOCK 1 ERROR");
  EXPECT_EQ(tally.failed, 1u);
}

TEST_F(Waits, AWatchIsBrokenByWhatIsMovedThere) {
  wait(session, "BLMOVE q to LEFT LEFT 0");
  ask(other, "WATCH to");
  ask(other, "MULTI");
  EXPECT_EQ(ask(other, "GET x"), kQueued);
  push("RPUSH q a");
  EXPECT_EQ(ask(other, "EXEC"), kNoPair);
}

TEST_F(Waits, WhatHadExpiredIsLoggedBeforeItWaits) {
  push("RPUSH q a");
  push("PEXPIRE q 100");
  log.take();
  os.unix_ms += 100;
  wait(session, "BLPOP q 0");
  EXPECT_THAT(log.take(), ElementsAre("0: DEL q;"));
  EXPECT_THAT(log.take(), IsEmpty());
}

}  // namespace
}  // namespace powercut::engine
