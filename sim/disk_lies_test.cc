// Known ways in which simulated disks lie, from a public audit of one and from our own list. Each
// test looks at an honest disk and then at one with the lie planted, by a rule switch where there
// is one and by a double otherwise, and tells them apart.
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

// Impossible survival.
TEST(DiskLies, UnsyncedDataSurvivesACrash) {
  const auto found = [](const PersonaRules& rules) {
    Disk disk(coarse(rules));
    append(disk, durable_file(disk, "f", "old"), "new");
    return outcomes(disk, "f");
  };
  EXPECT_THAT(found({}), UnorderedElementsAre("old", std::string("old\0\0\0", 6), "oldnew"));
  EXPECT_THAT(found(at_once()), ElementsAre("oldnew"));
}

TEST(DiskLies, UnlinkIsDurableAtOnce) {
  const auto found = [](const PersonaRules& rules, bool synced) {
    Disk disk(rules);
    durable_file(disk, "f", "old");
    CHECK(disk.remove("f").ok());
    if (synced) sync_directory(disk, "");
    return outcomes(disk, "f");
  };
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    EXPECT_THAT(found(rules, false), UnorderedElementsAre("old", "(none)"));
    EXPECT_THAT(found(rules, true), ElementsAre("(none)"));
    EXPECT_THAT(found(at_once(rules), false), ElementsAre("(none)"));
  }
}

TEST(DiskLies, TruncationIsDurableAtOnce) {
  const std::string old(6000, 'o');
  const auto found = [&](const PersonaRules& rules, bool synced) {
    Disk disk(coarse(rules));
    const InodeId f = durable_file(disk, "f", old);
    disk.truncate(f, 0);
    append(disk, f, "new");
    if (synced) sync(disk, f);
    return outcomes(disk, "f");
  };
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    for (const std::string& content : {old, std::string(), std::string("new")})
      EXPECT_THAT(found(rules, false), Contains(content));
    EXPECT_THAT(found(rules, true), ElementsAre("new"));
    EXPECT_THAT(found(at_once(rules), false), ElementsAre("new"));
  }
}

TEST(DiskLies, DirectorySyncCannotFail) {
  const auto after = [](bool lie) {
    Disk disk(journaled_rules());
    durable_file(disk, "f", "old");
    const InodeId t = disk.create("t").value();
    append(disk, t, "new");
    sync(disk, t);
    CHECK(disk.rename("t", "f").ok());
    const SyncTicket ticket = disk.begin_sync_directory("").value();
    const Result<void> told = lie ? disk.finish_sync(ticket) : disk.fail_sync_directory(ticket);
    EXPECT_EQ(told.ok(), lie);
    return disk;
  };
  Disk disk = after(false);
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new"));
  sync_directory(disk, "");  // a retry proves nothing
  EXPECT_THAT(outcomes(disk, "f"), UnorderedElementsAre("old", "new"));
  EXPECT_THAT(outcomes(disk, "t"), UnorderedElementsAre("new", "(none)"));
  durable_file(disk, "u", "other");  // but the directory is not dead
  EXPECT_THAT(outcomes(disk, "u"), ElementsAre("other"));
  EXPECT_THAT(outcomes(after(true), "f"), ElementsAre("new"));
}

TEST(DiskLies, EntriesNeverSurviveAlone) {
  const auto found = [](const PersonaRules& rules, bool synced) {
    Disk disk(rules);
    append(disk, disk.create("f").value(), "data");
    if (synced) sync_directory(disk, "");
    return outcomes(disk, "f");
  };
  EXPECT_THAT(found({}, false), Contains(""));
  EXPECT_THAT(found({}, false), Contains("(none)"));
  EXPECT_THAT(found({}, true), Contains(""));
  EXPECT_THAT(found({}, true), Not(Contains("(none)")));
  EXPECT_THAT(found(at_once(), false), Not(Contains("")));
}

TEST(DiskLies, RemovalsAreAlwaysUndone) {
  Disk disk;
  durable_file(disk, "a", "1");
  durable_file(disk, "b", "2");
  CHECK(disk.remove("a").ok());
  CHECK(disk.remove("b").ok());
  std::set<Image> images;
  for_each_crash_state(disk, 1000, [&](const Disk&, const Image& image) { images.insert(image); });
  const auto may_be = [](const std::set<Image>& found, bool a, bool b) {
    Image image;
    if (a) image.push_back({"a", "1"});
    if (b) image.push_back({"b", "2"});
    return found.contains(image);
  };
  EXPECT_TRUE(may_be(images, false, false) && may_be(images, true, false));
  EXPECT_TRUE(may_be(images, false, true) && may_be(images, true, true));
  const std::set<Image> undone{image_of(all_lost(disk))};
  EXPECT_TRUE(may_be(undone, true, true));
  EXPECT_FALSE(may_be(undone, false, false) || may_be(undone, true, false));
}

TEST(DiskLies, TearsArePrefixesOnly) {
  const auto found = [](bool lie) {
    PersonaRules rules;
    rules.block_atomic = lie;
    Disk disk(rules);
    const InodeId f = durable_file(disk, "f", std::string(2048, 'o'));
    CHECK(disk.write(f, 0, std::string(2048, 'N')).ok());
    return outcomes(disk, "f");
  };
  const std::string middle =
      std::string(512, 'o') + std::string(512, 'N') + std::string(512, 'o') + std::string(512, 'N');
  EXPECT_THAT(found(false), SizeIs(16));  // 4 sectors, each old or new
  EXPECT_THAT(found(false), Contains(middle));
  EXPECT_THAT(found(true), Not(Contains(middle)));
}

TEST(DiskLies, ATornTailIsUnreachable) {
  const auto found = [](uint32_t sector_bytes) {
    PersonaRules rules;
    rules.sector_bytes = sector_bytes;
    Disk disk(rules);
    append(disk, durable_file(disk, "f", ""), "abc");
    return outcomes(disk, "f");
  };
  EXPECT_THAT(found(1), Contains(std::string("a\0c", 3)));
  EXPECT_THAT(found(1), SizeIs(1 + 8));
  EXPECT_THAT(found(512), Not(Contains(std::string("a\0c", 3))));
  // A size between comes where an append crosses a block.
  const auto crossing = [](const PersonaRules& rules) {
    Disk disk(coarse(rules));
    append(disk, durable_file(disk, "g", std::string(4000, 'o')), std::string(1000, 'n'));
    return outcomes(disk, "g");
  };
  const std::string between = std::string(4000, 'o') + std::string(96, 'n');
  EXPECT_THAT(crossing({}), Contains(between));
  EXPECT_THAT(crossing(at_once()), Not(Contains(between)));
}

TEST(DiskLies, AKillLosesThePageCache) {
  Disk disk;
  append(disk, disk.create("f").value(), "unsynced");
  EXPECT_EQ(image_of(disk.after_kill()), image_of(disk));
  EXPECT_THAT(outcomes(disk.after_kill(), "f"), Contains("(none)"));  // a power cut may follow
  EXPECT_NE(image_of(all_lost(disk)), image_of(disk));
}

TEST(DiskLies, RootLevelNamesAreExempt) {
  const auto found = [](const PersonaRules& rules) {
    Disk disk(rules);
    CHECK(disk.create("f").ok());
    return outcomes(disk, "f");
  };
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    EXPECT_THAT(found(rules), UnorderedElementsAre("", "(none)"));
    EXPECT_THAT(found(at_once(rules)), ElementsAre(""));
  }
}

TEST(DiskLies, MkdirIsANoOp) {
  const auto found = [](const PersonaRules& rules, bool synced) {
    Disk disk(rules);
    EXPECT_EQ(disk.create("d/f").error().code, Errc::kNotFound);
    CHECK(disk.make_directory("d").ok());
    durable_file(disk, "d/f", "x");  // its directory's own name is not synced by that
    if (synced) sync_directory(disk, "");
    return outcomes(disk, "d/f");
  };
  EXPECT_THAT(found({}, false), UnorderedElementsAre("x", "(none)"));
  EXPECT_THAT(found({}, true), ElementsAre("x"));
  EXPECT_THAT(found(at_once(), false), ElementsAre("x"));
}

TEST(DiskLies, AGhostDirectoryDestroysASyncedSubtree) {
  const auto found = [](const PersonaRules& rules, bool lie) {
    Disk disk(rules);
    CHECK(disk.make_directory("d").ok());
    sync_directory(disk, "");
    durable_file(disk, "d/f", "x");
    CHECK(disk.make_directory("d/e").ok());
    CHECK(disk.remove("d/e").ok());
    if (lie) CHECK(disk.remove("d/f").ok());  // the ghost takes its neighbours along
    return outcomes(disk, "d/f");
  };
  for (const PersonaRules& rules : {PersonaRules{}, journaled_rules()}) {
    EXPECT_THAT(found(rules, false), ElementsAre("x"));
    EXPECT_THAT(found(rules, true), Contains("(none)"));
  }
}

TEST(DiskLies, RemoveAlwaysSucceeds) {
  using Remove = Result<void> (*)(Disk&, std::string_view);
  const auto refused = [](Remove remove) {
    Disk disk;
    CHECK(disk.make_directory("d").ok());
    CHECK(disk.create("d/f").ok());
    return !remove(disk, "f").ok() && !remove(disk, "d").ok();
  };
  EXPECT_TRUE(refused([](Disk& disk, std::string_view path) { return disk.remove(path); }));
  EXPECT_FALSE(refused([](Disk& disk, std::string_view path) -> Result<void> {
    (void)disk.remove(path);
    return {};
  }));
}

TEST(DiskLies, ExclusiveCreationIsIgnored) {
  using Create = Result<InodeId> (*)(Disk&, std::string_view);
  const auto refused = [](Create create) {
    Disk disk;
    CHECK(create(disk, "f").ok());
    return !create(disk, "f").ok();
  };
  EXPECT_TRUE(refused([](Disk& disk, std::string_view path) { return disk.create(path); }));
  EXPECT_FALSE(refused([](Disk& disk, std::string_view path) {
    const auto there = disk.lookup(path);
    return there.ok() ? there : disk.create(path);
  }));
}

TEST(DiskLies, ReadersSeeOnlySyncedData) {
  Disk disk;
  const InodeId f = durable_file(disk, "f", "old");
  CHECK(disk.write(f, 0, "new").ok());
  EXPECT_EQ(content(disk, f), "new");
  EXPECT_EQ(content(all_lost(disk), f), "old");
}

TEST(DiskLies, TruncationAndFaultMarksDisagree) {
  const auto readable = [](bool cut_off, uint64_t offset) {
    Disk disk;
    const InodeId f = durable_file(disk, "f", std::string(1000, 'x'));
    disk.make_unreadable(f, 512, 512);
    if (cut_off) disk.truncate(f, 600);
    disk.truncate(f, 1000);
    char out[100];
    return disk.read(f, offset, out, 100).ok();
  };
  EXPECT_FALSE(readable(true, 550));
  EXPECT_TRUE(readable(true, 600));
  EXPECT_FALSE(readable(false, 600));
}

// Impossible loss.
TEST(DiskLies, SyncedBytesAreLostWhenAFileGrowsPastASyncedPartialSector) {
  const auto kept = [](const PersonaRules& rules) {
    Disk disk(rules);
    const InodeId f = durable_file(disk, "f", std::string(700, 'o'));
    append(disk, f, std::string(rules.sector_bytes == 1 ? 9 : 900, 'n'));
    for (const std::string& found : outcomes(disk, "f"))
      if (found.substr(0, 700) != std::string(700, 'o')) return false;
    return true;
  };
  for (const uint32_t sector : {1, 512, 4096}) {
    PersonaRules rules;
    rules.sector_bytes = sector;
    EXPECT_TRUE(kept(rules));
  }
  EXPECT_FALSE(kept(never(coarse())));
}

TEST(DiskLies, WhatACutLeftMayStillBeLostByTheNext) {
  Disk disk;
  append(disk, disk.create("f").value(), "x");
  bool changes = false;  // of one that was not cut, so that all is pending still
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SeededChoices choices(seed);
    const Disk once = disk.after_power_cut(choices, 1);
    EXPECT_FALSE(once.anything_pending());
    EXPECT_EQ(image_of(once.after_power_cut(choices, 2)), image_of(once));
    changes |= image_of(disk.after_power_cut(choices, 2)) != image_of(once);
  }
  EXPECT_TRUE(changes);
}

TEST(DiskLies, GarbageIsAlwaysNul) {
  const auto found = [](bool garbage) {
    PersonaRules rules = coarse();
    rules.garbage = garbage;
    Disk disk(rules);
    append(disk, durable_file(disk, "f", "o"), "n");
    return outcomes(disk, "f");
  };
  EXPECT_THAT(found(true), SizeIs(4));  // o, o NUL, o garbage, on
  EXPECT_THAT(found(false), SizeIs(3));
}

TEST(DiskLies, TheSelfCheckSeesNothing) {
  // A lying device is no reason for it to cry: nothing was ever promised.
  Disk lying(never());
  durable_file(lying, "f", "x");
  EXPECT_THAT(outcomes(lying, "f"), Contains("(none)"));
  SeededChoices choices(3);
  EXPECT_TRUE(lying.after_power_cut(choices, 1).self_check().ok());
}

}  // namespace
}  // namespace powercut::sim
