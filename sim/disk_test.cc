// The live view, accounting, capacity.
#include "sim/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/disk_testing.h"

namespace powercut::sim {
namespace {

using testing::ElementsAre;

TEST(DiskLiveView, NamesFollowTheSeamsErrors) {
  Disk disk;
  EXPECT_EQ(disk.lookup("a").error().code, Errc::kNotFound);
  EXPECT_EQ(disk.create("d/a").error().code, Errc::kNotFound);
  ASSERT_TRUE(disk.create("a").ok());
  EXPECT_EQ(disk.create("a/b").error().code, Errc::kInvalid);
  EXPECT_EQ(disk.list("a").error().code, Errc::kInvalid);
  EXPECT_EQ(disk.begin_sync_directory("a").error().code, Errc::kInvalid);
  ASSERT_TRUE(disk.make_directory("d").ok());
  EXPECT_EQ(disk.make_directory("d").error().code, Errc::kExists);
  ASSERT_TRUE(disk.create("d/z").ok());
  ASSERT_TRUE(disk.create("d/b").ok());
  EXPECT_THAT(disk.list("d").value(), ElementsAre("b", "z"));
  EXPECT_THAT(disk.list("").value(), ElementsAre("a", "d"));
  EXPECT_EQ(disk.rename("nope", "x").error().code, Errc::kNotFound);
  EXPECT_EQ(disk.rename("a", "d").error().code, Errc::kInvalid);
  EXPECT_EQ(disk.rename("a", "nope/x").error().code, Errc::kNotFound);
  const InodeId a = disk.lookup("a").value();
  ASSERT_TRUE(disk.rename("a", "d/b").ok());
  EXPECT_EQ(disk.lookup("d/b").value(), a);
  EXPECT_EQ(disk.lookup("a").error().code, Errc::kNotFound);
  ASSERT_TRUE(disk.rename("d/b", "d/b").ok());
  EXPECT_EQ(disk.lookup("../a").error().code, Errc::kInvalid);
}

TEST(DiskLiveView, ReadsAndWritesAcrossBlocksAndHoles) {
  Disk disk;
  const InodeId f = disk.create("f").value();
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += static_cast<char>('a' + i % 26);
  append(disk, f, bytes);
  EXPECT_EQ(content(disk, f), bytes);
  ASSERT_TRUE(disk.write(f, 20'000, "end").ok());
  EXPECT_EQ(disk.size(f), 20'003u);
  EXPECT_EQ(content(disk, f), bytes + std::string(10'000, '\0') + "end");
  char out[8];
  EXPECT_EQ(disk.read(f, 20'001, out, 8).value(), 2u);
  EXPECT_EQ(disk.read(f, 20'003, out, 8).value(), 0u);
  disk.truncate(f, 5);
  disk.truncate(f, 5000);
  EXPECT_EQ(content(disk, f), bytes.substr(0, 5) + std::string(4995, '\0'));
}

TEST(DiskLiveView, ACopyIsAValue) {
  Disk disk(journaled_rules());
  const InodeId f = durable_file(disk, "f", "old");
  const Disk copy = disk;
  ASSERT_TRUE(disk.write(f, 0, "new").ok());
  ASSERT_TRUE(disk.create("g").ok());
  EXPECT_EQ(content(copy, f), "old");
  EXPECT_THAT(copy.list("").value(), ElementsAre("f"));
}

TEST(DiskLiveView, AnUnlinkedFileStaysUsableAndMemoryStaysFlat) {
  Disk disk(journaled_rules());
  disk.set_capacity(100 * kBlockBytes);
  InodeId highest = 0;
  for (int i = 0; i < 1000; ++i) {
    const InodeId f = disk.create("f").value();
    append(disk, f, std::string(10'000, 'x'));
    ASSERT_TRUE(disk.remove("f").ok());
    ASSERT_TRUE(disk.write(f, 0, "still").ok());
    EXPECT_EQ(content(disk, f).substr(0, 5), "still");
    disk.release(f);
    sync_directory(disk, "");
    highest = std::max(highest, f);
  }
  EXPECT_LT(highest, 4u);
  EXPECT_EQ(disk.used_bytes(), 0u);
}

// What was pending in a directory goes with it, once no cut brings it back.
TEST(DiskLiveView, ADirectoryGoesWithWhatWasPendingInIt) {
  Disk disk(journaled_rules());
  const InodeId kept = disk.create("kept").value();
  ASSERT_TRUE(disk.make_directory("d").ok());
  sync_directory(disk, "");
  ASSERT_TRUE(disk.hard_link("kept", "d/second").ok());
  ASSERT_TRUE(disk.remove("d/second").ok());
  ASSERT_TRUE(disk.remove("d").ok());
  sync_directory(disk, "");
  EXPECT_TRUE(disk.self_check().ok());
  disk.release(kept);
  EXPECT_EQ(disk.lookup("kept").value(), kept);
}

TEST(DiskCapacity, WritesShortThenNotAtAll) {
  Disk disk;
  disk.set_capacity(2 * kBlockBytes);
  const InodeId f = disk.create("f").value();
  EXPECT_EQ(disk.write(f, 0, std::string(10'000, 'x')).value(), 2 * kBlockBytes);
  EXPECT_EQ(disk.write(f, 2 * kBlockBytes, "x").error().code, Errc::kNoSpace);
  EXPECT_EQ(disk.size(f), 2 * kBlockBytes);
  EXPECT_TRUE(disk.write(f, 0, "overwriting needs no space").ok());
  disk.truncate(f, 0);
  EXPECT_TRUE(disk.write(f, 0, "space again").ok());
}

TEST(DiskAccounting, CountsWhatSyncsSend) {
  Disk disk(journaled_rules());
  const InodeId f = durable_file(disk, "f", "x");
  const DiskStats before = disk.stats();
  append(disk, f, std::string(60, 'y'));
  append(disk, f, std::string(60, 'z'));
  sync(disk, f);
  EXPECT_EQ(disk.stats().bytes_written - before.bytes_written, 120u);
  EXPECT_EQ(disk.stats().bytes_data - before.bytes_data, kBlockBytes);
  EXPECT_GE(disk.stats().bytes_metadata - before.bytes_metadata, kBlockBytes);
}

TEST(DiskDeterminism, SameSeedSameImage) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto run = [seed] {
      SeededChoices choices(seed);
      Disk disk(journaled_rules());
      const InodeId f = disk.create("f").value();
      for (int i = 0; i < 30; ++i) append(disk, f, std::string(300, static_cast<char>('a' + i)));
      EXPECT_TRUE(disk.rename("f", "g").ok());
      return image_of(disk.after_power_cut(choices, 7));
    };
    EXPECT_EQ(run(), run());
  }
}

}  // namespace
}  // namespace powercut::sim
