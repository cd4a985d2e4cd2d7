// The executor and the sessions above it, over a log that releases what it is told to.
#include "engine/command/executor.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/words.h"
#include "engine/command/effects.h"
#include "engine/command/executor_harness.h"
#include "engine/store/digest.h"
#include "engine/store/fetch_ahead.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kOk = "+OK\r\n";
constexpr const char* kQueued = "+QUEUED\r\n";
constexpr const char* kNull = "$-1\r\n";
constexpr const char* kNullArray = "*-1\r\n";
constexpr const char* kAborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";

// --- One operation, one entry ---

TEST_F(ExecutorTest, AnOperationIsOneEntry) {
  EXPECT_EQ(ask("SET a 1"), kOk);
  EXPECT_EQ(ask("GET a"), bulk("1"));
  EXPECT_EQ(ask("DEL missing"), ":0\r\n");
  EXPECT_EQ(ask("SELECT 3"), kOk);
  EXPECT_EQ(ask("MSET b 2 c 3"), kOk);
  EXPECT_THAT(log.take(), ElementsAre("0: SET a 1;", "3: MSET b 2 c 3;"));
  EXPECT_THAT(listener.lsns, ElementsAre(1, 2));
  EXPECT_EQ(executor.stats().commands, 5u);
  EXPECT_EQ(session.client().last_command, "mset");
  EXPECT_EQ(session.client().db, 3);
  executor.reset_stats();
  EXPECT_EQ(executor.stats().commands, 0u);
}

TEST_F(ExecutorTest, AnExecThatIsNoneEndsTheTransaction) {
  constexpr const char* kWhy =
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' "
      "command\r\n";
  EXPECT_EQ(ask("EXEC now"), kWhy);
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SET a 1"), kQueued);
  EXPECT_EQ(ask("EXEC now"), kWhy);
  EXPECT_EQ(ask("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(ask("GET a"), kNull);
}

TEST_F(ExecutorTest, WhatIsNoCommandIsRefused) {
  EXPECT_EQ(ask("NOSUCH a"), "-ERR unknown command 'NOSUCH', with args beginning with: 'a' \r\n");
  EXPECT_EQ(ask("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(ask("GET a b"), "-ERR wrong number of arguments for 'get' command\r\n");
  EXPECT_EQ(session.client().last_command, "NULL");
  EXPECT_EQ(executor.stats().commands, 3u);
  EXPECT_TRUE(session.idle());
}

TEST_F(ExecutorTest, TheClockOfACommandIsThatOfItsStart) {
  EXPECT_EQ(ask("SET a 1 PX 500"), kOk);
  EXPECT_THAT(log.take(), ElementsAre("0: SET a 1 PXAT 1500;"));
  os.unix_ms = 1499;
  EXPECT_EQ(ask("GET a"), bulk("1"));
  os.unix_ms = 1500;
  EXPECT_EQ(ask("GET a"), kNull);
  EXPECT_THAT(log.take(), ElementsAre("0: DEL a;"));
  EXPECT_EQ(executor.stats().expired_keys, 1u);
}

TEST_F(ExecutorTest, WhatExpiredGoesBeforeWhatTheCommandDid) {
  EXPECT_EQ(ask("SET a 1 PX 500"), kOk);
  log.take();
  os.unix_ms = 2000;
  EXPECT_EQ(ask("INCR a"), ":1\r\n");
  EXPECT_THAT(log.take(), ElementsAre("0: DEL a;0: INCR a;"));
}

TEST_F(ExecutorTest, EachKeyThatExpiresIsAnOperation) {
  EXPECT_EQ(ask("SELECT 2"), kOk);
  for (const char* key : {"a", "b", "c"}) ask(std::string("SET ") + key + " 1 PX 500");
  EXPECT_EQ(executor.expire_some(10), 0u);
  log.take();
  listener.lsns.clear();
  os.unix_ms = 1500;
  EXPECT_EQ(executor.expire_some(0), 0u);
  EXPECT_EQ(executor.expire_some(2), 2u);
  EXPECT_EQ(log.take().size(), 2u);
  EXPECT_EQ(executor.expire_some(2), 1u);
  EXPECT_THAT(log.take(), ElementsAre(::testing::MatchesRegex("2: DEL .;")));
  EXPECT_THAT(listener.lsns, ElementsAre(4, 5, 6));
  EXPECT_EQ(executor.stats().expired_keys, 3u);
  EXPECT_EQ(executor.expire_some(2), 0u);
}

// --- Who is answered at all ---

TEST_F(ExecutorTest, NobodyIsAnsweredWithoutThePassword) {
  executor.clients().users.set_default_password("secret");
  session.client().authenticated = false;
  const std::string refused = "-NOAUTH Authentication required.\r\n";
  EXPECT_EQ(ask("GET a"), refused);
  EXPECT_EQ(ask("NOSUCH"), refused);
  EXPECT_EQ(ask("MULTI"), refused);
  EXPECT_EQ(ask("AUTH wrong")[0], '-');
  EXPECT_EQ(ask("GET a"), refused);
  EXPECT_EQ(ask("AUTH secret"), kOk);
  EXPECT_EQ(ask("GET a"), kNull);
  EXPECT_EQ(ask("MULTI"), kOk);
  session.client().authenticated = false;
  EXPECT_EQ(ask("GET a"), refused);
  session.client().authenticated = true;
  EXPECT_EQ(ask("EXEC"), kAborted);
}

TEST_F(ExecutorTest, WhileItLoadsOnlyWhatTouchesNoKeyIsAnswered) {
  executor.set_loading(true);
  const std::string loading = "-LOADING Redis is loading the dataset in memory\r\n";
  EXPECT_EQ(ask("GET a"), loading);
  EXPECT_EQ(ask("SET a 1"), loading);
  EXPECT_EQ(ask("ECHO x"), bulk("x"));
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SET a 1"), loading);
  EXPECT_EQ(ask("EXEC"), kAborted);
  executor.set_loading(false);
  EXPECT_EQ(ask("GET a"), kNull);
}

// Any page may send bytes to any port: what stands behind such words is no client's.
TEST_F(ExecutorTest, AWebRequestIsCutOff) {
  for (const char* word : {"POST", "post", "Host:"}) {
    Session browser{executor};
    browser.feed(std::string(word) + " /\r\nSET a 1\r\n");
    EXPECT_EQ(taken(browser), "");
    EXPECT_TRUE(browser.closing());
  }
  EXPECT_EQ(ask("GET a"), kNull);
  EXPECT_EQ(ask("HOST x")[0], '-');
  EXPECT_FALSE(session.closing());
}

// --- Writes that must wait or are refused ---

TEST_F(ExecutorTest, AWriterWaitsForRoomAndAReaderDoesNot) {
  log.busy = 3;
  EXPECT_EQ(ask("GET a"), kNull);
  EXPECT_EQ(log.asked_for_room, 0);
  EXPECT_EQ(ask("SET a 1"), kOk);
  EXPECT_EQ(log.asked_for_room, 4);  // until there is room
  ask("MULTI");
  ask("GET a");
  EXPECT_EQ(ask("EXEC"), "*1\r\n" + bulk("1"));
  EXPECT_EQ(log.asked_for_room, 4);
  ask("MULTI");
  ask("GET a");
  ask("SET b 1");
  EXPECT_EQ(log.asked_for_room, 4);  // it is only queued
  ask("EXEC");
  EXPECT_EQ(log.asked_for_room, 5);
}

TEST_F(ExecutorTest, WhileWritesArePausedReadsGoOn) {
  ask("SET a 1");
  EXPECT_EQ(ask("CLIENT PAUSE 1000 WRITE"), kOk);
  EXPECT_EQ(ask("GET a"), bulk("1"));
}

TEST_F(ExecutorTest, WritesAreRefusedWhileTheLogSaysSo) {
  ask("SET a 1");
  log.refused = "MISCONF no";
  EXPECT_EQ(ask("SET a 2"), "-MISCONF no\r\n");
  EXPECT_EQ(ask("DEL a"), "-MISCONF no\r\n");
  EXPECT_EQ(ask("GET a"), bulk("1"));
  EXPECT_EQ(executor.stats().refused_writes, 2u);
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SET a 2"), "-MISCONF no\r\n");
  EXPECT_EQ(ask("GET a"), kQueued);
  EXPECT_EQ(ask("EXEC"), kAborted);
  EXPECT_EQ(executor.stats().refused_writes, 2u);
  EXPECT_EQ(log.take().size(), 1u);
  log.refused.clear();
  EXPECT_EQ(ask("SET a 2"), kOk);
}

TEST_F(ExecutorTest, ATransactionThatWouldWriteIsRefusedWhole) {
  ask("SET a 1");
  ask("MULTI");
  ask("GET a");
  ask("SET a 2");
  log.refused = "MISCONF no";
  EXPECT_EQ(ask("EXEC"), "-EXECABORT Transaction discarded because of: MISCONF no\r\n");
  EXPECT_EQ(executor.stats().refused_writes, 1u);
  EXPECT_EQ(ask("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(ask("GET a"), bulk("1"));
  // One that only reads is not; nor is one that runs nothing.
  ask("MULTI");
  ask("GET a");
  EXPECT_EQ(ask("EXEC"), "*1\r\n" + bulk("1"));
  log.refused.clear();
  ask("WATCH a");
  ask(other, "SET a 3");
  ask("MULTI");
  ask("SET a 4");
  log.refused = "MISCONF no";
  EXPECT_EQ(ask("EXEC"), kNullArray);
  EXPECT_EQ(executor.stats().refused_writes, 1u);
}

TEST_F(ExecutorTest, AboveItsMemoryOnlyWhatFreesIsTaken) {
  ask("SET a 1");
  executor.set_max_memory(keyspace.used_bytes());
  EXPECT_EQ(ask("SET a 2"), kOk);  // at the limit, not above it
  executor.set_max_memory(keyspace.used_bytes() - 1);
  const std::string oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
  EXPECT_EQ(ask("SET a 3"), oom);
  EXPECT_EQ(ask("GET a"), bulk("2"));
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SET a 3"), oom);
  EXPECT_EQ(ask("EXEC"), kAborted);
  EXPECT_EQ(ask("DEL a"), ":1\r\n");
  executor.set_max_memory(1);
  EXPECT_EQ(ask("SET a 3"), oom);
  executor.set_max_memory(0);  // no limit
  EXPECT_EQ(ask("SET a 3"), kOk);
}

// Each by an operation of its own: when there is less room than before, and in front of what comes next.
TEST_F(ExecutorTest, AboveItsMemoryKeysGoWhereThePolicySaysSo) {
  executor.eviction().set_policy(EvictionPolicy::kVolatileTtl, 5);
  ask("SELECT 1");
  ask("SET a 1 PX 2000");
  ask("SET b 1");
  ask("SET c 1 PX 9000");
  executor.set_max_memory(keyspace.used_bytes() - 1);
  log.take();
  ask("PING");  // as CONFIG SET: nobody waits for a write
  EXPECT_THAT(log.take(), testing::ElementsAre("1: DEL c;"));
  EXPECT_EQ(executor.stats().evicted_keys, 1u);
  EXPECT_EQ(ask("SET d 1 PX 1000"), kOk);
  EXPECT_THAT(log.take(), testing::ElementsAre("1: SET d 1 PXAT 2000;"));
  EXPECT_EQ(ask("EXISTS b"), ":1\r\n");  // a read as well
  EXPECT_THAT(log.take(), testing::ElementsAre(testing::AnyOf("1: DEL a;", "1: DEL d;")));
  EXPECT_EQ(ask("EXISTS c"), ":0\r\n");
  executor.set_max_memory(1);
  EXPECT_EQ(ask("SET e 1").substr(0, 4), "-OOM");  // all that may go has gone
  EXPECT_THAT(log.take(), testing::ElementsAre(testing::AnyOf("1: DEL a;", "1: DEL d;")));
  EXPECT_EQ(ask("GET b"), bulk("1"));
}

// It would come behind the last batch of a log that is being closed, and be taken for kept.
TEST_F(ExecutorTest, WhileTheLogEndsNothingExpiresAndNoKeyGoes) {
  ask("SET a 1 PX 10");
  ask("SET b 1");
  os.unix_ms += 10;
  executor.eviction().set_policy(EvictionPolicy::kAllkeysRandom, 5);
  executor.set_max_memory(1);
  log.take();
  log.ending = true;
  EXPECT_EQ(ask("GET a"), kNull);
  EXPECT_EQ(ask("GET b"), bulk("1"));
  EXPECT_TRUE(log.take().empty());
  log.ending = false;
  EXPECT_EQ(ask("GET b"), kNull);
  EXPECT_THAT(log.take(), testing::UnorderedElementsAre("0: DEL a;", "0: DEL b;"));
}

TEST_F(ExecutorTest, ATransactionThatNeedsMemoryIsRefusedAboveIt) {
  ask("SET a 1");
  for (const auto& [queued, refused] : {std::pair{"SET a 2", true}, {"DEL a", false}}) {
    executor.set_max_memory(0);
    ask("MULTI");
    ask("GET a");
    ask(queued);
    executor.set_max_memory(1);
    const std::string reply = ask("EXEC");
    EXPECT_EQ(reply.starts_with("-EXECABORT Transaction discarded because of: OOM "), refused)
        << reply;
  }
  EXPECT_EQ(executor.stats().refused_writes, 1u);
}

// Of each argument its bytes and what stands around them; of EXEC those of what it runs as well.
TEST_F(ExecutorTest, SpaceIsAskedForBeforeAWrite) {
  ask("SET a 12345");
  EXPECT_THAT(log.asked_for_space, ElementsAre(3 + 1 + 5 + 3 * 16));
  ask("GET a");
  ask("MULTI");
  ask("SET b 1");
  ask("DEL a");
  EXPECT_EQ(log.asked_for_space.size(), 1u);
  ask("EXEC");
  EXPECT_THAT(log.asked_for_space, ElementsAre(57, 4 + 16 + (5 + 3 * 16) + (4 + 2 * 16)));
}

// --- What is counted ---

TEST_F(ExecutorTest, CallsErrorsAndRefusalsAreCounted) {
  const auto of = [&](const char* name) -> const CommandTally& {
    return executor.tally().of(find_command_or_subcommand(name));
  };
  ask("SET a 1");
  ask("GET a");
  ask("GET a");
  ask("LPUSH a x");  // wrong type
  ask("NOSUCH");
  log.refused = "MISCONF no";
  ask("SET a 2");
  log.refused.clear();
  ask("MULTI");
  ask("LPUSH a x");
  ask("GET a");
  ask("EXEC");
  EXPECT_EQ(of("get").calls, 3u);
  EXPECT_EQ(of("get").failed, 0u);
  EXPECT_EQ(of("lpush").calls, 2u);  // one of them by EXEC
  EXPECT_EQ(of("lpush").failed, 2u);
  EXPECT_EQ(of("set").calls, 1u);
  EXPECT_EQ(of("set").rejected, 1u);
  EXPECT_EQ(of("exec").calls, 1u);
  EXPECT_EQ(of("nosuch-command").calls, 0u);
  EXPECT_EQ(executor.tally().errors().at("WRONGTYPE"), executor.tally().total_errors() - 2);
  EXPECT_EQ(executor.tally().errors().at("ERR"), 1u);
  EXPECT_EQ(executor.tally().errors().at("MISCONF"), 1u);
  executor.reset_stats();
  EXPECT_EQ(of("get").calls, 0u);
  EXPECT_EQ(executor.tally().total_errors(), 0u);
}

// What a command looks up without a mind to change it, and of what a script runs once.
TEST_F(ExecutorTest, WhatReadsFindIsCounted) {
  ask("SET a 1");
  ask("APPEND a 2");
  ask("DEL b");
  EXPECT_EQ(executor.stats().hits, 0u);
  EXPECT_EQ(executor.stats().misses, 0u);
  ask("GET a");
  ask("EXISTS a b");
  EXPECT_EQ(executor.stats().hits, 2u);
  EXPECT_EQ(executor.stats().misses, 1u);
  ask("EVAL \"redis.call('SET', 'a', '1'); redis.call('GET', 'b'); return redis.call('GET', 'a')\" "
      "0");
  EXPECT_EQ(executor.stats().hits, 3u);
  EXPECT_EQ(executor.stats().misses, 2u);
  ask("COPY a c");
  ask("GETDEL b");
  ask("SINTERSTORE d d d");
  EXPECT_EQ(executor.stats().hits, 4u);
  EXPECT_EQ(executor.stats().misses, 5u);
}

// What has expired goes before a command begins, which is no look-up of its own.
TEST_F(ExecutorTest, WhatHasExpiredIsMissedOnce) {
  ask("SET a 1 PX 10");
  ask("SET b 1");
  os.unix_ms += 10;
  ask("MGET a b");
  EXPECT_EQ(executor.stats().hits, 1u);
  EXPECT_EQ(executor.stats().misses, 1u);
}

TEST_F(ExecutorTest, WhatTakesLongIsKept) {
  executor.slow_log().set_limits(100, 10);
  session.client().name = "me";
  os.unix_ms = 5000;
  int64_t takes_ns = 99'999;
  control.on_config_get = [&] { os.monotonic_ns += takes_ns; };
  ask("CONFIG GET x");
  EXPECT_TRUE(executor.slow_log().entries().empty());
  takes_ns = 100'000;
  ask("CONFIG GET x");
  ASSERT_EQ(executor.slow_log().entries().size(), 1u);
  const SlowEntry& entry = executor.slow_log().entries().front();
  EXPECT_EQ(entry.unix_s, 5);
  EXPECT_EQ(entry.took_us, 100);
  EXPECT_THAT(entry.words, ElementsAre("CONFIG", "GET", "x"));
  EXPECT_EQ(entry.address, "local");
  EXPECT_EQ(entry.name, "me");
  EXPECT_EQ(executor.tally().of(find_command_or_subcommand("config|get")).took_ns, 199'999);
}

TEST_F(ExecutorTest, WhatTakesLongIsAnEventOfLatency) {
  os.unix_ms = 5000;
  control.on_config_get = [&] { os.monotonic_ns += milliseconds(30).ns; };
  ask("CONFIG GET x");
  executor.latency_events().set_threshold(30);
  EXPECT_TRUE(executor.latency_events().all().empty());
  ask("CONFIG GET x");
  ask("PING");
  const auto& events = executor.latency_events().all();
  ASSERT_EQ(events.size(), 1u);
  const auto& event = events.at("command");
  ASSERT_EQ(event.samples.size(), 1u);
  EXPECT_EQ(event.samples[0].unix_s, 5);
  EXPECT_EQ(event.samples[0].ms, 30);
}

// A key that expires is changed by nobody; one that had expired before was not there.
TEST_F(ExecutorTest, WatchesKnowWhatExpired) {
  ask("SET a 1 PX 10");
  ask("WATCH a");
  os.unix_ms += 20;
  ask("MULTI");
  ask("PING");
  EXPECT_EQ(ask("EXEC"), kNullArray);
  ask("SET a 1 PX 10");
  os.unix_ms += 20;
  ask("WATCH a");
  ask("MULTI");
  ask("PING");
  EXPECT_EQ(ask("EXEC"), "*1\r\n+PONG\r\n");
  // One that has expired in the database that comes is nothing either.
  ask("SET a 1 PX 10");
  os.unix_ms += 20;
  ask("SELECT 1");
  ask("WATCH a");
  EXPECT_EQ(ask("SWAPDB 0 1"), kOk);
  ask("MULTI");
  ask("PING");
  EXPECT_EQ(ask("EXEC"), "*1\r\n+PONG\r\n");
  EXPECT_THAT(log.take(), ::testing::Contains("0: DEL a;1: SWAPDB 0 1;"));
}

TEST_F(ExecutorTest, RepliesThatNobodyWantsAreNotMade) {
  EXPECT_EQ(ask("CLIENT REPLY SKIP"), "");
  EXPECT_EQ(ask("SET a 1"), "");
  EXPECT_EQ(ask("GET a"), bulk("1"));
  EXPECT_EQ(ask("CLIENT REPLY OFF"), "");
  EXPECT_EQ(ask("SET a 2"), "");
  EXPECT_EQ(ask("NOSUCH"), "");
  EXPECT_EQ(ask("CLIENT REPLY ON"), kOk);
  EXPECT_EQ(ask("GET a"), bulk("2"));
}

// --- Transactions ---

TEST_F(ExecutorTest, ATransactionIsOneEntry) {
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SET a 1"), kQueued);
  EXPECT_EQ(ask("SELECT 2"), kQueued);
  EXPECT_EQ(ask("SET b 2"), kQueued);
  EXPECT_EQ(ask("LPUSH b x"), kQueued);
  EXPECT_EQ(ask("GET b"), kQueued);
  EXPECT_THAT(log.take(), IsEmpty());
  EXPECT_EQ(ask("EXEC"), "*5\r\n+OK\r\n+OK\r\n+OK\r\n" + std::string(kWrongTypeReply) + bulk("2"));
  EXPECT_THAT(log.take(), ElementsAre("0: SET a 1;2: SET b 2;"));
  EXPECT_THAT(listener.lsns, ElementsAre(1));
  EXPECT_EQ(session.client().db, 2);
  EXPECT_FALSE(session.client().in_exec);
  EXPECT_EQ(ask("EXEC"), "-ERR EXEC without MULTI\r\n");
  EXPECT_EQ(ask("GET b"), bulk("2"));
}

TEST_F(ExecutorTest, WhatItRunsMustNotWait) {
  control.client = &session.client();
  ask("CONFIG GET x");
  EXPECT_FALSE(control.in_exec);
  ask("MULTI");
  ask("CONFIG GET x");
  ask("EXEC");
  EXPECT_TRUE(control.in_exec);
  ask("CONFIG GET x");
  EXPECT_FALSE(control.in_exec);
}

TEST_F(ExecutorTest, WhatItRunsKnowsItsClient) {
  ask("MULTI");
  ask("CLIENT SETNAME me");
  ask("CLIENT GETNAME");
  EXPECT_EQ(ask("EXEC"), "*2\r\n+OK\r\n" + bulk("me"));
  EXPECT_EQ(session.client().name, "me");
}

TEST_F(ExecutorTest, ATransactionWithAWrongCommandIsDiscarded) {
  for (const char* wrong : {"NOSUCH", "GET", "SET a"}) {
    EXPECT_EQ(ask("MULTI"), kOk);
    EXPECT_EQ(ask("SET a 1"), kQueued);
    EXPECT_EQ(ask(wrong)[0], '-');
    EXPECT_EQ(ask("EXEC"), kAborted) << wrong;
  }
  EXPECT_EQ(ask("GET a"), kNull);
  // Outside a transaction nothing is remembered of it.
  ask("NOSUCH");
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), "*0\r\n");
  EXPECT_THAT(log.take(), IsEmpty());
}

TEST_F(ExecutorTest, NotEveryCommandMayStandInATransaction) {
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("SAVE"), "-ERR Command not allowed inside a transaction\r\n");
  EXPECT_EQ(ask("EXEC"), kAborted);
  EXPECT_EQ(ask("SAVE"), kOk);
  EXPECT_EQ(ask("MULTI"), kOk);
  EXPECT_EQ(ask("MULTI"), "-ERR MULTI calls can not be nested\r\n");
  EXPECT_EQ(ask("WATCH a"), "-ERR WATCH inside MULTI is not allowed\r\n");
  EXPECT_EQ(ask("DISCARD"), kOk);
  EXPECT_EQ(ask("EXEC"), "-ERR EXEC without MULTI\r\n");
}

// --- Watches ---

class WatchTest : public ExecutorTest {
 protected:
  // Whether `change` by another client breaks a watch of `key` in this database.
  bool breaks(const std::string& change, const std::string& key = "a", int db = 0) {
    ask("SELECT " + std::to_string(db));
    ask("WATCH " + key);
    ask(other, "SELECT 0");
    ask(other, change);
    ask("MULTI");
    ask("SET done 1");
    return ask("EXEC") == kNullArray;
  }
};

TEST_F(WatchTest, AChangeOfTheKeyBreaksIt) {
  EXPECT_TRUE(breaks("SET a 1"));
  EXPECT_TRUE(breaks("SET a 1"));
  EXPECT_TRUE(breaks("APPEND a 1"));
  EXPECT_TRUE(breaks("RENAME a z"));
  EXPECT_TRUE(breaks("RENAME z a"));
  EXPECT_TRUE(breaks("DEL a"));
  EXPECT_TRUE(breaks("SET c 1", "a b c"));
  EXPECT_FALSE(breaks("GET a"));
  EXPECT_FALSE(breaks("DEL a"));
  EXPECT_FALSE(breaks("SET b 1"));
  EXPECT_FALSE(breaks("SET a 1", "a", 1));
}

TEST_F(WatchTest, AFlushBreaksItIfTheKeyIsThere) {
  EXPECT_FALSE(breaks("FLUSHDB"));
  ask(other, "SET a 1");
  EXPECT_FALSE(breaks("FLUSHDB", "a", 1));
  ask(other, "SET a 1");
  EXPECT_TRUE(breaks("FLUSHDB"));
  ask(other, "SET b 1");
  EXPECT_FALSE(breaks("FLUSHDB"));
}

TEST_F(WatchTest, ASwapBreaksItIfTheKeyIsThereOnEitherSide) {
  EXPECT_FALSE(breaks("SWAPDB 0 1"));
  ask(other, "SET a 1");
  EXPECT_TRUE(breaks("SWAPDB 0 1"));  // it was here
  EXPECT_TRUE(breaks("SWAPDB 0 1"));  // and was there
  EXPECT_TRUE(breaks("SWAPDB 0 1", "a", 1));
  EXPECT_TRUE(breaks("SWAPDB 0 1", "a", 1));
  EXPECT_FALSE(breaks("SWAPDB 0 1", "a", 2));
  EXPECT_FALSE(breaks("SWAPDB 0 1", "b"));
  EXPECT_FALSE(breaks("SWAPDB 2 3"));
}

TEST_F(WatchTest, AfterASwapItIsStillOfItsNumber) {
  for (const bool of_the_number : {true, false}) {
    ask("SELECT 0");
    ask("WATCH a");
    ask(other, "SWAPDB 0 1");
    ask(other, of_the_number ? "SELECT 0" : "SELECT 1");
    ask(other, "SET a 1");
    ask(other, "SELECT 0");
    ask("MULTI");
    EXPECT_EQ(ask("EXEC") == kNullArray, of_the_number);
    ask(other, "FLUSHALL");
  }
}

TEST_F(WatchTest, ExpiryBreaksItUnlessItCameBefore) {
  ask(other, "SET a 1 PX 500");
  os.unix_ms = 1500;
  EXPECT_FALSE(breaks("GET a"));  // WATCH itself finds it expired
  ask(other, "SET a 1 PX 500");
  ask("WATCH a");
  os.unix_ms = 2000;
  ask("MULTI");
  ask("GET a");
  EXPECT_EQ(executor.expire_some(10), 1u);
  EXPECT_EQ(ask("EXEC"), kNullArray);
}

TEST_F(WatchTest, ItEndsWithTheTransactionOrUnwatch) {
  ask("WATCH a");
  ask("UNWATCH");
  ask(other, "SET a 1");
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), "*0\r\n");
  ask("WATCH a");
  ask("MULTI");
  ask("DISCARD");
  ask(other, "SET a 1");
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), "*0\r\n");
  // One's own change counts as well.
  ask("WATCH a");
  ask("SET a 2");
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), kNullArray);
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), "*0\r\n");
}

// As in Redis: what consumers have is none of the stream's entries. What makes or moves those breaks it.
TEST_F(WatchTest, AStreamsGroupsBreakNone) {
  for (const char* id : {"1-1", "2-1", "3-1"}) ask(other, fmt::format("XADD a {} f v", id));
  EXPECT_TRUE(breaks("XGROUP CREATE b g 0 MKSTREAM", "b"));
  EXPECT_FALSE(breaks("XGROUP CREATE a g 0"));
  EXPECT_FALSE(breaks("XGROUP CREATECONSUMER a g c"));
  EXPECT_FALSE(breaks("XREADGROUP GROUP g c COUNT 2 STREAMS a >"));
  EXPECT_FALSE(breaks("XCLAIM a g d 0 1-1"));
  EXPECT_FALSE(breaks("XAUTOCLAIM a g e 0 0"));
  EXPECT_FALSE(breaks("XACK a g 1-1"));
  EXPECT_FALSE(breaks("XGROUP DELCONSUMER a g e"));
  EXPECT_FALSE(breaks("XGROUP SETID a g 1"));
  EXPECT_FALSE(breaks("XSETID a 9-9"));
  EXPECT_FALSE(breaks("XGROUP DESTROY a g"));
  EXPECT_TRUE(breaks("XDEL a 1-1"));
  EXPECT_TRUE(breaks("XTRIM a MAXLEN 1"));
  EXPECT_TRUE(breaks("XADD a * f v"));
}

TEST_F(WatchTest, ATrimThatCutsNothingBreaksIt) {
  ask(other, "RPUSH a 1 2 3");
  EXPECT_TRUE(breaks("LTRIM a 0 -1"));
  EXPECT_FALSE(breaks("LTRIM none 0 -1"));
}

TEST_F(WatchTest, AReplayBreaksNone) {
  ask("WATCH a");
  keyspace.set_loading(true);
  keyspace.put(0, "a", "1");
  keyspace.settle();
  keyspace.set_loading(false);
  ask("MULTI");
  EXPECT_EQ(ask("EXEC"), "*0\r\n");
}

// --- What a reply rests on ---

// No two of the keys a, c, e, x and y share a slot.
class RestTest : public ExecutorTest {
 protected:
  RestTest() { release_all = false; }
  // The LSN that a reply to `line` waits for; 0 if it waits for none.
  uint64_t rests_on(const std::string& line, int db = 0) {
    const uint64_t before = log.released;
    Session reader{executor};
    reader.client().db = db;
    reader.feed(line + "\r\n");
    const bool waits = reader.ready().empty();
    EXPECT_NE(waits, reader.idle());
    uint64_t lsn = 0;
    if (waits) {
      for (lsn = before + 1; lsn <= log.applied; ++lsn) {
        log.released = lsn;
        if (!reader.ready().empty()) break;
      }
      EXPECT_LE(lsn, log.applied) << "it waits for ever";
    }
    log.released = before;
    return lsn;
  }
};

TEST_F(RestTest, AWriterWaitsForItsOwnEntry) {
  EXPECT_EQ(rests_on("SET a 1"), 1u);
  EXPECT_EQ(rests_on("SET a 1"), 2u);
  EXPECT_EQ(executor.stats().held_replies, 2u);
  log.released = 5;  // a log without durability is ahead
  EXPECT_EQ(rests_on("SET a 1"), 0u);
  EXPECT_EQ(executor.stats().held_replies, 2u);
}

TEST_F(RestTest, AReaderWaitsForTheLastEntryOfItsKeys) {
  rests_on("SET a 1");  // 1
  rests_on("SET e 1");  // 2
  rests_on("SET a 2");  // 3
  rests_on("SET c 1");  // 4
  EXPECT_EQ(rests_on("GET a"), 3u);
  EXPECT_EQ(rests_on("GET e"), 2u);
  EXPECT_EQ(rests_on("MGET e a"), 3u);
  EXPECT_EQ(rests_on("MGET a e c"), 4u);
  EXPECT_EQ(rests_on("EXISTS nothing"), 0u);
  EXPECT_EQ(rests_on("GET a", 1), 0u);  // another database
  EXPECT_EQ(rests_on("DEL nothing"), 0u);
  EXPECT_EQ(rests_on("SETNX a 3"), 3u);  // it only saw
  EXPECT_EQ(rests_on("PING"), 0u);
  log.released = 2;
  EXPECT_EQ(rests_on("GET e"), 0u);
  EXPECT_EQ(rests_on("GET a"), 3u);
}

// Each command's keys stand where its own are, not where those of the one before were.
TEST_F(RestTest, AnArgumentThatIsNoKeyIsNotRestedOn) {
  rests_on("SET c 1");  // 1
  rests_on("SET e 1");  // 2
  EXPECT_EQ(rests_on("MGET x y a"), 0u);
  EXPECT_EQ(rests_on("GETRANGE x c e"), 0u);
  EXPECT_EQ(rests_on("HMGET x c e"), 0u);
}

TEST_F(RestTest, WhoReadsEverythingWaitsForEverything) {
  rests_on("SET a 1");
  rests_on("SET e 1");
  EXPECT_EQ(rests_on("KEYS none"), 2u);
  EXPECT_EQ(rests_on("DBSIZE"), 2u);
  log.released = 2;
  EXPECT_EQ(rests_on("KEYS none"), 0u);
}

TEST_F(RestTest, WhoseTransactionIsNotDoneWaitsForWhatHasChangedMeanwhile) {
  Session watcher{executor};
  const auto say = [&](const std::string& text) {
    watcher.feed(text);
    const std::string said(watcher.ready());
    watcher.consume(said.size());
    return said;
  };
  say("WATCH a x\r\n");
  rests_on("SET a 1");  // 1
  rests_on("SET e 1");  // 2
  EXPECT_EQ(say("MULTI\r\nPING\r\nEXEC\r\n"), "+OK\r\n+QUEUED\r\n");
  log.released = 1;
  EXPECT_EQ(say(""), "*-1\r\n");
}

TEST_F(RestTest, AnErrorRestsOnNothing) {
  rests_on("SET a 1");
  EXPECT_EQ(rests_on("NOSUCH"), 0u);
  EXPECT_EQ(rests_on("GET"), 0u);
  log.refused = "MISCONF no";
  EXPECT_EQ(rests_on("SET a 1"), 0u);
}

TEST_F(RestTest, AfterAFlushOrASwapEveryReaderWaitsForIt) {
  rests_on("SET a 1");
  rests_on("FLUSHDB");
  rests_on("SET e 1");
  EXPECT_EQ(rests_on("GET a"), 2u);
  EXPECT_EQ(rests_on("GET nothing"), 2u);
  EXPECT_EQ(rests_on("GET e"), 3u);
  rests_on("SWAPDB 0 1");
  EXPECT_EQ(rests_on("GET nothing"), 4u);
  rests_on("SET c 1");
  EXPECT_EQ(rests_on("GET nothing"), 4u);  // and not for what came later
}

TEST_F(RestTest, SlotsGoWithTheDatabaseNotItsNumber) {
  rests_on("SET a 1");
  rests_on("SWAPDB 0 1");
  log.released = 2;
  rests_on("SET a 2", 1);
  EXPECT_EQ(rests_on("GET a", 1), 3u);
  EXPECT_EQ(rests_on("GET a", 0), 0u);
}

TEST_F(RestTest, AnExpiredKeyIsRestedOnAsAWrittenOne) {
  rests_on("SET a 1 PX 500");
  rests_on("SET e 1");
  os.unix_ms = 1500;
  EXPECT_EQ(rests_on("GET a"), 3u);  // it removed it
  EXPECT_EQ(rests_on("GET a"), 3u);  // it finds it gone
}

TEST_F(RestTest, ATransactionRestsOnItsEntryOrOnAllIfItOnlyReads) {
  rests_on("SET a 1");
  rests_on("SET e 1");
  for (const char* queued : {"GET nothing", "SET c 1"}) {
    Session client{executor};
    client.feed(std::string("MULTI\r\n") + queued + "\r\n");
    EXPECT_EQ(taken(client), "+OK\r\n+QUEUED\r\n");  // these rest on nothing
    client.feed("EXEC\r\n");
    log.released = log.applied - 1;
    EXPECT_EQ(taken(client), "");
    log.released = log.applied;
    EXPECT_TRUE(taken(client).starts_with("*1\r\n"));
    log.released = 0;
  }
  EXPECT_EQ(log.applied, 3u);
}

TEST_F(RestTest, NoReplyOvertakesAnother) {
  session.feed("SET a 1\r\nPING\r\nNOSUCH\r\nMULTI\r\nGET a\r\nDISCARD\r\n");
  EXPECT_EQ(taken(session), "");
  EXPECT_FALSE(session.idle());
  log.released = 1;
  EXPECT_EQ(taken(session),
            "+OK\r\n+PONG\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
            "+OK\r\n+QUEUED\r\n+OK\r\n");
  EXPECT_TRUE(session.idle());
}

// What is replayed is durable already.
TEST_F(RestTest, NothingRestsOnAReplay) {
  rests_on("SET x 1");
  keyspace.set_loading(true);
  keyspace.put(0, "a", "1");
  keyspace.settle();
  keyspace.flush(3);
  keyspace.swap(4, 5);
  keyspace.set_loading(false);
  rests_on("SET y 1");
  EXPECT_EQ(rests_on("GET a"), 0u);
}

// --- Sessions ---

// What is fetched ahead of a pipeline changes no answer: every type, large and small, in another database as well.
TEST_F(ExecutorTest, APipelineAnswersAsItsRequestsOneByOne) {
  Keyspace same;
  FakeLog same_log{os};
  Executor same_executor{os, same, same_log, control};
  Session one_by_one{same_executor};
  std::string pipeline;
  std::string answers;
  const auto say = [&](std::string line) {
    line += "\r\n";
    std::vector<std::string> words;
    ASSERT_TRUE(split_words(std::string_view(line).substr(0, line.size() - 2), words));
    append_command(pipeline, std::vector<std::string_view>(words.begin(), words.end()));
    one_by_one.feed(line);
    same_log.released = same_log.applied;
    answers += taken(one_by_one);
  };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1500; ++i) {
      say(fmt::format("SET key-of-some-length-{} value-{}", i, round));
      say(fmt::format("SADD {} member-{} {}", i % 3 == 0 ? "large-set" : "set", i % 700, i));
      say(fmt::format("HSET {} field-{} value-of-some-length-{}",
                      i % 3 == 0 ? "large-hash" : "hash", i % 2 == 0 ? i : i % 9, round));
      say(fmt::format("ZADD zset {} member-{}", i % 5, i));
      say(fmt::format("LPUSH list {}", i));
      say(i % 40 == 0 ? fmt::format("SELECT {}", i / 40 % 3) : "PING");
      say(fmt::format("DEL key-of-some-length-{}", i * 7 % 1500));
      say("GET set");
    }
  }
  EXPECT_TRUE(pays_to_fetch(same, 0));
  session.feed(pipeline);
  log.released = log.applied;
  EXPECT_EQ(taken(session), answers);
  EXPECT_EQ(digest_of(keyspace), digest_of(same));
}

TEST_F(ExecutorTest, RequestsComeInAnyPieces) {
  const std::string requests = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\nPING\r\n";
  for (size_t i = 0; i < requests.size(); ++i) session.feed(requests.substr(i, 1));
  EXPECT_EQ(taken(session), "$-1\r\n+PONG\r\n");
  EXPECT_EQ(executor.stats().commands, 2u);  // an empty line is none
  os.monotonic_ns = 50;
  session.feed("*0\r\n");
  EXPECT_EQ(taken(session), "");
  EXPECT_EQ(session.client().active_at.ns, 50);
  EXPECT_EQ(session.client().opened_at.ns, 7);
}

// Who does not read what it is told gets no more to read.
TEST_F(ExecutorTest, NoRequestIsRunWhileTooMuchWaitsToBeSent) {
  ask("SET a 0123456789");
  session.set_most_unsent(16);
  session.feed("GET a\r\nGET a\r\nSET b 1\r\n");
  EXPECT_TRUE(session.stalled());
  EXPECT_EQ(executor.stats().commands, 2u);  // 17 bytes wait
  session.resume();
  EXPECT_EQ(executor.stats().commands, 2u);
  session.feed("PING\r\n");
  EXPECT_EQ(executor.stats().commands, 2u);
  session.consume(1);
  session.resume();  // 16 are not too many
  EXPECT_EQ(executor.stats().commands, 3u);
  EXPECT_TRUE(session.stalled());
  taken(session);
  session.resume();
  EXPECT_FALSE(session.stalled());
  log.released = log.applied;
  EXPECT_EQ(taken(session), "+OK\r\n+PONG\r\n");
  const uint64_t before = executor.stats().commands;
  session.resume();  // nothing came
  EXPECT_EQ(executor.stats().commands, before);
  EXPECT_EQ(session.buffered(), 0u);
}

TEST_F(ExecutorTest, AProtocolErrorIsAnsweredAndCloses) {
  session.feed("PING\r\n*1\r\n:1\r\nPING\r\n");
  EXPECT_EQ(taken(session), "+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n");
  EXPECT_TRUE(session.closing());
  session.feed("PING\r\n");
  EXPECT_EQ(taken(session), "");
}

TEST_F(ExecutorTest, NothingIsExecutedBehindAQuit) {
  session.feed("QUIT\r\nSET a 1\r\n");
  EXPECT_EQ(taken(session), kOk);
  EXPECT_TRUE(session.closing());
  session.feed("SET a 1\r\n");
  EXPECT_EQ(taken(session), "");
  EXPECT_THAT(log.take(), IsEmpty());
}

TEST_F(ExecutorTest, IsUnknownToTheKeyspaceOnceItIsGone) {
  Keyspace its_own;
  its_own.set_now({1000});
  alignas(Executor) unsigned char room[sizeof(Executor)];
  auto* second = new (room) Executor(os, its_own, log, control);
  its_own.set_expiry(0, "a", its_own.put(0, "a", "1"), 1500);
  its_own.settle();
  std::destroy_at(second);
  std::memset(room, 0, sizeof room);  // whoever calls it now falls
  its_own.set_now({1500});
  EXPECT_EQ(its_own.find(0, "a"), nullptr);
}

}  // namespace
}  // namespace powercut::engine
