// The single log of a server before Redis 7 is taken over while the power is cut at every point: what it held is there,
// once whole or not touched, whichever start it takes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/personas.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

constexpr std::string_view kLog =
    "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n";

class Copies final : public sim::Watcher {
 public:
  explicit Copies(const sim::WorldState& world) : world_(world) {}
  void on_point(uint64_t, sim::Op, sim::CrashPoint) override { disks.push_back(world_.disk); }
  std::vector<sim::Disk> disks;

 private:
  const sim::WorldState& world_;
};

// What a start reads there, or why it does not start.
std::string start(sim::WorldState& world, uint64_t seed, sim::Watcher* watcher) {
  sim::SeededChoices choices(seed);
  sim::Trace trace;
  sim::SimOs os(world, choices, trace, nullptr);
  os.set_watcher(watcher);
  std::string outcome = "did not end";
  os.spawn("start", [&] {
    engine::EngineConfig config;
    config.aof.policy = engine::SyncPolicy::kAlways;
    auto opened = engine::Engine::open(os, config);
    if (!opened.ok()) return void(outcome = opened.error().message);
    auto session = (*opened)->connect();
    session->feed("GET k\r\n");
    outcome = session->wait_ready();
    session->consume(outcome.size());
    EXPECT_TRUE((*opened)->shut_down(true).ok());
    session.reset();
  });
  os.run();
  os.destroy_tasks();
  return outcome;
}

void write_single_log(sim::WorldState& world) {
  sim::SeededChoices choices(1);
  sim::Trace trace;
  sim::SimOs os(world, choices, trace, nullptr);
  os.spawn("older server", [&] {
    auto file = os.open("appendonly.aof", engine::Open::kCreateNew);
    ASSERT_TRUE(file.ok());
    ASSERT_EQ(*(*file)->write_at(0, kLog), kLog.size());
    ASSERT_TRUE((*file)->sync("test").ok());
    ASSERT_TRUE(os.sync_directory("", "test").ok());
  });
  os.run();
  os.destroy_tasks();
}

TEST(SingleLog, ItsDataSurviveAPowerCutAtEveryPointOfTheFirstTwoStarts) {
  size_t cuts = 0;
  for (const char* persona : {"ext4-ordered", "ext4-writeback", "xfs", "btrfs", "posix-min"}) {
    sim::WorldState world{sim::Disk(faults::find_persona(persona)->rules)};
    write_single_log(world);
    for (int life = 1; life <= 2; ++life) {
      Copies copies(world);
      ASSERT_EQ(start(world, static_cast<uint64_t>(life), &copies), "$5\r\nvalue\r\n") << persona;
      for (size_t i = 0; i < copies.disks.size(); ++i) {
        for (const uint64_t seed : {1, 2, 3}) {
          sim::SeededChoices choices(seed);
          sim::WorldState cut{copies.disks[i].after_power_cut(choices, i)};
          ASSERT_EQ(start(cut, seed, nullptr), "$5\r\nvalue\r\n")
              << persona << ", life " << life << ", point " << i << ", seed " << seed;
          ++cuts;
        }
        sim::WorldState killed{copies.disks[i].after_kill()};
        ASSERT_EQ(start(killed, 1, nullptr), "$5\r\nvalue\r\n")
            << persona << ", life " << life << ", killed at point " << i;
      }
    }
  }
  EXPECT_GT(cuts, 500u);
}

}  // namespace
}  // namespace powercut::scenarios
