// What a reply waits for: the last entry that touched its keys, and nothing that was only loaded.
#include <gtest/gtest.h>

#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

class HeldReplies : public ::testing::Test {
 protected:
  // One life of a store that syncs always, from its opening to a kill.
  template <class Body>
  void live(const Body& body, engine::SyncPolicy policy = engine::SyncPolicy::kAlways) {
    sim::SimOs os(world_, choices_, trace_, nullptr);
    std::unique_ptr<engine::Engine> engine;
    EXPECT_TRUE(sim::run_to_end(os, [&] {
      engine::EngineConfig config;
      config.aof.policy = policy;
      auto opened = engine::Engine::open(os, config);
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      engine = std::move(*opened);
      body(*engine);
    }));
  }

  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices_{1};
  sim::Trace trace_;
};

TEST_F(HeldReplies, AReadOfWhatWasLoadedWaitsForNoLaterWrite) {
  live([&](engine::Engine& engine) {
    const auto session = engine.connect();
    for (const char* line : {"SET k1 1\r\n", "SET k2 1\r\n"}) {
      session->feed(line);
      ASSERT_FALSE(session->wait_ready().empty());
      session->consume(session->ready().size());
    }
  });
  live([&](engine::Engine& engine) {
    ASSERT_EQ(engine.recovery().entries, 2u);
    const auto writer = engine.connect();
    const auto reader = engine.connect();
    writer->feed("SET k2 2\r\n");
    EXPECT_EQ(writer->ready(), "") << "not synced yet";
    reader->feed("GET k1\r\n");
    EXPECT_EQ(reader->ready(), "$1\r\n1\r\n");
    reader->consume(reader->ready().size());
    reader->feed("GET k2\r\n");
    EXPECT_EQ(reader->ready(), "") << "it rests on the write";
    ASSERT_FALSE(reader->wait_ready().empty());
    EXPECT_EQ(reader->ready(), "$1\r\n2\r\n");
  });
}

// SORT reads keys that it does not name.
TEST_F(HeldReplies, AReadWaitsForWhatItsPatternsFind) {
  live([&](engine::Engine& engine) {
    const auto writer = engine.connect();
    const auto reader = engine.connect();
    writer->feed("RPUSH l 1\r\n");
    ASSERT_FALSE(writer->wait_ready().empty());
    for (const char* sort : {"SORT l GET v*\r\n", "SORT_RO l BY v* GET v*\r\n"}) {
      writer->feed("SET v1 7\r\n");
      reader->feed(sort);
      EXPECT_EQ(reader->ready(), "") << "it rests on the write";
      ASSERT_FALSE(reader->wait_ready().empty());
      EXPECT_EQ(reader->ready(), "*1\r\n$1\r\n7\r\n");
      reader->consume(reader->ready().size());
    }
  });
}

// Nobody else asks, and no replica is there to say anything: the log's own sync is what answers.
TEST_F(HeldReplies, WhoWaitsForTheLogAloneIsAnsweredByItsSync) {
  live(
      [&](engine::Engine& engine) {
        const auto session = engine.connect();
        for (int round = 0; round < 3; ++round) {
          session->feed("SET k v\r\nWAITAOF 1 0 0\r\n");
          while (session->ready().size() < 5) session->wait_ready();
          ASSERT_EQ(session->ready(), "+OK\r\n") << "not synced yet";
          session->consume(5);
          ASSERT_EQ(session->wait_ready(), "*2\r\n:1\r\n:0\r\n");
          session->consume(session->ready().size());
        }
      },
      engine::SyncPolicy::kEverysec);
}

}  // namespace
}  // namespace powercut::scenarios
