// The store with a database on another machine behind it (scenarios/store/database/remote_database.h): whatever the link does, the
// database comes to what the store holds.
#include "scenarios/store/database/remote_database.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/engine.h"
#include "scenarios/store/database/behind_rows.h"
#include "scenarios/store/engine_life_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;

class NothingFails final : public sim::Injector {
 public:
  sim::Injection on_call(const sim::SeamCall&) override { return {}; }
};

class RemoteTest : public EngineLifeTest<NothingFails> {
 protected:
  RemoteTest() {
    config.sink.url = "remote";
    config.sink.interval = milliseconds(5);
  }

  // One life, with `body` between its start and the time that the database has all.
  void live_with_remote(const std::function<void(engine::Os&, Engine&)>& body) {
    in_world([&](engine::Os& os) {
      config.sink.connect = [&](const engine::SinkOptions& options) {
        auto made = std::make_unique<RemoteDatabase>(os, options.tables);
        remote = made.get();
        return made;
      };
      auto opened = Engine::open(os, config);
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      Engine& engine = **opened;
      body(os, engine);
      const Instant last = os.now() + seconds(60);
      while (!engine.sink()->caught_up() && os.now() < last) os.park(os.now() + milliseconds(5));
      ASSERT_TRUE(engine.sink()->caught_up()) << engine.sink()->trouble();
      const auto found = read_behind(os);
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_EQ(found->lsn, engine.applied_lsn());
      EXPECT_EQ(difference(found->rows, rows_to_be(engine.keyspace())), "");
      failures += engine.sink()->stats().failures;
      resyncs += engine.sink()->stats().resyncs;
      restored += remote->was_restored() ? 1 : 0;
      EXPECT_TRUE(engine.shut_down(false).ok());
      config.sink.connect = nullptr;
    });
  }

  RemoteDatabase* remote = nullptr;
  uint64_t failures = 0;
  uint64_t resyncs = 0;
  int restored = 0;
};

TEST_F(RemoteTest, WhateverTheLinkDoesTheDatabaseComesToWhatTheStoreHolds) {
  for (int life = 0; life < 8; ++life)
    live_with_remote([&](engine::Os& os, Engine& engine) {
      for (int i = 0; i < 300; ++i) {
        const std::string n = std::to_string(life * 100 + i);
        EXPECT_NE(ask(engine, "SET a" + std::to_string(i % 7) + " " + n)[0], '-');
        EXPECT_NE(ask(engine, "HSET h f" + std::to_string(i % 5) + " " + n)[0], '-');
        if (i % 9 == 0) ask(engine, "DEL a" + std::to_string(i % 4) + " h");
        if (i % 40 == 39) ask(engine, "FLUSHALL");
        os.park(os.now() + milliseconds(20));
      }
    });
  EXPECT_GT(failures, 10u) << "the link never broke";
  EXPECT_GT(restored, 0) << "no older backup was restored, of " << failures << " failures";
  EXPECT_GE(resyncs, static_cast<uint64_t>(restored));
}

TEST_F(RemoteTest, AReplyThatWaitsForItComesWhenItIsThere) {
  config.sink.mode = engine::SinkMode::kThrough;
  live_with_remote([&](engine::Os& os, Engine& engine) {
    for (int i = 0; i < 60; ++i) {
      const auto session = engine.connect();
      session->feed("SET a " + std::to_string(i) + "\r\n");
      EXPECT_EQ(session->wait_ready(os.now() + seconds(60)), "+OK\r\n");
      if (remote->restored())
        continue;  // it has what it was asked for when the next batch is there
      EXPECT_GE(read_behind(os)->lsn, engine.aof().applied_lsn());
    }
  });
  EXPECT_GT(failures, 5u) << "the link never broke";
}

}  // namespace
}  // namespace powercut::scenarios
