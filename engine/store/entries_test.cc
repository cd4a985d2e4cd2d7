// Hashes, sets and sorted sets on both sides of the size where they are packed no longer.
#include "engine/store/entries.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "engine/store/value.h"
#include "engine/store/zset.h"

namespace powercut::engine {
namespace {

std::string name(size_t i) { return "member " + std::to_string(i); }

template <class Collection>
std::vector<std::string> keys_of(const Collection& collection) {
  std::vector<std::string> keys;
  const auto& entries = collection.entries();
  for (size_t i = 0; i < entries.size(); ++i) keys.emplace_back(entries.at(i).key);
  return keys;
}

TEST(Packed, LastsUpToSoManyEntries) {
  Set set;
  Hash hash;
  Zset zset;
  for (size_t i = 0; i < kMostPacked; ++i) {
    set.add(name(i));
    hash.set(name(i), "value");
    zset.set(name(i), static_cast<double>(i));
  }
  EXPECT_TRUE(set.entries().packed() && hash.entries().packed() && zset.entries().packed());
  // What is there already needs no room.
  EXPECT_FALSE(set.add(name(7)));
  EXPECT_FALSE(hash.set(name(7), "another"));
  EXPECT_FALSE(zset.set(name(7), 1000));
  EXPECT_TRUE(set.entries().packed() && hash.entries().packed() && zset.entries().packed());
  EXPECT_EQ(zset.rank(name(7)), kMostPacked - 1);

  EXPECT_TRUE(set.add("one more"));
  EXPECT_TRUE(hash.set("one more", "value"));
  EXPECT_TRUE(zset.set("one more", -1));
  EXPECT_FALSE(set.entries().packed() || hash.entries().packed() || zset.entries().packed());
  EXPECT_EQ(set.size(), kMostPacked + 1);
  EXPECT_EQ(*hash.find(name(7)), "another");
  EXPECT_EQ(zset.rank("one more"), 0u);
  EXPECT_EQ(zset.rank(name(7)), kMostPacked);
}

TEST(Packed, LastsUpToSoManyBytesOfAString) {
  const std::string longest(kLongestPacked, 'x');
  Set set;
  Hash hash;
  Zset zset;
  set.add(longest);
  hash.set(longest, longest);
  zset.set(longest, 1);
  EXPECT_TRUE(set.entries().packed() && hash.entries().packed() && zset.entries().packed());
  set.add(longest + "x");
  hash.set("field", longest + "x");
  zset.set(longest + "x", 2);
  EXPECT_FALSE(set.entries().packed() || hash.entries().packed() || zset.entries().packed());
  EXPECT_TRUE(set.contains(longest) && set.contains(longest + "x"));
  EXPECT_EQ(*hash.find("field"), longest + "x");
  EXPECT_EQ(*hash.find(longest), longest);
  EXPECT_EQ(zset.rank(longest + "x"), 1u);
}

// The place of the last look is remembered, and must be forgotten.
TEST(Packed, PositionsHoldBehindEveryChange) {
  Hash hash;
  for (const char* field : {"a", "b", "c", "d"}) hash.set(field, "1");
  EXPECT_EQ(hash.entries().at(3).key, "d");
  hash.set("a", "longer");
  EXPECT_EQ(hash.entries().at(3).key, "d");
  EXPECT_EQ(hash.entries().at(0).value, "longer");
  hash.erase("b");
  EXPECT_EQ(hash.entries().at(2).key, "d");
  EXPECT_EQ(keys_of(hash), (std::vector<std::string>{"a", "c", "d"}));
  Zset zset;
  for (const char* member : {"a", "b", "c"}) zset.set(member, member[0]);
  EXPECT_EQ(zset.at_rank(2).member, "c");
  zset.set("c", 0);
  EXPECT_EQ(zset.at_rank(2).member, "b");
  EXPECT_EQ(zset.at_rank(0).member, "c");
}

TEST(Packed, TakesItsBytesAndNoMore) {
  Hash hash;
  const size_t own = heap_bytes(sizeof(Hash));
  for (int i = 0; i < 10; ++i) hash.set("field" + std::to_string(i), "value");
  EXPECT_EQ(hash.memory_bytes(), own + heap_bytes(10 * (1 + 6 + 1 + 5)));
  for (int i = 0; i < 10; ++i) hash.erase("field" + std::to_string(i));
  EXPECT_EQ(hash.memory_bytes(), own);
}

// Few names, so that entries meet, some of them too long to be packed.
std::string drawn_text() {
  const int n = *rc::gen::inRange(0, 200);
  return n < 190 ? name(static_cast<size_t>(n)) : std::string(60 + n % 10, 'y');
}

RC_GTEST_PROP(PackedProperty, IsAMapOnBothSidesOfTheEdge, ()) {
  Hash hash;
  std::map<std::string, std::string> model;
  for (int steps = *rc::gen::inRange(0, 400); steps > 0; --steps) {
    const std::string field = drawn_text();
    if (*rc::gen::inRange(0, 4) > 0) {
      const std::string value = drawn_text();
      RC_ASSERT(hash.set(field, value) == model.insert_or_assign(field, value).second);
    } else {
      RC_ASSERT(hash.erase(field) == (model.erase(field) == 1));
    }
    RC_ASSERT(hash.size() == model.size());
  }
  std::map<std::string, std::string> walked;
  for (size_t i = 0; i < hash.size(); ++i) {
    const auto entry = hash.entries().at(i);
    walked.emplace(entry.key, entry.value);
  }
  RC_ASSERT(walked == model);
}

RC_GTEST_PROP(PackedProperty, IsOrderedOnBothSidesOfTheEdge, ()) {
  Zset zset;
  std::map<std::string, double> model;
  for (int steps = *rc::gen::inRange(0, 300); steps > 0; --steps) {
    const std::string member = drawn_text();
    if (*rc::gen::inRange(0, 4) > 0) {
      const double score = *rc::gen::inRange(-5, 5);
      RC_ASSERT(zset.set(member, score) == model.insert_or_assign(member, score).second);
    } else {
      RC_ASSERT(zset.erase(member) == (model.erase(member) == 1));
    }
  }
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [member, score] : model) order.emplace_back(score, member);
  std::sort(order.begin(), order.end());
  RC_ASSERT(zset.size() == order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    RC_ASSERT(zset.at_rank(i).member == order[i].second);
    RC_ASSERT(zset.rank(order[i].second) == i);
    RC_ASSERT(zset.score(order[i].second) == order[i].first);
  }
  const double pivot = *rc::gen::inRange(-6, 6);
  for (const bool or_equal : {false, true}) {
    size_t below = 0;
    for (const auto& [score, member] : order)
      below += score < pivot || (or_equal && score == pivot) ? 1 : 0;
    RC_ASSERT(zset.count_below(pivot, or_equal) == below);
  }
}

}  // namespace
}  // namespace powercut::engine
