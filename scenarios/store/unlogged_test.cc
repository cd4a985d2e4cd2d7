// A store without a log, whose database is all that persists, on the simulated disk: what a start makes of the rows, what a reply
// waits for, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/sink/sqlite_database.h"
#include "scenarios/store/behind_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UnloggedTest : public BehindTest {
 protected:
  UnloggedTest() { config.recovery.append_only = false; }

  // One life that ends with all of it committed.
  void write(const std::vector<std::string>& lines) {
    live([&](engine::Os& os, Engine& engine) {
      for (const std::string& line : lines) EXPECT_NE(ask(engine, line)[0], '-') << line;
      holds_the_same(os, engine);
    });
  }
};

// --- The start ---

TEST_F(UnloggedTest, AStartHasWhatTheDatabaseHas) {
  write({"MSET a 1 b 2 e ''", "HSET h f 1 g 2", "PEXPIRE b 500000", "PEXPIRE h 600000", "HDEL h g",
         "MSET gone 1", "DEL gone"});
  const auto rows = [&] {
    BehindRows found;
    in_world([&](engine::Os& os) { found = read_behind(os)->rows; });
    return found;
  }();
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(difference(rows, rows_to_be(engine.keyspace())), "");
    EXPECT_EQ(engine.applied_lsn(), 7u) << "its numbers go on";
    EXPECT_EQ(ask(engine, "OBJECT IDLETIME h"), ":0\r\n");
    EXPECT_EQ(ask(engine, "HGETALL h"), "*2\r\n$1\r\nf\r\n$1\r\n1\r\n");
    EXPECT_EQ(ask(engine, "PTTL a"), ":-1\r\n");
    EXPECT_NE(ask(engine, "PTTL b"), ":-1\r\n");
    EXPECT_EQ(ask(engine, "SET a 2"), "+OK\r\n");
    holds_the_same(os, engine);
    EXPECT_EQ(read_behind(os)->lsn, 8u);
    EXPECT_THAT(engine.recovery().summary(), HasSubstr("4 keys from sink.db"));
  });
}

// What was read may be in the page cache alone: it is committed once more, and that is all there is to do.
TEST_F(UnloggedTest, AStartCommitsOnceAndHasAll) {
  write({"SET a 1", "HSET h f 1"});
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_TRUE(engine.sink()->caught_up());
    EXPECT_EQ(engine.sink()->stats().batches, 1u);
    EXPECT_EQ(engine.sink()->committed_lsn(), 2u);
    EXPECT_EQ(engine.sink()->queued_keys(), 0u);
    EXPECT_EQ(engine.sink()->queued_for().ns, 0);
    os.park(os.now() + seconds(10));
    EXPECT_EQ(engine.sink()->stats().batches, 1u);
    EXPECT_EQ(ask(engine, "SET a 2"), "+OK\r\n");
    os.park(os.now() + seconds(1));
    EXPECT_EQ(engine.sink()->stats().batches, 2u);
  });
}

TEST_F(UnloggedTest, DatabasesKeepTheirNumbers) {
  live([&](engine::Os& os, Engine& engine) {
    const auto session = engine.connect();
    session->feed("SELECT 3\r\nSET a three\r\nSWAPDB 3 5\r\nSELECT 0\r\nSET a zero\r\n");
    (void)session->wait_ready();
    holds_the_same(os, engine);
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(engine.keyspace().size(5), 1u);
    EXPECT_EQ(engine.keyspace().size(3), 0u);
    EXPECT_EQ(engine.keyspace().size(0), 1u);
  });
}

TEST_F(UnloggedTest, WhatExpiredWhileNobodyRanIsGone) {
  write({"SET a 1 PX 5000", "SET b 1"});
  in_world([&](engine::Os& os) { os.park(os.now() + seconds(10)); });
  live([&](engine::Os& os, Engine& engine) {
    os.park(os.now() + seconds(1));
    EXPECT_EQ(ask(engine, "GET a"), "$-1\r\n");
    holds_the_same(os, engine);
    EXPECT_THAT(read_behind(os)->rows, ElementsAre("0 1:b 0: 1:1 -1"));
  });
}

TEST_F(UnloggedTest, ADatabaseThatCannotBeHadIsNoEmptyStore) {
  write({"SET a 1"});
  in_world([&](engine::Os& os) {
    const auto file = os.open(kBehindFile, engine::Open::kReadWrite).value();
    ASSERT_TRUE(file->write_at(0, std::string(200, 'x')).ok());
  });
  EXPECT_THAT(refusal(), HasSubstr("sink.db: file is not a database"));
  in_world([&](engine::Os& os) {
    EXPECT_FALSE(os.open("sink.db.damaged", engine::Open::kRead).ok()) << "nothing is put away";
  });
}

// It cannot be had the first times, if it is asked for so often.
class LateDatabase final : public engine::SinkDatabase {
 public:
  LateDatabase(engine::Os& os, std::vector<engine::SinkTable> tables, int late, Errc why)
      : file_(os, kBehindFile, std::move(tables)), late_(late), why_(why) {}
  const std::string& name() const override { return file_.name(); }
  void keep_as_found(bool keep) override { file_.keep_as_found(keep); }
  Result<Found> open() override {
    if (late_-- > 0) return Error{why_, "not yet"};
    return file_.open();
  }
  bool is_open() const override { return file_.is_open(); }
  void close() override { file_.close(); }
  Result<std::string> put_away() override { return file_.put_away(); }
  Result<void> write(const engine::SinkBatch& batch) override { return file_.write(batch); }
  Result<void> read(const TakeRows& take) override { return file_.read(take); }
  uint64_t set_aside() const override { return file_.set_aside(); }
  Result<std::vector<std::pair<int, std::string>>> expired_keys(int64_t unix_ms) override {
    return file_.expired_keys(unix_ms);
  }

 private:
  engine::SqliteDatabase file_;
  int late_;
  Errc why_;
};

TEST_F(UnloggedTest, OneElsewhereIsWaitedForUnlessItIsWrong) {
  write({"SET a 1"});
  config.sink.url = std::exchange(config.sink.file, "");
  for (const Errc why : {Errc::kIo, Errc::kUnsupported})
    in_world([&](engine::Os& os) {
      config.sink.connect = [&](const engine::SinkOptions& options) {
        return std::make_unique<LateDatabase>(os, options.tables, 4, why);
      };
      const Instant began = os.now();
      const auto opened = Engine::open(os, config);
      EXPECT_EQ(opened.ok(), why == Errc::kIo);
      EXPECT_EQ(os.now() - began >= seconds(1), why == Errc::kIo);
      if (!opened.ok()) return;
      EXPECT_EQ(ask(**opened, "GET a"), "$1\r\n1\r\n");
      EXPECT_TRUE((*opened)->shut_down(false).ok());
    });
}

TEST_F(UnloggedTest, OneThatCannotBeWrittenIsNotServed) {
  write({"SET a 1"});
  injector.broken = true;
  EXPECT_THAT(refusal(), HasSubstr("sink.db"));
  injector.broken = false;
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(ask(engine, "GET a"), "$1\r\n1\r\n"); });
}

TEST_F(UnloggedTest, RowsThatNoKeyCanBeMadeOfAreRefusedByName) {
  write({"MSET a 1 b 2", "HSET h f 1 g 2"});
  const auto refuses = [&](const std::string& change, const std::string& why,
                           const std::string& back) {
    sql(change);
    EXPECT_THAT(refusal(), HasSubstr(why)) << change;
    sql(back);
  };
  refuses("UPDATE kv SET value=17 WHERE key='a'", "table kv: the value of key 'a' is not text",
          "UPDATE kv SET value='1' WHERE key='a'");
  refuses("UPDATE kv SET expires_ms='soon' WHERE key='a'",
          "the expires_ms of key 'a' is not an integer", "UPDATE kv SET expires_ms=NULL");
  refuses("UPDATE kv SET db=99 WHERE key='a'", "key 'a' of database 99: there are not so many",
          "UPDATE kv SET db=0");
  refuses("INSERT INTO kv_fields VALUES(0, 'a', 'f', '1', NULL)",
          "key 'a' of database 0: it has a string, and fields",
          "DELETE FROM kv_fields WHERE key='a'");
  refuses("UPDATE kv_fields SET expires_ms=5 WHERE field='g'", "key 'h' have different expires_ms",
          "UPDATE kv_fields SET expires_ms=NULL");
  refuses("INSERT INTO powercut_set_aside VALUES(0, 'l', 1, 'a list has no table')",
          "1 keys have no row", "DELETE FROM powercut_set_aside");
  refuses("UPDATE powercut_sink SET schema=7", "it has schema 7",
          "UPDATE powercut_sink SET schema=2");
  config.sink.tables = {{"a*", "kv"}};
  EXPECT_THAT(refusal(), HasSubstr("its tables were written with sink-tables \"* kv\""));
  sql("UPDATE powercut_sink SET tables='a* kv'");
  EXPECT_THAT(refusal(), HasSubstr("key 'b' of database 0: it stands in table kv, where"));
  config.sink.tables = {{"*", "kv"}};
  sql("UPDATE powercut_sink SET tables='* kv'");
  live([&](engine::Os& os, Engine& engine) { holds_the_same(os, engine); });
  sql("DROP TABLE kv_fields");
  EXPECT_THAT(refusal(), HasSubstr("there is no kv_fields any more"));
  EXPECT_THAT(refusal(), HasSubstr("there is no kv_fields any more")) << "and was not made";
}

// --- What is found beside ---

TEST_F(UnloggedTest, ALogBesideIsNotPassedOver) {
  config.recovery.append_only = true;
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    catch_up(os, engine);
    EXPECT_THAT(ask(engine, "CONFIG SET appendonly no"), HasSubstr("by a start"));
  });
  config.recovery.append_only = false;
  EXPECT_THAT(refusal(), HasSubstr("appendonlydir/appendonly.aof"));
  EXPECT_THAT(refusal(), HasSubstr("move it away to go by the database"));
}

TEST_F(UnloggedTest, ACheckpointBesideIsPassedOverUnlessItIsNewer) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
    EXPECT_EQ(read_behind(os)->lsn, 1u) << "it is never ahead of the database";
    ask(engine, "SET a 2");
    catch_up(os, engine);
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(ask(engine, "GET a"), "$1\r\n2\r\n");
    EXPECT_THAT(engine.recovery().summary(), HasSubstr("beside it and not read: dump.rdb"));
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
  });
  sql("UPDATE powercut_sink SET lsn=1");  // an older one
  EXPECT_THAT(refusal(), HasSubstr("is newer than sink.db, which is at entry 1"));
}

TEST_F(UnloggedTest, ANewDatabaseTakesACheckpointOver) {
  config.sink.file.clear();
  live([&](engine::Os&, Engine& engine) {
    ask(engine, "MSET a 1 b 2");
    ask(engine, "HSET h f 1");
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
  });
  config.sink.file = kBehindFile;
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(read_behind(os)->rows.size(), 3u) << "before it serves";
    holds_the_same(os, engine);
  });
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(ask(engine, "DBSIZE"), ":3\r\n"); });
}

TEST_F(UnloggedTest, WhatHasNoTableIsNotTakenOver) {
  config.sink.file.clear();
  live([&](engine::Os&, Engine& engine) {
    ask(engine, "RPUSH l 1");
    ask(engine, "SAVE");
  });
  config.sink.file = kBehindFile;
  EXPECT_THAT(refusal(), HasSubstr("dump.rdb: key 'l' of database 0 is a list"));
}

// Which was never told of a log.
TEST_F(UnloggedTest, AStartWithAnEmptyLogDoesNotClearTheRows) {
  write({"MSET a 1 b 2"});
  config.recovery.append_only = true;
  EXPECT_THAT(refusal(), HasSubstr("sink.db is at operation 1, written by a store without a log"));
  in_world([&](engine::Os& os) { EXPECT_EQ(read_behind(os)->rows.size(), 2u); });
  // The way there.
  config.recovery.append_only = false;
  live([&](engine::Os&, Engine& engine) {
    EXPECT_THAT(ask(engine, "CONFIG SET appendonly yes"), HasSubstr("SHUTDOWN SAVE"));
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
    EXPECT_TRUE(engine.shut_down(false).ok());
  });
  config.recovery.append_only = true;
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(ask(engine, "GET a"), "$1\r\n1\r\n");
    ask(engine, "SET a 2");
    holds_the_same(os, engine);
  });
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(ask(engine, "GET a"), "$1\r\n2\r\n"); });
}

// --- What is not kept is refused ---

TEST_F(UnloggedTest, WritesThatHaveNoRowAreRefused) {
  config.sink.tables = {{"user:*", "kv"}};
  live([&](engine::Os& os, Engine& engine) {
    for (const char* line :
         {"RPUSH user:l 1", "LPOP user:l", "SADD user:s 1", "ZADD user:z 1 a", "XADD user:x * f 1",
          "XGROUP CREATE user:x g 0 MKSTREAM", "GEOADD user:g 1 1 a", "SORT user:l STORE user:m",
          "FUNCTION FLUSH", "SET other 1", "RENAME user:1 other", "COPY user:1 other",
          "EVAL \"return redis.call('SET', 'other', 1)\" 0",
          "EVAL \"return redis.call('SADD', 'user:s', 1)\" 0"})
      EXPECT_THAT(ask(engine, line), HasSubstr("without a log the database is all that persists"))
          << line;
    for (const char* line :
         {"SET user:1 1", "HSET user:h f 1", "RENAME user:1 user:2", "PFADD user:p a", "FLUSHALL",
          "MSET user:1 1 user:2 2", "EVAL \"return redis.call('INCR', KEYS[1])\" 1 user:n",
          "SORT_RO other"})
      EXPECT_NE(ask(engine, line)[0], '-') << line;
    EXPECT_THAT(ask(engine, "LRANGE user:l 0 -1"), "*0\r\n");
    const auto session = engine.connect();
    session->feed("MULTI\r\nSET user:1 2\r\nSADD user:s 1\r\nEXEC\r\n");
    EXPECT_THAT(std::string(session->wait_ready()), HasSubstr("EXECABORT"));
    EXPECT_EQ(ask(engine, "GET user:1"), "$1\r\n1\r\n");
    catch_up(os, engine);
  });
}

TEST_F(UnloggedTest, ARowThatIsRefusedHoldsRepliesUntilTheKeyIsAnother) {
  live([&](engine::Os& os, Engine& engine) { catch_up(os, engine); });
  sql("CREATE TRIGGER no BEFORE INSERT ON kv WHEN NEW.value = 'bad' BEGIN SELECT RAISE(ABORT, 'no "
      "bad value'); END");
  config.sink.mode = engine::SinkMode::kThrough;
  live([&](engine::Os& os, Engine& engine) {
    const auto session = engine.connect();
    session->feed("SET a bad\r\n");
    EXPECT_EQ(session->wait_ready(os.now() + seconds(5)), "");
    EXPECT_THAT(engine.sink()->trouble(), HasSubstr("table kv refuses key 'a' of database 0: "));
    EXPECT_EQ(ask(engine, "DEL a"), ":1\r\n");
    EXPECT_EQ(session->wait_ready(os.now() + seconds(5)), "+OK\r\n");
    holds_the_same(os, engine);
  });
}

TEST_F(UnloggedTest, ItFollowsNobody) {
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(ask(engine, "REPLICAOF 127.0.0.1 7000")[0], '-');
  });
}

// --- The window ---

TEST_F(UnloggedTest, RepliesWaitWhenTheWindowIsUsedUp) {
  config.sink.window = seconds(1);
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET steady 1");
    catch_up(os, engine);
    injector.broken = true;
    EXPECT_EQ(ask(engine, "SET b 1"), "+OK\r\n");
    os.park(os.now() + milliseconds(900));
    EXPECT_EQ(ask(engine, "SET b 2"), "+OK\r\n");
    os.park(os.now() + milliseconds(200));
    const auto session = engine.connect();
    session->feed("SET b 3\r\n");
    EXPECT_EQ(session->wait_ready(os.now() + seconds(20)), "");
    EXPECT_EQ(ask(engine, "GET steady"), "$1\r\n1\r\n") << "reads go on";
    const std::string info = ask(engine, "INFO persistence");
    EXPECT_THAT(info, HasSubstr("sink_without_log:1\r\nsink_window_ms:1000\r\n"));
    EXPECT_THAT(info, HasSubstr("sink_delayed_replies:1\r\n"));
    EXPECT_GE(engine.sink()->worst(), seconds(20));
    injector.broken = false;
    EXPECT_EQ(session->wait_ready(os.now() + seconds(5)), "+OK\r\n");
    EXPECT_GE(engine.sink()->stats().worst, seconds(20)) << "also when it is over";
    EXPECT_EQ(ask(engine, "SET b 4"), "+OK\r\n");
    holds_the_same(os, engine);
  });
}

TEST_F(UnloggedTest, WhatIsCommittedIsThereAfterAKill) {
  config.sink.window = seconds(1);
  live([&](engine::Os& os, Engine& engine) {
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(ask(engine, "SET a " + std::to_string(i)), "+OK\r\n");
      os.park(os.now() + milliseconds(100));
    }
  });
  live([&](engine::Os&, Engine& engine) {
    const std::string value = ask(engine, "GET a");
    EXPECT_GE(std::stoi(value.substr(value.find('\n') + 1)), 30);
  });
}

TEST_F(UnloggedTest, ThroughMeansThatNothingIsLost) {
  config.sink.mode = engine::SinkMode::kThrough;
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(ask(engine, "SET a 1"), "+OK\r\n");
    EXPECT_EQ(read_behind(os)->lsn, 1u);
    EXPECT_EQ(ask(engine, "SET a 2"), "+OK\r\n");
  });
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(ask(engine, "GET a"), "$1\r\n2\r\n"); });
}

TEST_F(UnloggedTest, AnEndWaitsForTheDatabase) {
  live([&](engine::Os& os, Engine& engine) {
    catch_up(os, engine);
    injector.broken = true;
    EXPECT_EQ(ask(engine, "SET a 1"), "+OK\r\n");
    EXPECT_FALSE(engine.shut_down(false).ok()) << "nothing else has it";
    EXPECT_EQ(ask(engine, "GET a"), "$1\r\n1\r\n");
    injector.broken = false;
    EXPECT_TRUE(engine.shut_down(false).ok());
  });
  live([&](engine::Os&, Engine& engine) { EXPECT_EQ(ask(engine, "GET a"), "$1\r\n1\r\n"); });
}

// All that was acknowledged is in the store: it is written anew, under a running one.
TEST_F(UnloggedTest, AFileThatIsMovedAwayUnderARunningStoreIsMadeAnew) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "MSET a 1 b 2");
    catch_up(os, engine);
    injector.broken = true;
    ask(engine, "SET c 1");
    os.park(os.now() + seconds(1));
    ASSERT_TRUE(os.rename(kBehindFile, "elsewhere.db").ok());
    injector.broken = false;
    holds_the_same(os, engine);
    EXPECT_EQ(read_behind(os)->rows.size(), 3u);
  });
}

}  // namespace
}  // namespace powercut::scenarios
