// run_each() is run() again and again, whatever is next.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/os/tasks.h"

namespace powercut::engine {
namespace {

// Tasks that spawn, wait, wake each other and end; who runs next is drawn. Returns what happened.
std::string drawn_run(uint64_t seed, const std::function<void(Tasks&, const Tasks::Next&)>& drive) {
  Tasks tasks;
  std::string log;
  Instant now{0};
  std::vector<Task*> all;
  uint64_t state = seed;
  const auto draw = [&](uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
  std::function<void()> body = [&] {
    for (uint64_t steps = draw(6); steps > 0; --steps) {
      log += std::to_string(tasks.current()->id());
      log += ':' + std::to_string(tasks.current()->runs()) + ' ';
      switch (draw(4)) {
        case 0:
          log +=
              tasks.park(now + nanoseconds(static_cast<int64_t>(draw(5)))) ? "unparked " : "late ";
          break;
        case 1:
          tasks.yield();
          break;
        case 2:
          tasks.unpark(all[draw(all.size())]);
          break;
        default:
          if (all.size() < 20) all.push_back(tasks.spawn("t", body));
      }
    }
  };
  for (int i = 0; i < 3; ++i) all.push_back(tasks.spawn("t", body));
  drive(tasks, [&]() -> std::optional<size_t> {
    EXPECT_EQ(tasks.current(), nullptr);
    if (tasks.ready().empty() && tasks.next_deadline() != kForever) {
      now = tasks.next_deadline();
      tasks.expire_timers(now);
    }
    if (tasks.ready().empty()) return std::nullopt;
    return draw(tasks.ready().size());
  });
  EXPECT_EQ(tasks.current(), nullptr);
  return log;
}

TEST(TasksRun, EachIsOneAfterTheOther) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::string one_by_one = drawn_run(seed, [](Tasks& tasks, const Tasks::Next& next) {
      while (const auto index = next()) tasks.run(*index);
    });
    const std::string each =
        drawn_run(seed, [](Tasks& tasks, const Tasks::Next& next) { tasks.run_each(next); });
    ASSERT_EQ(each, one_by_one) << seed;
  }
}

TEST(TasksRun, EndsWhereNextSaysAndTasksGoOnLater) {
  Tasks tasks;
  std::string log;
  for (const char* name : {"a", "b"}) {
    tasks.spawn(name, [&, name] {
      for (int i = 0; i < 3; ++i) {
        log += name;
        tasks.yield();
      }
    });
  }
  int left = 3;
  const Tasks::Next next = [&]() -> std::optional<size_t> {
    return left-- > 0 ? std::optional<size_t>(0) : std::nullopt;
  };
  tasks.run_each(next);
  EXPECT_EQ(log, "aba");
  left = 2;
  tasks.run_each(next);
  EXPECT_EQ(log, "ababa");
  while (!tasks.ready().empty()) tasks.run(0);
  EXPECT_EQ(log, "ababab");
}

}  // namespace
}  // namespace powercut::engine
