// A Tier with a warm tier before the cold one: what goes where, what comes back at once, what moves on, and other sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/tier/tier.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;

class TierWarmTest : public ::testing::Test {
 protected:
  TierWarmTest() {
    EXPECT_TRUE(folder.settle().ok());
    EXPECT_TRUE(tier.set_warm_bytes(kWarm).ok());
    os.spawn("tier", [this] { tier.run(); });
    os.rest(Duration{0});
  }
  ~TierWarmTest() override {
    tier.stop();
    os.breaks = nullptr;
    os.rest(seconds(100));
    EXPECT_FALSE(os.any_task());
    os.destroy_tasks();
  }

  void put(const std::string& key, const std::string& value) {
    keyspace.put(0, key, value);
    keyspace.settle();
    tier.look();
    os.rest(milliseconds(1));
  }
  void fill(int from, int to) {
    for (int i = from; i < to; ++i) put(key_of(i), value_of(i));
  }
  static std::string key_of(int i) { return "k" + std::to_string(i); }
  static std::string value_of(int i) { return std::to_string(i) + std::string(190, 'v'); }
  const Away* away(const std::string& key) const {
    const Object* object = keyspace.peek(0, key);
    return object == nullptr ? nullptr : object->value.away();
  }
  bool warm(int i) const { return away(key_of(i)) != nullptr && away(key_of(i))->warm(); }
  bool cold(int i) const { return away(key_of(i)) != nullptr && !away(key_of(i))->warm(); }
  Result<void> bring(const std::string& key) {
    const std::vector<std::pair<int, std::string>> keys{{0, key}};
    return tier.bring_back(keys);
  }
  std::string text_of(const std::string& key) {
    return std::string(std::string_view(*keyspace.peek(0, key)->value.string()));
  }
  void all_have_what_they_must(int count) {
    for (int i = 0; i < count; ++i) {
      const auto brought = bring(key_of(i));
      ASSERT_TRUE(brought.ok()) << brought.error().message;
      EXPECT_EQ(text_of(key_of(i)), value_of(i));
      os.rest(milliseconds(10));
    }
  }

  static constexpr uint64_t kWarm = 8'000;
  MemoryOs os;
  Keyspace keyspace;
  ColdFolder folder{os, "cold"};
  Tier tier{os,
            keyspace,
            folder,
            {.path = "cold", .hot_bytes = 1'000},
            {.segment_bytes = 1'000, .least_bytes = 0, .warm_regions = 8}};
};

TEST_F(TierWarmTest, WhatLeavesGoesThereFirstAndComesBackAtOnce) {
  fill(0, 20);
  EXPECT_GT(tier.warm_values(), 10u);
  EXPECT_EQ(folder.count(), 0u) << "nothing is written to the disk";
  for (int i = 0; i < 20; ++i) {
    if (!warm(i)) continue;
    ASSERT_TRUE(bring(key_of(i)).ok());  // outside of every task, so nothing waited
    EXPECT_EQ(text_of(key_of(i)), value_of(i));
  }
  EXPECT_EQ(tier.stats().warm_came, tier.stats().warm_left);
  EXPECT_EQ(tier.warm_values(), 0u);
}

TEST_F(TierWarmTest, WhatFallsOutOfItIsTheOldestAndGoesToTheColdTier) {
  fill(0, 100);
  EXPECT_GT(folder.count(), 0u);
  EXPECT_LE(tier.warm_used(), kWarm);
  EXPECT_GT(tier.warm_used(), kWarm / 2);
  EXPECT_EQ(tier.stats().warm_moved_on, tier.stats().left);
  uint64_t youngest_cold = 0;
  for (int i = 0; i < 100; ++i)
    if (cold(i)) youngest_cold = static_cast<uint64_t>(i);
  EXPECT_LT(youngest_cold, 80u);
  all_have_what_they_must(100);
}

TEST_F(TierWarmTest, WhatIsReadDoesNotFallOut) {
  for (int i = 0; i < 100; ++i) {
    put(key_of(i), value_of(i));
    if (i > 10) {
      ASSERT_TRUE(bring(key_of(3)).ok());
      keyspace.find(0, key_of(3));
    }
  }
  EXPECT_FALSE(cold(3));
}

TEST_F(TierWarmTest, ALongValueLeavesForTheColdTier) {
  put("long", std::string(5'000, 'l'));
  os.rest(seconds(1));
  ASSERT_NE(away("long"), nullptr);
  EXPECT_FALSE(away("long")->warm());
}

TEST_F(TierWarmTest, ChangedAndRemovedWhileARegionMovesOn) {
  std::string at;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (!call.starts_with("sync cold/") || at == "done") return std::nullopt;
    at = "done";
    for (int i = 0; i < 100; ++i) {  // the segment is written, and not sealed yet
      if (!warm(i)) continue;
      if (i % 3 == 0) keyspace.remove(0, key_of(i));
      if (i % 3 == 1) keyspace.put(0, key_of(i), std::string("new"));
      keyspace.settle();
    }
    return std::nullopt;
  };
  fill(0, 60);
  EXPECT_EQ(at, "done");
  for (int i = 0; i < 30; ++i) {
    const Object* object = keyspace.peek(0, key_of(i));
    if (object == nullptr) continue;
    ASSERT_TRUE(bring(key_of(i)).ok());
    const std::string text = text_of(key_of(i));
    EXPECT_TRUE(text == value_of(i) || text == "new") << text;
    if (text == "new") {
      EXPECT_EQ(i % 3, 1);
    }
  }
}

TEST_F(TierWarmTest, AValueOfAKeyThatWasRenamedMovesOnToo) {
  fill(0, 10);
  int i = 0;
  while (!warm(i)) ++i;
  Object taken = keyspace.take(0, key_of(i));
  keyspace.put(0, "renamed", std::move(taken.value));
  keyspace.settle();
  fill(10, 200);
  ASSERT_TRUE(bring("renamed").ok());
  EXPECT_EQ(text_of("renamed"), value_of(i));
  fill(200, 400);
  EXPECT_EQ(tier.stats().failures, 0u);
  EXPECT_LE(keyspace.value_bytes(), 1'200u) << "the file did not fill up for good";
}

TEST_F(TierWarmTest, ADiskThatTakesNoSegmentLeavesAllWhereItIs) {
  os.breaks = [](const std::string& call) {
    return call.starts_with("write cold/") ? std::optional(Errc::kNoSpace) : std::nullopt;
  };
  fill(0, 100);
  EXPECT_GT(tier.stats().failures, 0u);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(cold(i));
  os.breaks = nullptr;
  os.rest(seconds(20));
  EXPECT_LE(keyspace.value_bytes(), 1'200u);
  all_have_what_they_must(100);
}

TEST_F(TierWarmTest, AFailureOfTheFileLeavesValuesInMemory) {
  os.fail_on("write scratch");
  fill(0, 10);
  EXPECT_EQ(tier.warm_values(), 0u);
  EXPECT_GT(tier.stats().warm_failures, 0u);
  os.breaks = nullptr;
  os.rest(seconds(1));
  EXPECT_GT(tier.warm_values(), 0u);
  os.rots = true;
  for (int i = 0; i < 10; ++i) {
    if (!warm(i)) continue;
    EXPECT_THAT(bring(key_of(i)).error().message, HasSubstr("the value of key 'k"));
  }
  os.rots = false;
  all_have_what_they_must(10);
}

TEST_F(TierWarmTest, AnotherSize) {
  fill(0, 40);
  os.fail_on("scratch", Errc::kNoSpace);
  const auto refused = tier.set_warm_bytes(16'000);
  EXPECT_THAT(refused.error().message, HasSubstr("a warm tier of 16000 bytes cannot be made"));
  EXPECT_EQ(tier.options().warm_bytes, kWarm);
  os.breaks = nullptr;
  const uint64_t before = tier.warm_values();
  ASSERT_TRUE(tier.set_warm_bytes(16'000).ok());
  EXPECT_EQ(tier.warm_values(), before);
  all_have_what_they_must(40);
  fill(40, 60);
  ASSERT_TRUE(tier.set_warm_bytes(0).ok());
  os.rest(seconds(10));
  EXPECT_EQ(tier.warm_values(), 0u);
  EXPECT_GT(folder.count(), 0u);
  all_have_what_they_must(60);
}

}  // namespace
}  // namespace powercut::engine
