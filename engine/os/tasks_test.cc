#include "engine/os/tasks.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace powercut::engine {
namespace {

struct WhenGone {
  std::function<void()> action;
  ~WhenGone() { action(); }
};

void run_ready(Tasks& tasks) {
  while (!tasks.ready().empty()) tasks.run(0);
}

TEST(Tasks, RunInSpawnOrderAndCountFromZero) {
  Tasks tasks;
  std::string log;
  for (const char* name : {"a", "b", "c"}) {
    tasks.spawn(name, [&] {
      log += tasks.current()->name();
      log += std::to_string(tasks.current()->id());
    });
  }
  EXPECT_EQ(log, "");
  run_ready(tasks);
  EXPECT_EQ(log, "a0b1c2");
  EXPECT_TRUE(tasks.empty());
  EXPECT_EQ(tasks.current(), nullptr);
}

TEST(Tasks, SpawnedByATaskRunsAfterItYields) {
  Tasks tasks;
  std::string log;
  tasks.spawn("outer", [&] {
    tasks.spawn("inner", [&] { log += "inner "; });
    log += "outer ";
  });
  run_ready(tasks);
  EXPECT_EQ(log, "outer inner ");
}

TEST(Tasks, UnparkEndsAPark) {
  Tasks tasks;
  int result = -1;
  Task* task = tasks.spawn("t", [&] { result = tasks.park(kForever); });
  run_ready(tasks);
  EXPECT_EQ(result, -1);
  EXPECT_FALSE(tasks.empty());
  tasks.unpark(task);
  tasks.unpark(task);  // the second is absorbed by the same park
  EXPECT_EQ(tasks.ready().size(), 1u);
  run_ready(tasks);
  EXPECT_EQ(result, 1);
}

TEST(Tasks, UnparkBeforeParkIsRememberedOnce) {
  Tasks tasks;
  std::vector<bool> results;
  Task* task = tasks.spawn("t", [&] {
    results.push_back(tasks.park(kForever));
    results.push_back(tasks.park(Instant{10}));
  });
  tasks.unpark(task);
  tasks.unpark(task);
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true}));
  tasks.expire_timers(Instant{10});
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true, false}));
}

TEST(Tasks, TimersEndParksInOrderOfDeadline) {
  Tasks tasks;
  std::string log;
  auto sleeper = [&](int64_t deadline) {
    return [&, deadline] { log += std::to_string(tasks.park(Instant{deadline})) + " "; };
  };
  for (int64_t deadline : {30, 10, 20, 10}) {
    tasks.spawn(std::to_string(deadline), sleeper(deadline));
  }
  run_ready(tasks);
  EXPECT_EQ(tasks.next_deadline(), Instant{10});
  tasks.expire_timers(Instant{9});
  EXPECT_TRUE(tasks.ready().empty());
  tasks.expire_timers(Instant{20});
  ASSERT_EQ(tasks.ready().size(), 3u);
  EXPECT_EQ(tasks.ready()[0]->id(), 1u);
  EXPECT_EQ(tasks.ready()[1]->id(), 3u);  // a tie goes to the earlier park
  EXPECT_EQ(tasks.ready()[2]->id(), 2u);
  run_ready(tasks);
  EXPECT_EQ(log, "0 0 0 ");
  EXPECT_EQ(tasks.next_deadline(), Instant{30});
}

TEST(Tasks, UnparkBeatsATimeoutThatWasNotSeenYet) {
  Tasks tasks;
  std::vector<bool> results;
  Task* task = tasks.spawn("t", [&] {
    results.push_back(tasks.park(Instant{10}));
    results.push_back(tasks.park(Instant{20}));
  });
  run_ready(tasks);
  tasks.expire_timers(Instant{10});
  tasks.unpark(task);
  EXPECT_EQ(tasks.ready().size(), 1u);
  run_ready(tasks);
  tasks.expire_timers(Instant{20});
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true, false}));
}

TEST(Tasks, TimersOfEndedParksAreForgotten) {
  Tasks tasks;
  int parks = 0;
  Task* task = tasks.spawn("t", [&] {
    for (; parks < 1000; ++parks) EXPECT_TRUE(tasks.park(Instant{1000 + parks}));
    EXPECT_FALSE(tasks.park(Instant{5000}));
  });
  run_ready(tasks);
  for (int i = 0; i < 1000; ++i) {
    tasks.unpark(task);
    EXPECT_EQ(tasks.next_deadline(), kForever);
    run_ready(tasks);
  }
  EXPECT_EQ(parks, 1000);
  EXPECT_EQ(tasks.next_deadline(), Instant{5000});
  tasks.expire_timers(Instant{4999});
  EXPECT_TRUE(tasks.ready().empty());
  tasks.expire_timers(Instant{5000});
  run_ready(tasks);
  EXPECT_TRUE(tasks.empty());
}

TEST(Tasks, BlockNeitherTakesNorHearsAnUnpark) {
  Tasks tasks;
  std::vector<bool> results;
  Task* task = tasks.spawn("t", [&] {
    results.push_back(tasks.block(kForever));
    results.push_back(tasks.block(Instant{10}));
    results.push_back(tasks.park(kForever));
    results.push_back(tasks.park(Instant{20}));
  });
  tasks.wake(task);  // nobody blocks yet
  run_ready(tasks);
  tasks.unpark(task);
  EXPECT_TRUE(tasks.ready().empty());
  tasks.wake(task);
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true}));
  tasks.expire_timers(Instant{10});
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true, false, true}));
  tasks.wake(task);  // it parks
  EXPECT_TRUE(tasks.ready().empty());
  tasks.expire_timers(Instant{20});
  run_ready(tasks);
  EXPECT_EQ(results, (std::vector<bool>{true, false, true, false}));
}

TEST(Tasks, YieldGoesBehindTheReadyAndKeepsUnparks) {
  Tasks tasks;
  std::string log;
  Task* a = tasks.spawn("a", [&] {
    log += "a1 ";
    tasks.yield();
    log += tasks.park(Instant{1}) ? "unparked " : "timeout ";
  });
  tasks.spawn("b", [&] {
    log += "b ";
    tasks.unpark(a);
  });
  run_ready(tasks);
  EXPECT_EQ(log, "a1 b unparked ");
  EXPECT_TRUE(tasks.empty());
}

TEST(Tasks, AnyReadyTaskCanRunNext) {
  Tasks tasks;
  std::string log;
  for (const char* name : {"a", "b", "c"}) tasks.spawn(name, [&, name] { log += name; });
  tasks.run(1);
  tasks.run(1);
  tasks.run(0);
  EXPECT_EQ(log, "bca");
}

TEST(Tasks, UnparkOfAnEndedTaskIsHarmless) {
  Tasks tasks;
  Task* task = tasks.spawn("t", [] {});
  run_ready(tasks);
  tasks.unpark(task);
  EXPECT_TRUE(tasks.ready().empty());
  EXPECT_TRUE(tasks.empty());
}

TEST(Tasks, DestroyAllUnwindsYoungestFirst) {
  Tasks tasks;
  std::string log;
  for (const char* name : {"a", "b", "c"}) {
    tasks.spawn(name, [&, name] {
      WhenGone end{[&, name] { log += name; }};
      tasks.park(name[0] == 'b' ? Instant{5} : kForever);
      log += "never";
    });
  }
  auto captured = std::make_shared<int>(1);
  run_ready(tasks);
  tasks.spawn("never ran", [captured] { ADD_FAILURE(); });
  tasks.expire_timers(Instant{5});
  tasks.destroy_all();
  EXPECT_EQ(log, "cba");
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_TRUE(tasks.empty());
  EXPECT_TRUE(tasks.ready().empty());
  EXPECT_EQ(tasks.next_deadline(), kForever);
}

TEST(Tasks, AStackAtRestIsDropped) {
  Tasks tasks;
  std::string log;
  for (const std::string name : {"a", "b", "c"}) {
    tasks.spawn(name, [&, name] {
      WhenGone end{[&] { log += name; }};
      tasks.current()->set_at_rest(name != "a");
      tasks.park(kForever);
      tasks.current()->set_at_rest(false);
      tasks.park(kForever);
    });
  }
  run_ready(tasks);
  tasks.destroy_all();
#ifndef __SANITIZE_ADDRESS__
  EXPECT_EQ(log, "a");
#endif
  EXPECT_TRUE(tasks.empty());
  // The next life of the same Task objects begins in unrest.
  log.clear();
  for (int i = 0; i < 4; ++i) {
    tasks.spawn("next", [&] {
      WhenGone end{[&] { log += "n"; }};
      tasks.park(kForever);
    });
  }
  run_ready(tasks);
  tasks.destroy_all();
  EXPECT_EQ(log, "nnnn");
}

TEST(Tasks, DestructorsOnAnUnwindingStackCannotHang) {
  Tasks tasks;
  std::vector<Task*> all;
  int parks = 0;
  for (int i = 0; i < 3; ++i) {
    all.push_back(tasks.spawn("t", [&] {
      WhenGone end{[&] {
        EXPECT_NE(tasks.current(), nullptr);
        for (Task* task : all) tasks.unpark(task);  // dead, dying and still alive
        EXPECT_EQ(tasks.spawn("late", [] { ADD_FAILURE(); }), nullptr);
        EXPECT_FALSE(tasks.park(kForever));
        ++parks;
      }};
      tasks.park(kForever);
    }));
  }
  run_ready(tasks);
  tasks.destroy_all();
  EXPECT_EQ(parks, 3);
  // And the next life starts clean, on the same Task objects.
  bool woken = true;
  tasks.spawn("next", [&] { woken = tasks.park(Instant{1}); });
  run_ready(tasks);
  tasks.expire_timers(Instant{1});
  run_ready(tasks);
  EXPECT_FALSE(woken);
  EXPECT_TRUE(tasks.empty());
}

TEST(TasksDeathTest, ADestructorThatWaitsForAnotherTaskIsABug) {
  EXPECT_DEATH(
      {
        Tasks tasks;
        tasks.spawn("t", [&] {
          WhenGone end{[&] {
            while (!tasks.park(kForever)) {
            }
          }};
          tasks.park(kForever);
        });
        run_ready(tasks);
        tasks.destroy_all();
      },
      "parks_while_destroying_");
}

// Against a model in plain data: which task is parked until when, and who holds an unpark.
RC_GTEST_PROP(TasksProperty, AgreesWithItsModel, ()) {
  struct Model {
    Task* task = nullptr;
    bool parked = false, ready = true, token = false, timed_out = false;
    Instant deadline = kForever;
  };
  constexpr int kTasks = 4;
  Tasks tasks;
  std::vector<Model> model(kTasks);
  Instant now{0};
  Instant next_deadline = kForever;  // of the park the running task is about to make
  bool last_result = false;
  bool returned = false;
  for (Model& m : model) {
    m.task = tasks.spawn("t", [&] {
      for (;;) {
        last_result = tasks.park(next_deadline);
        returned = true;
      }
    });
  }
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
      rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, kTasks), rc::gen::inRange(0, 30)));
  for (const auto& [what, who, when] : steps) {
    Model& m = model[static_cast<size_t>(who)];
    if (what == 0) {
      tasks.unpark(m.task);
      if (m.parked) {
        m.ready = true;
        m.timed_out = false;
        m.deadline = kForever;
      } else {
        m.token = true;
      }
    } else if (what == 1) {
      now = now + nanoseconds(when);
      tasks.expire_timers(now);
      for (Model& each : model) {
        if (each.parked && each.deadline <= now) {
          each.ready = each.timed_out = true;
          each.deadline = kForever;
        }
      }
    } else if (!tasks.ready().empty()) {
      const size_t index = static_cast<size_t>(who) % tasks.ready().size();
      Model& r = model[tasks.ready()[index]->id()];
      next_deadline = when < 10 ? kForever : now + nanoseconds(when);
      returned = false;
      tasks.run(index);
      RC_ASSERT(returned == (r.parked || r.token));
      // A token is spent by a park that returns at once, on the way to the park that suspends.
      if (r.token) {
        RC_ASSERT(last_result);
      } else if (r.parked) {
        RC_ASSERT(last_result == !r.timed_out);
      }
      r.parked = true;
      r.ready = r.token = r.timed_out = false;
      r.deadline = next_deadline;
    }
    size_t ready = 0;
    Instant soonest = kForever;
    for (const Model& each : model) {
      ready += each.ready;
      if (each.parked && !each.ready) soonest = std::min(soonest, each.deadline);
    }
    RC_ASSERT(tasks.ready().size() == ready);
    RC_ASSERT(tasks.next_deadline() == soonest);
  }
}

}  // namespace
}  // namespace powercut::engine
