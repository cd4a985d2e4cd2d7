#include "engine/store/slab_map.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <rapidcheck.h>

#include <map>
#include <set>

namespace powercut::engine {
namespace {

using Map = SlabMap<std::string>;
using MapModel = std::map<std::string, std::string>;

// Short and long keys, so that slots are reused by strings with and without a buffer.
std::string key_of(size_t n) {
  std::string key = std::to_string(n);
  if (n % 3 == 0) key += std::string(n % 50, 'k');
  if (n % 7 == 0) key += '\0';
  return key;
}

void expect_same(const Map& map, const MapModel& model) {
  ASSERT_EQ(map.size(), model.size());
  MapModel seen;
  for (size_t i = 0; i < map.size(); ++i) seen.emplace(map.at(i).key, map.at(i).value);
  ASSERT_EQ(seen, model);
  size_t position = 0;
  map.for_each([&](const Map::Entry& entry) { ASSERT_EQ(&entry, &map.at(position++)); });
  ASSERT_EQ(position, map.size());
  for (const auto& [key, value] : model) {
    const auto* entry = map.find(key);
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(entry->value, value);
    map.fetch_cell(Map::hash_of(key));
    ASSERT_EQ(map.fetch_entry(Map::hash_of(key)), entry);
  }
  ASSERT_EQ(map.fetch_entry(Map::hash_of("a key that is not there")), nullptr);
}

// The bytes of keys that the map claims, beside what an empty-keyed map of this shape would.
size_t key_bytes(const Map& map) {
  size_t bytes = 0;
  for (size_t i = 0; i < map.size(); ++i) bytes += heap_bytes(map.at(i).key);
  return bytes;
}

TEST(SlabMap, BehavesAsAMap) {
  ASSERT_TRUE(rc::check([] {
    Map map;
    MapModel model;
    const auto universe = *rc::gen::element<size_t>(3, 6, 12, 60, 600);
    const auto steps = *rc::gen::inRange<size_t>(0, 3000);
    const auto seed = *rc::gen::arbitrary<uint64_t>();
    for (size_t step = 0; step < steps; ++step) {
      const uint64_t draw = XXH3_64bits_withSeed(&step, sizeof(step), seed);
      const std::string key = key_of(draw / 2 % universe);
      if (draw % 2 == 0) {
        const auto [entry, is_new] = map.insert(key);
        RC_ASSERT(is_new == !model.contains(key));
        RC_ASSERT(entry->value == model[key]);
        entry->value = model[key] = std::string(draw % 40, 'v');
      } else {
        RC_ASSERT(map.erase(key) == (model.erase(key) == 1));
      }
      RC_ASSERT(map.size() == model.size());
      RC_ASSERT(map.contains(key) == model.contains(key));
    }
    expect_same(map, model);
    RC_ASSERT(!testing::Test::HasFailure());
  }));
}

// Up and down over the edges of chunks, every key checked at each edge.
TEST(SlabMap, CrossesTheEdgesOfChunks) {
  for (const size_t edge : {4, 8, 16, 512, 1024, 2048, 3072}) {
    Map map;
    MapModel model;
    const auto insert = [&](size_t n) {
      map.insert(key_of(n)).first->value = std::to_string(n);
      model[key_of(n)] = std::to_string(n);
    };
    for (size_t n = 0; n < edge - 1; ++n) insert(n);
    for (int round = 0; round < 3; ++round) {
      for (size_t n = edge - 1; n < edge + 2; ++n) {
        insert(n);
        expect_same(map, model);
      }
      for (size_t n = edge - 1; n < edge + 2; ++n) {
        const std::string key = key_of(round % 2 == 0 ? n : 2 * edge - n);
        ASSERT_TRUE(map.erase(key));
        model.erase(key);
        expect_same(map, model);
      }
    }
  }
}

TEST(SlabMap, GivesBackItsChunks) {
  Map map;
  std::vector<size_t> growing;
  for (size_t n = 0; n < 10'000; ++n) map.insert(key_of(n));
  const size_t full = map.memory_bytes();
  for (size_t n = 0; n < 10'000; ++n) {
    ASSERT_TRUE(map.erase(key_of(n)));
    ASSERT_LE(key_bytes(map), map.memory_bytes());
  }
  EXPECT_EQ(map.size(), 0u);
  // The index stays; the entries do not, but for the first chunks.
  EXPECT_LT(map.memory_bytes(), full / 4);
  map.insert("again");
  EXPECT_TRUE(map.contains("again"));
}

// An erased entry leaves nothing behind in its slot, and the sum of key bytes stays exact.
TEST(SlabMap, KeepsNoMemoryOfErasedEntries) {
  Map map;
  map.insert("short");
  const size_t bare = map.memory_bytes();
  const size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 3; ++i) {
    const std::string key = std::to_string(i) + std::string(100'000, 'x');
    map.insert(key).first->value = std::string(1'000'000, 'y');
  }
  map.erase(std::string("0") + std::string(100'000, 'x'));
  map.insert("s");
  map.erase(std::string("1") + std::string(100'000, 'x'));
  map.erase(std::string("2") + std::string(100'000, 'x'));
  EXPECT_EQ(map.memory_bytes(), bare);
  EXPECT_LT(mallinfo2().uordblks, before + 10'000);
}

TEST(SlabMap, IsEmptyAfterAMove) {
  Map map;
  for (size_t n = 0; n < 100; ++n) map.insert(key_of(n));
  Map other = std::move(map);
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.memory_bytes(), 0u);
  EXPECT_FALSE(map.contains(key_of(1)));
  map.insert("new");
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(other.size(), 100u);
}

TEST(SlabMap, KnowsItsMemory) {
  for (const size_t count : {1, 10, 100, 5000}) {
    const size_t before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<Map>> maps(20'000 / count);
    for (auto& map : maps) {
      map = std::make_unique<Map>();
      for (size_t n = 0; n < count; ++n) map->insert(key_of(n));
    }
    const size_t used = mallinfo2().uordblks - before;
    if (used == 0) return;  // AddressSanitizer's malloc does not count
    size_t claimed = maps.capacity() * sizeof(void*);
    for (const auto& map : maps) claimed += heap_bytes(sizeof(Map)) + map->memory_bytes();
    EXPECT_NEAR(static_cast<double>(claimed), static_cast<double>(used),
                0.1 * static_cast<double>(used))
        << count;
  }
}

// A walk down from the highest position, a few entries a turn, with changes between the turns.
TEST(SlabMap, AWalkDownMeetsEveryEntryThatStays) {
  ASSERT_TRUE(rc::check([] {
    Map map;
    const auto initial = *rc::gen::element<size_t>(1, 5, 9, 60, 1030, 2050);
    for (size_t n = 0; n < initial; ++n) map.insert(key_of(n));
    std::set<std::string> staying;
    for (size_t i = 0; i < map.size(); ++i) staying.emplace(map.at(i).key);

    std::set<std::string> met;
    size_t cursor = map.size();
    while (cursor > 0) {
      const size_t turn = *rc::gen::inRange<size_t>(1, 1 + initial / 4 + 1);
      for (size_t i = 0; i < turn && cursor > 0; ++i) met.emplace(map.at(--cursor).key);
      const auto changes =
          *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, 4 * initial + 8));
      for (const size_t draw : changes) {
        const std::string key = key_of(draw / 2);
        if (draw % 2 == 0) {
          map.insert(key);
        } else {
          map.erase(key);
          staying.erase(key);
        }
      }
      cursor = std::min(cursor, map.size());
    }
    for (const std::string& key : staying) RC_ASSERT(met.contains(key));
  }));
}

}  // namespace
}  // namespace powercut::engine
