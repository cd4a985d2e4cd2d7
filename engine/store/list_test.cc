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
  for (size_t i = 0; i < list.size(); ++i) items.emplace_back(list.at(i));
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

TEST(List, BehavesAsAVector) {
  ASSERT_TRUE(rc::check([] {
    List list;
    std::vector<std::string> model;
    const int steps = *rc::gen::inRange(0, 200);
    for (int i = 0; i < steps; ++i) {
      random_step(list, model);
      RC_ASSERT(items_of(list) == model);
      // From behind as well: the place of the last look is gone back from.
      for (size_t n = model.size(); n-- > 0;) RC_ASSERT(list.at(n) == model[n]);
    }
    size_t item_bytes = 0;
    for (const std::string& item : model) item_bytes += item.size() + 1;
    List fresh;
    for (const std::string& item : model) fresh.push_back(item);
    // Pieces may be as small as a quarter of what they might have, and no more is hidden in the sum.
    RC_ASSERT(list.memory_bytes() >= item_bytes);
    RC_ASSERT(list.memory_bytes() <= 8 * fresh.memory_bytes());
  }));
}

// Of several pieces from the beginning, of which each step may divide, join or empty one.
TEST(List, BehavesAsAVectorWhenItIsLong) {
  ASSERT_TRUE(rc::check([] {
    List list;
    std::vector<std::string> model;
    const auto some = [] {
      const auto n = *rc::gen::weightedElement<size_t>({{8, 1}, {6, 40}, {2, 300}, {1, 5000}});
      return std::string(n, *rc::gen::element('a', 'b'));
    };
    for (int n = *rc::gen::inRange(60, 400); n > 0; --n) {
      model.push_back(n % 40 == 0 ? some() : std::string(static_cast<size_t>(n % 3), 'a'));
      list.push_back(model.back());
    }
    for (int steps = *rc::gen::inRange(0, 60); steps > 0 && !model.empty(); --steps) {
      const size_t at = *rc::gen::inRange<size_t>(0, model.size());
      const auto step = *rc::gen::weightedElement<int>({{12, 0}, {6, 1}, {6, 2}, {1, 3}});
      if (step == 0) {
        random_step(list, model);
      } else if (step == 1) {
        model[at] = some();
        list.set(at, model[at]);
      } else if (step == 2) {
        model.insert(model.begin() + static_cast<ptrdiff_t>(at), some());
        list.insert(at, model[at]);
      } else {
        const std::string item(*rc::gen::inRange<size_t>(0, 3), 'a');
        const size_t limit = *rc::gen::element<size_t>(1, 20, 63, 64, 65, 1000);
        const bool from_back = *rc::gen::arbitrary<bool>();
        RC_ASSERT(list.remove_equal(item, limit, from_back) ==
                  remove_equal(model, item, limit, from_back));
      }
      RC_ASSERT(list.size() == model.size());
      // Where something has happened, from there to another place, and back.
      const size_t place = std::min(at, model.size() - 1);
      for (const size_t i : {place, model.size() - 1, place, size_t{0}, model.size() / 2, place})
        if (!model.empty()) RC_ASSERT(list.at(i) == model[i]);
    }
    RC_ASSERT(items_of(list) == model);
    RC_ASSERT(items_of(list.clone()) == model);
    // What went away is in no sum, nor what never came.
    size_t bytes = 0;
    for (const std::string& item : model) bytes += item.size();
    RC_ASSERT(list.memory_bytes() >= bytes);
    if (model.empty()) return;
    list.trim(model.size() / 2, model.size() / 2);
    RC_ASSERT(items_of(list)[0] == model[model.size() / 2]);
    RC_ASSERT(list.memory_bytes() <= model[model.size() / 2].size() + 400);
  }));
}

// Longer ones than a piece has room for, and those whose length takes more than a byte.
TEST(List, HoldsItemsOfEveryLength) {
  List list;
  std::vector<std::string> model;
  for (const size_t length : {0, 1, 254, 255, 256, 8190, 8191, 8192, 8193, 100'000, 3}) {
    model.insert(model.begin() + static_cast<ptrdiff_t>(model.size() / 2),
                 std::string(length, 'x'));
    list.insert(list.size() / 2, std::string(length, 'x'));
    EXPECT_EQ(items_of(list), model) << length;
  }
  for (size_t i = 0; i < model.size(); ++i) {
    model[i] = std::string(3000, static_cast<char>('a' + i));
    list.set(i, model[i]);
    EXPECT_EQ(items_of(list), model) << i;
  }
  list.trim(2, 8);
  EXPECT_EQ(items_of(list), std::vector<std::string>(model.begin() + 2, model.begin() + 9));
}

TEST(List, FindsItemsOfManyPiecesFromEitherEnd) {
  List list;
  for (int i = 0; i < 10'000; ++i) {
    list.push_front(std::to_string(-i - 1));
    list.push_back(std::to_string(i));
  }
  for (size_t i = 0; i < list.size(); ++i)
    ASSERT_EQ(list.at(i), std::to_string(static_cast<int>(i) - 10'000));
  // From one look to the next it is far, and each end may be the nearer one.
  const auto item = [](size_t index) { return std::to_string(static_cast<int>(index) - 10'000); };
  for (size_t i = 0; i < 20'000; i += 7) {
    ASSERT_EQ(list.at(i), item(i));
    ASSERT_EQ(list.at(19'999 - i), item(19'999 - i));
    ASSERT_EQ(list.at((i + 10'000) % 20'000), item((i + 10'000) % 20'000));
  }
  for (int i = 9999; i >= 0; --i) {
    ASSERT_EQ(list.pop_back(), std::to_string(i));
    ASSERT_EQ(list.pop_front(), std::to_string(-i - 1));
  }
}

TEST(List, TrimsManyPiecesAtBothEnds) {
  constexpr size_t kItems = 1000;
  for (const size_t first : {0, 1, 63, 64, 65, 500, 999}) {
    for (const size_t last : {0, 63, 64, 127, 500, 501, 935, 936, 998, 999}) {
      if (last < first) continue;
      List list;
      List fresh;
      std::vector<std::string> model;
      for (size_t i = 0; i < kItems; ++i) list.push_back(std::to_string(i));
      for (size_t i = first; i <= last; ++i) fresh.push_back(model.emplace_back(std::to_string(i)));
      list.trim(first, last);
      EXPECT_EQ(items_of(list), model) << first << " " << last;
      EXPECT_LE(list.memory_bytes(), 4 * fresh.memory_bytes()) << first << " " << last;
      while (list.size() > 0) {
        ASSERT_EQ(list.pop_back(), model.back());
        model.pop_back();
      }
    }
  }
}

// Each piece has few items left while the one behind it is full yet.
TEST(List, WhatIsLeftOfItsPiecesIsJoinedWithThoseBefore) {
  constexpr size_t kOfAPiece = 64;
  List list;
  for (size_t i = 0; i < 64 * kOfAPiece; ++i) list.push_back("0123456789");
  for (size_t left = 1; left < 64; ++left)
    for (size_t i = 1; i < kOfAPiece; ++i) list.erase(left - 1);
  EXPECT_EQ(list.size(), 63 + kOfAPiece);
  List fresh;
  for (size_t i = 0; i < list.size(); ++i) fresh.push_back("0123456789");
  // And room for the pieces that there were.
  EXPECT_LT(list.memory_bytes(), 2 * fresh.memory_bytes() + 500);
}

TEST(List, ItsItemsCostLittleMoreThanTheirBytes) {
  List list;
  for (int i = 0; i < 10'000; ++i) list.push_back("12345678");
  EXPECT_LT(list.memory_bytes(), 10'000u * 10);
  List emptied;
  for (int i = 0; i < 10'000; ++i) emptied.push_back("12345678");
  while (emptied.size() > 1) emptied.pop_front();
  EXPECT_LT(emptied.memory_bytes(), 300u);
}

TEST(List, RemovesEveryItem) {
  List list;
  for (int i = 0; i < 100; ++i) list.push_back("same");
  EXPECT_EQ(list.remove_equal("same", 100, true), 100u);
  EXPECT_EQ(list.size(), 0u);
  EXPECT_EQ(list.memory_bytes(), List().memory_bytes());
}

TEST(List, InsertsAndErasesAtEveryIndex) {
  for (size_t size = 1; size <= 9; ++size) {
    for (size_t index = 0; index <= size; ++index) {
      List list;
      std::vector<std::string> model;
      // Not at the beginning of what it has.
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
    }
  }
}

TEST(List, IsCheapWhenSmall) {
  List list;
  list.push_back("one");
  EXPECT_EQ(list.memory_bytes(), heap_bytes(4));
}

size_t used_heap() { return mallinfo2().uordblks; }

// AddressSanitizer's malloc does not count: then there is nothing to compare.
void expect_honest(const std::vector<List>& lists, size_t before) {
  const size_t used = used_heap() - before;
  if (used == 0) return;
  size_t claimed = 0;
  for (const List& list : lists) claimed += list.memory_bytes();
  // malloc cuts nothing off a piece that becomes smaller by 16 bytes.
  EXPECT_NEAR(static_cast<double>(claimed), static_cast<double>(used),
              0.15 * static_cast<double>(used) + 16. * static_cast<double>(lists.size()));
}

TEST(List, KnowsItsMemory) {
  for (const size_t length : {1, 5, 20, 300}) {
    for (const size_t count : {1, 3, 50, 2000}) {
      std::vector<List> lists(100'000 / count);
      const size_t before = used_heap();
      for (List& list : lists)
        for (size_t i = 0; i < count; ++i) list.push_back(std::string(length, 'x'));
      expect_honest(lists, before);
      for (List& list : lists)
        for (size_t i = 0; i < count / 2; ++i) list.pop_front();
      expect_honest(lists, before);
    }
  }
}

}  // namespace
}  // namespace powercut::engine
