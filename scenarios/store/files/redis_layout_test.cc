// Whatever redis-server makes of a log, what it says is the same: a start finds the same state under the same number.
#include "scenarios/store/files/redis_layout.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/engine.h"
#include "engine/recovery/recovery.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/store/keyspace/digest.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {
namespace {

struct Found {
  uint64_t last = 0;
  uint64_t digest = 0;
  uint64_t dropped = 0;
  std::string base;
  bool operator==(const Found&) const = default;
};

// One life of the store: what it finds, and then these requests.
Found live(sim::WorldState& world, const std::string& requests) {
  Found found;
  sim::SeededChoices choices(1);
  sim::Trace trace;
  sim::SimOs os(world, choices, trace, nullptr);
  os.spawn("life", [&] {
    engine::EngineConfig config;
    config.aof.policy = engine::SyncPolicy::kAlways;
    auto opened = engine::Engine::open(os, config);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    engine::Engine& engine = **opened;
    const engine::RecoveryReport& report = engine.recovery();
    found = {report.last_lsn, keyspace_digest(engine.keyspace(), 0), report.dropped_bytes,
             report.base};
    auto session = engine.connect();
    session->feed(requests);
    session->consume(session->wait_ready().size());
    os.park(os.now() + seconds(5));  // a rewrite takes its time
    EXPECT_TRUE(engine.shut_down(true).ok());
    session.reset();
  });
  os.run();
  os.destroy_tasks();
  return found;
}

// What a start finds once another server wrote it, over all that may be drawn.
std::set<std::string> found_by_any(const std::string& requests) {
  sim::WorldState world;
  live(world, requests);
  sim::WorldState copy = world;
  const Found wanted = live(copy, "");
  std::set<std::string> bases;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    sim::SeededChoices choices(seed);
    sim::WorldState other = world;
    EXPECT_TRUE(rewrite_as_redis(other.disk, choices));
    EXPECT_FALSE(other.disk.anything_pending());
    const Found found = live(other, "SET more 1\r\n");
    EXPECT_EQ(found.last, wanted.last) << seed;
    EXPECT_EQ(found.digest, wanted.digest) << seed;
    EXPECT_LT(found.dropped, 40u) << seed;
    EXPECT_EQ(live(other, "").last, wanted.last + 1) << seed;
    bases.insert(found.base);
  }
  return bases;
}

constexpr const char* kWrites =
    "SET a 1\r\nMULTI\r\nRPUSH l x y\r\nINCR n\r\nEXEC\r\nSELECT 3\r\nHSET h f v\r\n";

TEST(RedisLayout, ALogWithoutABase) {
  EXPECT_EQ(found_by_any(kWrites),
            (std::set<std::string>{"", "appendonly.aof", "appendonly.aof.1.base.rdb", "dump.rdb"}));
}

TEST(RedisLayout, ALogBehindABase) {
  EXPECT_EQ(found_by_any(std::string(kWrites) + "BGREWRITEAOF\r\n").count("dump.rdb"), 1u);
}

// The disk as each seed has it rewritten, where that leaves our manifest as it was, or where it does not.
std::vector<sim::Disk> rewritten(const sim::Disk& disk, bool in_place) {
  std::vector<sim::Disk> all;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    sim::SeededChoices choices(seed);
    sim::Disk other = disk;
    EXPECT_TRUE(rewrite_as_redis(other, choices));
    const auto manifest = file_content(other, engine::in_aof_directory(engine::kManifestName));
    if ((manifest && engine::is_our_manifest(*manifest)) == in_place)
      all.push_back(std::move(other));
  }
  return all;
}

TEST(RedisLayout, WhatIsNoLogOfOursIsLeftAsItIs) {
  sim::WorldState world;
  sim::SeededChoices choices(1);
  EXPECT_FALSE(rewrite_as_redis(world.disk, choices));
  live(world, kWrites);
  auto others = rewritten(world.disk, false);
  EXPECT_GT(others.size(), 5u);
  for (sim::Disk& other : others)
    EXPECT_FALSE(rewrite_as_redis(other, choices)) << "it is Redis's already";
}

TEST(RedisLayout, ItGoesOnInOurFilesBehindACleanEndAlone) {
  const std::string segment = engine::in_aof_directory("appendonly.aof.1.incr.aof");
  sim::WorldState world;
  live(world, kWrites);
  const std::string ours = *file_content(world.disk, segment);
  const auto in_place = rewritten(world.disk, true);
  EXPECT_GT(in_place.size(), 2u);
  for (const sim::Disk& other : in_place) {
    const std::string theirs = *file_content(other, segment);
    EXPECT_TRUE(theirs.starts_with(ours));
    EXPECT_GT(theirs.size(), ours.size());
  }
  const std::string unclosed = ours.substr(0, ours.rfind("#pc closed"));
  world.disk.replace_content(*world.disk.lookup(segment), unclosed);
  EXPECT_TRUE(rewritten(world.disk, true).empty());
}

}  // namespace
}  // namespace powercut::scenarios
