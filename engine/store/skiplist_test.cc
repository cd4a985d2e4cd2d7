#include "engine/store/skiplist.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/store/slab_map.h"

namespace powercut::engine {
namespace {

using ScoredModel = std::set<std::pair<double, std::string>>;

std::string random_member() {
  return std::string(*rc::gen::element<size_t>(0, 1, 7, 30), 'm') +
         std::to_string(*rc::gen::inRange(0, 60));
}

// Everything that can be asked, against the slow answer.
void expect_equal(const Skiplist& list, const ScoredModel& model) {
  RC_ASSERT(list.size() == model.size());
  const std::vector<std::pair<double, std::string>> items(model.begin(), model.end());
  const Skiplist::Node* before = nullptr;
  for (size_t rank = 0; rank < items.size(); ++rank) {
    const Skiplist::Node* node = list.at(rank);
    RC_ASSERT(node->score() == items[rank].first && node->member() == items[rank].second);
    RC_ASSERT(node->previous() == before);
    RC_ASSERT((before == nullptr || before->next() == node));
    RC_ASSERT(list.rank(items[rank].first, items[rank].second) == rank);
    before = node;
  }
  RC_ASSERT((before == nullptr || before->next() == nullptr));
  for (double score = -1; score <= 9; score += 0.5) {
    const auto at = [&](auto end) {
      return static_cast<size_t>(std::distance(model.begin(), end));
    };
    RC_ASSERT(list.count_below(score, false) == at(model.lower_bound({score, ""})));
    RC_ASSERT(list.count_below(score, true) == at(model.lower_bound({score + 0.25, ""})));
    // Between the members, too: the rank that it would have.
    RC_ASSERT(list.rank(score, "mm") == at(model.lower_bound({score, "mm"})));
  }
}

// Equal contents have equal shapes: whatever was there before, nothing of it is counted.
size_t bytes_of_a_fresh_one(const ScoredModel& model) {
  Skiplist fresh;
  for (const auto& [score, member] : model) fresh.insert(score, member);
  return fresh.memory_bytes();
}
constexpr size_t kHeadBytes = 32 * 2 * sizeof(void*);  // more levels than there can be

RC_GTEST_PROP(SkiplistProperty, BehavesAsASortedVector, ()) {
  Skiplist list;
  ScoredModel model;
  for (int steps = *rc::gen::inRange(0, 150); steps > 0; --steps) {
    const std::string member = random_member();
    const auto there = std::find_if(model.begin(), model.end(),
                                    [&](const auto& item) { return item.second == member; });
    const double score = *rc::gen::inRange(0, 8);
    if (there == model.end()) {
      list.insert(score, member);
      model.emplace(score, member);
    } else if (*rc::gen::inRange(0, 3) == 0) {
      list.move(there->first, member, score);
      model.erase(there);
      model.emplace(score, member);
    } else {
      list.erase(there->first, member);
      model.erase(there);
    }
    const size_t fresh = bytes_of_a_fresh_one(model);
    RC_ASSERT(list.memory_bytes() + kHeadBytes >= fresh);
    RC_ASSERT(list.memory_bytes() <= fresh + kHeadBytes);
  }
  expect_equal(list, model);
  while (!model.empty()) {
    const auto item = *std::next(model.begin(), static_cast<long>(model.size() / 2));
    list.erase(item.first, item.second);
    model.erase(item);
  }
  RC_ASSERT(list.memory_bytes() <= kHeadBytes);
}

TEST(Skiplist, OneInFourRises) {
  Skiplist list;
  constexpr size_t kItems = 4096;
  for (size_t i = 0; i < kItems; ++i) list.insert(0, std::to_string(1000 + i));
  // A node takes 64 bytes of the heap, and 16 for each level it rises.
  EXPECT_GT(list.memory_bytes(), kItems * 68);
  EXPECT_LT(list.memory_bytes(), kItems * 71);
}

// Members chosen for it: of their hashes the lowest 40, 63 and 64 bits are 0.
TEST(Skiplist, NoMemberRisesAboveTheHighestLevel) {
  const std::string_view members[] = {"\xcd\x8e\x1f\x5a\xf1\x7b\xc2\x2b",
                                      "\x89\x36\x27\xa6\xaf\xc2\x04\x98",
                                      "\xcc\x59\x87\x74\xb4\x72\xb2\x71"};
  Skiplist low;
  low.insert(0, "abcdefgh");
  std::set<size_t> bytes;
  for (const std::string_view member : members) {
    Skiplist list;
    list.insert(0, member);
    bytes.insert(list.memory_bytes());
  }
  EXPECT_EQ(bytes.size(), 1u);
  EXPECT_GT(*bytes.begin(), low.memory_bytes() + 18 * 16);
  for (const std::string_view member : members) low.insert(0, member);
  EXPECT_EQ(low.rank(0, members[1]), 1u);
  for (const std::string_view member : members) low.erase(0, member);
  EXPECT_EQ(low.size(), 1u);
}

TEST(Skiplist, CountsByMemberWhereScoresAreEqual) {
  Skiplist list;
  for (const char* member : {"", "a", "b", "bb", "d"}) list.insert(3, member);
  EXPECT_EQ(list.count_below_lex("", false), 0u);
  EXPECT_EQ(list.count_below_lex("", true), 1u);
  EXPECT_EQ(list.count_below_lex("b", false), 2u);
  EXPECT_EQ(list.count_below_lex("b", true), 3u);
  EXPECT_EQ(list.count_below_lex("c", false), 4u);
  EXPECT_EQ(list.count_below_lex("c", true), 4u);
  EXPECT_EQ(list.count_below_lex("e", false), 5u);
}

TEST(Skiplist, MovesWithWhatItHolds) {
  Skiplist list;
  const size_t empty = list.memory_bytes();
  for (int i = 0; i < 100; ++i) list.insert(i, std::string(100, 'x'));
  const size_t full = list.memory_bytes();
  Skiplist moved(std::move(list));
  EXPECT_EQ(moved.size(), 100u);
  EXPECT_EQ(moved.memory_bytes(), full);
  EXPECT_EQ(list.size(), 0u);  // NOLINT: it is empty, and usable
  EXPECT_EQ(list.memory_bytes(), empty);
  list.insert(7, "one");
  moved = std::move(list);
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved.at(0)->member(), "one");
}

// AddressSanitizer's malloc does not count: then there is nothing to compare.
TEST(Skiplist, LeavesNothingBehind) {
  const auto churn = [] {
    Skiplist list;
    for (int i = 0; i < 100; ++i) list.insert(i, std::string(1000, 'x') + std::to_string(i));
    for (int i = 0; i < 50; ++i) list.erase(i, std::string(1000, 'x') + std::to_string(i));
  };
  churn();  // what is allocated once
  const size_t before = mallinfo2().uordblks;
  churn();
  EXPECT_LT(mallinfo2().uordblks, before + 10'000);
}

}  // namespace
}  // namespace powercut::engine
