// A checkpoint in older words is the same checkpoint.
#include "scenarios/store/files/older_checkpoint.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <string>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_harness.h"
#include "scenarios/store/files/packed_words.h"

namespace powercut::scenarios {
namespace {

std::string base_of(const engine::Keyspace& keyspace) {
  engine::RdbHeader header;
  header.aof_base = true;
  header.aux = {{std::string(engine::kRdbAuxLsn), "42"}};
  return engine::encode_rdb(keyspace, header);
}

RC_GTEST_PROP(OlderCheckpoint, HoldsTheSame, ()) {
  engine::Keyspace keyspace;
  engine::fill_at_random(keyspace);
  sim::SeededChoices choices(*rc::gen::arbitrary<uint64_t>());
  const auto older = in_older_words(base_of(keyspace), choices);
  RC_ASSERT(older.has_value());
  engine::Keyspace loaded;
  loaded.set_loading(true);
  const auto info = engine::load_rdb(*older, "older", loaded);
  if (!info.ok()) RC_FAIL(info.error().message);
  RC_ASSERT(engine::plain(loaded) == engine::plain(keyspace));
  RC_ASSERT(info->lsn() == 42u);
}

TEST(OlderCheckpoint, IsDrawnInManyForms) {
  engine::Keyspace keyspace;
  keyspace.set_loading(true);
  engine::List list;
  list.push_back("one");
  keyspace.put(0, "list", engine::Value(std::move(list)));
  std::set<int> versions;
  std::set<std::string> files;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    sim::SeededChoices choices(seed);
    const auto older = in_older_words(base_of(keyspace), choices);
    ASSERT_TRUE(older);
    versions.insert(std::stoi(older->substr(5, 4)));
    files.insert(*older);
  }
  EXPECT_GE(versions.size(), 4u);
  EXPECT_GT(files.size(), 150u);
}

TEST(OlderCheckpoint, OfWhatIsNoneThereIsNone) {
  sim::SeededChoices choices(1);
  EXPECT_FALSE(in_older_words("", choices));
  EXPECT_FALSE(in_older_words("REDIS0010\xff", choices));
}

// As redis-server 7.0 and 3.0 wrote them.
TEST(PackedWords, AreThoseOfRedis) {
  using engine::unhex;
  const std::string_view words[] = {"a", "1", "-5", "300"};
  EXPECT_EQ(listpack_of(words), unhex("12000000 0400 8161 02 01 01 dffb 02 c12c 02 ff"));
  EXPECT_EQ(ziplist_of(words), unhex("17000000 12000000 0400 00 0161 03 f2 02 fefb 03 c02c01 ff"));
  EXPECT_EQ(zipmap_of(words), unhex("02 01 61 01 01 31 66 02 2d35 03 02 333030 6666 ff"));
  const std::string just_fits(16383 - 5, 'x');
  const std::string_view one[] = {just_fits};
  EXPECT_EQ(listpack_of(one), unhex("09400000 0100 f0fa3f0000") + just_fits + unhex("00ffff ff"));
  const std::string_view numbers[] = {"300", "-5"};
  EXPECT_EQ(intset_of(numbers), unhex("02000000 02000000 fbff 2c01"));
  EXPECT_EQ(lzf_of("xaaaaaaaaaaaa"), unhex("01 7861 e0 02 00"));
}

}  // namespace
}  // namespace powercut::scenarios
