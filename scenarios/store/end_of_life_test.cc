// What the end of one life leaves to the next, and what becomes of a backup that cannot be kept: on the simulated disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine/engine.h"
#include "scenarios/store/engine_life_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// No file gets a second name in a backup while `broken`, and to say so takes a while.
class NoLinks final : public sim::Injector {
 public:
  bool broken = false;
  std::function<void()> on_list;  // a look into the backup's folder
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (broken && call.op == sim::Op::kLink && call.path.starts_with("backups/")) {
      injection.error = Errc::kIo;
      injection.extra_latency = milliseconds(300);
    }
    if (on_list && call.op == sim::Op::kList && call.path == "backups/x") on_list();
    return injection;
  }
};

using EndOfLifeTest = EngineLifeTest<NoLinks>;

TEST_F(EndOfLifeTest, AShutdownSavesWhereThereAreRulesForThat) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_EQ(ask(engine, "CONFIG SET save \"3600 1\""), "+OK\r\n");
    EXPECT_TRUE(engine.shut_down(true).ok());
    EXPECT_TRUE(os.open("dump.rdb", engine::Open::kRead).ok());
  });
}

TEST_F(EndOfLifeTest, AndNotWhereThatIsNotAskedFor) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_EQ(ask(engine, "CONFIG SET save \"3600 1\""), "+OK\r\n");
    EXPECT_TRUE(engine.shut_down(false).ok());
    EXPECT_FALSE(os.open("dump.rdb", engine::Open::kRead).ok());
  });
}

TEST_F(EndOfLifeTest, AStartKnowsWhatItsCheckpointHas) {
  config.recovery.append_only = false;
  live([&](engine::Os&, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("rdb_changes_since_last_save:1\r\n"));
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("rdb_changes_since_last_save:0\r\n"));
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("rdb_changes_since_last_save:0\r\n"))
        << "nothing has changed";
    ask(engine, "SET b 1");
    EXPECT_THAT(ask(engine, "INFO persistence"), HasSubstr("rdb_changes_since_last_save:1\r\n"));
  });
}

TEST_F(EndOfLifeTest, ABackupThatCannotKeepWhatARewriteRemovesIsGivenUp) {
  live([&](engine::Os& os, Engine& engine) {
    ask(engine, "SET a 1");
    EXPECT_EQ(ask(engine, "BACKUP START x"), "$1\r\nx\r\n");
    ask(engine, "SET b 1");
    injector.broken = true;
    ask(engine, "BGREWRITEAOF");
    os.park(os.now() + seconds(2));
    injector.broken = false;
    EXPECT_THAT(ask(engine, "BACKUP SEAL"), StartsWith("-NOBACKUP backup x was given up: link"));
    EXPECT_EQ(ask(engine, "BACKUP LIST"), "*0\r\n");
    EXPECT_EQ(ask(engine, "SET c 1"), "+OK\r\n") << "the store goes on";
    EXPECT_EQ(ask(engine, "BACKUP START x"), "$1\r\nx\r\n");
    EXPECT_THAT(ask(engine, "BACKUP SEAL"), HasSubstr("to-lsn\r\n:3\r\n"));
  });
}

// A sync that succeeds behind a call that failed proves nothing.
TEST_F(EndOfLifeTest, WhatWasWrittenMeanwhileIsDistrustedBeforeABackupIsCleanedUp) {
  config.aof.policy = engine::SyncPolicy::kEverysec;
  for (const char* asked : {"BGREWRITEAOF", "BACKUP SEAL"})
    live([&](engine::Os& os, Engine& engine) {
      ask(engine, "SET a 1");
      EXPECT_EQ(ask(engine, "BACKUP START x"), "$1\r\nx\r\n");
      bool distrusted = false;
      injector.on_list = [&] { distrusted |= engine.aof().poisoned(); };
      injector.broken = true;
      os.spawn("asks", [&] { ask(engine, asked); });
      os.park(os.now() + milliseconds(200));
      EXPECT_EQ(ask(engine, "SET b 1"), "+OK\r\n");
      os.park(os.now() + seconds(2));
      EXPECT_TRUE(distrusted) << asked;
      injector.broken = false;
      injector.on_list = nullptr;
      EXPECT_EQ(engine.generations().backups().open(), false);
    });
}

}  // namespace
}  // namespace powercut::scenarios
