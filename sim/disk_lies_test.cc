// Known ways in which simulated disks lie, from a public audit of one and from our own list. Each
// test fails if the lie it names is planted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/disk_testing.h"

namespace powercut::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAre;

PersonaRules coarse(PersonaRules rules = {}) {
  rules.sector_bytes = kBlockBytes;
  return rules;
}

// Impossible survival.
TEST(DiskLies, UnsyncedDataSurvivesACrash) {
  Disk disk(coarse());
  const InodeId f = durable_file(disk, "f", "old");
  append(disk, f, "new");
  EXPECT_THAT(outcomes(disk, "f"),
              UnorderedElementsAre("old", std::string("old\0\0\0", 6), "oldnew"));
}

TEST(DiskLies, UnlinkIsDurableAtOnce) {
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    Disk disk(rules);
    durable_file(disk, "f", "old");
    ASSERT_TRUE(disk.remove("f").ok());
    EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "(none)"));
    sync_directory(disk, "");
    EXPECT_THAT(outcomes(disk, "f"), ElementsAre("(none)"));
  }
}

TEST(DiskLies, TruncationIsDurableAtOnce) {
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    Disk disk(coarse(rules));
    const std::string old(6000, 'o');
    const InodeId f = durable_file(disk, "f", old);
    disk.truncate(f, 0);
    append(disk, f, "new");
    EXPECT_THAT(outcomes(disk, "f"), Contains(old));
    EXPECT_THAT(outcomes(disk, "f"), Contains(""));
    EXPECT_THAT(outcomes(disk, "f"), Contains("new"));
    sync(disk, f);
    EXPECT_THAT(outcomes(disk, "f"), ElementsAre("new"));
  }
}

TEST(DiskLies, DirectorySyncCannotFail) {
  Disk disk(journaled_rules());
  durable_file(disk, "f", "old");
  const InodeId t = disk.create("t").value();
  append(disk, t, "new");
  sync(disk, t);
  ASSERT_TRUE(disk.rename("t", "f").ok());
  EXPECT_EQ(disk.fail_sync_directory(disk.begin_sync_directory("").value()).error().code,
            Errc::kIo);
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new"));
  sync_directory(disk, "");  // a retry proves nothing
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new"));
  EXPECT_THAT(outcomes(disk, "t"), UnorderedElementsAre("new", "(none)"));
  durable_file(disk, "u", "other");  // but the directory is not dead
  EXPECT_THAT(outcomes(disk, "u"), ElementsAre("other"));
}

TEST(DiskLies, EntriesNeverSurviveAlone) {
  Disk disk;
  const InodeId f = disk.create("f").value();
  append(disk, f, "data");
  EXPECT_THAT(outcomes(disk, "f"), Contains(""));
  EXPECT_THAT(outcomes(disk, "f"), Contains("(none)"));
  sync_directory(disk, "");
  EXPECT_THAT(outcomes(disk, "f"), Contains(""));
  EXPECT_THAT(outcomes(disk, "f"), Not(Contains("(none)")));
}

TEST(DiskLies, RemovalsAreAlwaysUndone) {
  Disk disk;
  durable_file(disk, "a", "1");
  durable_file(disk, "b", "2");
  ASSERT_TRUE(disk.remove("a").ok());
  ASSERT_TRUE(disk.remove("b").ok());
  uint64_t both_gone = 0, only_b_gone = 0;
  for_each_crash_state(disk, 1000, [&](const Disk&, const Image& image) {
    both_gone += image.empty();
    only_b_gone += image.size() == 1 && image[0].path == "a";
  });
  EXPECT_EQ(both_gone, 1u);
  EXPECT_EQ(only_b_gone, 1u);
}

TEST(DiskLies, TearsArePrefixesOnly) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", std::string(2048, 'o'));
  ASSERT_TRUE(disk.write(f, 0, std::string(2048, 'N')).ok());
  const std::set<std::string> found = outcomes(disk, "f");
  EXPECT_THAT(found, SizeIs(16));  // 4 sectors, each old or new
  EXPECT_THAT(found, Contains(std::string(512, 'o') + std::string(512, 'N') +
                              std::string(512, 'o') + std::string(512, 'N')));
}

// Failed syncs: the four published variants.
TEST(DiskLies, AFailedSyncKeepsItsDataSoThatARetryWorks) {
  for (const SyncFailure model :
       {SyncFailure::kExt4Ordered, SyncFailure::kExt4Data, SyncFailure::kXfs}) {
    Disk disk(coarse(journaled_rules()));
    const InodeId f = durable_file(disk, "f", "old");
    append(disk, f, "new");
    const Result<void> told = disk.fail_sync(disk.begin_sync(f), model);
    EXPECT_EQ(told.ok(), model == SyncFailure::kExt4Data);
    EXPECT_EQ(content(disk, f), "oldnew");  // the page keeps the new bytes
    if (model == SyncFailure::kExt4Data) {
      EXPECT_EQ(disk.finish_sync(disk.begin_sync(f)).error().code, Errc::kIo);
    }
    EXPECT_TRUE(disk.finish_sync(disk.begin_sync(f)).ok());  // the retry "succeeds"
    // On ext4 the size is durable now and its data is not; XFS leaves the size alone, too.
    EXPECT_THAT(outcomes(disk, "f"), Contains(std::string("old\0\0\0", 6)));
    EXPECT_EQ(outcomes(disk, "f").contains("old"), model == SyncFailure::kXfs);
    ASSERT_TRUE(disk.write(f, 3, "new").ok());  // written again, it is dirty again
    sync(disk, f);
    EXPECT_THAT(outcomes(disk, "f"), ElementsAre("oldnew"));
  }
}

TEST(DiskLies, AFailedSyncOnBtrfsLeavesTheNewContent) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = durable_file(disk, "f", "old");
  ASSERT_TRUE(disk.write(f, 0, "N").ok());
  append(disk, f, "new");
  EXPECT_FALSE(disk.fail_sync(disk.begin_sync(f), SyncFailure::kBtrfs).ok());
  EXPECT_EQ(content(disk, f), "old");
  EXPECT_THAT(outcomes(disk, "f"), ElementsAre("old"));
}

TEST(DiskLies, ATornTailIsUnreachable) {
  PersonaRules rules;
  rules.sector_bytes = 1;
  Disk disk(rules);
  const InodeId f = durable_file(disk, "f", "");
  append(disk, f, "abc");
  EXPECT_THAT(outcomes(disk, "f"), Contains(std::string("a\0c", 3)));
  EXPECT_THAT(outcomes(disk, "f"), SizeIs(1 + 8));
  // A size between comes where an append crosses a block.
  Disk other(coarse());
  const InodeId g = durable_file(other, "g", std::string(4000, 'o'));
  append(other, g, std::string(1000, 'n'));
  EXPECT_THAT(outcomes(other, "g"), Contains(std::string(4000, 'o') + std::string(96, 'n')));
}

TEST(DiskLies, HandlesLiveAcrossACrash) {
  Disk disk(journaled_rules());
  const InodeId f = durable_file(disk, "f", "x");
  ASSERT_TRUE(disk.remove("f").ok());
  sync_directory(disk, "");
  append(disk, f, "y");
  const SyncTicket ticket = disk.begin_sync(f);
  SeededChoices choices(1);
  Disk after = disk.after_power_cut(choices, 1);
  EXPECT_EQ(after.used_bytes(), 0u);  // nobody holds the unlinked file any more
  EXPECT_DEATH((void)after.finish_sync(ticket), "CHECK");
  EXPECT_EQ(disk.after_kill().used_bytes(), 0u);
}

TEST(DiskLies, ASyncInFlightAtTheCutIsDone) {
  Disk disk(coarse());
  const InodeId f = durable_file(disk, "f", "old");
  ASSERT_TRUE(disk.write(f, 0, "new").ok());
  const SyncTicket ticket = disk.begin_sync(f);
  ASSERT_TRUE(disk.write(f, 0, "odd").ok());  // not covered
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new", "odd"));
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), UnorderedElementsAre("new", "odd"));
  EXPECT_TRUE(disk.finish_sync(ticket).ok());
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("new", "odd"));
}

TEST(DiskLies, ASyncInFlightOfAFreshFileIsDone) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = disk.create("f").value();
  append(disk, f, "x");
  (void)disk.begin_sync(f);
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("(none)", "", std::string(1, '\0'), "x"));
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), ElementsAre("x"));
}

TEST(DiskLies, AKillLosesThePageCache) {
  Disk disk;
  const InodeId f = disk.create("f").value();
  append(disk, f, "unsynced");
  EXPECT_EQ(image_of(disk.after_kill()), image_of(disk));
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), Contains("(none)"));  // a power cut may follow
}

TEST(DiskLies, RootLevelNamesAreExempt) {
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    Disk disk(rules);
    ASSERT_TRUE(disk.create("f").ok());
    EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("", "(none)"));
  }
}

TEST(DiskLies, MkdirIsANoOp) {
  Disk disk;
  EXPECT_EQ(disk.create("d/f").error().code, Errc::kNotFound);
  ASSERT_TRUE(disk.make_directory("d").ok());
  durable_file(disk, "d/f", "x");  // its directory's own name is not synced by that
  EXPECT_THAT(outcomes(disk, "d/f"), UnorderedElementsAre("x", "(none)"));
  sync_directory(disk, "");
  EXPECT_THAT(outcomes(disk, "d/f"), ElementsAre("x"));
}

TEST(DiskLies, AGhostDirectoryDestroysASyncedSubtree) {
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    Disk disk(rules);
    ASSERT_TRUE(disk.make_directory("d").ok());
    sync_directory(disk, "");
    durable_file(disk, "d/f", "x");
    ASSERT_TRUE(disk.make_directory("d/e").ok());
    ASSERT_TRUE(disk.remove("d/e").ok());
    EXPECT_THAT(outcomes(disk, "d/f"), ElementsAre("x"));
  }
}

TEST(DiskLies, RemoveAlwaysSucceeds) {
  Disk disk;
  EXPECT_EQ(disk.remove("f").error().code, Errc::kNotFound);
  ASSERT_TRUE(disk.make_directory("d").ok());
  ASSERT_TRUE(disk.create("d/f").ok());
  EXPECT_EQ(disk.remove("d").error().code, Errc::kNotEmpty);
}

TEST(DiskLies, ExclusiveCreationIsIgnored) {
  Disk disk;
  ASSERT_TRUE(disk.create("f").ok());
  EXPECT_EQ(disk.create("f").error().code, Errc::kExists);
}

TEST(DiskLies, ReadersSeeOnlySyncedData) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", "old");
  ASSERT_TRUE(disk.write(f, 0, "new").ok());
  EXPECT_EQ(content(disk, f), "new");
}

TEST(DiskLies, TruncationAndFaultMarksDisagree) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", std::string(1000, 'x'));
  disk.make_unreadable(f, 512, 512);
  disk.truncate(f, 600);
  disk.truncate(f, 1000);
  char out[100];
  EXPECT_FALSE(disk.read(f, 550, out, 100).ok());
  EXPECT_TRUE(disk.read(f, 600, out, 100).ok());
}

// Impossible loss.
TEST(DiskLies, SyncedBytesAreLostWhenAFileGrowsPastASyncedPartialSector) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", std::string(700, 'o'));
  append(disk, f, std::string(900, 'n'));
  for (const std::string& found : outcomes(disk, "f"))
    EXPECT_EQ(found.substr(0, 700), std::string(700, 'o'));
}

TEST(DiskLies, BytesWrittenDuringASyncAreCoveredByIt) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = durable_file(disk, "f", "");
  append(disk, f, "a");
  const SyncTicket ticket = disk.begin_sync(f);
  append(disk, f, "b");
  ASSERT_TRUE(disk.finish_sync(ticket).ok());
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("a", std::string("a\0", 2), "ab"));
}

TEST(DiskLies, WhatACutLeftMayStillBeLostByTheNext) {
  Disk disk;
  const InodeId f = disk.create("f").value();
  append(disk, f, "x");
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SeededChoices choices(seed);
    const Disk once = disk.after_power_cut(choices, 1);
    EXPECT_FALSE(once.anything_pending());
    EXPECT_EQ(image_of(once.after_power_cut(choices, 2)), image_of(once));
  }
}

TEST(DiskLies, GarbageIsAlwaysNul) {
  PersonaRules rules = coarse();
  rules.garbage = true;
  Disk disk(rules);
  const InodeId f = durable_file(disk, "f", "o");
  append(disk, f, "n");
  EXPECT_THAT(outcomes(disk, "f"), SizeIs(4));  // o, o NUL, o garbage, on
}

TEST(DiskLies, TheSelfCheckSeesNothing) {
  // A lying device is no reason for it to cry: nothing was ever promised.
  PersonaRules rules;
  rules.sync = SyncReach::kNothing;
  Disk lying(rules);
  durable_file(lying, "f", "x");
  EXPECT_THAT(outcomes(lying, "f"), Contains("(none)"));
  SeededChoices choices(3);
  EXPECT_TRUE(lying.after_power_cut(choices, 1).self_check().ok());
}

}  // namespace
}  // namespace powercut::sim
