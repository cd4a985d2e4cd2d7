// Which key goes, and what of it is remembered: engine/store/access.h.
#include "engine/store/eviction.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace powercut::engine {
namespace {

constexpr int64_t kDay = 86'400'000;

class Evicting : public ::testing::Test {
 protected:
  void set_policy(EvictionPolicy policy, size_t samples = 64) {
    keyspace.accesses().set_rules({.by_frequency = by_frequency(policy)},
                                  [this](uint64_t n) { return counts ? 0 : n - 1; });
    eviction.set_policy(policy, samples);
  }
  void at(int64_t unix_ms) { keyspace.set_now({unix_ms}); }
  void put(int db, std::string_view key, int64_t expire_at_ms = Object::kNoExpiry) {
    Object* object = keyspace.put(db, key, "value");
    if (expire_at_ms != Object::kNoExpiry) keyspace.set_expiry(db, key, object, expire_at_ms);
    keyspace.settle();
  }
  // "db key" of who goes next, and it goes; "" if nobody may.
  std::string next() {
    const auto victim = eviction.choose();
    if (!victim) return "";
    EXPECT_TRUE(keyspace.remove(victim->db, victim->key));
    keyspace.settle();
    return std::to_string(victim->db) + " " + victim->key;
  }

  Keyspace keyspace;
  uint64_t drawn = 0;
  bool draws_first = false;
  Eviction eviction{keyspace, [this](Site, uint64_t n) { return draws_first ? 0 : drawn++ % n; }};
  bool counts = true;
};

TEST_F(Evicting, NobodyGoesWithoutAPolicy) {
  put(0, "a");
  set_policy(EvictionPolicy::kNoEviction);
  EXPECT_EQ(next(), "");
}

TEST_F(Evicting, TheLongestUnusedGoesFirst) {
  set_policy(EvictionPolicy::kAllkeysLru);
  at(1000 * kDay);
  put(0, "a");
  at(1000 * kDay + 5'000);
  put(1, "b");
  at(1000 * kDay + 9'000);
  put(0, "c");
  at(1000 * kDay + 20'000);
  EXPECT_NE(keyspace.find(0, "a"), nullptr);  // a use
  EXPECT_NE(keyspace.look(1, "b"), nullptr);  // none
  EXPECT_EQ(keyspace.accesses().idle_s(keyspace.peek(1, "b")->access), 15);
  EXPECT_EQ(next(), "1 b");
  EXPECT_EQ(next(), "0 c");
  EXPECT_EQ(next(), "0 a");
  EXPECT_EQ(next(), "");
}

TEST_F(Evicting, TheSecondsMayComeRound) {
  set_policy(EvictionPolicy::kAllkeysLru);
  at(int64_t{Accesses::kMask} * 1000);
  put(0, "a");
  at(int64_t{Accesses::kMask} * 1000 + 3'000);
  put(0, "b");
  EXPECT_EQ(keyspace.accesses().idle_s(keyspace.peek(0, "a")->access), 3);
  EXPECT_EQ(next(), "0 a");
}

TEST_F(Evicting, TheLeastUsedGoesFirst) {
  set_policy(EvictionPolicy::kAllkeysLfu);
  at(1000 * kDay);
  for (const char* key : {"a", "b", "c"}) put(0, key);
  for (int i = 0; i < 3; ++i) keyspace.find(0, "a");
  keyspace.find(0, "c");
  EXPECT_EQ(keyspace.accesses().frequency(keyspace.peek(0, "a")->access), 8);
  EXPECT_EQ(next(), "0 b");
  EXPECT_EQ(next(), "0 c");
}

// Counted down, one a minute; and a use counts only as the draw says.
TEST_F(Evicting, WhatWasUsedOftenIsForgottenInTime) {
  set_policy(EvictionPolicy::kAllkeysLfu);
  at(1000 * kDay);
  put(0, "a");
  at(1000 * kDay + 3 * 60'000);
  EXPECT_EQ(keyspace.accesses().frequency(keyspace.peek(0, "a")->access), 2);
  at(1000 * kDay + 60 * 60'000);
  EXPECT_EQ(keyspace.accesses().frequency(keyspace.peek(0, "a")->access), 0);
  for (int i = 0; i < 6; ++i) keyspace.find(0, "a");  // up to there each counts
  EXPECT_EQ(keyspace.accesses().frequency(keyspace.peek(0, "a")->access), 6);
  counts = false;
  keyspace.find(0, "a");
  EXPECT_EQ(keyspace.accesses().frequency(keyspace.peek(0, "a")->access), 6);
}

TEST_F(Evicting, WhatDoesNotExpireStaysUnderAVolatilePolicy) {
  for (const auto policy : {EvictionPolicy::kVolatileLru, EvictionPolicy::kVolatileLfu,
                            EvictionPolicy::kVolatileRandom, EvictionPolicy::kVolatileTtl}) {
    set_policy(policy);
    at(1000 * kDay);
    put(0, "stays");
    put(0, "goes", 2000 * kDay);
    put(3, "goes", 2000 * kDay);
    const std::set<std::string> gone{next(), next()};
    EXPECT_EQ(gone, (std::set<std::string>{"0 goes", "3 goes"}));
    EXPECT_EQ(next(), "");
  }
}

TEST_F(Evicting, WhoExpiresSoonestGoesFirst) {
  set_policy(EvictionPolicy::kVolatileTtl);
  at(1000 * kDay);
  put(0, "late", 3000 * kDay);
  put(0, "soon", 2000 * kDay);
  put(0, "late", 4000 * kDay);  // leaves an entry in the queue that is no more
  put(0, "middle", 2500 * kDay);
  EXPECT_EQ(next(), "0 soon");
  EXPECT_EQ(next(), "0 middle");
  EXPECT_EQ(next(), "0 late");
}

// The pool remembers keys, and they may have gone meanwhile, or expire no more.
TEST_F(Evicting, WhoeverIsRememberedMustStillBeThere) {
  set_policy(EvictionPolicy::kVolatileTtl);
  at(1000 * kDay);
  for (const char* key : {"a", "b", "c", "d"}) put(0, key, (2000 + key[0]) * kDay);
  EXPECT_EQ(next(), "0 a");
  keyspace.remove(0, "b");
  keyspace.set_expiry(0, "c", keyspace.find_for_write(0, "c"), Object::kNoExpiry);
  keyspace.settle();
  EXPECT_EQ(next(), "0 d");
  EXPECT_EQ(next(), "");
}

// However often they were drawn.
TEST_F(Evicting, TheBestSixteenAreRemembered) {
  set_policy(EvictionPolicy::kAllkeysLru, 42);
  at(1000 * kDay);
  put(0, "fresh");
  for (int i = 0; i < 20; ++i) {
    at(1000 * kDay + i * 1'000);
    put(0, std::to_string(i));
  }
  at(1000 * kDay + 60'000);
  EXPECT_NE(keyspace.find(0, "fresh"), nullptr);
  EXPECT_EQ(next(), "0 0");
  draws_first = true;
  set_policy(EvictionPolicy::kAllkeysLru, 1);
  for (int i = 1; i < 16; ++i) EXPECT_EQ(next(), "0 " + std::to_string(i));
  EXPECT_EQ(next(), "0 fresh") << "of the others nobody knows any more";
}

TEST(Accesses, CountsGoDownAsTheRuleSays) {
  Accesses accesses;
  const auto after = [&](int64_t decay_minutes, int64_t minutes) {
    accesses.set_rules({.by_frequency = true, .decay_minutes = decay_minutes},
                       [](uint64_t) { return uint64_t{0}; });
    accesses.set_now(0);
    const uint32_t access = accesses.counted(100);
    accesses.set_now(minutes * 60'000);
    return accesses.frequency(access);
  };
  EXPECT_EQ(after(0, 5000), 100) << "lfu-decay-time 0: never";
  EXPECT_EQ(after(1, 30), 70);
  EXPECT_EQ(after(10, 30), 97);
  EXPECT_EQ(after(10, 29), 98);
}

// Morris's counter, above that of a new key.
TEST(Accesses, AUseCountsTheMoreSeldomTheMoreThereWere) {
  Accesses accesses;
  uint64_t one_in = 0;
  uint64_t drawn = 0;
  accesses.set_rules({.by_frequency = true, .log_factor = 10}, [&](uint64_t n) {
    one_in = n;
    return drawn;
  });
  accesses.set_now(0);
  for (const auto& [count, expected] :
       {std::pair<uint8_t, uint64_t>{0, 1}, {4, 1}, {5, 1}, {6, 11}, {7, 21}, {254, 2491}}) {
    EXPECT_EQ(accesses.frequency(accesses.used(accesses.counted(count))), count + 1);
    EXPECT_EQ(one_in, expected) << int{count};
  }
  EXPECT_EQ(accesses.frequency(accesses.used(accesses.counted(255))), 255) << "there are no more";
  drawn = 1;
  EXPECT_EQ(accesses.frequency(accesses.used(accesses.counted(6))), 6);
}

TEST_F(Evicting, AtRandomEachDatabaseHasItsTurn) {
  set_policy(EvictionPolicy::kAllkeysRandom);
  for (const char* key : {"a", "b"}) {
    put(0, key);
    put(5, key);
  }
  const std::string first = next();
  const std::string second = next();
  EXPECT_NE(first[0], second[0]);
}

}  // namespace
}  // namespace powercut::engine
