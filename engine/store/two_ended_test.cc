#include "engine/store/two_ended.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <memory>
#include <string>
#include <vector>

namespace powercut::engine {
namespace {

using Item = std::unique_ptr<int>;  // moved, never copied

std::vector<int> items_of(const TwoEnded<Item>& some) {
  std::vector<int> items;
  for (size_t i = 0; i < some.size(); ++i) items.push_back(*some[i]);
  return items;
}

TEST(TwoEnded, BehavesAsAVector) {
  ASSERT_TRUE(rc::check([] {
    TwoEnded<Item> some;
    std::vector<int> model;
    for (int step = *rc::gen::inRange(0, 200); step > 0; --step) {
      const size_t i = *rc::gen::inRange<size_t>(0, model.size() + 1);
      const auto at = model.begin() + static_cast<std::ptrdiff_t>(i);
      switch (*rc::gen::weightedElement<int>({{4, 0}, {4, 1}, {3, 2}, {3, 3}, {1, 4}})) {
        case 0:
          some.emplace_front() = std::make_unique<int>(step);
          model.insert(model.begin(), step);
          break;
        case 1:
          some.emplace_back() = std::make_unique<int>(step);
          model.push_back(step);
          break;
        case 2:
          some.insert(i, std::make_unique<int>(step));
          model.insert(at, step);
          break;
        case 3: {
          const size_t first = *rc::gen::inRange<size_t>(0, 3) == 0 ? i : 0;
          const size_t end = std::min(model.size(), first + *rc::gen::inRange<size_t>(0, 6));
          some.erase(first, end);
          model.erase(model.begin() + static_cast<std::ptrdiff_t>(first),
                      model.begin() + static_cast<std::ptrdiff_t>(end));
          break;
        }
        default:
          some.shrink_to_fit();
          RC_ASSERT(some.capacity() == model.size());
      }
      RC_ASSERT(items_of(some) == model);
      if (!model.empty()) RC_ASSERT(*some.front() == model.front() && *some.back() == model.back());
    }
  }));
}

// What goes is gone, though its place is kept.
TEST(TwoEnded, KeepsNothingOfWhatWasErasedInFront) {
  TwoEnded<std::shared_ptr<int>> some;
  const auto item = std::make_shared<int>(1);
  some.emplace_back() = item;
  some.emplace_back() = item;
  some.erase(0, 1);
  EXPECT_EQ(item.use_count(), 2);
}

TEST(TwoEnded, AQueueThatIsAlwaysShortTakesLittleRoom) {
  TwoEnded<int> queue;
  for (int i = 0; i < 10'000; ++i) {
    queue.emplace_back() = i;
    if (queue.size() > 5) queue.erase(0, 1);
  }
  EXPECT_EQ(queue.size(), 5u);
  EXPECT_LE(queue.capacity(), 16u);
}

// Items that are moved at each growth are as many as there are items in all, times a small number.
TEST(TwoEnded, GrowsAtItsFrontAsQuicklyAsAtItsEnd) {
  static int moved;
  struct Counted {
    Counted() = default;
    Counted(Counted&&) noexcept { ++moved; }
    Counted& operator=(Counted&&) noexcept { return *this; }
  };
  TwoEnded<Counted> some;
  moved = 0;
  for (int i = 0; i < 10'000; ++i) some.emplace_front();
  EXPECT_LE(moved, 20'000);
}

}  // namespace
}  // namespace powercut::engine
