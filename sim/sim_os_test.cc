// What only the simulated side of the seam can show. Its contract: sim_os_contract_test.cc.
#include "sim/sim_os.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "sim/disk_testing.h"
#include "sim/sim_os_testing.h"

namespace powercut::sim {
namespace {

using engine::Open;

template <class T>
bool succeeds(const Result<T>& result) {
  return result.ok();
}
template <class T>
bool refused_with(const Result<T>& result, Errc code) {
  return !result.ok() && result.error().code == code;
}

class SimOsTest : public ::testing::Test {
 protected:
  SimOsTest() { latency_.immediate_one_in = 0; }

  // A new world and a new Os, for one seed.
  SimOs& begin(uint64_t seed = 1, const PersonaRules& rules = {}) {
    os_.reset();
    injector_ = {};
    trace_ = {};
    choices_ = SeededChoices(seed);
    world_ = {Disk(rules), Instant{0}, kWallStartMs};
    os_ = std::make_unique<SimOs>(world_, choices_, trace_, &injector_, latency_);
    return *os_;
  }
  CrashKind run(std::function<void()> body) {
    os_->spawn("test", std::move(body));
    return os_->run();
  }
  std::string content_of(const Disk& disk, std::string_view path) {
    const auto inode = disk.lookup(path);
    return inode.ok() ? content(disk, *inode) : "(none)";
  }

  LatencyProfile latency_;
  SeededChoices choices_{1};
  Trace trace_;
  TestInjector injector_;
  WorldState world_{Disk(), Instant{0}, kWallStartMs};
  std::unique_ptr<SimOs> os_;
};

TEST_F(SimOsTest, ErrorsOfTheDiskNameTheFile) {
  SimOs& os = begin();
  world_.disk.set_capacity(4096);
  run([&] {
    auto file = os.open("full", Open::kCreateNew);
    ASSERT_TRUE(succeeds(file));
    ASSERT_EQ((*file)->write_at(0, std::string(8192, 'x')).value(), 4096u);
    const auto written = (*file)->write_at(4096, "more");
    ASSERT_TRUE(refused_with(written, Errc::kNoSpace));
    EXPECT_EQ(written.error().message, "write full: no space left on the simulated disk");
    world_.disk.make_unreadable(world_.disk.lookup("full").value(), 0, 512);
    char byte = 0;
    const auto read = (*file)->read_at(0, &byte, 1);
    ASSERT_TRUE(refused_with(read, Errc::kIo));
    EXPECT_NE(read.error().message.find("read full: "), std::string::npos);
    for (const Op op : {Op::kSync, Op::kSyncDirectory}) {
      injector_.fail_next(op, Errc::kIo);
      const auto synced = op == Op::kSync ? (*file)->sync("t") : os.sync_directory("", "t");
      ASSERT_TRUE(refused_with(synced, Errc::kIo));
      EXPECT_EQ(
          synced.error().message.rfind(op == Op::kSync ? "sync full: " : "sync_directory .: ", 0),
          0u)
          << synced.error().message;
    }
  });
}

TEST_F(SimOsTest, ACrashInsideAWriteLeavesAPrefix) {
  std::string data;
  for (int i = 0; data.size() < 9000; ++i) data += std::to_string(i);
  std::set<size_t> lengths;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SimOs& os = begin(seed);
    bool returned = false;
    const CrashKind crash = run([&] {
      auto file = os.open("f", Open::kCreateNew);
      injector_.crash = CrashKind::kKill;
      injector_.crash_op = Op::kWrite;
      (void)(*file)->write_at(0, data);
      returned = true;
    });
    EXPECT_EQ(crash, CrashKind::kKill);
    EXPECT_FALSE(returned);
    const std::string left = content_of(world_.disk.after_kill(), "f");
    EXPECT_EQ(left, data.substr(0, left.size()));
    lengths.insert(left.size());
  }
  EXPECT_GT(lengths.size(), 100u);
  EXPECT_LT(*lengths.begin(), 200u);
  EXPECT_GT(*lengths.rbegin(), data.size() - 200);
}

TEST_F(SimOsTest, CrashPointsOfOneWrite) {
  for (const auto& [point, expected] :
       {std::pair{CrashPoint::kBefore, ""}, std::pair{CrashPoint::kAfter, "abc"}}) {
    SimOs& os = begin();
    injector_.crash = CrashKind::kKill;
    injector_.crash_point = point;
    injector_.crash_op = Op::kWrite;
    EXPECT_EQ(run([&] {
                auto file = os.open("f", Open::kCreateNew);
                (void)(*file)->write_at(0, "abc");
                ADD_FAILURE() << "it returned";
              }),
              CrashKind::kKill);
    EXPECT_EQ(content_of(world_.disk.after_kill(), "f"), expected);
  }
}

// The write has the file to itself, so what survives a cut is what the sync in flight decides.
TEST_F(SimOsTest, ASyncInFlightAtACrash) {
  std::set<std::string> after_cut;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimOs& os = begin(seed);
    EXPECT_EQ(run([&] {
                auto file = os.open("f", Open::kCreateNew);
                (void)os.sync_directory("", "test");
                (void)(*file)->write_at(0, "abc");
                os.spawn("cuts", [&] { injector_.moment = os.now() + microseconds(50); });
                injector_.what_then.crash = CrashKind::kPowerCut;
                (void)(*file)->sync("test");
                ADD_FAILURE() << "the sync returned";
              }),
              CrashKind::kPowerCut);
    after_cut.insert(content_of(world_.disk.after_power_cut(choices_, 0), "f"));
    // At a kill the kernel goes on: nothing can undo it afterwards.
    const Disk after_kill = world_.disk.after_kill();
    EXPECT_FALSE(after_kill.anything_pending());
    EXPECT_EQ(content_of(after_kill.after_power_cut(choices_, 1), "f"), "abc");
  }
  EXPECT_TRUE(after_cut.count("abc"));
  EXPECT_TRUE(after_cut.count(""));
}

TEST_F(SimOsTest, ASyncThatReturnedSurvivesEveryCut) {
  SimOs& os = begin();
  run([&] {
    auto file = os.open("f", Open::kCreateNew);
    (void)(*file)->write_at(0, "abc");
    EXPECT_TRUE(succeeds((*file)->sync("test")));
    EXPECT_TRUE(succeeds(os.sync_directory("", "test")));
    (void)(*file)->write_at(3, "def");
  });
  std::set<std::string> found;
  for (uint64_t key = 0; key < 200; ++key) {
    const std::string left = content_of(world_.disk.after_power_cut(choices_, key), "f");
    EXPECT_EQ(left.substr(0, 3), "abc");
    found.insert(left);
  }
  EXPECT_GT(found.size(), 1u);
}

TEST_F(SimOsTest, CompletionAtOnceIsPossible) {
  for (const uint64_t one_in : {uint64_t{1}, uint64_t{0}, uint64_t{4}}) {
    latency_.immediate_one_in = one_in;
    SimOs& os = begin();
    int at_once = 0;
    run([&] {
      auto file = os.open("f", Open::kCreateNew);
      for (int i = 0; i < 100; ++i) {
        bool other_ran = false;
        os.spawn("other", [&] { other_ran = true; });
        const Instant before = os.now();
        EXPECT_TRUE(succeeds((*file)->sync("test")));
        EXPECT_EQ(os.now() > before, other_ran);
        at_once += os.now() == before;
        os.park(os.now());  // lets the other end
      }
    });
    if (one_in == 1) {
      EXPECT_EQ(at_once, 100);
    } else if (one_in == 0) {
      EXPECT_EQ(at_once, 0);
    } else {
      EXPECT_GT(at_once, 5);
      EXPECT_LT(at_once, 60);
    }
  }
}

TEST_F(SimOsTest, TheWallClockJumpsAndTheMonotonicOneDoesNot) {
  for (const int64_t jump_ms : {int64_t{-3'600'000}, int64_t{86'400'000}}) {
    SimOs& os = begin();
    injector_.moment = Instant{} + milliseconds(10);
    injector_.what_then.wall_jump_ms = jump_ms;
    run([&] {
      EXPECT_EQ(os.wall_now().unix_ms, kWallStartMs);
      EXPECT_FALSE(os.park(os.now() + milliseconds(9)));
      EXPECT_EQ(os.wall_now().unix_ms, kWallStartMs + 9);
      EXPECT_FALSE(os.park(os.now() + milliseconds(9)));
      EXPECT_EQ(os.now(), Instant{} + milliseconds(18));
      EXPECT_EQ(os.wall_now().unix_ms, kWallStartMs + 18 + jump_ms);
    });
  }
}

TEST_F(SimOsTest, AMomentCrashesWhileEveryTaskWaits) {
  SimOs& os = begin();
  injector_.moment = Instant{} + seconds(3);
  injector_.what_then.crash = CrashKind::kPowerCut;
  EXPECT_EQ(run([&] {
              os.park(kForever);
              ADD_FAILURE() << "nobody unparks it";
            }),
            CrashKind::kPowerCut);
  EXPECT_EQ(world_.now, Instant{} + seconds(3));
  EXPECT_TRUE(os.tasks_left());
}

TEST_F(SimOsTest, ACrashStopsEveryTask) {
  SimOs& os = begin();
  injector_.crash = CrashKind::kKill;
  injector_.crash_op = Op::kRename;
  injector_.crash_point = CrashPoint::kAfter;
  int ticks = 0;
  bool crashed = false;
  os.spawn("ticker", [&] {
    for (;;) {
      EXPECT_FALSE(crashed);
      ++ticks;
      os.park(os.now() + microseconds(1));
    }
  });
  EXPECT_EQ(run([&] {
              (void)os.open("a", Open::kCreateNew);
              EXPECT_FALSE(os.rename("a", "b").ok());
              ADD_FAILURE() << "it returned";
            }),
            CrashKind::kKill);
  crashed = true;
  EXPECT_GT(ticks, 0);
  EXPECT_EQ(os.run(), CrashKind::kKill);  // nothing goes on
  EXPECT_TRUE(os.tasks_left());
  EXPECT_TRUE(world_.disk.lookup("b").ok());
}

TEST_F(SimOsTest, AnExceptionThatNobodyCatchesEndsTheWorld) {
  SimOs& os = begin();
  os.outlive_checks();
  bool went_on = false;
  os.spawn("other", [&] {
    os.park(os.now() + seconds(1));
    went_on = true;
  });
  EXPECT_EQ(run([] { (void)std::string().at(1); }), CrashKind::kNone);
  EXPECT_TRUE(os.died().starts_with("an exception that nobody catches: ")) << os.died();
  EXPECT_FALSE(went_on);
}

TEST_F(SimOsTest, TimeEndsAtItsLimit) {
  SimOs& os = begin(1, journaled_rules());
  os.set_time_limit(Instant{} + seconds(10));
  EXPECT_EQ(run([&] {
              auto file = os.open("f", Open::kCreateNew);
              (void)(*file)->write_at(0, "abc");
              EXPECT_FALSE(os.park(Instant{} + seconds(10)));  // not beyond it
              os.park(os.now() + seconds(3600));
              ADD_FAILURE() << "it is later than the limit";
            }),
            CrashKind::kNone);
  EXPECT_TRUE(os.out_of_time());
  EXPECT_TRUE(os.tasks_left());
  EXPECT_EQ(world_.now, Instant{} + seconds(10));
  // Dirty data of 10 s stays where it is: the kernel's clock did not run ahead.
  EXPECT_TRUE(world_.disk.anything_pending());
}

TEST_F(SimOsTest, AllWaitingForEverIsNotOutOfTime) {
  SimOs& os = begin();
  EXPECT_EQ(run([&] { os.park(kForever); }), CrashKind::kNone);
  EXPECT_FALSE(os.out_of_time());
  EXPECT_TRUE(os.tasks_left());
}

TEST_F(SimOsTest, DestroyedTasksUnwindWithoutWaiting) {
  SimOs& os = begin();
  int unwound = 0;
  struct Unwinds {
    SimOs& os;
    engine::File& file;
    int& count;
    ~Unwinds() {  // whatever a destructor does, it returns
      (void)file.write_at(0, "late");
      (void)file.sync("late");
      (void)os.open("late", Open::kCreateNew);
      (void)os.remove("late");
      EXPECT_FALSE(os.park(kForever));
      os.unpark(os.current());
      ++count;
    }
  };
  // In tasks that wait for a park, a sync and a moment that never comes. No crash came before.
  std::unique_ptr<engine::File> file = std::move(os.open("f", Open::kCreateNew)).value();
  os.spawn("parks", [&] {
    Unwinds unwinds{os, *file, unwound};
    os.park(kForever);
  });
  os.spawn("syncs", [&] {
    Unwinds unwinds{os, *file, unwound};
    for (;;) (void)file->sync("test");
  });
  os.spawn("sleeps", [&] {
    Unwinds unwinds{os, *file, unwound};
    os.park(os.now() + seconds(100));
  });
  injector_.crash = CrashKind::kKill;  // a fault plan has no say there either
  injector_.crash_op = Op::kRemove;
  os.set_time_limit(Instant{} + seconds(1));
  EXPECT_EQ(os.run(), CrashKind::kNone);
  EXPECT_TRUE(os.tasks_left());
  os.destroy_tasks();
  EXPECT_EQ(unwound, 3);
  EXPECT_FALSE(os.tasks_left());
}

TEST_F(SimOsTest, OneSeedIsOneRun) {
  const auto hash_of = [&](uint64_t seed) {
    latency_.immediate_one_in = 4;
    SimOs& os = begin(seed);
    for (int i = 0; i < 4; ++i) {
      os.spawn("writer", [&, i] {
        const std::string path = "f" + std::to_string(i);
        auto file = os.open(path, Open::kCreateNew);
        for (uint64_t at = 0; at < 20; ++at) {
          (void)(*file)->write_at(at * 3, "abc");
          if (os.choose("test.sync", 3) == 0) (void)(*file)->sync("test");
        }
        (void)os.rename(path, "one");
        EXPECT_TRUE(refused_with(os.sync_directory("none", "test"), Errc::kNotFound));
      });
    }
    EXPECT_EQ(os.run(), CrashKind::kNone);
    return trace_.hash();
  };
  std::set<uint64_t> hashes;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const uint64_t hash = hash_of(seed);
    EXPECT_EQ(hash, hash_of(seed));
    hashes.insert(hash);
  }
  EXPECT_EQ(hashes.size(), 50u);
}

// A call that fails is an event like any other.
TEST_F(SimOsTest, EveryCallIsTraced) {
  SimOs& os = begin();
  run([&] {
    EXPECT_FALSE(os.open("no", Open::kRead).ok());
    EXPECT_FALSE(os.sync_directory("no", "test").ok());
    EXPECT_FALSE(os.remove("no").ok());
    EXPECT_TRUE(os.list("").ok());
  });
  EXPECT_EQ(os.calls(), 4u);
  EXPECT_EQ(trace_.count(), 4u);
}

}  // namespace
}  // namespace powercut::sim
