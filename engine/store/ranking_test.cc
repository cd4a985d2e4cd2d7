#include "engine/store/ranking.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace powercut::engine {
namespace {

using Scored = std::pair<double, std::string>;
using ScoredModel = std::set<Scored>;

constexpr double kBeyond = std::numeric_limits<double>::infinity();
constexpr double kScores[] = {-kBeyond, -1e300, -2.5, 0, 1, 7, 1e300, kBeyond};

// All that can be asked of one item, against the slow answer.
void expect_in_order(const Ranking& list, const ScoredModel& model) {
  RC_ASSERT(list.size() == model.size());
  if (model.empty()) return;
  Ranking::Cursor at = list.at(0);
  size_t rank = 0;
  for (const auto& [score, member] : model) {
    RC_ASSERT(at.valid());
    RC_ASSERT((*at).score() == score && (*at).member() == member);
    RC_ASSERT(list.rank(score, member) == rank);
    RC_ASSERT(&*list.at(rank) == &*at);
    at.next();
    ++rank;
  }
  RC_ASSERT(!at.valid());
  at = list.at(model.size() - 1);
  for (auto item = model.rbegin(); item != model.rend(); ++item, at.previous())
    RC_ASSERT(at.valid() && (*at).member() == item->second);
  RC_ASSERT(!at.valid());
}

void expect_counts(const Ranking& list, const ScoredModel& model) {
  const std::vector<Scored> items(model.begin(), model.end());
  const auto below = [&](auto place, auto is_before) {
    return static_cast<size_t>(std::lower_bound(items.begin(), items.end(), place, is_before) -
                               items.begin());
  };
  for (const double known : kScores) {
    for (const double score :
         {std::nextafter(known, -kBeyond), known, std::nextafter(known, kBeyond)}) {
      RC_ASSERT(list.count_below(score, false) ==
                below(score, [](const Scored& a, double b) { return a.first < b; }));
      RC_ASSERT(list.count_below(score, true) ==
                below(score, [](const Scored& a, double b) { return a.first <= b; }));
      // Between the members, too: the rank that it would have.
      RC_ASSERT(list.rank(score, "mm") == below(Scored(score, "mm"), std::less<>()));
    }
  }
}

// A ranking beside the model of it.
class Pair {
 public:
  explicit Pair(uint64_t seed, size_t members) : chance_(seed), members_(members) {}

  void step(bool put_rather) {
    const std::string member = std::string(draw(2) * 30, 'm') + std::to_string(draw(members_));
    const double score =
        draw(3) == 0 ? kScores[draw(std::size(kScores))] : static_cast<double>(draw(members_));
    const auto there = scores_.find(member);
    if (there == scores_.end()) {
      if (put_rather || draw(4) == 0) put(score, member);
    } else if (put_rather || draw(4) == 0) {
      list.move(there->second, member, score);
      model.erase({there->second, member});
      model.emplace(score, member);
      there->second = score;
    } else {
      take(there->second, member);
    }
  }
  void put(double score, const std::string& member) {
    const Ranking::Item& item = list.insert(score, member);
    RC_ASSERT(item.score() == score && item.member() == member);
    model.emplace(score, member);
    scores_.emplace(member, score);
  }
  void take(double score, const std::string& member) {
    list.erase(score, member);
    model.erase({score, member});
    scores_.erase(member);
  }
  size_t draw(size_t below) { return chance_.next() % below; }

  Ranking list;
  ScoredModel model;

 private:
  rc::Random chance_;
  size_t members_;
  std::map<std::string, double> scores_;
};

RC_GTEST_PROP(RankingProperty, BehavesAsASortedVector, ()) {
  Pair pair(*rc::gen::arbitrary<uint64_t>(), *rc::gen::element<size_t>(4, 40, 300, 4000));
  for (int turns = *rc::gen::inRange(1, 5); turns > 0; --turns) {
    const bool put_rather = *rc::gen::arbitrary<bool>();
    for (int steps = *rc::gen::element(10, 200, 3000); steps > 0; --steps) pair.step(put_rather);
    expect_in_order(pair.list, pair.model);
    expect_counts(pair.list, pair.model);
  }
  while (!pair.model.empty()) {
    const Ranking::Item& item = *pair.list.at(pair.draw(pair.model.size()));
    pair.take(item.score(), std::string(item.member()));
  }
  RC_ASSERT(pair.list.memory_bytes() == 0);
}

// Four heights of nodes, filled from one end and emptied from one, or from the middle.
TEST(Ranking, OfTwentyThousandAsOfFew) {
  constexpr int kItems = 20'000;
  enum class From { kFirst, kMiddle, kLast };
  for (const bool ascending : {true, false}) {
    for (const From from : {From::kFirst, From::kMiddle, From::kLast}) {
      Pair pair(1, kItems);
      for (int i = 0; i < kItems; ++i) pair.put(ascending ? i : kItems - i, std::to_string(i));
      expect_in_order(pair.list, pair.model);
      while (pair.model.size() > 100) {
        const size_t last = pair.model.size() - 1;
        const Ranking::Item& item = *pair.list.at(from == From::kFirst    ? 0
                                                  : from == From::kMiddle ? last / 2
                                                                          : last);
        pair.take(item.score(), std::string(item.member()));
      }
      expect_in_order(pair.list, pair.model);
      expect_counts(pair.list, pair.model);
    }
  }
}

// One more than fills the nodes: it has a leaf of its own, in a node that has no other, at each height.
TEST(Ranking, TheOneBehindAFullNodeLeavesNothing) {
  for (const int full : {32, 32 * 32, 32 * 32 * 32}) {
    Pair pair(1, static_cast<size_t>(full) + 2);
    for (int i = 0; i <= full; ++i) pair.put(i, std::to_string(i));
    const size_t with = pair.list.memory_bytes();
    for (const int again : {1, 2}) {
      pair.take(full, std::to_string(full));
      EXPECT_EQ(pair.list.size(), static_cast<size_t>(full));
      EXPECT_LT(pair.list.memory_bytes(), with) << full;
      pair.put(full, std::to_string(full));
      EXPECT_LE(pair.list.memory_bytes(), with) << full << ", " << again;
    }
    expect_in_order(pair.list, pair.model);
    for (int i = full; i >= 0; --i) pair.take(i, std::to_string(i));
    EXPECT_EQ(pair.list.memory_bytes(), 0u) << full;
  }
}

// As many as come in order lie dense, whatever a leaf does that is full.
TEST(Ranking, ThoseThatComeInOrderLieDense) {
  Ranking in_order;
  Ranking mixed;
  constexpr int kItems = 32 * 1024;
  for (int i = 0; i < kItems; ++i) {
    in_order.insert(i, "x");
    mixed.insert((i * 7919) % kItems, "x");
  }
  // 32 bytes of an item, 16 of its place, 1 of the nodes above.
  EXPECT_LT(in_order.memory_bytes(), kItems * 51u);
  EXPECT_GT(in_order.memory_bytes(), kItems * 48u);
  EXPECT_LT(mixed.memory_bytes(), kItems * 64u);
}

TEST(Ranking, CountsByMemberWhereScoresAreEqual) {
  Ranking list;
  for (const char* member : {"", "a", "b", "bb", "d"}) list.insert(3, member);
  EXPECT_EQ(list.count_below_lex("", false), 0u);
  EXPECT_EQ(list.count_below_lex("", true), 1u);
  EXPECT_EQ(list.count_below_lex("b", false), 2u);
  EXPECT_EQ(list.count_below_lex("b", true), 3u);
  EXPECT_EQ(list.count_below_lex("c", false), 4u);
  EXPECT_EQ(list.count_below_lex("c", true), 4u);
  EXPECT_EQ(list.count_below_lex("e", false), 5u);
}

TEST(Ranking, MovesWithWhatItHolds) {
  Ranking list;
  const size_t empty = list.memory_bytes();
  for (int i = 0; i < 100; ++i) list.insert(i, std::string(100, 'x'));
  const size_t full = list.memory_bytes();
  Ranking moved(std::move(list));
  EXPECT_EQ(moved.size(), 100u);
  EXPECT_EQ(moved.memory_bytes(), full);
  EXPECT_EQ(list.size(), 0u);  // NOLINT: it is empty, and usable
  EXPECT_EQ(list.memory_bytes(), empty);
  list.insert(7, "one");
  moved = std::move(list);
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ((*moved.at(0)).member(), "one");
}

// AddressSanitizer's malloc does not count: then there is nothing to compare.
TEST(Ranking, LeavesNothingBehind) {
  const auto churn = [] {
    Ranking list;
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
