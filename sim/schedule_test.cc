// Schedulers on toy programs whose orders can be counted by hand.
#include "sim/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace powercut::sim {
namespace {

using engine::Tasks;

// Tasks named a, b, c.., each of which writes its letter and yields, `steps` times.
std::string letters(Scheduler& scheduler, int tasks, int steps) {
  std::string written;
  Tasks all;
  for (int i = 0; i < tasks; ++i) {
    const char letter = static_cast<char>('a' + i);
    all.spawn(std::string(1, letter), [&, letter] {
      for (int step = 0; step < steps; ++step) {
        if (step > 0) all.yield();
        written += letter;
      }
    });
  }
  while (!all.ready().empty()) all.run(scheduler.pick(all.ready()));
  return written;
}

uint64_t walked(uint64_t delays, int tasks, int steps, std::set<std::string>& orders) {
  ScheduleWalk walk(delays);
  uint64_t schedules = 0;
  do {
    orders.insert(letters(walk, tasks, steps));
    ++schedules;
  } while (walk.next());
  return schedules;
}

TEST(ScheduleWalk, WithoutABudgetItIsEveryInterleavingOnce) {
  std::set<std::string> orders;
  EXPECT_EQ(walked(UINT64_MAX - 1, 2, 3, orders), 20u);  // 6! / (3! 3!)
  EXPECT_EQ(orders.size(), 20u);
  orders.clear();
  EXPECT_EQ(walked(UINT64_MAX - 1, 3, 2, orders), 90u);  // 6! / (2! 2! 2!)
  EXPECT_EQ(orders.size(), 90u);
}

TEST(ScheduleWalk, DelaysAddUpToTheBudget) {
  std::set<std::string> none, one, two;
  EXPECT_EQ(walked(0, 3, 2, none), 1u);
  EXPECT_EQ(none, std::set<std::string>{"abcabc"});
  walked(1, 3, 2, one);
  walked(2, 3, 2, two);
  EXPECT_TRUE(one.contains("bacbac"));   // the second first: one delay
  EXPECT_FALSE(one.contains("cabcab"));  // the third first: two delays
  EXPECT_LT(one.size(), two.size());
  EXPECT_TRUE(std::includes(two.begin(), two.end(), one.begin(), one.end()));
}

TEST(ScheduleWalk, ItsDeviationsReplay) {
  ScheduleWalk walk(3);
  do {
    const std::string order = letters(walk, 3, 3);
    FifoScheduler again(walk.deviations());
    ASSERT_EQ(letters(again, 3, 3), order);
  } while (walk.next());
}

TEST(RandomScheduler, EveryOrderOfReadyTasksIsEquallyLikely) {
  constexpr uint64_t kSeeds = 6'000;
  std::map<std::string, uint64_t> count;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededChoices choices(seed);
    RandomScheduler scheduler(choices);
    ++count[letters(scheduler, 3, 1)];
  }
  ASSERT_EQ(count.size(), 6u);
  for (const auto& [order, times] : count) {  // 1,000 expected, standard deviation 29
    EXPECT_GT(times, 870u) << order;
    EXPECT_LT(times, 1'130u) << order;
  }
}

// An unrelated task does not change how the others stand to each other.
TEST(RandomScheduler, AnotherTaskChangesNoOrder) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SeededChoices choices(seed);
    RandomScheduler two(choices);
    RandomScheduler three(choices);
    const std::string without = letters(two, 2, 1);
    std::string with = letters(three, 3, 1);
    std::erase(with, 'c');
    EXPECT_EQ(without, with) << seed;
  }
}

// Depth 2: all of `b` must run between the first step of `a` and its second. Of all orders one in
// C(2 * steps, steps) does; PCT promises one in n * k, and comes to just that: `a` is drawn first
// (1 / n), and the change strikes at the second step (1 / k).
bool meets(Scheduler& scheduler, int steps) {
  const std::string order = letters(scheduler, 2, steps);
  const size_t first = order.find('b');
  const size_t last = order.rfind('b');
  return first == 1 && last == static_cast<size_t>(steps);
}

TEST(PctScheduler, ADepthTwoBugShowsAsOftenAsPromised) {
  constexpr int kSteps = 20;             // of each task
  constexpr uint64_t kAll = 2 * kSteps;  // k
  constexpr uint64_t kSeeds = 40'000;
  uint64_t pct = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededChoices choices(seed);
    PctScheduler by_priority(choices, 2, kAll);
    pct += meets(by_priority, kSteps) ? 1 : 0;
  }
  const uint64_t promised = kSeeds / (2 * kAll);  // 500, standard deviation 22
  EXPECT_GE(pct, promised - 4 * 22);
  EXPECT_LE(pct, promised + 4 * 22);
}

// With one change point more than it needs, and with more steps assumed than there are, the bound
// is lower and still kept.
TEST(PctScheduler, TheBoundHoldsForWrongGuessesOfDepthAndSteps) {
  constexpr uint64_t kSeeds = 40'000;
  uint64_t met = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    SeededChoices choices(seed);
    PctScheduler scheduler(choices, 3, 50);
    met += meets(scheduler, 5) ? 1 : 0;
  }
  EXPECT_GE(met, kSeeds / (2 * 50 * 50));
}

}  // namespace
}  // namespace powercut::sim
