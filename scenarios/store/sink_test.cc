// The database behind the store, on the simulated disk: what stands in it, what a reply waits for, and what happens when it
// cannot be written, is another one, or refuses a row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/engine.h"
#include "engine/sink/sqlite_database.h"
#include "scenarios/store/behind_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SinkTest : public BehindTest {
 protected:
  // The database as it is between two lives; and as an older copy that is written over it under a running store.
  std::string file_behind() {
    std::string bytes;
    in_world([&](engine::Os& os) { bytes = engine::read_whole(os, kBehindFile).value(); });
    return bytes;
  }
  static void put_back(engine::Os& os, const std::string& older) {
    const auto file = os.open(kBehindFile, engine::Open::kReadWrite).value();
    ASSERT_TRUE(file->truncate(0).ok());
    ASSERT_TRUE(engine::write_whole(*file, 0, older).ok());
  }
};

TEST_F(SinkTest, HasStringsAndHashesAndSetsTheRestAside) {
  live([&](engine::Os& os, Engine& engine) {
    for (const char* line :
         {"SET a 1", "SET b 2 PXAT 9000000000000", "HSET h f 1 g 2", "RPUSH l 1 2", "SET gone 1",
          "DEL gone", "SADD s x", "DEL s", "HDEL h g"})
      EXPECT_NE(ask(engine, line)[0], '-') << line;
    holds_the_same(os, engine);
    const auto rows = read_behind(os)->rows;
    EXPECT_THAT(rows, ElementsAre("0 1:a 0: 1:1 -1", "0 1:b 0: 1:2 9000000000000",
                                  "0 1:h 7:field f 1:1 -1", "0 1:l set aside"));
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("sink_set_aside_keys:1\r\n"));
  });
}

TEST_F(SinkTest, GoesOnWhereItWasAfterAKill) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
    ask(engine, "SET b 1");
    ask(engine, "DEL a");  // no batch has these
  });
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(engine.sink()->found_lsn(), 1u);
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().keys, 2u) << "what the database has is not written again";
  });
}

TEST_F(SinkTest, WholeDatabasesAreWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
    ask(engine, "SWAPDB 0 1");
    holds_the_same(os, engine);
    ask(engine, "FLUSHALL");
    ask(engine, "SET c 1");
    holds_the_same(os, engine);
  });
}

TEST_F(SinkTest, AReplyWaitsForTheCommitWhenItIsWrittenThrough) {
  config.sink.mode = engine::SinkMode::kThrough;
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(ask(engine, "SET a 1"), "+OK\r\n");
    EXPECT_EQ(read_behind(os)->lsn, 1u);
    injector.broken = true;
    const auto session = engine.connect();
    session->feed("SET a 2\r\n");
    EXPECT_EQ(session->wait_ready(os.now() + seconds(5)), "");
    EXPECT_EQ(engine.aof().synced_lsn(), 2u);
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("sink_status:err"));
    injector.broken = false;
    EXPECT_EQ(session->wait_ready(os.now() + seconds(5)), "+OK\r\n");
    holds_the_same(os, engine);
  });
}

TEST_F(SinkTest, AFullDatabaseDelaysTheQueueAlone) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
    injector.broken = true;
    EXPECT_EQ(ask(engine, "SET a 2"), "+OK\r\n");
    os.park(os.now() + seconds(20));
    EXPECT_EQ(ask(engine, "DEL a"), ":1\r\n");
    EXPECT_EQ(engine.sink()->queued_keys(), 1u);
    EXPECT_GE(engine.sink()->queued_for(), seconds(20));
    EXPECT_THAT(engine.sink()->trouble(), HasSubstr(kBehindFile));
    injector.broken = false;
    holds_the_same(os, engine);
    EXPECT_THAT(engine.sink()->trouble(), IsEmpty());
    EXPECT_THAT(read_behind(os)->rows, IsEmpty());
  });
}

TEST_F(SinkTest, ARowThatIsRefusedIsSetAsideWithTheReason) {
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("CREATE TRIGGER no BEFORE INSERT ON kv WHEN NEW.value = 'bad' BEGIN SELECT RAISE(ABORT, 'no "
      "bad value'); END");
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "MSET a 1 b bad c 3");
    catch_up(os, engine);
    EXPECT_THAT(read_behind(os)->rows,
                ElementsAre("0 1:a 0: 1:1 -1", "0 1:b set aside", "0 1:c 0: 1:3 -1"));
    ask(engine, "SET b good");
    holds_the_same(os, engine);
  });
}

// The log is rewritten, and the file is an older one.
TEST_F(SinkTest, AnOlderFileIsWrittenAnewWhenItIsSaid) {
  live([&](engine::Os& os, Engine& engine) {
    for (const char* line : {"SET a 1", "SET b 1", "SET c 1", "DEL b"}) ask(engine, line);
    ask(engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(1));
    catch_up(os, engine);
  });
  sql("DELETE FROM kv; INSERT INTO kv VALUES(0, 'b', '1', NULL); UPDATE powercut_sink SET lsn=2");
  config.sink.resync = false;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET d 1");
    os.park(os.now() + seconds(1));
    EXPECT_EQ(engine.sink()->trouble(),
              "sink.db is at operation 2, and the log begins behind operation 4: CONFIG SET "
              "sink-resync yes writes its tables anew");
    EXPECT_EQ(read_behind(os)->lsn, 2u) << "until then nothing is changed";
    EXPECT_EQ(ask(engine, "CONFIG SET sink-resync yes"), "+OK\r\n");
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
  });
}

TEST_F(SinkTest, ATableThatIsGoneIsMissed) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  sql("DROP TABLE kv");
  config.sink.resync = false;
  live([&](engine::Os& os, Engine& engine) {
    os.park(os.now() + seconds(1));
    EXPECT_THAT(engine.sink()->trouble(), HasSubstr("sink.db: there is no kv any more"));
  });
  config.sink.resync = true;
  live([&](engine::Os& os, Engine& engine) { holds_the_same(os, engine); });
}

TEST_F(SinkTest, AnotherSchemaIsLeftAlone) {
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("UPDATE powercut_sink SET schema=7");
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(ask(engine, "SET a 1"), "+OK\r\n") << "the store goes on";
    EXPECT_EQ(engine.sink()->trouble(),
              "sink.db: it has schema 7, and this build writes schema 1: name another file with "
              "sink-file, or start the server that made it");
  });
}

TEST_F(SinkTest, ADamagedFileIsKeptAndWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  in_world([&](engine::Os& os) {
    const auto file = os.open(kBehindFile, engine::Open::kReadWrite).value();
    ASSERT_TRUE(file->write_at(0, std::string(200, 'x')).ok());
  });
  live([&](engine::Os& os, Engine& engine) {
    holds_the_same(os, engine);
    EXPECT_TRUE(os.open("sink.db.damaged", engine::Open::kRead).ok());
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
  });
}

TEST_F(SinkTest, AnotherMappingIsWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "MSET user:1 a x b");
    catch_up(os, engine);
  });
  config.sink.tables = {{"user:*", "users"}};
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("SELECT value FROM users WHERE key = 'user:1'");
}

TEST_F(SinkTest, NeedsALogThatIsSynced) {
  config.aof.policy = engine::SyncPolicy::kNo;
  EXPECT_EQ(refusal(), engine::kSinkNeedsLog);
  config.aof.policy = engine::SyncPolicy::kAlways;
  live([&](engine::Os&, Engine& engine) {
    EXPECT_THAT(ask(engine, "CONFIG SET appendfsync no"), HasSubstr("sink-file needs the log"));
    EXPECT_THAT(ask(engine, "CONFIG SET appendonly no"), HasSubstr("turned on and off by a start"));
  });
}

// --- When a batch is taken ---

TEST_F(SinkTest, ChangesAreCollectedForAWhile) {
  config.sink.interval = seconds(1);
  live([&](engine::Os& os, Engine& engine) {
    catch_up(os, engine);
    const uint64_t begin = engine.sink()->stats().batches;
    for (int i = 0; i < 5; ++i) ask(engine, "MSET a " + std::to_string(i) + " b 1");
    EXPECT_EQ(engine.sink()->queued_keys(), 2u);
    os.park(os.now() + milliseconds(900));
    EXPECT_EQ(engine.sink()->stats().batches, begin);
    EXPECT_GE(engine.sink()->queued_for(), milliseconds(900));
    os.park(os.now() + milliseconds(200));
    EXPECT_EQ(engine.sink()->stats().batches, begin + 1);
    EXPECT_EQ(engine.sink()->stats().keys, 2u);
    EXPECT_EQ(engine.sink()->queued_for(), Duration{0});
    EXPECT_EQ(engine.sink()->queued_keys(), 0u);
    os.park(os.now() + seconds(10));
    EXPECT_EQ(engine.sink()->stats().batches, begin + 1) << "there is nothing to write";
  });
}

TEST_F(SinkTest, ButNotForLongWhereTheyAreMany) {
  config.sink.interval = seconds(1000);
  live([&](engine::Os& os, Engine& engine) {
    catch_up(os, engine);
    std::string line = "MSET";
    for (int i = 0; i < 4095; ++i) line += " k" + std::to_string(i) + " v";
    ask(engine, line);
    os.park(os.now() + seconds(5));
    EXPECT_EQ(engine.sink()->queued_keys(), 4095u);
    ask(engine, "SET k 1");
    os.park(os.now() + seconds(5));
    EXPECT_EQ(engine.sink()->queued_keys(), 0u);
    EXPECT_TRUE(engine.sink()->caught_up());
  });
}

TEST_F(SinkTest, KeysThatNoTableTakesAreNotQueued) {
  config.sink.tables = {{"user:*", "kv"}};
  config.sink.interval = seconds(1);
  live([&](engine::Os& os, Engine& engine) {
    catch_up(os, engine);
    ask(engine, "MSET other 1 user:1 1");
    EXPECT_EQ(engine.sink()->queued_keys(), 1u);
    catch_up(os, engine);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 6:user:1 0: 1:1 -1"));
    ask(engine, "FLUSHALL");
    ask(engine, "MSET other 1 user:2 1");
    catch_up(os, engine);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 6:user:2 0: 1:1 -1"));
  });
}

// --- What the database lacks ---

TEST_F(SinkTest, WhatExpiredWhileNobodyRanIsGone) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "MSET a 1 b 1");
    ask(engine, "HSET h f 1");
    ask(engine, "PEXPIRE a 5000");
    ask(engine, "PEXPIRE h 5000");
    catch_up(os, engine);
    ask(engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(1));
    catch_up(os, engine);
    EXPECT_EQ(read_behind(os)->rows.size(), 3u);
  });
  in_world([&](engine::Os& os) { os.park(os.now() + seconds(10)); });
  live([&](engine::Os& os, Engine& engine) {
    holds_the_same(os, engine);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 1:b 0: 1:1 -1"));
    EXPECT_EQ(engine.sink()->stats().resyncs, 0u);
  });
}

// It cannot say the first time which those are.
class LateToSay final : public engine::SinkDatabase {
 public:
  LateToSay(engine::Os& os, std::vector<engine::SinkTable> tables)
      : file_(os, kBehindFile, std::move(tables)) {}
  const std::string& name() const override { return file_.name(); }
  Result<Found> open() override { return file_.open(); }
  bool is_open() const override { return file_.is_open(); }
  void close() override { file_.close(); }
  Result<std::string> put_away() override { return file_.put_away(); }
  Result<void> write(const engine::SinkBatch& batch) override { return file_.write(batch); }
  uint64_t set_aside() const override { return file_.set_aside(); }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override {
    if (asked_++ == 0) return Error{Errc::kIo, "not yet"};
    return file_.expired_keys(unix_ms);
  }

 private:
  engine::SqliteDatabase file_;
  int asked_ = 0;
};

TEST_F(SinkTest, WhatExpiredWhileNobodyRanIsAskedForUntilItIsKnown) {
  config.sink.url = std::exchange(config.sink.file, "");
  engine::Os* world = nullptr;
  config.sink.connect = [&](const engine::SinkOptions& options) {
    return std::make_unique<LateToSay>(*world, options.tables);
  };
  in_world([&](engine::Os& os) {
    world = &os;
    const auto engine = std::move(Engine::open(os, config).value());
    ask(*engine, "SET a 1 PX 5000");
    ask(*engine, "SET b 1");
    catch_up(os, *engine);
    ask(*engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(1));
    EXPECT_TRUE(engine->shut_down(false).ok());
  });
  in_world([&](engine::Os& os) {
    world = &os;
    os.park(os.now() + seconds(10));
    const auto engine = std::move(Engine::open(os, config).value());
    holds_the_same(os, *engine);
    EXPECT_EQ(engine->sink()->stats().failures, 1u);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 1:b 0: 1:1 -1"));
    EXPECT_TRUE(engine->shut_down(false).ok());
  });
}

TEST_F(SinkTest, OneThatIsAheadOfTheLogIsWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  sql("UPDATE powercut_sink SET lsn=9; UPDATE kv SET value='another'");
  live([&](engine::Os& os, Engine& engine) {
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
    EXPECT_EQ(engine.sink()->found_lsn(), 9u);
  });
  sql("UPDATE powercut_sink SET lsn=9");
  config.sink.resync = false;
  live([&](engine::Os& os, Engine& engine) {
    os.park(os.now() + seconds(1));
    EXPECT_EQ(engine.sink()->trouble(),
              "sink.db is at operation 9, and the log ends with operation 1: CONFIG SET "
              "sink-resync yes writes its tables anew");
    EXPECT_EQ(engine.sink()->stats().resyncs, 0u);
    EXPECT_EQ(ask(engine, "CONFIG SET sink-resync no"), "+OK\r\n");
    os.park(os.now() + seconds(1));
    EXPECT_EQ(read_behind(os)->lsn, 9u);
    const Instant begin = os.now();
    EXPECT_TRUE(engine.shut_down(false).ok());
    EXPECT_LT(os.now() - begin, seconds(1)) << "an end does not wait for it";
  });
}

TEST_F(SinkTest, OneThatGoesBackUnderARunningStoreIsWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  const std::string older = file_behind();
  live([&](engine::Os& os, Engine& engine) {
    for (int i = 0; i < 3; ++i) ask(engine, "SET b " + std::to_string(i));
    catch_up(os, engine);
    injector.broken = true;
    ask(engine, "SET c 1");
    os.park(os.now() + seconds(3));
    injector.broken = false;
    put_back(os, older);
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
  });
}

// Also before anything was committed by this life.
TEST_F(SinkTest, OneThatGoesBackBeforeTheFirstBatchIsWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  const std::string older = file_behind();
  live([&](engine::Os& os, Engine& engine) {
    for (int i = 0; i < 3; ++i) ask(engine, "SET b " + std::to_string(i));
    catch_up(os, engine);
  });
  injector.broken = true;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET c 1");
    os.park(os.now() + seconds(3));
    EXPECT_EQ(engine.sink()->found_lsn(), 4u);
    EXPECT_EQ(engine.sink()->committed_lsn(), 0u);
    injector.broken = false;
    put_back(os, older);
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
  });
}

// --- Where others have rows as well ---

TEST_F(SinkTest, ARowOfOthersIsReadWhereACommandNamesIt) {
  config.sink.read_through = true;
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("INSERT INTO kv VALUES(0, 'theirs', 'x', NULL), (0, 'more', 'y', NULL)");
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(ask(engine, "GET theirs"), "$1\r\nx\r\n");
    EXPECT_TRUE(engine.shut_down(false).ok());
    EXPECT_THAT(ask(engine, "GET more"), HasSubstr("the store ends"));
  });
}

TEST_F(SinkTest, TheOldestCopiesMakeRoom) {
  config.sink.read_through = true;
  config.max_memory_bytes = 400'000;
  config.eviction = engine::EvictionPolicy::kNoEviction;
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
      "INSERT INTO kv SELECT 0, 'row:' || i, hex(zeroblob(5000)), NULL FROM n");
  live([&](engine::Os&, Engine& engine) {
    const auto copies = [&] {
      const std::string info = ask(engine, "INFO persistence");
      const std::string field = "sink_copies:";
      return std::stoi(info.substr(info.find(field) + field.size()));
    };
    for (int i = 0; i < 100; ++i)
      EXPECT_THAT(ask(engine, "STRLEN row:" + std::to_string(i)), ":10000\r\n");
    EXPECT_GT(copies(), 10);
    EXPECT_LT(copies(), 40);
    ask(engine, "MGET row:99 row:98");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("sink_rows_read:100\r\n"));
    ask(engine, "GET row:0");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("sink_rows_read:101\r\n"));
    EXPECT_EQ(ask(engine, "SET here 1"), "+OK\r\n") << "copies are no reason to refuse a write";
  });
}

TEST_F(SinkTest, AKeyIsOnceInABatchOfEverything) {
  config.sink.read_through = true;
  injector.broken = true;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    os.park(os.now() + seconds(1));
    injector.broken = false;
    holds_the_same(os, engine);
    EXPECT_EQ(engine.sink()->stats().keys, 1u);
  });
}

// The tables are not cleared for what is written anew, for others have rows there.
TEST_F(SinkTest, AKeyDeletedBeforeABatchOfEverythingLosesItsRow) {
  config.sink.read_through = true;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  const std::string older = file_behind();
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET b 1");
    catch_up(os, engine);
    ask(engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(2));
  });
  in_world([&](engine::Os& os) { put_back(os, older); });
  injector.broken = true;
  live([&](engine::Os& os, Engine& engine) {
    os.park(os.now() + seconds(1));
    EXPECT_EQ(ask(engine, "DEL a"), ":1\r\n");
    injector.broken = false;
    catch_up(os, engine);
    EXPECT_EQ(engine.sink()->stats().resyncs, 1u);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 1:b 0: 1:1 -1"));
  });
}

TEST_F(SinkTest, ReadThroughSaysWhatItNeeds) {
  config.sink.read_through = true;
  config.recovery.append_only = false;
  EXPECT_THAT(refusal(), HasSubstr("sink-read-through needs the log"));
  config.recovery.append_only = true;
  config.sink.file.clear();
  EXPECT_THAT(refusal(), HasSubstr("sink-read-through needs a database behind the store"));
  config.sink.file = kBehindFile;
  config.max_memory_bytes = 1 << 20;
  config.eviction = engine::EvictionPolicy::kAllkeysLru;
  EXPECT_THAT(refusal(), HasSubstr("maxmemory-policy noeviction"));
}

// The log behind the base names them no more.
TEST_F(SinkTest, WhatABaseSaysOfTheQueueIsWrittenByTheNextLife) {
  config.sink.read_through = true;
  config.sink.resync = false;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
    injector.broken = true;
    ask(engine, "SET b 1");
    ask(engine, "DEL a");
    ask(engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(2));
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("aof_rewrites:1\r\n"));
  });
  injector.broken = false;
  live([&](engine::Os& os, Engine& engine) {
    holds_the_same(os, engine);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 1:b 0: 1:1 -1"));
    EXPECT_EQ(engine.sink()->stats().keys, 2u);
    EXPECT_EQ(engine.sink()->stats().resyncs, 0u);
  });
}

// --- Trouble ---

TEST_F(SinkTest, ItIsTriedAgainMoreAndMoreSeldomAndSaidOnce) {
  std::vector<std::string> lines;
  live([&](engine::Os& os, Engine& engine) {
    Engine::Process process;
    process.log_line = [&](std::string_view line) { lines.emplace_back(line); };
    engine.set_process(std::move(process));
    catch_up(os, engine);
    injector.broken = true;
    ask(engine, "SET a 1");
    os.park(os.now() + seconds(1));
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("sink_status:err"));
    const uint64_t early = engine.sink()->stats().failures;
    EXPECT_GE(early, 4u);
    EXPECT_LE(early, 6u);
    os.park(os.now() + seconds(20));
    EXPECT_GE(engine.sink()->stats().failures, early + 9);
    EXPECT_LE(engine.sink()->stats().failures, early + 12);
    EXPECT_EQ(lines.size(), 1u) << lines.back();
    injector.broken = false;
    catch_up(os, engine);
    injector.broken = true;
    ask(engine, "SET a 2");
    os.park(os.now() + milliseconds(350));
    EXPECT_GE(engine.sink()->stats().failures, early + 11) << "as often as the first time";
    EXPECT_EQ(lines.size(), 2u);
    engine.set_process({});
  });
}

TEST_F(SinkTest, ADamagedFileWaitsWhereNothingIsToBeWrittenAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
  });
  in_world([&](engine::Os& os) {
    const auto file = os.open(kBehindFile, engine::Open::kReadWrite).value();
    ASSERT_TRUE(file->write_at(0, std::string(200, 'x')).ok());
  });
  config.sink.resync = false;
  live([&](engine::Os& os, Engine& engine) {
    os.park(os.now() + seconds(5));
    EXPECT_FALSE(os.open("sink.db.damaged", engine::Open::kRead).ok());
    EXPECT_FALSE(engine.sink()->caught_up());
    EXPECT_EQ(ask(engine, "CONFIG SET sink-resync yes"), "+OK\r\n");
    holds_the_same(os, engine);
    EXPECT_TRUE(os.open("sink.db.damaged", engine::Open::kRead).ok());
  });
}

TEST_F(SinkTest, InfoSaysWhatItIsAt) {
  const auto info = [](Engine& engine) {
    const std::string text = ask(engine, "INFO persistence");
    const size_t begin = text.find("sink_mode");
    return begin == text.npos ? "none"
                              : text.substr(begin, text.find("sink_waits_because") - begin);
  };
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    ask(engine, "RPUSH l 1");
    catch_up(os, engine);
    EXPECT_EQ(info(engine),
              "sink_mode:behind\r\nsink_status:ok\r\nsink_committed_lsn:2\r\n"
              "sink_behind_lsn:0\r\nsink_queued_keys:0\r\nsink_queued_ms:0\r\nsink_batches:" +
                  std::to_string(engine.sink()->stats().batches) +
                  "\r\nsink_written_keys:" + std::to_string(engine.sink()->stats().keys) +
                  "\r\nsink_set_aside_keys:1\r\nsink_resyncs:0\r\nsink_failures:0\r\n"
                  "sink_last_error:\r\n");
    injector.broken = true;
    ask(engine, "SET a 2");
    os.park(os.now() + seconds(2));
    EXPECT_THAT(info(engine), HasSubstr("sink_behind_lsn:1\r\nsink_queued_keys:1\r\n"));
    EXPECT_THAT(ask(engine, "INFO persistence"),
                HasSubstr("sink_waits_because:" + engine.sink()->trouble() + "\r\n"));
    EXPECT_THAT(info(engine), HasSubstr("sink_last_error:sink.db"));
  });
  injector.broken = false;
  config.sink.mode = engine::SinkMode::kThrough;
  live([&](engine::Os&, Engine& engine) { EXPECT_THAT(info(engine), HasSubstr("mode:through")); });
  config.sink.file.clear();
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(info(engine), "none"); });
  config.sink.url = "postgresql://db/shop";
  EXPECT_EQ(refusal(), "sink-url: this program speaks to no database");
  config.aof.policy = engine::SyncPolicy::kNo;
  EXPECT_EQ(refusal(), engine::kSinkUrlNeedsLog);
}

TEST_F(SinkTest, ACleanEndLeavesItWithAll) {
  live([&](engine::Os&, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_TRUE(engine.shut_down(false).ok());
    EXPECT_EQ(engine.sink()->committed_lsn(), 1u);
  });
}

}  // namespace
}  // namespace powercut::scenarios
