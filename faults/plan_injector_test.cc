// Each fault class fires in a simulated world, at exactly the call and phase it names.
#include "faults/plan_injector.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "faults/plan_world_testing.h"

namespace powercut::faults {
namespace {

using engine::Open;
using sim::CrashKind;
using sim::Op;

TEST(PlanInjector, CallsAreCountedByTheRoleOfTheirFile) {
  // Beside the log, a base is synced after operations 2 and 5.
  struct Case {
    const char* plan;
    std::string syncs;  // of the base
    uint64_t done;
    uint64_t failed;  // writes and syncs of the log
  };
  for (const Case& c :
       {Case{"eio@sync/base:0", "failed ok ", 10, 0}, Case{"eio@sync/base:1", "ok failed ", 10, 0},
        Case{"eio@sync/manifest:0", "ok ok ", 10, 0},
        Case{"eio@sync/segment:3 eio@sync:4", "ok ok ", 10, 1},
        Case{"cut@sync/base:1:before", "ok ", 5, 0},
        Case{"cut@sync/segment:4:after", "ok ", 4, 0}}) {
    World world(c.plan);
    std::string syncs;
    world.run_operations([&](uint64_t n) {
      if (n != 2 && n != 5) return;
      const auto base = world.os.open("a.base.rdb", n == 2 ? Open::kCreateNew : Open::kReadWrite);
      if (base.ok()) syncs += (*base)->sync("base.sync").ok() ? "ok " : "failed ";
    });
    EXPECT_EQ(syncs, c.syncs) << c.plan;
    EXPECT_EQ(world.done, c.done) << c.plan;
    EXPECT_EQ(world.failed, c.failed) << c.plan;
  }
}

// Ten operations write and sync; then, all being answered, two syncs more.
TEST(PlanInjector, CallsAreCountedFromWhatHappened) {
  struct Case {
    const char* plan;
    std::string failed;  // which syncs, of 12
  };
  for (const Case& c :
       {Case{"eio@sync:3", "3 "}, Case{"eio@idle/sync:0", "10 "}, Case{"eio@idle/sync:1", "11 "},
        Case{"eio@idle/sync:2", ""}, Case{"eio@sync:3 eio@error/sync:0", "3 4 "},
        Case{"eio@sync:3 eio@error/sync:2", "3 6 "}, Case{"eio@error/sync:0", ""}}) {
    World world(c.plan);
    std::string failed;
    world.os.spawn("main", [&] {
      const auto log = world.os.open(kSegment, Open::kCreateNew);
      for (int i = 0; i < 12; ++i) {
        if (i == 10) world.injector.on_idle(world.os.now());
        if (!(*log)->sync("segment.sync").ok()) failed += std::to_string(i) + " ";
      }
    });
    world.os.run();
    EXPECT_EQ(failed, c.failed) << c.plan;
  }
}

TEST(PlanInjector, ACrashStrikesTheCallAndPhaseItNames) {
  const std::string one = "write sync ";
  struct Case {
    const char* plan;
    uint64_t done;
    std::string log;
    CrashKind kind;
  };
  for (const Case& c : {
           Case{"cut@call:0:before", 0, "crash ", CrashKind::kPowerCut},
           Case{"cut@call:0:after", 0, "open crash ", CrashKind::kPowerCut},
           Case{"cut@op:0+0:before", 0, "open crash ", CrashKind::kPowerCut},
           Case{"kill@op:1+0:after", 1, "open " + one + "write crash ", CrashKind::kKill},
           Case{"cut@op:1+1:before", 1, "open " + one + "write crash ", CrashKind::kPowerCut},
           Case{"cut@op:1+1:after", 1, "open " + one + "write sync crash ", CrashKind::kPowerCut},
           Case{"kill@op:0+3:before", 1, "open " + one + "write crash ", CrashKind::kKill},
           Case{"cut@call:4:before", 1, "open " + one + "write crash ", CrashKind::kPowerCut},
       }) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      World world(c.plan, 0, seed);
      EXPECT_EQ(world.run_operations(), c.kind) << c.plan;
      EXPECT_EQ(world.done, c.done) << c.plan;
      EXPECT_EQ(world.log, c.log) << c.plan;
      EXPECT_TRUE(world.injector.crashed());
      EXPECT_EQ(world.injector.hits(
                    c.kind == CrashKind::kKill ? FaultClass::kKill : FaultClass::kPowerCut,
                    FileRole::kSegment),
                1u);
      EXPECT_FALSE(world.injector.injected_error());
    }
  }
}

TEST(PlanInjector, WhatACrashForestallsIsNotCounted) {
  World before("cut@op:1+1:before eio@sync:1");
  EXPECT_EQ(before.run_operations(), CrashKind::kPowerCut);
  EXPECT_EQ(before.injector.hits(FaultClass::kEio), 0u);
  EXPECT_FALSE(before.injector.injected_error());
  World after("cut@op:1+1:after eio@sync:1");
  EXPECT_EQ(after.run_operations(), CrashKind::kPowerCut);
  EXPECT_EQ(after.injector.hits(FaultClass::kEio), 1u);
  EXPECT_TRUE(after.log.ends_with("sync! crash ")) << after.log;
}

TEST(PlanInjector, ACutInsideAWriteTearsIt) {
  std::set<uint64_t> sizes;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    World world("kill@op:3+0:inside", 0, seed);
    EXPECT_EQ(world.run_operations(), CrashKind::kKill);
    EXPECT_EQ(world.injector.hits(FaultClass::kTorn), 1u);
    sizes.insert(world.state.disk.size(world.state.disk.lookup(kSegment).value()));
  }
  EXPECT_EQ(*sizes.begin(), 300u);
  EXPECT_EQ(*sizes.rbegin(), 400u);
  EXPECT_GT(sizes.size(), 50u);
}

TEST(PlanInjector, AMomentIsExact) {
  World world("cut@op:4~250us");
  Instant issued;
  EXPECT_EQ(world.run_operations([&](uint64_t n) {
    if (n == 3) issued = world.os.now();
  }),
            CrashKind::kPowerCut);
  EXPECT_EQ(world.state.now, issued + microseconds(250));
  EXPECT_EQ(world.injector.hits(FaultClass::kPowerCut, FileRole::kNone), 1u);

  World idle("kill@idle:1500ms");
  EXPECT_EQ(idle.run_operations(), CrashKind::kKill);
  EXPECT_EQ(idle.done, 10u);
  EXPECT_EQ(idle.state.now, idle.idle_at + milliseconds(1'500));
}

TEST(PlanInjector, ACrashThatIsNeverReachedComesAfterIdle) {
  for (const char* plan :
       {"cut@op:10+0:before", "cut@op:99+3:inside", "cut@call:500:after", "cut@op:9+8:after"}) {
    World world(plan);
    EXPECT_EQ(world.run_operations(), CrashKind::kPowerCut) << plan;
    EXPECT_EQ(world.done, 10u);
    EXPECT_EQ(world.state.now, world.idle_at + seconds(10));
  }
  // The moment of an operation that is never issued counts from idle.
  World world("cut@op:10~7ms");
  EXPECT_EQ(world.run_operations(), CrashKind::kPowerCut);
  EXPECT_EQ(world.state.now, world.idle_at + milliseconds(7));
}

TEST(PlanInjector, CallsAfterIdleStillCount) {
  World world("cut@op:10+1:before");
  world.os.spawn("keeper", [&] {
    world.os.park(Instant{0} + seconds(1));
    for (int i = 0; i < 3; ++i) (void)world.os.list("");
  });
  EXPECT_EQ(world.run_operations(), CrashKind::kPowerCut);
  EXPECT_TRUE(world.log.ends_with("sync list crash ")) << world.log;
}

TEST(PlanInjector, OnlyItsOwnLife) {
  const char* plan =
      "cut@call:2:after life:1/kill@call:1:inside life:1/eio@sync:0 life:2/eio@sync:1";
  World first(plan, 0);
  EXPECT_EQ(first.run_operations(), CrashKind::kPowerCut);
  EXPECT_EQ(first.injector.hits(FaultClass::kRecoveryCut), 0u);
  World second(plan, 1);
  EXPECT_EQ(second.run_operations(), CrashKind::kKill);
  EXPECT_EQ(second.injector.hits(FaultClass::kRecoveryCut), 1u);
  EXPECT_EQ(second.injector.hits(FaultClass::kEio), 0u);
  World third(plan, 2);
  EXPECT_EQ(third.run_operations(), CrashKind::kNone);
  EXPECT_EQ(third.failed, 1u);
  EXPECT_EQ(third.injector.hits(FaultClass::kEio), 1u);
  EXPECT_FALSE(third.injector.crashed());
  World fourth(plan, 3);
  EXPECT_EQ(fourth.run_operations(), CrashKind::kNone);
  EXPECT_TRUE(fourth.injector.hits().empty());
}

// Every kind of seam call, each twice: which of them failed.
std::string outcomes(World& world) {
  std::string text;
  const auto note = [&](const char* what, auto&& outcome) {
    if (outcome.ok()) return;
    text += std::string(what) + ":" + to_string(outcome.error().code) + ";";
  };
  world.os.spawn("store", [&] {
    world.injector.on_operation(0, world.os.now());
    char byte[2];
    for (const char* n : {"0", "1"}) {
      const std::string path = std::string("file") + n;
      (void)world.os.list("");
      note("make_directory", world.os.make_directory(std::string("d") + n));
      auto file = world.os.open(path, Open::kCreateNew);
      note("open", file);
      if (!file.ok()) continue;
      note("write", (*file)->write_at(0, "ab"));
      note("read", (*file)->read_at(0, byte, 2));
      note("truncate", (*file)->truncate(1));
      note("sync", (*file)->sync("x"));
      note("rename", world.os.rename(path, path + "x"));
      note("link", world.os.link(path + "x", path + "y"));
      note("remove", world.os.remove(path + "x"));
      note("sync_directory", world.os.sync_directory("", "x"));
    }
    world.injector.on_operation(1, world.os.now());
    note("then", world.os.open("last", Open::kCreateNew));
  });
  world.os.run();
  return text;
}

TEST(PlanInjector, AnErrorHitsTheNamedCallOfItsKind) {
  for (int i = 0; i < sim::kOps; ++i) {
    const std::string op = sim::op_site(static_cast<Op>(i)).name;
    if (op == "list") continue;
    World world("eio@" + op + ":1");
    const std::string failed = outcomes(world);
    EXPECT_EQ(failed.substr(0, failed.find(';')), op + ":" + to_string(Errc::kIo));
    EXPECT_TRUE(world.injector.injected_error());
    EXPECT_EQ(world.injector.hits(FaultClass::kEio), 1u);
    EXPECT_EQ(world.injector.hits().size(), 1u);
    EXPECT_EQ(world.injector.hits()[0].op, static_cast<Op>(i));

    World none("eio@" + op + ":7");
    EXPECT_EQ(outcomes(none), "");
    EXPECT_FALSE(none.injector.injected_error());
  }
}

TEST(PlanInjector, ARangeWithoutSpaceFailsWhatNeedsSpace) {
  const std::string full = to_string(Errc::kNoSpace);
  World range("enospc@op:0..1");
  const std::string both = "make_directory:" + full + ";open:" + full + ";";
  EXPECT_EQ(outcomes(range), both + both);
  World one("enospc@write:1");
  EXPECT_EQ(outcomes(one), "write:" + full + ";");

  World world("enospc@op:3..6");
  world.run_operations();
  EXPECT_EQ(world.failed, 3u);
  EXPECT_EQ(world.injector.hits(FaultClass::kEnospc, FileRole::kSegment), 3u);

  // Over at idle; and after 30 s, should the operations wait for space.
  World late("enospc@op:8..99");
  EXPECT_EQ(late.run_operations(), CrashKind::kNone);
  EXPECT_EQ(late.failed, 2u);
  bool space = false;
  late.os.spawn("after", [&] { space = late.os.open("new", Open::kCreateNew).ok(); });
  late.os.run();
  EXPECT_TRUE(space);

  World waits("enospc@op:0..1");
  Instant began, until;
  waits.os.spawn("store", [&] {
    began = waits.os.now();
    waits.injector.on_operation(0, began);
    while (!waits.os.open("new", Open::kCreateNew).ok()) {
      waits.os.park(waits.os.now() + milliseconds(100));
    }
    until = waits.os.now();
  });
  waits.os.run();
  EXPECT_GE(until, began + seconds(30));
  EXPECT_LT(until, began + seconds(31));
}

TEST(PlanInjector, ShortReadsAndWritesComeOneInThree) {
  uint64_t short_writes = 0;
  uint64_t short_reads = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    World world("short@read short@write", 0, seed);
    world.os.spawn("reader", [&] {
      world.os.park(Instant{0} + seconds(1));
      auto file = world.os.open(kSegment, Open::kRead).value();
      char bytes[100];
      for (int i = 0; i < 10; ++i) short_reads += file->read_at(0, bytes, 100).value() < 100;
    });
    EXPECT_EQ(world.run_operations(), CrashKind::kNone);
    short_writes += world.short_writes;
    EXPECT_EQ(world.injector.hits(FaultClass::kShortIo),
              world.injector.hits(FaultClass::kShortIo, FileRole::kSegment));
    EXPECT_FALSE(world.injector.injected_error());
  }
  EXPECT_NEAR(static_cast<int64_t>(short_writes), 333, 60);
  EXPECT_NEAR(static_cast<int64_t>(short_reads), 333, 60);
}

TEST(PlanInjector, ASlowSyncTakesLongerByWhatItSays) {
  World world("slow@sync:3=2500ms");
  EXPECT_EQ(world.run_operations(), CrashKind::kNone);
  EXPECT_EQ(world.injector.hits(FaultClass::kSlowSync), 1u);
  EXPECT_GE(world.idle_at, Instant{0} + milliseconds(2'500));
  EXPECT_LT(world.idle_at, Instant{0} + milliseconds(2'600));
}

TEST(PlanInjector, AHangingSyncLastsToTheCrash) {
  World world("cut@op:7+0:before hang@sync:3");
  EXPECT_EQ(world.run_operations(), CrashKind::kPowerCut);
  EXPECT_EQ(world.done, 3u);
  EXPECT_EQ(world.injector.hits(FaultClass::kHangingSync), 1u);
  EXPECT_GE(world.state.now, Instant{0} + seconds(20));
  EXPECT_LT(world.state.now, Instant{0} + seconds(21));
  // It was in flight: the write that it covers may be lost.
  EXPECT_TRUE(world.state.disk.anything_pending());
}

TEST(PlanInjector, TheWallClockJumpsAlone) {
  World world("jump@op:5=-3600000ms jump@op:7=500ms kill@idle:1ms");
  EXPECT_EQ(world.run_operations(), CrashKind::kKill);
  EXPECT_EQ(world.state.wall_offset_ms, 1'000'000'000'000 - 3'600'000 + 500);
  EXPECT_EQ(world.injector.hits(FaultClass::kClockJump), 2u);
  EXPECT_LT(world.state.now, Instant{0} + seconds(1));
}

TEST(PlanInjector, TheSameSeedIsTheSameRun) {
  const char* plan = "cut@op:8+1:inside short@write slow@sync:2=3ms eio@sync:5";
  for (uint64_t seed = 0; seed < 20; ++seed) {
    World a(plan, 0, seed), b(plan, 0, seed);
    a.run_operations();
    b.run_operations();
    EXPECT_EQ(a.trace.hash(), b.trace.hash());
  }
}

TEST(PlanInjector, ADirectoryIsOneWhateverItsFilesAre) {
  EXPECT_EQ(role_of(Op::kWrite, "a.base.rdb", files_of_test), FileRole::kBase);
  EXPECT_EQ(role_of(Op::kSyncDirectory, "a.base.rdb", files_of_test), FileRole::kDirectory);
  EXPECT_EQ(role_of(Op::kWrite, "a.base.rdb", no_roles), FileRole::kOther);
}

}  // namespace
}  // namespace powercut::faults
