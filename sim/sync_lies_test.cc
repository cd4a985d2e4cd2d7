// Known ways in which simulated disks lie, second part: syncs, writes cut short, processes that
// die. As in disk_lies_test.cc, each lie is planted too, and told apart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/disk_testing.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::sim {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

// Failed syncs: the four variants that were published in 2020.
TEST(DiskLies, AFailedSyncKeepsItsDataSoThatARetryWorks) {
  for (const SyncFailure model :
       {SyncFailure::kExt4Ordered2020, SyncFailure::kExt4Data2020, SyncFailure::kXfs2020}) {
    const auto after = [model](bool lie) {
      Disk disk(coarse(journaled_rules()));
      const InodeId f = durable_file(disk, "f", "old");
      append(disk, f, "new");
      if (!lie) {
        EXPECT_EQ(disk.fail_sync(disk.begin_sync(f), model).ok(),
                  model == SyncFailure::kExt4Data2020);
      }
      EXPECT_EQ(content(disk, f), "oldnew");  // the page keeps the new bytes
      if (model == SyncFailure::kExt4Data2020 && !lie) {
        EXPECT_EQ(disk.finish_sync(disk.begin_sync(f)).error().code, Errc::kIo);
      }
      EXPECT_TRUE(disk.finish_sync(disk.begin_sync(f)).ok());  // the retry "succeeds"
      return disk;
    };
    Disk disk = after(false);
    // On ext4 the size is durable now and its data is not; XFS leaves the size alone, too.
    EXPECT_THAT(outcomes(disk, "f"), Contains(std::string("old\0\0\0", 6)));
    EXPECT_EQ(outcomes(disk, "f").contains("old"), model == SyncFailure::kXfs2020);
    const InodeId f = disk.lookup("f").value();
    CHECK(disk.write(f, 3, "new").ok());  // written again, it is dirty again
    sync(disk, f);
    EXPECT_THAT(outcomes(disk, "f"), ElementsAre("oldnew"));
    EXPECT_THAT(outcomes(after(true), "f"), ElementsAre("oldnew"));
  }
}

TEST(DiskLies, AFailedSyncOnBtrfsLeavesTheNewContent) {
  const auto read = [](SyncFailure model) {
    Disk disk(coarse(journaled_rules()));
    const InodeId f = durable_file(disk, "f", "old");
    CHECK(disk.write(f, 0, "N").ok());
    append(disk, f, "new");
    EXPECT_FALSE(disk.fail_sync(disk.begin_sync(f), model).ok());
    if (model == SyncFailure::kBtrfs2020) {
      EXPECT_THAT(outcomes(disk, "f"), ElementsAre("old"));
    }
    return content(disk, f);
  };
  EXPECT_EQ(read(SyncFailure::kBtrfs2020), "old");
  EXPECT_EQ(read(SyncFailure::kXfs2020), "Nldnew");
}

// Linux 6.18: what is written again into a block that was new stays lost; not on data=journal.
TEST(DiskLies, ABlockWhoseFirstWriteFailedTakesTheNext) {
  for (const SyncFailure model : {SyncFailure::kExt4Ordered, SyncFailure::kExt4Data}) {
    PersonaRules rules = coarse(journaled_rules());
    rules.sync_failure = model;
    Disk disk(rules);
    const std::string old(kBlockBytes, 'o');
    const std::string added(kBlockBytes, 'N');
    const InodeId f = durable_file(disk, "f", old);
    append(disk, f, added);
    EXPECT_FALSE(disk.fail_sync(disk.begin_sync(f), model).ok());
    CHECK(disk.write(f, kBlockBytes, added).ok());
    sync(disk, f);
    const bool lost = outcomes(disk, "f").contains(old + std::string(kBlockBytes, '\0'));
    EXPECT_EQ(lost, model == SyncFailure::kExt4Ordered);
    disk.truncate(f, kBlockBytes);  // what repairs it
    append(disk, f, added);
    sync(disk, f);
    EXPECT_THAT(outcomes(disk, "f"), ElementsAre(old + added));
  }
}

// A page that a failed sync left clean may be read from the disk again, and then is what a cut finds.
TEST(DiskLies, AFailedPageReadsTheNewBytesForEver) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = durable_file(disk, "f", "old");
  CHECK(disk.write(f, 0, "new").ok());
  Disk dirty = disk;
  EXPECT_FALSE(dirty.evict_to(f, "old"));  // a dirty page stays
  EXPECT_FALSE(disk.fail_sync(disk.begin_sync(f), disk.rules().sync_failure).ok());
  EXPECT_FALSE(Disk(disk).evict_to(f, "odd"));
  EXPECT_TRUE(disk.evict_to(f, "old"));
  EXPECT_THAT(outcomes(disk, "f"), ElementsAre("old"));
}

// A journal that failed leaves the size stuck as well, and with data=journal what was written stays in the journal.
TEST(DiskLies, AFileReadAgainBehindAFailedJournal) {
  for (const SyncFailure model : {SyncFailure::kExt4Ordered, SyncFailure::kExt4Data}) {
    PersonaRules rules = coarse(journaled_rules());
    rules.sync_failure = model;
    for (uint64_t seed = 0; seed < 100; ++seed) {
      Disk disk(rules);
      const InodeId f = durable_file(disk, "f", "old");
      append(disk, f, "new");
      EXPECT_FALSE(disk.fail_journal(disk.begin_sync(f)).ok());
      SeededChoices choices(seed);
      disk.evict_inode(f, choices, 1);
      EXPECT_THAT(outcomes(disk, "f"), Each(StartsWith("old"))) << seed;
    }
  }
}

// The journal fails: no change is taken, and a sync that comes later may succeed all the same.
TEST(DiskLies, ASyncThatSucceedsAfterTheJournalFailedForces) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = durable_file(disk, "f", "old");
  append(disk, f, "new");
  EXPECT_TRUE(disk.check_change().ok());
  EXPECT_EQ(disk.fail_journal(disk.begin_sync(f)).error().code, Errc::kIo);
  EXPECT_TRUE(disk.finish_sync(disk.begin_sync(f)).ok());
  EXPECT_THAT(outcomes(disk, "f"), Contains("old"));
  EXPECT_EQ(disk.check_change().error().code, Errc::kRefused);
  EXPECT_EQ(disk.finish_sync(disk.begin_sync(f)).error().code,
            Errc::kRefused);  // now it is noticed
  SeededChoices choices(1);
  EXPECT_TRUE(disk.after_power_cut(choices, 1).check_change().ok());  // mounted again
}

// The process dies inside a write: any prefix may be in the page cache. And a write may return
// short.
TEST(DiskLies, NoShortWrite) {
  const auto write = [](uint64_t seed, CrashKind crash, CrashPoint point, bool is_short) {
    WorldState world{Disk(), Instant{0}, kWallStartMs};
    SeededChoices choices(seed);
    Trace trace;
    TestInjector injector;
    injector.crash = crash;
    injector.crash_op = Op::kWrite;
    injector.crash_point = point;
    injector.short_writes = is_short;
    SimOs os(world, choices, trace, &injector);
    uint64_t returned = 0;
    os.spawn("writer", [&] {
      const auto file = os.open("f", engine::Open::kCreateNew);
      returned = (*file)->write_at(0, "0123456789").value();
    });
    os.run();
    const Disk after = world.disk.after_kill();
    EXPECT_TRUE(crash != CrashKind::kNone || returned == after.size(after.lookup("f").value()));
    return after.size(after.lookup("f").value());
  };
  std::set<uint64_t> inside, whole;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    inside.insert(write(seed, CrashKind::kKill, CrashPoint::kInside, false));
    whole.insert(write(seed, CrashKind::kKill, CrashPoint::kAfter, false));
  }
  EXPECT_THAT(inside, SizeIs(11));
  EXPECT_THAT(whole, ElementsAre(10));
  EXPECT_LT(write(1, CrashKind::kNone, CrashPoint::kBefore, true), 10u);
  EXPECT_EQ(write(1, CrashKind::kNone, CrashPoint::kBefore, false), 10u);
}

TEST(DiskLies, OnlyAsynchronousCompletion) {
  const auto at_once_of_100 = [](uint64_t one_in) {
    WorldState world{Disk(), Instant{0}, kWallStartMs};
    SeededChoices choices(1);
    Trace trace;
    LatencyProfile latency;
    latency.immediate_one_in = one_in;
    SimOs os(world, choices, trace, nullptr, latency);
    int count = 0;
    os.spawn("syncer", [&] {
      const auto file = os.open("f", engine::Open::kCreateNew);
      for (int i = 0; i < 100; ++i) {
        const Instant before = os.now();
        CHECK((*file)->sync("test").ok());
        count += os.now() == before ? 1 : 0;
      }
    });
    os.run();
    return count;
  };
  EXPECT_GT(at_once_of_100(4), 0);
  EXPECT_LT(at_once_of_100(4), 100);
  EXPECT_EQ(at_once_of_100(0), 0);
}

TEST(DiskLies, HandlesLiveAcrossACrash) {
  Disk disk(journaled_rules());
  const InodeId f = durable_file(disk, "f", "x");
  CHECK(disk.remove("f").ok());
  sync_directory(disk, "");
  append(disk, f, "y");
  const SyncTicket ticket = disk.begin_sync(f);
  SeededChoices choices(1);
  Disk after = disk.after_power_cut(choices, 1);
  EXPECT_EQ(after.used_bytes(), 0u);  // nobody holds the unlinked file any more
  EXPECT_DEATH((void)after.finish_sync(ticket), "CHECK");
  EXPECT_EQ(disk.after_kill().used_bytes(), 0u);
  EXPECT_EQ(disk.used_bytes(), kBlockBytes);  // the lie: the world goes on as it was
  EXPECT_TRUE(disk.finish_sync(ticket).ok());
}

TEST(DiskLies, ASyncInFlightAtTheCutIsDone) {
  Disk disk(coarse());
  const InodeId f = durable_file(disk, "f", "old");
  CHECK(disk.write(f, 0, "new").ok());
  const SyncTicket ticket = disk.begin_sync(f);
  CHECK(disk.write(f, 0, "odd").ok());  // not covered
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new", "odd"));
  // A kill completes it; to plant the one lie is to have the other's outcome.
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), UnorderedElementsAre("new", "odd"));
  EXPECT_TRUE(disk.finish_sync(ticket).ok());
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("new", "odd"));
}

TEST(DiskLies, ASyncInFlightOfAFreshFileIsDone) {
  Disk disk(coarse(journaled_rules()));
  const InodeId f = disk.create("f").value();
  append(disk, f, "x");
  const SyncTicket ticket = disk.begin_sync(f);
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("(none)", "", std::string(1, '\0'), "x"));
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), ElementsAre("x"));
  CHECK(disk.finish_sync(ticket).ok());
  EXPECT_THAT(outcomes(disk, "f"), ElementsAre("x"));
}

TEST(DiskLies, BytesWrittenDuringASyncAreCoveredByIt) {
  const auto found = [](bool lie) {
    Disk disk(coarse(journaled_rules()));
    const InodeId f = durable_file(disk, "f", "");
    append(disk, f, "a");
    SyncTicket ticket = disk.begin_sync(f);
    append(disk, f, "b");
    if (lie) ticket = disk.begin_sync(f);
    CHECK(disk.finish_sync(ticket).ok());
    return outcomes(disk, "f");
  };
  EXPECT_THAT(found(false), UnorderedElementsAre("a", std::string("a\0", 2), "ab"));
  EXPECT_THAT(found(true), ElementsAre("ab"));
}

}  // namespace
}  // namespace powercut::sim
