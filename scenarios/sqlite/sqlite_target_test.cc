// One life of SQLite on the simulated disk: what it answers, what comes of a crash in the middle of its calls,
// and that nothing of one life reaches another.
#include "scenarios/sqlite/sqlite_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>

#include "engine/base/hash.h"
#include "scenarios/sqlite/sql_text.h"
#include "scenarios/sqlite/sqlite.h"
#include "sim/crash_images.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

using sim::CrashKind;
using sim::Op;
using ::testing::HasSubstr;

class Lives {
 public:
  // A life on the disk as it is, until `body` is done or the injector ends it.
  CrashKind live(Journal journal, Synchronous synchronous,
                 const std::function<void(sim::Target&)>& body) {
    sim::SeededChoices choices(seed);
    sim::SimOs os(world, choices, trace, &injector);
    std::unique_ptr<sim::Target> target;
    refusal.clear();
    os.spawn("main", [&] {
      auto opened = SqliteTarget::open(os, journal, synchronous);
      if (!opened.ok()) {
        refusal = opened.error().message;
      } else {
        target = std::move(opened).value();
        body(*target);
      }
      os.stop();
    });
    const CrashKind crash = os.run();
    os.destroy_tasks();
    target.reset();
    return crash;
  }

  sim::WorldState world{sim::Disk(), Instant{0}, sim::kWallStartMs};
  sim::TestInjector injector;
  sim::Trace trace;
  uint64_t seed = 1;
  std::string refusal;
};

std::string say(sim::Target& target, const std::string& sql) {
  target.apply(0, sql_request(sql));
  return std::string(target.acknowledged(0, kForever)->bytes);
}

TEST(SqliteTarget, AnswersWhenItIsCommittedAndFindsItAgain) {
  Lives lives;
  uint64_t digest = 0;
  lives.live(Journal::kDelete, Synchronous::kFull, [&](sim::Target& target) {
    EXPECT_EQ(target.recovery.last, 0u);
    EXPECT_EQ(target.digest(0), 0u);
    EXPECT_EQ(say(target, "CREATE TABLE t(v)"), "+OK");
    EXPECT_EQ(say(target, "INSERT INTO t VALUES(1); INSERT INTO t VALUES('two')"), "+OK");
    EXPECT_EQ(target.promise().written, 2u);
    digest = target.digest(0);
    EXPECT_TRUE(target.shut_down().ok());
  });
  lives.live(Journal::kDelete, Synchronous::kFull, [&](sim::Target& target) {
    EXPECT_EQ(target.recovery.last, 2u);
    EXPECT_EQ(target.digest(0), digest);
    EXPECT_EQ(target.contents(0, 9), (std::vector<std::string>{"t: 1", "t: two"}));
  });
}

TEST(SqliteTarget, WhatFailsChangesNothingAndWhatOnlyReadsIsNoOperation) {
  Lives lives;
  lives.live(Journal::kWal, Synchronous::kFull, [&](sim::Target& target) {
    say(target, "CREATE TABLE t(v UNIQUE); INSERT INTO t VALUES(1)");
    const uint64_t digest = target.digest(0);
    EXPECT_THAT(say(target, "INSERT INTO t VALUES(2); INSERT INTO t VALUES(1)"),
                HasSubstr("UNIQUE constraint failed"));
    EXPECT_THAT(say(target, "no SQL"), HasSubstr("syntax error"));
    // It would end the transaction, or reach another file.
    for (const char* sql : {"COMMIT", "PRAGMA synchronous=off", "ATTACH 'other.db' AS other"})
      EXPECT_THAT(say(target, sql), HasSubstr("not authorized")) << sql;
    EXPECT_EQ(say(target, "SELECT * FROM t"), "+OK");
    EXPECT_EQ(target.digest(0), digest);
    EXPECT_EQ(target.promise().written, 1u);
  });
}

TEST(SqliteTarget, ShortReadsAndWritesAreFinished) {
  Lives lives;
  lives.injector.short_reads = lives.injector.short_writes = true;
  const auto fill = [](sim::Target& target) {
    say(target, "CREATE TABLE t(v)");
    say(target, "INSERT INTO t VALUES('" + std::string(300, 'x') + "')");
  };
  for (const Journal journal : {Journal::kDelete, Journal::kWal}) {
    lives.world.disk = sim::Disk();
    lives.live(journal, Synchronous::kFull, fill);
    lives.live(journal, Synchronous::kFull,
               [](sim::Target& target) { EXPECT_EQ(target.recovery.last, 2u); });
    EXPECT_EQ(lives.refusal, "");
  }
}

TEST(SqliteTarget, ACrashInAnyOfItsCallsIsSurvived) {
  for (const Journal journal :
       {Journal::kDelete, Journal::kTruncate, Journal::kPersist, Journal::kWal}) {
    for (const Op op : {Op::kOpen, Op::kRead, Op::kWrite, Op::kSync, Op::kRemove}) {
      Lives lives;
      lives.live(journal, Synchronous::kFull,
                 [](sim::Target& target) { say(target, "CREATE TABLE t(v)"); });
      lives.injector.crash = CrashKind::kKill;
      bool began = false;
      lives.live(journal, Synchronous::kFull, [&](sim::Target& target) {
        began = true;
        lives.injector.crash_op = op;
        say(target, "INSERT INTO t VALUES(1)");
      });
      lives.injector.crash_op.reset();
      lives.live(journal, Synchronous::kFull, [&](sim::Target& target) {
        EXPECT_GE(target.recovery.last, 1u);
        EXPECT_LE(target.recovery.last, 2u);
      });
      EXPECT_TRUE(began);
      EXPECT_EQ(lives.refusal, "") << kJournals[static_cast<size_t>(journal)];
    }
  }
}

TEST(SqliteTarget, ADamagedDatabaseIsRefusedInOneLine) {
  Lives lives;
  lives.live(Journal::kDelete, Synchronous::kFull, [](sim::Target& target) {
    say(target, "CREATE TABLE t(v)");
    say(target, "INSERT INTO t VALUES(1)");
  });
  sim::SeededChoices choices(1);
  sim::SimOs os(lives.world, choices, lives.trace, nullptr);
  os.spawn("harm", [&] {
    auto file = os.open("data.db", engine::Open::kReadWrite).value();
    EXPECT_TRUE(file->write_at(4096 + 8, "no page of a b-tree").ok());
  });
  os.run();
  os.destroy_tasks();
  lives.live(Journal::kDelete, Synchronous::kFull, [](sim::Target&) { ADD_FAILURE(); });
  EXPECT_THAT(lives.refusal, HasSubstr("data.db: "));
  EXPECT_EQ(lives.refusal.find('\n'), std::string::npos);
}

// What a journal is stamped with is chance, and the same in each run; whatever other lives drew meanwhile.
TEST(SqliteTarget, ALifeIsTheSameBesideOthers) {
  const auto hash_of = [](uint64_t seed, bool disturbed) {
    Lives lives;
    lives.seed = seed;
    lives.live(Journal::kWal, Synchronous::kFull, [&](sim::Target& target) {
      say(target, "CREATE TABLE t(v)");
      if (disturbed) {
        char bytes[100];
        sqlite3_randomness(sizeof bytes, bytes);
      }
      say(target, "INSERT INTO t VALUES(random())");
    });
    uint64_t hash = lives.trace.hash();
    for (const sim::FoundFile& file : sim::image_of(lives.world.disk.after_kill()))
      hash = hash_bytes(file.content, hash);
    return hash;
  };
  EXPECT_EQ(hash_of(1, false), hash_of(1, true));
  EXPECT_NE(hash_of(1, false), hash_of(2, false));
}

// --- As text ---

TEST(SqlText, IsCutIntoTransactions) {
  const auto read = parse_sql(
      "-- a comment; with a semicolon\n"
      "CREATE TABLE t(v);\n"
      "BEGIN;\n  INSERT INTO t VALUES('a;b');\n  UPDATE t SET v = 'c' /* why */ WHERE v = "
      "'a;b';\nCOMMIT;\n"
      "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END;\n",
      "x.sql");
  ASSERT_TRUE(read.ok()) << read.error().message;
  std::vector<std::string> requests;
  for (const Unit& unit : read->units)
    requests.insert(requests.end(), unit.requests.begin(), unit.requests.end());
  EXPECT_EQ(requests,
            (std::vector<std::string>{
                sql_request("CREATE TABLE t(v)"),
                sql_request("INSERT INTO t VALUES('a;b'); UPDATE t SET v = 'c' WHERE v = 'a;b'"),
                sql_request("CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM t; END")}));
}

TEST(SqlText, WhatIsNoTransactionIsNamedWithItsLine) {
  const auto why = [](std::string_view text) {
    const auto read = parse_sql(text, "x.sql");
    return read.ok() ? "" : read.error().message;
  };
  EXPECT_EQ(
      why("SELECT 1;\n\nPRAGMA synchronous=off;"),
      "x.sql line 3: PRAGMA is not for a workload: it is no part of a transaction that is kept");
  EXPECT_EQ(why("COMMIT;"), "x.sql line 1: COMMIT outside of a transaction");
  EXPECT_EQ(why("BEGIN;\nBEGIN;"), "x.sql line 2: BEGIN inside a transaction");
  EXPECT_EQ(why("BEGIN;\nSELECT 1;"), "x.sql line 2: the last transaction has no COMMIT");
  EXPECT_EQ(why("-- nothing\n"), "x.sql line 1: no statements in it");
}

}  // namespace
}  // namespace powercut::scenarios
