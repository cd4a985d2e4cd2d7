// What leaves memory and when, what comes back, and what is done where a segment cannot be written or read: over files in
// memory and a clock that the test moves.
#include "engine/tier/tier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Nothing of it repeats: what compresses would say little of sizes.
std::string bytes_of(size_t size, uint32_t seed) {
  std::string text;
  for (uint32_t x = seed; text.size() < size; x = x * 1664525 + 1013904223)
    text += static_cast<char>('0' + (x >> 16) % 75);
  return text;
}

class TierTest : public ::testing::Test {
 protected:
  TierTest() { EXPECT_TRUE(folder.settle().ok()); }
  ~TierTest() override {
    tier.stop();
    os.breaks = nullptr;
    os.rest(seconds(100));
    EXPECT_FALSE(os.any_task()) << "its task ends when it is told to";
    os.destroy_tasks();
  }

  void begin() {
    tier.set_on_failure([this](const Error& error) { failures.push_back(error.message); });
    tier.set_log_line([this](std::string_view line) { lines.emplace_back(line); });
    os.spawn("tier", [this] { tier.run(); });
    os.rest(Duration{0});
  }
  void limit(uint64_t hot_bytes) {
    auto options = tier.options();
    options.hot_bytes = hot_bytes;
    tier.set_options(options);
  }
  // As a command does it.
  void put(const std::string& key, const std::string& value, int db = 0) {
    keyspace.put(db, key, value);
    keyspace.settle();
    tier.look();
  }
  void put_several(int count, size_t size) {
    for (int i = 0; i < count; ++i)
      put("k" + std::to_string(i), bytes_of(size, static_cast<uint32_t>(i)));
  }
  bool away(const std::string& key, int db = 0) const {
    const Object* object = keyspace.peek(db, key);
    return object != nullptr && object->value.away() != nullptr;
  }
  int count_away(int count) const {
    int all = 0;
    for (int i = 0; i < count; ++i) all += away("k" + std::to_string(i)) ? 1 : 0;
    return all;
  }
  Result<void> bring(const std::vector<std::pair<int, std::string>>& keys) {
    return tier.bring_back(keys);
  }
  std::string text_of(const std::string& key, int db = 0) const {
    return std::string(std::string_view(*keyspace.peek(db, key)->value.string()));
  }

  MemoryOs os;
  Keyspace keyspace;
  ColdFolder folder{os, "cold"};
  TierOptions options{.path = "cold", .hot_bytes = 0, .compress = false};
  TierSizes sizes;
  Tier tier{os, keyspace, folder, options, sizes};
  std::vector<std::string> lines;
  std::vector<std::string> failures;
};

// --- Leaving ---

TEST_F(TierTest, NothingLeavesWhileItFits) {
  begin();
  put_several(10, 1000);
  os.rest(seconds(1));
  EXPECT_EQ(count_away(10), 0) << "there is no limit";
  limit(keyspace.value_bytes());
  os.rest(seconds(1));
  EXPECT_EQ(count_away(10), 0) << "that many may be in memory";
  EXPECT_EQ(tier.stats().segments, 0u);
}

TEST_F(TierTest, WhatIsTooMuchLeavesAndSomeMore) {
  begin();
  put_several(20, 1000);
  const uint64_t all = keyspace.value_bytes();
  limit(all - 1);
  os.rest(seconds(1));
  const uint64_t mark = all - 1 - (all - 1) / 8;
  EXPECT_LE(keyspace.value_bytes(), mark) << "or segments would have a value each";
  EXPECT_GT(keyspace.value_bytes() + all / 20, mark) << "and no more than that";
  EXPECT_EQ(tier.stats().segments, 1u);
  EXPECT_EQ(tier.stats().left, static_cast<uint64_t>(count_away(20)));
  EXPECT_EQ(folder.values(), tier.stats().left);
  EXPECT_TRUE(folder.find(1) != nullptr);
}

TEST_F(TierTest, AWriteThatIsTooMuchIsSeen) {
  begin();
  limit(5000);
  os.rest(seconds(1));
  put_several(6, 1000);
  os.rest(Duration{0});
  EXPECT_GT(count_away(6), 0);
}

TEST_F(TierTest, WhatWasNotUsedForLongestGoes) {
  begin();
  for (int i = 0; i < 5; ++i) {
    keyspace.set_now({(1022 + (i + 2) % 5) * 1000});  // k3 first
    put("k" + std::to_string(i), bytes_of(1000, static_cast<uint32_t>(i)));
  }
  keyspace.set_now({2'000'000});
  limit(keyspace.value_bytes() - 1);
  os.rest(seconds(1));
  EXPECT_TRUE(away("k3"));
  EXPECT_EQ(count_away(5), 1);
}

TEST_F(TierTest, OrWhatIsUsedLeastOften) {
  keyspace.accesses().set_rules({.by_frequency = true, .log_factor = 0},
                                [](uint64_t) { return uint64_t{0}; });
  begin();
  put_several(5, 1000);
  for (int i = 0; i < 5; ++i)
    for (int n = 0; i != 1 && n < 10; ++n) (void)keyspace.find(0, "k" + std::to_string(i));
  limit(keyspace.value_bytes() - 1);
  os.rest(seconds(1));
  EXPECT_TRUE(away("k1"));
  EXPECT_EQ(count_away(5), 1);
}

TEST_F(TierTest, WhatIsSmallOrHasExpiredStays) {
  begin();
  keyspace.set_now({1000});
  put("short", bytes_of(40, 1));
  ASSERT_LT(keyspace.peek(0, "short")->value.memory_bytes(), sizes.least_bytes);
  ASSERT_GT(keyspace.peek(0, "short")->value.memory_bytes(), 0u);
  put("gone", bytes_of(1000, 2));
  keyspace.set_expiry(0, "gone", keyspace.find_for_write(0, "gone"), 1500);
  keyspace.settle();
  keyspace.set_now({2000});
  limit(1);
  os.rest(milliseconds(100));
  EXPECT_EQ(tier.stats().segments, 0u);
  EXPECT_FALSE(away("short"));
  // Nothing could go: it is not looked for again at once.
  put("big", bytes_of(1000, 3));
  os.rest(milliseconds(350));
  EXPECT_FALSE(away("big"));
  os.rest(milliseconds(100));
  EXPECT_TRUE(away("big"));
  EXPECT_FALSE(away("short"));
}

TEST_F(TierTest, ValuesOfEachDatabaseLeave) {
  begin();
  for (const int db : {0, 2, 15}) put("k", bytes_of(1000, static_cast<uint32_t>(db)), db);
  limit(1);
  os.rest(seconds(1));
  for (const int db : {0, 2, 15}) EXPECT_TRUE(away("k", db)) << db;
  ASSERT_TRUE(bring({{0, "k"}, {2, "k"}, {15, "k"}}).ok());
  for (const int db : {0, 2, 15})
    EXPECT_EQ(text_of("k", db), bytes_of(1000, static_cast<uint32_t>(db)));
}

// With sizes of its own, and a keyspace and a folder too.
struct Another {
  explicit Another(MemoryOs& of, const TierSizes& sizes, uint64_t hot_bytes)
      : os(of),
        tier(os, keyspace, folder, {.path = "beside", .hot_bytes = hot_bytes, .compress = false},
             sizes) {
    EXPECT_TRUE(folder.settle().ok());
    os.spawn("another", [this] { tier.run(); });
  }
  ~Another() {
    tier.stop();
    os.breaks = nullptr;
    os.rest(seconds(20));
  }
  void put(const std::string& key, uint32_t seed) {
    keyspace.put(0, key, bytes_of(1000, seed));
    keyspace.settle();
  }
  MemoryOs& os;
  Keyspace keyspace;
  ColdFolder folder{os, "beside"};
  Tier tier;
};

TEST_F(TierTest, WhatTakesNoLessThanTheLeastLeaves) {
  Keyspace measured;
  measured.put(0, "k", bytes_of(1000, 1));
  TierSizes sizes;
  sizes.least_bytes = measured.peek(0, "k")->value.memory_bytes();
  Another another(os, sizes, 1);
  another.put("k", 1);
  another.tier.look();
  os.rest(Duration{0});
  EXPECT_EQ(another.tier.stats().left, 1u);
}

TEST_F(TierTest, RestlesslyAFewLeaveBehindEachEntry) {
  TierSizes sizes;
  sizes.restless = true;
  Another another(os, sizes, 0);
  for (uint32_t i = 0; i < 50; ++i) another.put("k" + std::to_string(i), i);
  os.rest(seconds(1));
  EXPECT_EQ(another.tier.stats().left, 0u) << "there was no entry";
  for (uint64_t entries = 1; entries <= 5; ++entries) {
    another.tier.look();
    os.rest(seconds(1));
    EXPECT_EQ(another.tier.stats().segments, entries);
    EXPECT_GE(another.tier.stats().left, entries);
    EXPECT_LE(another.tier.stats().left, 4 * entries);
  }
}

TEST_F(TierTest, OneThatCannotBeTidiedRestlesslyIsTriedNowAndThen) {
  TierSizes sizes;
  sizes.restless = true;
  Another another(os, sizes, 1);
  for (uint32_t i = 0; i < 4; ++i) another.put("k" + std::to_string(i), i);
  for (int n = 0; n < 20; ++n) {
    another.tier.look();
    os.rest(seconds(1));
  }
  ASSERT_EQ(another.folder.values(), 4u);
  std::set<uint64_t> several;
  for (const SegmentHold& segment : another.folder.in_use())
    if (segment->values > 1) several.insert(segment->sequence);
  ASSERT_FALSE(several.empty());
  // All but one of the values of a segment go.
  int kept = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    const std::string key = "k" + std::to_string(i);
    const Away* away = another.keyspace.peek(0, key)->value.away();
    if (away->segment()->sequence == *several.begin() && ++kept > 1)
      another.keyspace.remove(0, key);
  }
  another.keyspace.settle();
  int reads = 0;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (!call.starts_with("read ")) return std::nullopt;
    ++reads;
    return Errc::kIo;
  };
  another.tier.look();
  os.rest(seconds(10));
  EXPECT_LE(reads, 21) << "twice a second";
}

TEST_F(TierTest, ManyAreSeveralSegmentsAndOthersRunMeanwhile) {
  TierSizes small;
  small.segment_bytes = 5000;
  small.slice_bytes = 2000;
  Keyspace other;
  ColdFolder beside(os, "beside");
  ASSERT_TRUE(beside.settle().ok());
  Tier second(os, other, beside, {.path = "beside", .hot_bytes = 1, .compress = false}, small);
  for (int i = 0; i < 20; ++i)
    other.put(0, "k" + std::to_string(i), bytes_of(1000, static_cast<uint32_t>(i)));
  other.settle();
  int turns = 0;
  bool ends = false;
  os.spawn("second", [&] { second.run(); });
  os.spawn("other", [&] {
    while (!ends) {
      turns += second.stats().segments == 0 ? 1 : 0;
      os.park(os.now());
      ends = ends || second.stats().left == 20;
    }
  });
  os.rest(Duration{0});
  EXPECT_EQ(second.stats().left, 20u);
  EXPECT_GE(second.stats().segments, 4u);
  EXPECT_LE(second.stats().segments, 5u);
  EXPECT_EQ(turns, 2) << "while the first segment is made: behind each slice of it";
  second.stop();
  os.rest(Duration{0});
}

TEST_F(TierTest, WhatChangesWhileItIsWrittenStaysInMemory) {
  begin();
  for (const int db : {0, 1}) put("k", bytes_of(1000, static_cast<uint32_t>(db)), db);
  for (const char* key : {"changed", "removed", "same"}) put(key, bytes_of(1000, 9));
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call != "sync cold/1.cold") return std::nullopt;
    put("changed", "new value of it, which is on the heap");
    EXPECT_TRUE(keyspace.remove(0, "removed"));
    keyspace.flush(1);
    keyspace.settle();
    return std::nullopt;
  };
  limit(100);
  os.rest(Duration{0});
  EXPECT_TRUE(away("same"));
  EXPECT_TRUE(away("k"));
  EXPECT_FALSE(away("changed"));
  EXPECT_EQ(text_of("changed"), "new value of it, which is on the heap");
  EXPECT_EQ(keyspace.size(1), 0u);
  EXPECT_EQ(folder.values(), 2u);
}

TEST_F(TierTest, DatabasesThatChangePlacesMeanwhileAreFound) {
  begin();
  for (const int db : {0, 1}) put("k", bytes_of(1000, static_cast<uint32_t>(db)), db);
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call == "sync cold/1.cold") keyspace.swap(0, 1);
    return std::nullopt;
  };
  limit(1);
  os.rest(Duration{0});
  os.breaks = nullptr;
  ASSERT_TRUE(bring({{0, "k"}, {1, "k"}}).ok());
  EXPECT_EQ(text_of("k", 0), bytes_of(1000, 1));
  EXPECT_EQ(text_of("k", 1), bytes_of(1000, 0));
}

// --- A segment that cannot be written ---

TEST_F(TierTest, ValuesStayInMemoryAndItIsTriedAgainLaterAndLater) {
  begin();
  put_several(3, 1000);
  std::vector<int64_t> tries;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (!call.starts_with("create ")) return std::nullopt;
    tries.push_back(os.now().ns / 1'000'000);
    return Errc::kNoSpace;
  };
  limit(1);
  os.rest(seconds(40));
  EXPECT_THAT(tries, ElementsAre(0, 500, 1500, 3500, 7500, 15'500, 23'500, 31'500, 39'500));
  EXPECT_EQ(count_away(3), 0);
  EXPECT_EQ(tier.stats().failures, 9u);
  EXPECT_EQ(failures.size(), 9u) << "the log is told of each";
  EXPECT_THAT(failures.front(), HasSubstr("create cold/1.cold"));
  EXPECT_EQ(tier.stats().last_error, failures.back());
  EXPECT_THAT(lines, ElementsAre("the cold tier takes nothing at present, and values stay in "
                                 "memory: create cold/1.cold fails"));
  os.breaks = nullptr;
  os.rest(seconds(8));
  EXPECT_EQ(count_away(3), 3);
  // The next trouble is news again, and is waited for as shortly as the first.
  put_several(3, 1100);
  tries.clear();
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (!call.starts_with("create ")) return std::nullopt;
    tries.push_back(os.now().ns / 1'000'000 - 48'000);
    return Errc::kIo;
  };
  os.rest(milliseconds(600));
  EXPECT_THAT(tries, ElementsAre(0, 500));
  EXPECT_EQ(lines.size(), 2u);
}

// --- Coming back ---

TEST_F(TierTest, WhatIsAskedForComesBackAndNothingElse) {
  begin();
  put_several(4, 1000);
  limit(1);
  os.rest(Duration{0});
  ASSERT_EQ(count_away(4), 4);
  limit(0);
  ASSERT_TRUE(bring({{0, "k1"}, {0, "nosuch"}, {1, "k2"}, {0, "k3"}, {0, "k3"}}).ok());
  EXPECT_EQ(text_of("k1"), bytes_of(1000, 1));
  EXPECT_EQ(text_of("k3"), bytes_of(1000, 3));
  EXPECT_EQ(count_away(4), 2);
  EXPECT_EQ(tier.stats().came, 2u);
  ASSERT_TRUE(bring({{0, "k1"}}).ok()) << "it is there";
  EXPECT_EQ(tier.stats().came, 2u);
}

TEST_F(TierTest, OneThatCannotBeReadLeavesAllWhereTheyAre) {
  begin();
  put_several(3, 1000);
  const std::string odd = std::string("a\n ~") + std::string(100, 'z');
  put(odd, bytes_of(1000, 77));
  limit(1);
  os.rest(Duration{0});
  limit(0);
  std::string& segment = os.at("cold/1.cold");
  const std::string whole = segment;
  segment[keyspace.peek(0, odd)->value.away()->offset() + 20] ^= 1;
  const auto brought = bring({{0, "k1"}, {0, odd}, {0, "k2"}});
  ASSERT_FALSE(brought.ok());
  EXPECT_EQ(brought.error().code, Errc::kCorrupt);
  EXPECT_THAT(brought.error().message,
              HasSubstr("its checksum does not fit: the value of key 'a\\x0a ~" +
                        std::string(56, 'z') + "...' is not had"));
  EXPECT_EQ(count_away(3), 3);
  EXPECT_EQ(tier.stats().came, 0u);
  EXPECT_EQ(tier.stats().failures, 1u);
  EXPECT_THAT(tier.stats().last_error, HasSubstr("its checksum does not fit"));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("a value cannot be read: cold/1.cold offset ")));
  EXPECT_THAT(failures, IsEmpty()) << "no sync was under way";
  segment = whole;
  EXPECT_TRUE(bring({{0, "k1"}, {0, odd}, {0, "k2"}}).ok());
  EXPECT_EQ(tier.stats().came, 3u);
}

TEST_F(TierTest, WhatWasChangedOrRemovedWhileItWasReadStaysAsItIs) {
  begin();
  put_several(3, 1000);
  limit(1);
  os.rest(Duration{0});
  limit(0);
  int reads = 0;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call != "read cold/1.cold" || ++reads != 3) return std::nullopt;
    put("k0", "new");
    keyspace.remove(0, "k1");
    keyspace.settle();
    return std::nullopt;
  };
  ASSERT_TRUE(bring({{0, "k0"}, {0, "k1"}, {0, "k2"}}).ok());
  EXPECT_EQ(reads, 3);
  EXPECT_EQ(text_of("k0"), "new");
  EXPECT_EQ(keyspace.peek(0, "k1"), nullptr);
  EXPECT_EQ(text_of("k2"), bytes_of(1000, 2));
  EXPECT_EQ(tier.stats().came, 1u);
}

TEST_F(TierTest, WhatAClientWaitsForDoesNotLeave) {
  begin();
  put_several(2, 1000);
  limit(1);
  os.rest(Duration{0});
  ASSERT_EQ(count_away(2), 2);
  int reads = 0;
  os.breaks = [&](const std::string& call) -> std::optional<Errc> {
    if (call == "read cold/1.cold" && ++reads == 2) os.park(os.now() + milliseconds(10));
    return std::nullopt;
  };
  os.spawn("one", [&] { EXPECT_TRUE(bring({{0, "k1"}, {0, "k0"}}).ok()); });
  os.spawn("two", [&] { EXPECT_TRUE(bring({{0, "k1"}}).ok()); });
  os.rest(milliseconds(5));
  tier.look();
  os.rest(milliseconds(1));
  EXPECT_FALSE(away("k1")) << "the first asks for it still";
  EXPECT_EQ(tier.stats().segments, 1u) << "nothing is written that could not leave";
  os.rest(milliseconds(10));
  EXPECT_EQ(count_away(2), 0);
  os.rest(seconds(1));
  EXPECT_EQ(count_away(2), 2);
}

// --- Segments that nobody holds, or few ---

TEST_F(TierTest, ASegmentGoesWhenItsLastValueDoes) {
  begin();
  put_several(3, 1000);
  limit(1);
  os.rest(Duration{0});
  ASSERT_TRUE(os.there("cold/1.cold"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(os.there("cold/1.cold"));
    keyspace.remove(0, "k" + std::to_string(i));
    keyspace.settle();
    os.rest(Duration{0});
  }
  EXPECT_FALSE(os.there("cold/1.cold"));
}

TEST_F(TierTest, WhatIsAliveInOneThatIsMostlyDeadMovesOn) {
  begin();
  put_several(5, 1000);
  limit(1);
  os.rest(Duration{0});
  ASSERT_EQ(folder.count(), 1u);
  for (const char* key : {"k0", "k1"}) keyspace.remove(0, key);
  keyspace.settle();
  put("other", bytes_of(1000, 5));
  os.rest(Duration{0});
  EXPECT_EQ(tier.stats().came, 0u) << "more than half of it is some key's";
  keyspace.remove(0, "k2");
  keyspace.settle();
  put("another", bytes_of(1000, 6));
  os.rest(seconds(1));
  EXPECT_FALSE(os.there("cold/1.cold"));
  EXPECT_TRUE(away("k3") && away("k4")) << "it leaves again with others";
  EXPECT_EQ(tier.stats().came, 2u);
  ASSERT_TRUE(bring({{0, "k3"}}).ok());
  EXPECT_EQ(text_of("k3"), bytes_of(1000, 3));
}

TEST_F(TierTest, OneThatCannotBeTidiedIsLeftForAWhile) {
  begin();
  put_several(4, 1000);
  limit(1);
  os.rest(Duration{0});
  for (const char* key : {"k0", "k1", "k2"}) keyspace.remove(0, key);
  keyspace.settle();
  os.fail_on("read cold/1.cold");
  put("other", bytes_of(1000, 5));
  os.rest(seconds(2));
  EXPECT_TRUE(away("k3"));
  EXPECT_EQ(tier.stats().failures, 1u) << "the next walk is behind many values more";
}

}  // namespace
}  // namespace powercut::engine
