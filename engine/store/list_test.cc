#include "engine/store/list.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace powercut::engine {
namespace {

std::vector<std::string> items_of(const List& list) {
  std::vector<std::string> items;
  for (size_t i = 0; i < list.size(); ++i) items.push_back(list.at(i));
  return items;
}

size_t remove_equal(std::vector<std::string>& model, const std::string& item, size_t limit,
                    bool from_back) {
  if (from_back) std::reverse(model.begin(), model.end());
  size_t removed = 0;
  std::erase_if(model,
                [&](const std::string& s) { return s == item && removed < limit && ++removed; });
  if (from_back) std::reverse(model.begin(), model.end());
  return removed;
}

// Few different items, so that they repeat; some beyond the small-string buffer.
std::string random_item() {
  const auto n = *rc::gen::inRange(0, 6);
  return n < 4 ? std::string(static_cast<size_t>(n), 'a')
               : std::string(static_cast<size_t>(n) * 12, '\0');
}

void random_step(List& list, std::vector<std::string>& model) {
  const auto step = *rc::gen::weightedElement<int>(
      {{6, 0}, {6, 1}, {3, 2}, {3, 3}, {2, 4}, {2, 5}, {2, 6}, {1, 7}, {1, 8}});
  const std::string item = random_item();
  const size_t size = model.size();
  const size_t at = size == 0 ? 0 : *rc::gen::inRange<size_t>(0, size);
  if (step == 0) {
    list.push_back(item);
    model.push_back(item);
  } else if (step == 1) {
    list.push_front(item);
    model.insert(model.begin(), item);
  } else if (step == 5) {
    const size_t before = *rc::gen::inRange<size_t>(0, size + 1);
    list.insert(before, item);
    model.insert(model.begin() + static_cast<ptrdiff_t>(before), item);
  } else if (step == 8) {
    const size_t limit = *rc::gen::inRange<size_t>(1, 4);
    const bool from_back = *rc::gen::arbitrary<bool>();
    RC_ASSERT(list.remove_equal(item, limit, from_back) ==
              remove_equal(model, item, limit, from_back));
  } else if (size == 0) {
    return;
  } else if (step == 2) {
    RC_ASSERT(list.pop_back() == model.back());
    model.pop_back();
  } else if (step == 3) {
    RC_ASSERT(list.pop_front() == model.front());
    model.erase(model.begin());
  } else if (step == 4) {
    list.set(at, item);
    model[at] = item;
  } else if (step == 6) {
    list.erase(at);
    model.erase(model.begin() + static_cast<ptrdiff_t>(at));
  } else {
    const size_t last = *rc::gen::inRange<size_t>(at, size);
    list.trim(at, last);
    model.resize(last + 1);
    model.erase(model.begin(), model.begin() + static_cast<ptrdiff_t>(at));
  }
}

// How many slots the list has, by what it says beyond its items; 0 if it has none, or counted wrongly.
size_t slots_of(const List& list) {
  size_t rest = list.memory_bytes() - heap_bytes(sizeof(List));
  for (const std::string& item : items_of(list)) rest -= heap_bytes(item);
  for (size_t slots = 4; slots <= 1 << 20; slots *= 2) {
    if (rest == heap_bytes(slots * sizeof(std::string))) return slots;
  }
  return 0;
}

TEST(List, BehavesAsAVector) {
  ASSERT_TRUE(rc::check([] {
    List list;
    std::vector<std::string> model;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      random_step(list, model);
      RC_ASSERT(items_of(list) == model);
      const size_t slots = slots_of(list);
      RC_ASSERT(list.size() <= slots);
      RC_ASSERT((slots <= 4 || list.size() > slots / 4));
    }
    size_t item_bytes = 0;
    for (const std::string& item : items_of(list)) item_bytes += heap_bytes(item);
    List same_size;
    for (size_t i = 0; i < list.size(); ++i) same_size.push_back("");
    // The slots may be up to four times as many as there are items, and no more is hidden in the
    // sum.
    RC_ASSERT(list.memory_bytes() >= item_bytes + list.size() * sizeof(std::string));
    RC_ASSERT(list.memory_bytes() <= item_bytes + 4 * same_size.memory_bytes());
  }));
}

TEST(List, PushesItsOwnItem) {
  List list;
  list.push_back(std::string(100, 'x'));
  for (int i = 0; i < 10; ++i) {
    list.push_back(list.at(0));
    list.push_front(list.at(list.size() - 1));
  }
  for (size_t i = 0; i < list.size(); ++i) EXPECT_EQ(list.at(i), std::string(100, 'x'));
}

TEST(List, RemovesEveryItem) {
  List list;
  for (int i = 0; i < 100; ++i) list.push_back("same");
  EXPECT_EQ(list.remove_equal("same", 100, true), 100u);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.memory_bytes(), [] {
    List small;
    small.push_back("");
    return small.memory_bytes();
  }());
}

// A size that swings around an edge must not move every item each time.
TEST(List, DoublesWhenFullAndHalvesAtAQuarter) {
  List list;
  for (const auto& [size, slots] :
       {std::pair{4, 4}, {5, 8}, {8, 8}, {9, 16}, {64, 64}, {65, 128}}) {
    while (list.size() < static_cast<size_t>(size)) list.push_back("");
    EXPECT_EQ(slots_of(list), static_cast<size_t>(slots)) << size;
  }
  for (const auto& [size, slots] :
       {std::pair{33, 128}, {32, 64}, {17, 64}, {16, 32}, {2, 4}, {0, 4}}) {
    while (list.size() > static_cast<size_t>(size)) list.pop_front();
    EXPECT_EQ(slots_of(list), static_cast<size_t>(slots)) << size;
  }
}

// Insertion and removal move the shorter side.
TEST(List, InsertsAndErasesAtEveryIndex) {
  for (size_t size = 1; size <= 9; ++size) {
    for (size_t index = 0; index <= size; ++index) {
      List list;
      std::vector<std::string> model;
      // Not at the ring's beginning.
      for (int i = 0; i < 3; ++i) list.push_back("gone");
      for (size_t i = 0; i < size; ++i) {
        model.push_back(std::to_string(i) + std::string(20, '.'));
        list.push_back(model.back());
      }
      for (int i = 0; i < 3; ++i) list.pop_front();
      list.insert(index, "new");
      model.insert(model.begin() + static_cast<ptrdiff_t>(index), "new");
      EXPECT_EQ(items_of(list), model);
      list.erase(index);
      model.erase(model.begin() + static_cast<ptrdiff_t>(index));
      EXPECT_EQ(items_of(list), model);
      EXPECT_NE(slots_of(list), 0u);
    }
  }
}

TEST(List, IsCheapWhenSmall) {
  List list;
  list.push_back("one");
  EXPECT_LE(list.memory_bytes(), 256u);
}

size_t used_heap() { return mallinfo2().uordblks; }

// AddressSanitizer's malloc does not count: then there is nothing to compare.
void expect_honest(const std::vector<std::unique_ptr<List>>& lists, size_t before) {
  const size_t used = used_heap() - before;
  if (used == 0) return;
  size_t claimed = 0;
  for (const auto& list : lists) claimed += list->memory_bytes();
  EXPECT_NEAR(static_cast<double>(claimed), static_cast<double>(used),
              0.15 * static_cast<double>(used));
}

TEST(List, KnowsItsMemory) {
  for (const size_t length : {1, 5, 20, 300}) {
    for (const size_t count : {1, 3, 50, 2000}) {
      std::vector<std::unique_ptr<List>> lists(20'000 / count);
      const size_t before = used_heap();
      for (auto& list : lists) {
        list = std::make_unique<List>();
        for (size_t i = 0; i < count; ++i) list->push_back(std::string(length, 'x'));
      }
      expect_honest(lists, before);
      for (auto& list : lists) {
        for (size_t i = 0; i < count / 2; ++i) list->pop_front();
      }
      expect_honest(lists, before);
    }
  }
}

}  // namespace
}  // namespace powercut::engine
