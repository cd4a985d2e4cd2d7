// Time, chance and tasks: part of engine/os/os_contract.h, included by it alone.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/os/os_contract.h"
#include "engine/os/tasks.h"
#include "engine/os/wait_queue.h"

namespace powercut::engine {

TEST_P(OsContract, TheMonotonicClockNeverGoesBack) {
  run([&] {
    Instant last = os().now();
    for (int i = 0; i < 1000; ++i) {
      const Instant now = os().now();
      EXPECT_GE(now, last);
      last = now;
    }
    EXPECT_GT(os().wall_now().unix_ms, 0);
  });
}

TEST_P(OsContract, ChoicesAreInRange) {
  run([&] {
    std::set<uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_EQ(os().choose("contract.one", 1), 0u);
      const uint64_t choice = os().choose("contract.five", 5);
      EXPECT_LT(choice, 5u);
      seen.insert(choice);
      EXPECT_LT(os().choose("contract.big", (uint64_t{1} << 63) + 1), (uint64_t{1} << 63) + 1);
    }
    EXPECT_EQ(seen.size(), 5u);
  });
}

TEST_P(OsContract, ASpawnedTaskRunsOnlyWhenTheSpawnerYields) {
  std::string log;
  run([&] {
    os().spawn("inner", [&] { log += "inner "; });
    log += "outer ";
    os().park(os().now() + milliseconds(1));
    log += "outer again";
  });
  EXPECT_EQ(log, "outer inner outer again");
}

TEST_P(OsContract, EverySpawnedTaskRunsToItsEnd) {
  int ended = 0;
  run([&] {
    for (int i = 0; i < 100; ++i) {
      os().spawn("task", [&, i] {
        if (i % 2 == 0) os().park(os().now() + microseconds(i));
        if (i % 10 == 0) os().spawn("grandchild", [&] { ++ended; });
        ++ended;
      });
    }
  });
  EXPECT_EQ(ended, 110);
}

TEST_P(OsContract, CurrentIsTheRunningTask) {
  EXPECT_EQ(os().current(), nullptr);
  run([&] {
    Task* self = os().current();
    ASSERT_NE(self, nullptr);
    os().spawn("inner", [&, self] {
      EXPECT_NE(os().current(), self);
      EXPECT_EQ(os().current()->name(), "inner");
    });
    os().park(os().now() + milliseconds(1));
    EXPECT_EQ(os().current(), self);
  });
  EXPECT_EQ(os().current(), nullptr);
}

TEST_P(OsContract, ParkTimesOutNotBeforeItsDeadline) {
  run([&] {
    for (const Duration wait : {nanoseconds(-5), microseconds(1), milliseconds(2)}) {
      const Instant deadline = os().now() + wait;
      EXPECT_FALSE(os().park(deadline));
      EXPECT_GE(os().now(), deadline);
    }
  });
}

TEST_P(OsContract, UnparkEndsAPark) {
  std::string log;
  run([&] {
    Task* sleeper = nullptr;
    os().spawn("sleeper", [&] {
      sleeper = os().current();
      EXPECT_TRUE(os().park(kForever));
      log += "woken ";
      EXPECT_TRUE(os().park(os().now() + seconds(3600)));
      log += "again";
    });
    os().park(os().now() + milliseconds(1));
    os().unpark(sleeper);
    EXPECT_EQ(log, "");  // unpark never yields
    os().park(os().now() + milliseconds(1));
    EXPECT_EQ(log, "woken ");
    os().unpark(sleeper);
  });
  EXPECT_EQ(log, "woken again");
}

TEST_P(OsContract, AnEarlierUnparkMakesOneParkReturnAtOnce) {
  run([&] {
    Task* self = os().current();
    bool other_ran = false;
    os().spawn("other", [&] { other_ran = true; });
    os().unpark(self);
    os().unpark(self);
    EXPECT_TRUE(os().park(kForever));
    EXPECT_FALSE(other_ran);
    EXPECT_FALSE(os().park(os().now() + milliseconds(1)));
    EXPECT_TRUE(other_ran);
  });
}

TEST_P(OsContract, AnUnparkDuringAFileCallIsKeptForTheNextPark) {
  run([&] {
    Task* self = os().current();
    os().spawn("other", [&, self] {
      for (int i = 0; i < 20; ++i) {
        os().unpark(self);
        os().park(os().now() + microseconds(50));
      }
    });
    os().park(os().now() + seconds(3600));  // the first of them
    for (int i = 0; i < 5; ++i) {
      const std::string path = "f" + std::to_string(i);
      ASSERT_TRUE(is_ok(write_new(path, std::string(10000, 'x'))));
      auto file = os().open(path, Open::kReadWrite);
      ASSERT_TRUE(is_ok(file));
      os().unpark(self);
      EXPECT_TRUE(is_ok((*file)->sync("contract")));
      EXPECT_EQ(read_all(**file).value().size(), 10000u);
      EXPECT_TRUE(os().park(os().now() + nanoseconds(1)));
    }
  });
}

TEST_P(OsContract, TasksShareTheFiles) {
  constexpr int kTasks = 16;
  run([&] {
    auto opened = os().open("f", Open::kCreateNew);
    ASSERT_TRUE(is_ok(opened));
    File& file = **opened;
    WaitQueue all_done(os());
    int done = 0;
    for (int i = 0; i < kTasks; ++i) {
      os().spawn("writer", [&, i] {
        const std::string record(1000, static_cast<char>('a' + i));
        EXPECT_TRUE(is_ok(write_all(file, static_cast<uint64_t>(i) * 1000, record)));
        EXPECT_TRUE(is_ok(file.sync("contract")));
        if (++done == kTasks) all_done.notify_all();
      });
    }
    while (done < kTasks) all_done.wait();
    std::string expected;
    for (int i = 0; i < kTasks; ++i) expected += std::string(1000, static_cast<char>('a' + i));
    EXPECT_EQ(read_all(file).value(), expected);
  });
}

TEST_P(OsContract, NotifyWakesEveryWaiter) {
  int woken = 0;
  run([&] {
    WaitQueue queue(os());
    bool condition = false;
    for (int i = 0; i < 5; ++i) {
      os().spawn("waiter", [&] {
        while (!condition) EXPECT_TRUE(queue.wait());
        ++woken;
      });
    }
    os().park(os().now() + milliseconds(1));
    EXPECT_FALSE(queue.empty());
    queue.notify_all();  // without the condition: they wait again
    os().park(os().now() + milliseconds(1));
    EXPECT_EQ(woken, 0);
    condition = true;
    queue.notify_all();
    EXPECT_TRUE(queue.empty());
    while (woken < 5) os().park(os().now() + milliseconds(1));
  });
  EXPECT_EQ(woken, 5);
}

TEST_P(OsContract, AWaitHasADeadline) {
  run([&] {
    WaitQueue queue(os());
    const Instant deadline = os().now() + milliseconds(2);
    os().unpark(os().current());  // a stray unpark is not a notification
    EXPECT_FALSE(queue.wait(deadline));
    EXPECT_GE(os().now(), deadline);
    EXPECT_TRUE(queue.empty());
    os().spawn("notifier", [&] { queue.notify_all(); });
    EXPECT_TRUE(queue.wait(os().now() + seconds(3600)));
  });
}

}  // namespace powercut::engine
