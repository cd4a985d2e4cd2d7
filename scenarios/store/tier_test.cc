// The cold tier on the simulated disk: what leaves memory and comes back, what a base rests on, when a segment goes, and what
// happens when one cannot be written, read or found.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine/engine.h"
#include "scenarios/store/engine_life_testing.h"
#include "scenarios/store/keyspace/cold_hashes.h"
#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Writes to segments fail while `full`, and take long while `slow`.
class ColdTrouble final : public sim::Injector {
 public:
  bool full = false;
  bool unreadable = false;
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (!call.path.starts_with("cold/")) return injection;
    if (full && call.op == sim::Op::kWrite) injection.error = Errc::kNoSpace;
    if (unreadable && call.op == sim::Op::kRead) injection.error = Errc::kIo;
    return injection;
  }
};

class TierTest : public EngineLifeTest<ColdTrouble> {
 protected:
  TierTest() {
    config.rewrite_percentage = 0;
    config.tier = {.path = "cold", .hot_bytes = 1};
    config.sizes.tier.least_bytes = 0;
  }

  static void wait(engine::Os& os, int64_t ms = 100) { os.park(os.now() + milliseconds(ms)); }
  static bool is_away(Engine& engine, std::string_view key, int db = 0) {
    const engine::Object* object = engine.keyspace().peek(db, key);
    return object != nullptr && object->value.away() != nullptr;
  }
  // Values on the heap, of each type.
  static void fill(Engine& engine) {
    for (const char* line :
         {"SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "RPUSH l 1 2 3", "HSET h f 1 g 2",
          "SADD s x y", "ZADD z 1 m 2 n", "XADD x 1-1 f v", "SET b bbbbbbbbbbbbbbbbbbbbbbbbbbb"})
      EXPECT_NE(ask(engine, line)[0], '-') << line;
  }
  static size_t files(engine::Os& os) {
    const auto names = os.list("cold");
    return names.ok() ? names->size() : 0;
  }
};

TEST_F(TierTest, ValuesOfEachTypeLeaveAndComeBack) {
  config.tier.hot_bytes = 0;
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    const uint64_t before = keyspace_digest(engine.keyspace(), INT64_MIN);
    EXPECT_EQ(ask(engine, "CONFIG SET hot-tier-size 1"), "+OK\r\n");
    wait(os);
    for (const char* key : {"a", "l", "h", "s", "z", "x", "b"})
      EXPECT_TRUE(is_away(engine, key)) << key;
    EXPECT_EQ(engine.keyspace().value_bytes(), 0u);
    EXPECT_EQ(ask(engine, "TYPE z"), "+zset\r\n");
    EXPECT_EQ(ask(engine, "EXISTS a l h s z x b"), ":7\r\n");
    EXPECT_TRUE(is_away(engine, "z")) << "its type is known without it";
    EXPECT_EQ(ask(engine, "CONFIG SET hot-tier-size 0"), "+OK\r\n");
    for (const char* line : {"GET a", "LLEN l", "HLEN h", "SCARD s", "ZCARD z", "XLEN x", "GET b"})
      EXPECT_NE(ask(engine, line)[0], '-') << line;
    ColdHashes none;
    EXPECT_EQ(keyspace_digest(engine.keyspace(), INT64_MIN, &none), before);
  });
}

TEST_F(TierTest, AStartHasKeysAndReadsNoValue) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    EXPECT_EQ(ask(engine, "PEXPIREAT a 9000000000000"), ":1\r\n");
    wait(os);
    EXPECT_EQ(ask(engine, "BGREWRITEAOF")[0], '+');
    wait(os, 1000);
    EXPECT_EQ(ask(engine, "DEL s"), ":1\r\n");
    EXPECT_EQ(ask(engine, "RPUSH l 4"), ":4\r\n");
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_TRUE(is_away(engine, "a"));
    EXPECT_TRUE(is_away(engine, "h"));
    EXPECT_FALSE(is_away(engine, "l")) << "the log changes it";
    EXPECT_EQ(ask(engine, "EXISTS s"), ":0\r\n");
    EXPECT_EQ(ask(engine, "LRANGE l 0 -1"), "*4\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n");
    EXPECT_EQ(ask(engine, "PEXPIRETIME a"), ":9000000000000\r\n");
    EXPECT_EQ(ask(engine, "HGET h g"), "$1\r\n2\r\n");
  });
}

TEST_F(TierTest, ATransactionHasAllThatItNamesWhereverThatIsMoved) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    EXPECT_EQ(ask(engine, "RPUSH w 1"), ":1\r\n");
    wait(os);
    const auto session = engine.connect();
    session->feed("MULTI\r\nRENAME l m\r\nRPUSH m 4\r\nMOVE w 1\r\nSELECT 1\r\nLLEN w\r\nEXEC\r\n");
    std::string replies;
    while (replies.find("*5") == replies.npos) {
      const std::string more(session->wait_ready());
      session->consume(more.size());
      replies += more;
    }
    EXPECT_THAT(replies, HasSubstr("*5\r\n+OK\r\n:4\r\n:1\r\n+OK\r\n:1\r\n"));
  });
}

TEST_F(TierTest, WhoWaitsForAKeyIsServedWithAValueThatIsRenamed) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    const auto waiter = engine.connect();
    waiter->feed("BLPOP q 0\r\n");
    EXPECT_TRUE(is_away(engine, "l"));
    EXPECT_EQ(ask(engine, "RENAME l q"), "+OK\r\n");
    EXPECT_EQ(waiter->wait_ready(), "*2\r\n$1\r\nq\r\n$1\r\n1\r\n");
  });
}

TEST_F(TierTest, AScriptIsToldOfAKeyThatItDidNotName) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    const std::string get = "EVAL \"return redis.call('GET', 'b')\" ";
    EXPECT_THAT(ask(engine, get + "0"), HasSubstr("that was not named is in the cold tier"));
    EXPECT_THAT(ask(engine, get + "1 b"), StartsWith("$27\r\nbbb"));
    wait(os);
    EXPECT_THAT(ask(engine, "SORT l BY nothing GET *"), StartsWith("*3\r\n"));
    ask(engine, "SET w_2 2222222222222222222222");
    wait(os);
    EXPECT_THAT(ask(engine, "SORT l BY w_*"), HasSubstr("is in the cold tier"));
  });
}

TEST_F(TierTest, AScriptIsToldOfItBeforeACommandHasBegun) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    ask(engine, "RPUSH m 1 2 3");
    wait(os);
    for (const char* call : {"'LMOVE', KEYS[1], 'm', 'LEFT', 'LEFT'", "'DUMP', 'm'",
                             "'COPY', 'm', KEYS[1], 'REPLACE'"})
      EXPECT_THAT(ask(engine, fmt::format("EVAL \"return redis.call({})\" 1 l", call)),
                  HasSubstr("that was not named is in the cold tier"))
          << call;
    EXPECT_EQ(ask(engine, "LRANGE l 0 -1"), "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
    EXPECT_EQ(ask(engine, "LLEN m"), ":3\r\n");
  });
}

TEST_F(TierTest, AFullDiskLeavesValuesInMemory) {
  live([&](engine::Os& os, Engine& engine) {
    injector.full = true;
    fill(engine);
    wait(os, 3000);
    EXPECT_FALSE(is_away(engine, "a"));
    EXPECT_THAT(ask(engine, "GET a"), StartsWith("$42\r\naaa"));
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("cold_last_error:write cold/"));
    injector.full = false;
    wait(os, 10'000);
    EXPECT_TRUE(is_away(engine, "a"));
  });
}

TEST_F(TierTest, AValueThatCannotBeReadIsAnErrorOfItsKeyAlone) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    injector.unreadable = true;
    EXPECT_THAT(ask(engine, "GET a"), StartsWith("-IOERR read cold/"));
    EXPECT_THAT(ask(engine, "GET a"), HasSubstr("the value of key 'a' is not had"));
    EXPECT_EQ(ask(engine, "SET a new"), "+OK\r\n") << "nobody asked for it";
    EXPECT_EQ(ask(engine, "DEL b"), ":1\r\n");
    injector.unreadable = false;
    EXPECT_EQ(ask(engine, "LLEN l"), ":3\r\n");
  });
}

TEST_F(TierTest, ASegmentGoesWhenNoKeyAndNoBaseRestsOnIt) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    EXPECT_GT(files(os), 0u);
    ask(engine, "BGREWRITEAOF");
    wait(os, 1000);
    const size_t named = files(os);
    ask(engine, "FLUSHALL");
    wait(os, 1000);
    EXPECT_EQ(files(os), named) << "the base names them";
    ask(engine, "BGREWRITEAOF");
    wait(os, 1000);
    EXPECT_EQ(files(os), 0u);
  });
}

// Who waits with BLMOVE is served by the command of another, who does not know where that goes on to.
TEST_F(TierTest, WhatAWaiterMovesToComesBackForWhoServesHim) {
  for (const char* push : {"RPUSH q x", "RENAME ready q",
                           "EVAL \"return redis.call('rpush',KEYS[1],'x')\" 1 q", "SWAPDB 0 1"}) {
    live([&](engine::Os& os, Engine& engine) {
      ask(engine, "FLUSHALL");
      const auto waiter = engine.connect();
      for (const char* line : {"RPUSH to 1 2 3", "RPUSH ready x"}) ask(engine, line);
      const auto other = engine.connect();
      other->feed("SELECT 1\r\nRPUSH q x\r\nRPUSH to 1 2 3\r\n");
      wait(os);
      const bool swaps = std::string_view(push).starts_with("SWAPDB");
      if (swaps) ask(engine, "DEL to");
      waiter->feed("BLMOVE q to LEFT RIGHT 0\r\n");
      wait(os);
      EXPECT_TRUE(is_away(engine, "to", swaps ? 1 : 0)) << push;
      EXPECT_NE(ask(engine, push)[0], '-') << push;
      wait(os);
      EXPECT_EQ(waiter->ready(), "$1\r\nx\r\n") << push;
      EXPECT_EQ(ask(engine, "LINDEX to -1"), "$1\r\nx\r\n") << push;
      EXPECT_EQ(ask(engine, "LLEN to"), ":4\r\n") << push;
    });
  }
}

TEST_F(TierTest, AWaiterMovesOnToWhatIsAwayAsWell) {
  live([&](engine::Os& os, Engine& engine) {
    const auto waiter = engine.connect();
    const auto beyond = engine.connect();
    ask(engine, "RPUSH further 4 5 6");
    wait(os);
    waiter->feed("BLMOVE q to LEFT RIGHT 0\r\n");
    beyond->feed("BLMOVE to further LEFT RIGHT 0\r\n");
    wait(os);
    EXPECT_TRUE(is_away(engine, "further"));
    const auto pushes = engine.connect();
    pushes->feed("MULTI\r\nRPUSH q x\r\nEXEC\r\n");
    wait(os);
    EXPECT_EQ(waiter->ready(), "$1\r\nx\r\n");
    EXPECT_EQ(beyond->ready(), "$1\r\nx\r\n");
    EXPECT_EQ(ask(engine, "LRANGE further 2 -1"), "*2\r\n$1\r\n6\r\n$1\r\nx\r\n");
  });
}

// Of a script nobody knows what it will name: then the next who names it serves.
TEST_F(TierTest, WhatAScriptServesWithoutHavingNamedItWaitsForTheNext) {
  live([&](engine::Os& os, Engine& engine) {
    const auto waiter = engine.connect();
    ask(engine, "RPUSH to 1 2 3");
    wait(os);
    waiter->feed("BLMOVE q to LEFT RIGHT 0\r\n");
    wait(os);
    EXPECT_EQ(ask(engine, "EVAL \"return redis.call('rpush','q','x')\" 0"), ":1\r\n");
    EXPECT_EQ(waiter->ready(), "");
    EXPECT_EQ(ask(engine, "RPUSH q y"), ":2\r\n");
    wait(os);
    EXPECT_EQ(waiter->ready(), "$1\r\nx\r\n");
  });
}

TEST_F(TierTest, WhoWaitsInTheLastDatabaseIsServedByWhatIsSwappedThere) {
  live([&](engine::Os& os, Engine& engine) {
    const auto waiter = engine.connect();
    ask(engine, "RPUSH q 1 2 3");
    waiter->feed("SELECT 15\r\nBLPOP q 0\r\n");
    wait(os);
    EXPECT_TRUE(is_away(engine, "q"));
    EXPECT_EQ(ask(engine, "SWAPDB 0 15"), "+OK\r\n");
    EXPECT_EQ(waiter->ready(), "+OK\r\n*2\r\n$1\r\nq\r\n$1\r\n1\r\n");
  });
}

// Who moves nothing is served from where something is, whatever lies away where it waits as well.
TEST_F(TierTest, WhoWaitsForSeveralKeysIsServedFromTheOneThatIsThere) {
  live([&](engine::Os& os, Engine& engine) {
    const auto waiter = engine.connect();
    ask(engine, "RPUSH cold 1 2 3");
    wait(os);
    waiter->feed("BLPOP a b 0\r\n");
    EXPECT_EQ(ask(engine, "EVAL \"return redis.call('rename','cold','b')\" 0"), "+OK\r\n");
    EXPECT_TRUE(is_away(engine, "b"));
    EXPECT_EQ(waiter->ready(), "");
    EXPECT_EQ(ask(engine, "RPUSH a x"), ":1\r\n");
    EXPECT_EQ(waiter->ready(), "*2\r\n$1\r\na\r\n$1\r\nx\r\n");
  });
}

TEST_F(TierTest, AStartRemovesWhatNoBaseNames) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    EXPECT_GT(files(os), 0u);
    const auto mine = os.open("cold/notes.txt", engine::Open::kCreateNew);
    EXPECT_TRUE(mine.ok());
  });
  config.tier.hot_bytes = 0;
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(files(os), 1u) << "and nobody's file";
    EXPECT_EQ(ask(engine, "LLEN l"), ":3\r\n");
  });
}

TEST_F(TierTest, AStartThatLacksASegmentIsRefusedByName) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    ask(engine, "BGREWRITEAOF");
    wait(os, 1000);
  });
  config.tier.path.clear();
  EXPECT_THAT(refusal(), HasSubstr("start with cold-tier-path cold"));
  config.tier.path = "cold2";
  EXPECT_THAT(refusal(), HasSubstr("cold2/"));
  config.tier.path = "cold";
  std::string name;
  in_world([&](engine::Os& os) {
    name = "cold/" + os.list("cold")->front();
    const auto file = os.open(name, engine::Open::kReadWrite).value();
    EXPECT_TRUE(file->truncate(file->size().value() - 1).ok());
  });
  EXPECT_THAT(refusal(), HasSubstr(name + ": it has "));
  in_world([&](engine::Os& os) { EXPECT_TRUE(os.remove(name).ok()); });
  EXPECT_THAT(refusal(), HasSubstr(name + ": it is missing"));
}

TEST_F(TierTest, ASegmentThatIsMostlyDeadMovesOn) {
  config.tier.hot_bytes = 2000;
  config.sizes.tier.restless = true;
  live([&](engine::Os& os, Engine& engine) {
    for (int n = 0; n < 200; ++n) {
      ask(engine, "SET k" + std::to_string(n % 20) + " " + std::string(100, 'x'));
      ask(engine, "GET k" + std::to_string(n * 7 % 20));
    }
    wait(os, 1000);
    EXPECT_LE(engine.tier()->folder().count(), 21u);
    EXPECT_EQ(engine.tier()->stats().failures, 0u);
  });
}

TEST_F(TierTest, InfoSaysWhatLiesThere) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    ask(engine, "GET a");
    const auto& folder = engine.tier()->folder();
    const auto& stats = engine.tier()->stats();
    EXPECT_GT(folder.bytes(), 0u);
    EXPECT_GE(stats.left, 7u);
    EXPECT_GE(stats.came, 1u);
    EXPECT_THAT(ask(engine, "INFO persistence"),
                HasSubstr("cold_values:" + std::to_string(folder.values()) +
                          "\r\ncold_segments:" + std::to_string(folder.count()) +
                          "\r\ncold_bytes:" + std::to_string(folder.bytes()) +
                          "\r\ncold_left:" + std::to_string(stats.left) +
                          "\r\ncold_came_back:" + std::to_string(stats.came) +
                          "\r\ncold_failures:0\r\ncold_last_error:\r\n"));
  });
  config.tier.path.clear();
  in_world([&](engine::Os& os) {
    const auto names = os.list("appendonlydir").value();
    for (const std::string& name : names) EXPECT_TRUE(os.remove("appendonlydir/" + name).ok());
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_THAT(ask(engine, "INFO persistence"), Not(HasSubstr("cold_")));
  });
}

TEST_F(TierTest, SaysWhatItDoesNotGoWith) {
  live([&](engine::Os&, Engine& engine) {
    EXPECT_THAT(ask(engine, "REPLICAOF 127.0.0.1 1"), StartsWith("-"));
    EXPECT_THAT(ask(engine, "FAILOVER"), HasSubstr("follows no master yet"));
    EXPECT_THAT(ask(engine, "CONFIG SET appendonly no"), HasSubstr("needs the log"));
    EXPECT_THAT(ask(engine, "CONFIG SET warm-tier-size 5"), StartsWith("-ERR"));
    EXPECT_EQ(ask(engine, "CONFIG SET hot-tier-size 5mb"), "+OK\r\n");
  });
  config.sink.file = "sink.db";
  EXPECT_THAT(refusal(), HasSubstr("cold-tier-path and sink-file do not go together"));
  config.sink.file.clear();
  config.tier.cold_bytes = 1;
  EXPECT_THAT(refusal(), HasSubstr("cold-tier-size needs an archive"));
  config.tier.archive_url = "s3://bucket/store";
  EXPECT_THAT(refusal(), HasSubstr("no way to an object store"));
  const engine::TierOptions with_all = std::exchange(config.tier, {});
  config.tier.archive_url = with_all.archive_url;
  EXPECT_THAT(refusal(), HasSubstr("archive-url needs a cold tier"));
  config.tier = {};
  config.tier.warm_bytes = 1 << 20;
  EXPECT_THAT(refusal(), HasSubstr("warm-tier-size needs a cold tier"));
  config.tier = with_all;
  config.tier.archive_url.clear();
  config.tier.cold_bytes = 0;
  config.max_memory_bytes = 1 << 20;
  live([](engine::Os&, Engine&) {});
  config.eviction = engine::EvictionPolicy::kAllkeysLru;
  EXPECT_THAT(refusal(), HasSubstr("nothing is evicted"));
  config.max_memory_bytes = 0;
  live([](engine::Os&, Engine&) {});
  config.recovery.append_only = false;
  EXPECT_THAT(refusal(), HasSubstr("needs the log"));
}

}  // namespace
}  // namespace powercut::scenarios
