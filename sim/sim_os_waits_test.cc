// Waits: those that are skipped, and those whose stacks are dropped when the world ends.
#include <gtest/gtest.h>

#include <string>

#include "engine/os/wait_queue.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::sim {
namespace {

struct World {
  explicit World(uint64_t seed) : choices(seed) {}

  SeededChoices choices;
  Trace trace;
  TestInjector injector;
  WorldState state{Disk(), Instant{0}, 0};
  SimOs os{state, choices, trace, &injector};
};

// A wait in which nothing but time passes is not a matter of the scheduler. With one of our own, no
// wait is skipped: the same run.
TEST(SimOsWaits, SkippedOnesChangeNothing) {
  struct Counting final : Scheduler {
    explicit Counting(Choices& choices) : random(choices) {}
    size_t pick(const Ready& ready) override { return ++picks, random.pick(ready); }
    RandomScheduler random;
    uint64_t picks = 0;
  };
  const auto hash_of = [&](uint64_t seed, bool ours, uint64_t& picks) {
    World world(seed);
    SimOs& os = world.os;
    Counting counting(world.choices);
    if (ours) os.set_scheduler(counting);
    engine::WaitQueue written(os);
    for (int i = 0; i < 2; ++i) {
      os.spawn("writer", [&, i] {
        auto file = os.open("f" + std::to_string(i), engine::Open::kCreateNew);
        for (uint64_t at = 0; at < 20; ++at) {
          (void)(*file)->write_at(at * 3, "abc");
          if (os.choose("test.sync", 3) == 0) (void)(*file)->sync("test");
          written.notify_all();
          if (i == 1) os.park(os.now() + milliseconds(static_cast<int64_t>(at)));
        }
      });
    }
    os.spawn("waits", [&] {
      while (written.rest(os.now() + milliseconds(10))) (void)os.list("");
    });
    world.injector.moment = Instant{} + milliseconds(60);
    world.injector.what_then.crash = CrashKind::kPowerCut;
    EXPECT_EQ(os.run(), CrashKind::kPowerCut);
    picks += counting.picks;
    return world.trace.hash();
  };
  uint64_t picks = 0;
  for (uint64_t seed = 0; seed < 200; ++seed)
    ASSERT_EQ(hash_of(seed, false, picks), hash_of(seed, true, picks)) << seed;
  EXPECT_GT(picks, 0u);
}

// D of the everysec promise: a disk whose syncs all take equally long takes time for them, too.
TEST(SimOsWaits, EverySyncCountsAndNoOtherCall) {
  for (const Duration spread : {Duration{0}, milliseconds(3)}) {
    World world(1);
    LatencyProfile profile;
    profile.sync_min = milliseconds(50);
    profile.sync_max = profile.sync_min + spread;
    profile.immediate_one_in = 0;
    SimOs os(world.state, world.choices, world.trace, nullptr, profile);
    os.spawn("syncs", [&] {
      auto file = os.open("f", engine::Open::kCreateNew);
      (void)(*file)->write_at(0, "abc");
      (void)(*file)->sync("test");
      (void)os.sync_directory("", "test");
    });
    os.run();
    ASSERT_EQ(os.waits().size(), 2u) << spread.ns;
    for (const SimOs::Wait& wait : os.waits())
      EXPECT_GE((wait.end - wait.begin).ns, profile.sync_min.ns);
  }
}

TEST(SimOsWaits, OnlyARestIsDropped) {
  World world(1);
  SimOs& os = world.os;
  int unwound = 0;
  engine::WaitQueue queue(os);
  struct Unwinds {
    int& count;
    ~Unwinds() { ++count; }
  };
  os.spawn("rests, then parks", [&] {
    Unwinds unwinds{unwound};
    EXPECT_TRUE(queue.rest());
    os.park(kForever);
  });
  os.spawn("rests too long, then parks", [&] {
    Unwinds unwinds{unwound};
    EXPECT_FALSE(queue.rest(os.now()));
    os.park(kForever);
  });
  os.spawn("notifies, then rests", [&] {
    Unwinds unwinds{unwound};
    os.park(os.now() + milliseconds(1));
    queue.notify_all();
    queue.rest();
  });
  os.run();
  os.destroy_tasks();
#ifndef __SANITIZE_ADDRESS__
  EXPECT_EQ(unwound, 2);
#endif
}

}  // namespace
}  // namespace powercut::sim
