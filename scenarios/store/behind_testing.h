// The database behind a store on the simulated disk, for tests: it can be broken, read, and written by another program.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "engine/engine.h"
#include "engine/sqlite/vfs.h"
#include "engine/sqlite/world.h"
#include "scenarios/store/database/behind_rows.h"
#include "scenarios/store/engine_life_testing.h"

namespace powercut::scenarios {

// Calls on the database's files fail while `broken`.
class BrokenDatabase final : public sim::Injector {
 public:
  bool broken = false;
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (broken && call.path.starts_with(kBehindFile) && call.op == sim::Op::kWrite)
      injection.error = Errc::kNoSpace;
    return injection;
  }
};

class BehindTest : public EngineLifeTest<BrokenDatabase> {
 protected:
  BehindTest() { config.sink.file = kBehindFile; }

  static void catch_up(engine::Os& os, engine::Engine& engine) {
    const Instant last = os.now() + seconds(10);
    while (!engine.sink()->caught_up() && os.now() < last) os.park(os.now() + milliseconds(5));
    EXPECT_TRUE(engine.sink()->caught_up()) << engine.sink()->trouble();
  }
  static void holds_the_same(engine::Os& os, engine::Engine& engine) {
    catch_up(os, engine);
    const auto found = read_behind(os);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->lsn, engine.applied_lsn());
    EXPECT_EQ(difference(found->rows, rows_to_be(engine.keyspace())), "");
  }
  // What another program says to the file, between two lives.
  void sql(const std::string& text) {
    in_world([&](engine::Os& os) {
      engine::sqlite::World world(os);
      const engine::sqlite::Inside inside(world);
      sqlite3* db = nullptr;
      ASSERT_EQ(sqlite3_open_v2(kBehindFile, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                                engine::sqlite::kVfs),
                SQLITE_OK);
      EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
          << sqlite3_errmsg(db);
      EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
    });
  }
};

}  // namespace powercut::scenarios
