// The warm tier's file: what is written and read, which regions are free, and what is told of damage.
#include "engine/tier/warm_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/os/memory_os_testing.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;

class WarmFileTest : public ::testing::Test {
 protected:
  WarmFileTest() : file(WarmFile::open(os, 4 * kRegion, kRegion, 5).value()) {}

  Away put(const std::string& key, size_t size) {
    auto away = file->put(3, key, Value(String(std::string(size, key[0]))));
    EXPECT_TRUE(away.ok()) << away.error().message;
    return std::move(*away);
  }
  std::string read(const Away& away) {
    const auto value = file->read_now(away, {});
    return value.ok() ? std::string(std::string_view(*value->string())) : value.error().message;
  }

  static constexpr uint64_t kRegion = 1000;
  MemoryOs os;
  std::unique_ptr<WarmFile> file;
};

TEST_F(WarmFileTest, WhatIsWrittenIsReadUncompressed) {
  const Away a = put("a", 300);
  const Away b = put("b", 0);
  EXPECT_EQ(read(a), std::string(300, 'a'));
  EXPECT_EQ(read(b), "");
  EXPECT_GT(a.length(), 300u) << "and nothing is compressed";
  EXPECT_TRUE(a.warm());
  EXPECT_EQ(file->values(), 2u);
  EXPECT_EQ(file->live_bytes(), a.length() + b.length());
}

TEST_F(WarmFileTest, ARegionIsFreeWhenNobodyHoldsIt) {
  std::vector<std::optional<Away>> all;
  for (int i = 0; i < 4; ++i)
    all.emplace_back(put(std::string(1, static_cast<char>('a' + i)), 900));
  EXPECT_FALSE(file->any_free());
  EXPECT_EQ(file->put(0, "x", Value(String(std::string(900, 'x')))).error().code, Errc::kNoSpace);
  EXPECT_EQ(file->oldest(false), all[0]->segment().get());
  {
    const SegmentHold reader = all[0]->segment();
    all[0].reset();
    EXPECT_FALSE(file->any_free()) << "somebody reads it";
  }
  EXPECT_TRUE(file->any_free());
  const Away next = put("x", 900);
  EXPECT_EQ(read(next), std::string(900, 'x'));
  for (int i = 1; i < 4; ++i)
    EXPECT_EQ(read(*all[static_cast<size_t>(i)]), std::string(900, static_cast<char>('a' + i)));
  EXPECT_EQ(file->oldest(false), all[1]->segment().get());
}

TEST_F(WarmFileTest, ARegionThatIsBegunAgainIsAnotherOne) {
  std::vector<std::pair<uint64_t, uint64_t>> places;
  for (int i = 0; i < 12; ++i) {
    const Away away = put("k", 900);
    for (const auto& [segment, offset] : places)
      EXPECT_FALSE(segment == away.segment()->sequence && offset == away.offset());
    places.emplace_back(away.segment()->sequence, away.offset());
  }
}

TEST_F(WarmFileTest, WhatIsLongerThanARegionIsRefused) {
  EXPECT_EQ(file->put(0, "k", Value(String(std::string(kRegion, 'x')))).error().code,
            Errc::kInvalid);
  EXPECT_EQ(file->put(0, std::string(kRegion, 'k'), Value()).error().code, Errc::kInvalid);
}

TEST_F(WarmFileTest, TellsTheKeysOfARegion) {
  const Away a = put("a", 30);
  const Away b = put("b", 60);
  uint64_t offset = 0;
  WarmFile::Place place;
  const ColdSegment& region = *a.segment();
  ASSERT_TRUE(file->next_place(region, offset, place));
  EXPECT_EQ(place.key, "a");
  EXPECT_EQ(place.database, 3);
  EXPECT_EQ(place.offset, a.offset());
  ASSERT_TRUE(file->next_place(region, offset, place));
  EXPECT_EQ(place.key, "b");
  EXPECT_EQ(place.offset, b.offset());
  EXPECT_FALSE(file->next_place(region, offset, place));
}

TEST_F(WarmFileTest, DamageIsToldByItsPlace) {
  const Away a = put("a", 30);
  const Away b = put("b", 30);
  os.rots = true;
  EXPECT_THAT(read(b), HasSubstr("warm tier offset " + std::to_string(b.offset()) +
                                 ": its checksum does not fit; a start has it from the log"));
  os.rots = false;
  EXPECT_EQ(read(b), std::string(30, 'b'));
  os.fail_on("read scratch");
  EXPECT_THAT(read(a), HasSubstr("read scratch fails"));
  os.fail_on("write scratch");
  EXPECT_EQ(file->put(0, "c", Value()).error().code, Errc::kIo);
}

TEST_F(WarmFileTest, WithoutSpaceThereIsNone) {
  os.fail_on("scratch", Errc::kNoSpace);
  EXPECT_EQ(WarmFile::open(os, 4000, 1000, 0).error().code, Errc::kNoSpace);
}

TEST_F(WarmFileTest, ValuesMayOutliveIt) {
  const Away a = put("a", 30);
  EXPECT_TRUE(file->in_use());
  file.reset();
  EXPECT_EQ(a.segment()->shelf, nullptr);
}

}  // namespace
}  // namespace powercut::engine
