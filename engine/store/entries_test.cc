// Hashes, sets and sorted sets on both sides of the size where they are packed no longer.
#include "engine/store/entries.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
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

template <class Collection>
bool packed(const Collection& collection) {
  return collection.entries().packed();
}

TEST(Packed, LastsUpToSoManyEntries) {
  Set set;
  Hash hash;
  Zset zset;
  for (size_t i = 0; i < 128; ++i) {
    set.add(name(i));
    zset.set(name(i), static_cast<double>(i));
  }
  for (size_t i = 0; i < 512; ++i) hash.set(name(i), "value");
  EXPECT_TRUE(packed(set) && packed(hash) && packed(zset));
  // What is there already needs no room.
  EXPECT_FALSE(set.add(name(7)));
  EXPECT_FALSE(hash.set(name(7), "another"));
  EXPECT_FALSE(zset.set(name(7), 1000));
  EXPECT_TRUE(packed(set) && packed(hash) && packed(zset));
  EXPECT_EQ(zset.rank(name(7)), 127u);

  EXPECT_TRUE(set.add("one more"));
  EXPECT_TRUE(hash.set("one more", "value"));
  EXPECT_TRUE(zset.set("one more", -1));
  EXPECT_FALSE(packed(set) || packed(hash) || packed(zset));
  EXPECT_EQ(set.size(), 129u);
  EXPECT_EQ(hash.size(), 513u);
  EXPECT_EQ(*hash.find(name(7)), "another");
  EXPECT_EQ(zset.rank("one more"), 0u);
  EXPECT_EQ(zset.rank(name(7)), 128u);
}

TEST(Packed, LastsUpToSoManyBytesOfAString) {
  const std::string longest(64, 'x');
  Set set;
  Hash hash;
  Zset zset;
  set.add(longest);
  hash.set(longest, longest);
  zset.set(longest, 1);
  EXPECT_TRUE(packed(set) && packed(hash) && packed(zset));
  set.add(longest + "x");
  hash.set("field", longest + "x");
  zset.set(longest + "x", 2);
  EXPECT_FALSE(packed(set) || packed(hash) || packed(zset));
  EXPECT_TRUE(set.contains(longest) && set.contains(longest + "x"));
  EXPECT_EQ(*hash.find("field"), longest + "x");
  EXPECT_EQ(*hash.find(longest), longest);
  EXPECT_EQ(zset.rank(longest + "x"), 1u);
}

TEST(Packed, LastsAsLongAsTheLimitsSay) {
  const EncodingLimits few{2, 3, 2, 3, 20};
  Set set;
  Hash hash;
  Zset zset;
  for (size_t i = 0; i < 20; ++i) set.add(std::to_string(1000 + i), few);
  for (const char* text : {"1", "2"}) {
    hash.set(text, text, few);
    zset.set(text, 1, few);
  }
  EXPECT_TRUE(packed(set) && packed(hash) && packed(zset));
  EXPECT_EQ(set.memory_bytes(), heap_bytes(20 * 2));
  set.add("1020", few);
  EXPECT_EQ(set.memory_bytes(), heap_bytes(21 * 5));  // no numbers any more, but texts
  Hash longer = hash.clone();
  EXPECT_TRUE(packed(longer));
  longer.set("2", "four", few);
  EXPECT_FALSE(packed(longer));
  EXPECT_EQ(*longer.find("1"), "1");
  hash.set("3", "3", few);
  zset.set("3", 1, few);
  EXPECT_FALSE(packed(hash) || packed(zset));

  const EncodingLimits many{100'000, 100'000, 100'000, 100'000, 100'000};
  Hash large;
  Zset sorted;
  Set numbers;
  for (size_t i = 0; i < 3'000; ++i) {
    large.set(name(i), "value", many);
    sorted.set(name(i), 1e100, many);
    numbers.add(std::to_string(i), many);
  }
  EXPECT_TRUE(packed(large) && packed(sorted) && packed(numbers));
  EXPECT_EQ(large.entries().at(2'999).key, name(2'999));
  // In 64 KiB, and no more.
  for (size_t i = 3'000; i < 20'000; ++i) {
    large.set(name(i), "value", many);
    sorted.set(name(i), 1e100, many);
    numbers.add("1234567890" + std::to_string(i), many);
  }
  EXPECT_FALSE(packed(large) || packed(sorted) || packed(numbers));
  EXPECT_EQ(large.size(), 20'000u);
  EXPECT_EQ(sorted.size(), 20'000u);
  EXPECT_EQ(numbers.size(), 20'000u);
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
  for (int i = 0; i < 10; ++i) hash.set("field" + std::to_string(i), "value");
  EXPECT_EQ(hash.memory_bytes(), heap_bytes(10 * (1 + 6 + 1 + 5)));
  for (int i = 0; i < 10; ++i) hash.erase("field" + std::to_string(i));
  EXPECT_EQ(hash.memory_bytes(), 0u);
  Zset zset;
  for (int i = 0; i < 10; ++i) zset.set("member" + std::to_string(i), i);
  EXPECT_EQ(zset.memory_bytes(), heap_bytes(10 * (1 + 7 + 1)));
}

// A score is kept in as few bytes as it takes, and comes back as it was.
TEST(Packed, ScoresComeBack) {
  const double scores[] = {0,
                           1,
                           252,
                           253,
                           255,
                           256,
                           -1,
                           32'767,
                           32'768,
                           -32'768,
                           -32'769,
                           2147483647.,
                           2147483648.,
                           0.5,
                           -1e300,
                           2147483647.5,
                           -2147483648.,
                           -2147483649.,
                           1e-310,
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()};
  Zset zset;
  for (size_t i = 0; i < std::size(scores); ++i) zset.set(name(i), scores[i]);
  EXPECT_TRUE(packed(zset));
  for (size_t i = 0; i < std::size(scores); ++i) EXPECT_EQ(zset.score(name(i)), scores[i]);
  EXPECT_EQ(zset.at_rank(0).score, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(zset.at_rank(zset.size() - 1).score, std::numeric_limits<double>::infinity());
  zset.set("zero", -0.0);
  EXPECT_FALSE(std::signbit(*zset.score("zero")));
}

// --- Sets of numbers ---

TEST(Numbers, StandInOrderAndComeBackAsTheyWere) {
  Set set;
  for (const char* number :
       {"5", "-9223372036854775808", "0", "70000", "9223372036854775807", "-3"})
    EXPECT_TRUE(set.add(number));
  EXPECT_FALSE(set.add("70000"));
  EXPECT_EQ(keys_of(set), (std::vector<std::string>{"-9223372036854775808", "-3", "0", "5", "70000",
                                                    "9223372036854775807"}));
  EXPECT_TRUE(set.contains("-3"));
  // Not as a number is written, and so none of them.
  for (const char* other : {"05", "+5", " 5", "-0", "9223372036854775808", ""}) {
    EXPECT_FALSE(set.contains(other)) << other;
    EXPECT_FALSE(set.erase(other)) << other;
  }
  EXPECT_TRUE(set.erase("0"));
  EXPECT_FALSE(set.contains("0"));
  EXPECT_EQ(set.size(), 5u);
}

TEST(Numbers, TakeTheWidthOfTheWidest) {
  Set set;
  for (int i = 0; i < 100; ++i) set.add(std::to_string(1000 + i));
  EXPECT_EQ(set.memory_bytes(), heap_bytes(100 * 2));
  set.add("-40000");
  EXPECT_EQ(set.memory_bytes(), heap_bytes(101 * 4));
  set.add("5000000000");
  EXPECT_EQ(set.memory_bytes(), heap_bytes(102 * 8));
  EXPECT_EQ(set.entries().at(0).key, std::string_view("-40000"));
  EXPECT_EQ(set.entries().at(50).key, std::string_view("1049"));
  EXPECT_EQ(set.entries().at(101).key, std::string_view("5000000000"));
}

TEST(Numbers, BecomeTextsWithAnyOtherMember) {
  Set set;
  for (int i = 0; i < 512; ++i) set.add(std::to_string(i));
  EXPECT_EQ(set.memory_bytes(), heap_bytes(512 * 2));
  Set more = set.clone();
  EXPECT_TRUE(more.add("512"));
  EXPECT_FALSE(packed(more));
  EXPECT_EQ(more.size(), 513u);
  Set few;
  for (int i = 0; i < 30; ++i) few.add(std::to_string(1000 + i));
  EXPECT_TRUE(few.add("x"));
  EXPECT_TRUE(packed(few));
  EXPECT_EQ(few.memory_bytes(), heap_bytes(30 * 5 + 2));
  EXPECT_EQ(keys_of(few).front(), "1000");
  EXPECT_EQ(keys_of(few).back(), "x");
  for (const std::string& member : keys_of(few)) EXPECT_TRUE(few.erase(member));
  for (int i = 0; i < 30; ++i) few.add(std::to_string(1000 + i));  // of an empty set, again
  EXPECT_EQ(few.memory_bytes(), heap_bytes(30 * 2));
  for (const std::string& member : keys_of(few)) EXPECT_TRUE(few.erase(member));
  EXPECT_TRUE(few.add("y"));
  EXPECT_FALSE(few.contains("1000"));
}

RC_GTEST_PROP(NumbersProperty, AreASetWhateverComes, ()) {
  const auto drawn = [] {
    switch (*rc::gen::inRange(0, 12)) {
      case 0:
        return *rc::gen::element<std::string>("x", "", "007", "-0");
      case 1:
        return std::to_string(*rc::gen::arbitrary<int64_t>());
      default:
        return std::to_string(*rc::gen::inRange(-40, 40) * *rc::gen::element(1, 1'000, 100'000));
    }
  };
  const EncodingLimits limits{512, 64, 128, 64, *rc::gen::element<uint64_t>(0, 5, 512)};
  Set set;
  std::set<std::string> model;
  for (int steps = *rc::gen::inRange(0, 80); steps > 0; --steps) {
    const std::string member = drawn();
    if (*rc::gen::inRange(0, 3) > 0) {
      RC_ASSERT(set.add(member, limits) == model.insert(member).second);
    } else {
      RC_ASSERT(set.erase(member) == (model.erase(member) == 1));
    }
    RC_ASSERT(set.size() == model.size());
  }
  for (const std::string& member : model) RC_ASSERT(set.contains(member));
  const auto keys = keys_of(set);
  RC_ASSERT(std::set<std::string>(keys.begin(), keys.end()) == model);
  const Set copy = set.clone();
  RC_ASSERT(keys_of(copy) == keys);
  RC_ASSERT(copy.memory_bytes() == set.memory_bytes() || !packed(set));
}

// Few names, so that entries meet, some of them too long to be packed.
std::string drawn_text() {
  const int n = *rc::gen::inRange(0, 200);
  return n < 195 ? name(static_cast<size_t>(n))
                 : std::string(60 + static_cast<size_t>(n) % 10, 'y');
}

RC_GTEST_PROP(PackedProperty, IsAMapOnBothSidesOfTheEdge, ()) {
  Hash hash;
  std::map<std::string, std::string> model;
  const EncodingLimits limits{*rc::gen::element<uint64_t>(20, 100, 512), 64};
  for (int steps = *rc::gen::inRange(0, 400); steps > 0; --steps) {
    const std::string field = drawn_text();
    if (*rc::gen::inRange(0, 4) > 0) {
      const std::string value = drawn_text();
      RC_ASSERT(hash.set(field, value, limits) == model.insert_or_assign(field, value).second);
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
