#include "scenarios/store/store_history.h"

#include <gtest/gtest.h>

#include "scenarios/store/history_testing.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using Lines = std::vector<std::string>;

// The digest of a store that has run the first `count` of `lines` and nothing else.
uint64_t digest_after(const Lines& lines, size_t count, int64_t wall_ms) {
  HistoryStore store;
  for (size_t i = 0; i < count; ++i) store.run(lines[i]);
  return store.digest(wall_ms);
}

const Lines kEverything = {
    "SET a 1",
    "SET a 1",  // again: an operation that leaves the state as it was
    "RPUSH l x y z",
    "HSET h f 1 g 2",
    "SADD s p q",
    "ZADD z 1.5 m -0 n",
    "APPEND a tail",
    "LPOP l",
    "SET e v PX 1000",
    "SET f v PX 5000",
    "RENAME a b",
    "COPY b b2",
    "SELECT 3\r\nSET a 3",
    "EXPIRE a 2",
    "MOVE a 5",
    "MULTI\r\nSET t1 1\r\nSET t2 2\r\nDEL t1\r\nEXEC",
    "SWAPDB 3 0",
    "SET after swap",
    "MULTI\r\nSET u 1\r\nSWAPDB 3 4\r\nSET u 2\r\nSWAPDB 0 3\r\nEXEC",
    "PERSIST a",
    "SELECT 5\r\nPERSIST a",
    "FLUSHDB",
    "SELECT 0\r\nDEL l",
    "SADD s r",
    "MULTI\r\nFLUSHALL\r\nSET new 1\r\nEXEC",
    "SET again 2",
    "FLUSHALL",
    "SET last 1",
};

TEST(History, DigestsAreThoseOfAStoreThatStoppedThere) {
  StoreHistory history;
  HistoryStore store(&history);
  std::vector<size_t> lines_of(1, 0);  // [lsn]: how many lines made that state
  for (size_t i = 0; i < kEverything.size(); ++i) {
    store.run(kEverything[i]);
    ASSERT_LE(history.last_lsn(), lines_of.size()) << kEverything[i];
    if (history.last_lsn() == lines_of.size()) lines_of.push_back(i + 1);
    EXPECT_EQ(history.self_check(), "") << kEverything[i];
    EXPECT_FALSE(history.unlogged_change()) << kEverything[i];
  }
  EXPECT_GT(lines_of.size(), kEverything.size() - 4);
  for (const int64_t later_ms : {0, 999, 1000, 1999, 2000, 4999, 5000, 100'000}) {
    const auto digests = history.digests_at(kWallMs + later_ms);
    ASSERT_EQ(digests.size(), lines_of.size());
    for (size_t lsn = 0; lsn < digests.size(); ++lsn) {
      EXPECT_EQ(digests[lsn], digest_after(kEverything, lines_of[lsn], kWallMs + later_ms))
          << "S(" << lsn << ") after " << (lsn == 0 ? "" : kEverything[lines_of[lsn] - 1]) << " + "
          << later_ms << " ms";
    }
  }
}

// States that differ in anything a client could see have different digests.
TEST(History, DigestsTellStatesApart) {
  const Lines states = {
      "SELECT 0",
      "SET a 1",
      "SET a 2",
      "SET b 1",
      "SET a 1 PX 1000",
      "SET a 1 PX 1001",
      "SELECT 1\r\nSET a 1",
      "SELECT 2\r\nSET a 1",
      "RPUSH a 1",
      "RPUSH a 1 2",
      "RPUSH a 2 1",
      "RPUSH a 12",
      "SADD a 1",
      "SADD a 1 2",
      "HSET a 1 2",
      "HSET a 2 1",
      "HSET a 1 1 2 2",
      "HSET a 1 2 2 1",
      "ZADD a 1 1",
      "ZADD a 1 2",
      "ZADD a 2 1",
      "MSET a 1 b 2",
      "MSET a 2 b 1",
      "SET ab c",
      "SET a bc",
  };
  std::vector<uint64_t> digests;
  for (const std::string& state : states) {
    HistoryStore store;
    store.run(state);
    const uint64_t digest = store.digest();
    for (size_t i = 0; i < digests.size(); ++i) {
      EXPECT_NE(digest, digests[i]) << state << " and " << states[i];
    }
    digests.push_back(digest);
  }
}

TEST(History, DigestsDoNotDependOnTheWayThere) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"MSET a 1 b 2", "SET b 2\r\nSET c 3\r\nSET a 1\r\nDEL c"},
      {"SADD s x y", "SADD s z y\r\nSADD s x\r\nSREM s z"},
      {"ZADD z 0 m", "ZADD z -0 m"},
      {"SELECT 2\r\nSET a 1", "SET a 1\r\nSWAPDB 0 2"},
      {"PING", "SET a 1\r\nFLUSHALL"},
  };
  for (const auto& [one, two] : pairs) {
    HistoryStore first, second;
    first.run(one);
    second.run(two);
    EXPECT_EQ(first.digest(), second.digest()) << one;
  }
}

TEST(History, AKeyIsGoneFromItsInstantOn) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET k v PX 1000");
  const uint64_t there = history.digests_at(kWallMs + 999)[1];
  const uint64_t gone = history.digests_at(kWallMs + 1000)[1];
  EXPECT_EQ(gone, history.digests_at(kWallMs + 1000)[0]);
  EXPECT_NE(there, gone);
  EXPECT_EQ(there, store.digest(kWallMs + 999));
  EXPECT_EQ(gone, store.digest(kWallMs + 1000));
  // The clock went back: it is there again.
  EXPECT_EQ(history.digests_at(kWallMs - 5000)[1], there);
}

// The store's removal of an expired key is an operation; S(k) reads the same before and after it.
TEST(History, AnExpiryIsAnOperation) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET k v PX 1000");
  store.set_wall(kWallMs + 2000);
  store.run("EXISTS k");
  ASSERT_EQ(history.last_lsn(), 2u);
  EXPECT_TRUE(history.operation(2).expiry_only);
  EXPECT_FALSE(history.operation(1).expiry_only);
  const auto digests = history.digests_at(kWallMs + 2000);
  EXPECT_EQ(digests[1], digests[2]);
  EXPECT_NE(history.digests_at(kWallMs)[1], history.digests_at(kWallMs)[2]);
}

TEST(History, SelfCheckSeesAChangeThatPassedTheDoorUnseen) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET a 1");
  EXPECT_EQ(history.self_check(), "");
  store.keyspace().remove_observer(&history);
  store.fill("SET b 2");
  store.keyspace().add_observer(&history);
  EXPECT_NE(history.self_check(), "");
}

TEST(History, AnUnloggedChangeIsSeen) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET a 1");
  EXPECT_FALSE(history.unlogged_change());
  // Touched and left as it was is no change.
  store.keyspace().find_for_write(0, "a");
  EXPECT_FALSE(history.unlogged_change());
  // Through the door, but no operation follows.
  store.keyspace().put(0, "b", engine::Value(std::string("2")));
  store.keyspace().settle();
  EXPECT_TRUE(history.unlogged_change());
}

TEST(History, AnUnloggedExpiryTimeIsSeen) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET a 1");
  engine::Object* object = store.keyspace().find_for_write(0, "a");
  store.keyspace().set_expiry(0, "a", object, kWallMs + 1000);
  EXPECT_TRUE(history.unlogged_change());
}

TEST(History, SwappingADatabaseWithItselfIsNoUnloggedChange) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET a 1");
  store.run("SWAPDB 0 0");
  EXPECT_FALSE(history.unlogged_change());
  store.run("SWAPDB 7 8");
  EXPECT_FALSE(history.unlogged_change());
  EXPECT_EQ(history.self_check(), "");
}

TEST(History, OperationsKnowTheirTaskAndTheirInstants) {
  StoreHistory history;
  HistoryStore store(&history);
  EXPECT_EQ(store.acked("SET a 1", Instant{5'000'000}, milliseconds(2)), 1u);
  EXPECT_EQ(history.operation(1).executed, Instant{5'000'000});
  EXPECT_EQ(history.operation(1).acked, Instant{7'000'000});
  store.run("SET b 1");
  EXPECT_EQ(history.operation(2).acked, kNever);
  EXPECT_EQ(history.acked(), 1u);
  uint64_t own = 0, other = 0;
  store.os.spawn("one", [&] {
    store.session.feed("SET c 1\r\nGET c\r\n");
    own = history.own_operation(2);
  });
  store.os.spawn("two", [&] {
    store.os.park(store.os.now() + milliseconds(1));
    other = history.own_operation(2);
  });
  store.os.run();
  EXPECT_EQ(own, 3u);
  EXPECT_EQ(other, 0u);
}

// A life that begins in S(k) forgets what came after.
TEST(History, ANewLifeGoesOnFromWhatWasRecovered) {
  StoreHistory history;
  {
    HistoryStore store(&history);
    for (const char* line : {"SET a 1", "SET b 2 PX 1000", "SET c 3"}) store.run(line);
  }
  HistoryStore store(&history, 2);
  store.fill("SET a 1");
  store.fill("SET b 2 PX 1000");
  store.attach();
  EXPECT_EQ(history.last_lsn(), 2u);
  EXPECT_EQ(history.self_check(), "");
  EXPECT_EQ(history.digests_at(kWallMs).back(), store.digest());
  store.run("SET d 4");
  const Lines lines = {"SET a 1", "SET b 2 PX 1000", "SET d 4"};
  for (const int64_t wall_ms : {kWallMs, kWallMs + 1000}) {
    for (size_t lsn = 0; lsn <= 3; ++lsn) {
      EXPECT_EQ(history.digests_at(wall_ms)[lsn], digest_after(lines, lsn, wall_ms)) << lsn;
    }
  }
}

// Loading a checkpoint drops what has expired; then the clock goes back.
TEST(History, WhatRecoveryDroppedStaysAway) {
  for (const char* next :
       {"SET d 4", "SWAPDB 0 1", "FLUSHALL", "SET b 9", "MULTI\r\nSWAPDB 0 1\r\nSET b 1\r\nEXEC"}) {
    StoreHistory history;
    {
      HistoryStore store(&history);
      store.run("SET a 1");
      store.run("SET b 2 PX 1000");
      store.run("SET early 3 PX 100");  // so that the clock matters between the two
    }
    HistoryStore store(&history, 3);
    store.fill("SET a 1");
    store.set_wall(kWallMs + 1500);
    store.attach();
    store.run(next);
    ASSERT_EQ(history.last_lsn(), 4u) << next;
    EXPECT_EQ(history.self_check(), "") << next;
    for (const int64_t wall_ms : {kWallMs, kWallMs + 500, kWallMs + 2000}) {
      EXPECT_EQ(history.digests_at(wall_ms)[4], store.digest(wall_ms)) << next << " " << wall_ms;
    }
  }
}

// It may be saved again before anything else happens.
TEST(History, WhatALifeLoadedIsAStateOfItsOwn) {
  StoreHistory history;
  {
    HistoryStore store(&history);
    store.run("SET a 1");
    store.run("SET b 2 PX 1000");
  }
  HistoryStore store(&history, 2);
  store.fill("SET a 1");
  store.set_wall(kWallMs + 1500);
  store.attach();
  for (const char* next : {"SET c 3", "SET d 4"}) {
    const auto loaded = history.as_loaded_at(kWallMs);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->lsn, 2u);
    EXPECT_EQ(loaded->digest, digest_after({"SET a 1"}, 1, kWallMs));
    EXPECT_NE(loaded->digest, history.digests_at(kWallMs)[2]);
    store.run(next);
  }
}

TEST(History, WhatALifeLoadedWholeHasOneState) {
  StoreHistory history;
  {
    HistoryStore store(&history);
    store.run("SET a 1 PX 1000");
  }
  HistoryStore store(&history, 1);
  store.fill("SET a 1 PX 1000");
  store.attach();
  EXPECT_FALSE(history.as_loaded_at(kWallMs));
}

// By the judge's own books, not by what the store says that a reader waits for.
TEST(History, AReplyShowsTheLastOperationOnWhatItLooksAt) {
  StoreHistory history;
  HistoryStore store(&history);
  store.run("SET a 1");                            // 1
  store.run("SET b 1");                            // 2
  store.run("MULTI\r\nSET c 1\r\nDEL a\r\nEXEC");  // 3
  store.run("SELECT 1\r\nSET a 2");                // 4
  const auto shown = [&](std::vector<std::string> words, int db = 0) {
    const std::string request = sim::encode_request(words);
    return history.shown_by({&request, 1}, db);
  };
  EXPECT_EQ(shown({"GET", "a"}), 3u);  // that it is gone
  EXPECT_EQ(shown({"GET", "b"}), 2u);
  EXPECT_EQ(shown({"GET", "a"}, 1), 4u);
  EXPECT_EQ(shown({"GET", "never"}), 0u);
  EXPECT_EQ(shown({"MGET", "b", "c", "never"}), 3u);
  EXPECT_EQ(shown({"DBSIZE"}), 4u);
  EXPECT_EQ(shown({"PING"}), 0u);
  EXPECT_EQ(shown({"GET"}), 0u);
  EXPECT_EQ(shown({"NO-SUCH-COMMAND", "a"}), 0u);
  const auto shown_in = [&](const std::vector<std::vector<std::string>>& lines, uint64_t made) {
    std::vector<std::string> requests;
    for (const auto& words : lines) requests.push_back(sim::encode_request(words));
    return history.shown_by(requests, 0, made);
  };
  EXPECT_EQ(shown_in({{"MULTI"}, {"GET", "b"}, {"GET", "a"}, {"EXEC"}}, 4), 3u);
  EXPECT_EQ(shown_in({{"MULTI"}, {"GET", "b"}, {"SELECT", "1"}, {"GET", "a"}, {"EXEC"}}, 4), 2u);
  EXPECT_EQ(shown_in({{"MULTI"}, {"GET", "b"}, {"GET", "a"}}, 4), 3u);  // the last alone
  EXPECT_EQ(shown_in({{"BLPOP", "a", "0"}}, 4), 3u);
  EXPECT_EQ(shown_in({{"BLPOP", "a", "0"}}, 2), 1u);  // it had waited long enough before
  store.run("SWAPDB 0 1");                            // 5: everything is elsewhere
  EXPECT_EQ(shown({"GET", "b"}, 1), 5u);
  EXPECT_EQ(shown_in({{"BLPOP", "a", "0"}}, 2), 0u);  // who knows where that is now
  store.run("FLUSHALL");                              // 6
  EXPECT_EQ(shown({"GET", "b"}, 1), 6u);
}

}  // namespace
}  // namespace powercut::scenarios
