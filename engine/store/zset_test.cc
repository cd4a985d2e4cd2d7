#include "engine/store/zset.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace powercut::engine {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Items = std::vector<std::pair<double, std::string>>;

Items items_of(const Zset& zset, size_t first, size_t last, bool reverse) {
  Items items;
  zset.for_ranks(first, last, reverse, [&](Zset::Item item) {
    items.emplace_back(item.score, item.member);
    return true;
  });
  return items;
}

// What a Zset is, slowly.
struct ZsetModel {
  std::map<std::string, double> scores;
  std::set<std::pair<double, std::string>> order;

  bool set(const std::string& member, double score) {
    const auto [at, is_new] = scores.try_emplace(member, score);
    if (!is_new) order.erase({at->second, member});
    at->second = score;
    order.emplace(score, member);
    return is_new;
  }
  bool erase(const std::string& member) {
    const auto at = scores.find(member);
    if (at == scores.end()) return false;
    order.erase({at->second, member});
    scores.erase(at);
    return true;
  }
};

void check_equal(const Zset& zset, const ZsetModel& model) {
  RC_ASSERT(zset.size() == model.scores.size());
  if (zset.size() == 0) return;
  const Items expected(model.order.begin(), model.order.end());
  RC_ASSERT(items_of(zset, 0, zset.size() - 1, false) == expected);
  RC_ASSERT(items_of(zset, 0, zset.size() - 1, true) == Items(expected.rbegin(), expected.rend()));
  for (size_t rank = 0; rank < expected.size(); ++rank) {
    const auto& [score, member] = expected[rank];
    RC_ASSERT(zset.rank(member) == rank);
    RC_ASSERT(zset.score(member) == score);
    RC_ASSERT(zset.at_rank(rank).member == member);
  }
}

size_t count_if(const ZsetModel& model, auto&& passes) {
  size_t count = 0;
  for (const auto& item : model.order) count += passes(item) ? 1 : 0;
  return count;
}

rc::Gen<double> some_score() {
  return rc::gen::map(rc::gen::inRange(-4, 5), [](int n) {
    return n == -4 ? -kInfinity : n == 4 ? kInfinity : n / 2.0;
  });
}

RC_GTEST_PROP(ZsetProperty, BehavesAsTheModel, ()) {
  Zset zset;
  ZsetModel model;
  const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, double>>>(
      rc::gen::tuple(rc::gen::inRange(0, 5), rc::gen::inRange(0, 40), some_score()));
  for (const auto& [what, n, score] : steps) {
    const std::string member = std::string(static_cast<size_t>(n % 3) * 9, 'm') + std::to_string(n);
    if (what < 3) {
      RC_ASSERT(zset.set(member, score) == model.set(member, score));
    } else {
      RC_ASSERT(zset.erase(member) == model.erase(member));
    }
    for (const bool or_equal : {false, true}) {
      RC_ASSERT(zset.count_below(score, or_equal) == count_if(model, [&](const auto& item) {
                  return or_equal ? item.first <= score : item.first < score;
                }));
    }
  }
  check_equal(zset, model);
}

RC_GTEST_PROP(ZsetProperty, RanksOfManyMembersSurviveMovesAndErasures, (uint64_t seed)) {
  Zset zset;
  ZsetModel model;
  const auto next = [&] {
    return seed = seed * 6364136223846793005u + 1442695040888963407u, seed >> 40;
  };
  for (int i = 0; i < 1500; ++i) {
    const std::string member = std::to_string(next() % 600);
    if (next() % 3 == 0) {
      zset.erase(member);
      model.erase(member);
    } else {
      const auto score = static_cast<double>(next() % 100);
      zset.set(member, score);
      model.set(member, score);
    }
  }
  check_equal(zset, model);
}

RC_GTEST_PROP(ZsetProperty, RangesByMember,
              (const std::set<std::string>& members, std::string bound)) {
  Zset zset;
  for (const auto& member : members) zset.set(member, 0);
  const auto at = [&](auto it) { return static_cast<size_t>(std::distance(members.begin(), it)); };
  RC_ASSERT(zset.count_below_lex(bound, false) == at(members.lower_bound(bound)));
  RC_ASSERT(zset.count_below_lex(bound, true) == at(members.upper_bound(bound)));
}

RC_GTEST_PROP(ZsetProperty, PartsAreThePartsOfTheWhole, (const std::set<std::string>& members)) {
  RC_PRE(!members.empty());
  Zset zset;
  for (const auto& member : members) zset.set(member, static_cast<double>(member.size()));
  const Items all = items_of(zset, 0, zset.size() - 1, false);
  const size_t first = *rc::gen::inRange<size_t>(0, all.size());
  const size_t last = *rc::gen::inRange<size_t>(first, all.size());
  const Items part(all.begin() + static_cast<long>(first),
                   all.begin() + static_cast<long>(last) + 1);
  RC_ASSERT(items_of(zset, first, last, false) == part);
  RC_ASSERT(items_of(zset, first, last, true) == Items(part.rbegin(), part.rend()));
}

TEST(Zset, StopsWhenToldTo) {
  Zset zset;
  for (int i = 0; i < 10; ++i) zset.set(std::to_string(i), i);
  int seen = 0;
  zset.for_ranks(2, 9, false, [&](Zset::Item) { return ++seen < 3; });
  EXPECT_EQ(seen, 3);
}

TEST(Zset, OrdersBytesAsUnsigned) {
  Zset zset;
  const std::string zero("a\0b", 3);
  for (const std::string& member : {std::string("\xff"), std::string("a"), zero, std::string()}) {
    zset.set(member, 1);
  }
  EXPECT_EQ(items_of(zset, 0, 3, false), (Items{{1, ""}, {1, "a"}, {1, zero}, {1, "\xff"}}));
}

TEST(Zset, ZeroHasNoSign) {
  Zset zset;
  zset.set("a", 0.0);
  zset.set("b", -0.0);
  EXPECT_FALSE(zset.set("a", -0.0));
  EXPECT_FALSE(std::signbit(*zset.score("a")));
  EXPECT_FALSE(std::signbit(*zset.score("b")));
  EXPECT_FALSE(std::signbit(zset.at_rank(1).score));
  EXPECT_EQ(zset.count_below(0.0, false), 0u);
  EXPECT_EQ(zset.count_below(-0.0, true), 2u);
  EXPECT_TRUE(zset.erase("a"));
  EXPECT_TRUE(zset.erase("b"));
}

TEST(Zset, KnowsNothingOfWhatIsNotThere) {
  Zset zset;
  EXPECT_EQ(zset.rank("a"), std::nullopt);
  zset.set("b", 1);
  EXPECT_EQ(zset.rank("a"), std::nullopt);
  EXPECT_EQ(zset.score("a"), std::nullopt);
  EXPECT_FALSE(zset.erase("a"));
  EXPECT_EQ(zset.rank("b"), 0u);
}

// What is freed is overwritten meanwhile: the member must be read before its node goes.
TEST(Zset, ErasesByAViewBeforeItIsGone) {
  mallopt(M_PERTURB, 0xa5);
  Zset zset;
  for (int i = 0; i < 10; ++i) zset.set(std::string(3000, 'm') + std::to_string(i), i);
  while (zset.size() > 0) ASSERT_TRUE(zset.erase(zset.at_rank(zset.size() / 2).member));
  mallopt(M_PERTURB, 0);
  EXPECT_EQ(zset.entries().size(), 0u);
}

TEST(Zset, ErasesByAViewOfItsOwn) {
  Zset zset;
  for (int i = 0; i < 100; ++i) zset.set("a member with some length " + std::to_string(i), i);
  while (zset.size() > 0) EXPECT_TRUE(zset.erase(zset.at_rank(zset.size() / 2).member));
  EXPECT_EQ(zset.memory_bytes(), [] {
    Zset other;
    for (int i = 0; i < 100; ++i) other.set("a member with some length " + std::to_string(i), i);
    while (other.size() > 0) other.erase(other.at_rank(0).member);
    return other.memory_bytes();
  }());
}

TEST(Zset, MemoryCountsMembersAndMovesWithTheSet) {
  Zset zset;
  const size_t empty = zset.memory_bytes();
  zset.set(std::string(1000, 'x'), 1);
  EXPECT_GT(zset.memory_bytes(), empty + 1000);
  EXPECT_LT(zset.memory_bytes(), empty + 2000);  // it stands in its node alone
  Zset moved = std::move(zset);
  EXPECT_GT(moved.memory_bytes(), empty + 1000);
  EXPECT_EQ(moved.size(), 1u);
  moved = Zset();
  EXPECT_EQ(moved.size(), 0u);
}

}  // namespace
}  // namespace powercut::engine
