#include "sim/survival.h"

#include <gtest/gtest.h>

#include "sim/disk_testing.h"

namespace powercut::sim {
namespace {

std::string after(const Disk& disk, const std::string& stated, const std::string& path) {
  const Result<Survival> survival = parse_survival(stated);
  if (!survival.ok()) return survival.error().message;
  const Result<Disk> cut = disk.after_power_cut(*survival);
  if (!cut.ok()) return cut.error().message;
  const Result<InodeId> file = cut->lookup(path);
  return file.ok() ? content(*cut, *file) : "(none)";
}

TEST(Survival, EachSlotIsDecidedByItsName) {
  Disk disk;
  const InodeId log = durable_file(disk, "log", "old!");
  append(disk, log, "new");
  append(disk, log, "est");
  const auto read = [&](const std::string& stated) { return after(disk, stated, "log"); };
  EXPECT_EQ(read("rest lost\n"), "old!");
  EXPECT_EQ(read("rest kept\n"), "old!newest");
  EXPECT_EQ(read("rest kept\nsize log 1\n"), "old!new");
  EXPECT_EQ(read("rest lost\nsize log 2\n"), std::string("old!\0\0\0\0\0\0", 10));
  EXPECT_EQ(read("rest lost\nsize log 2\nsector log 0 1\n"), std::string("old!new\0\0\0", 10));
}

TEST(Survival, NamesSurviveEachForItselfOrAsTheJournalSays) {
  Disk free;
  Disk journaled(journaled_rules());
  for (Disk* disk : {&free, &journaled}) {
    durable_file(*disk, "a", "A");
    durable_file(*disk, "b", "B");
    ASSERT_TRUE(disk->rename("a", "b").ok());
    ASSERT_TRUE(disk->create("c").ok());
  }
  EXPECT_EQ(after(free, "rest lost\nname b 1\n", "b"), "A");
  EXPECT_EQ(after(free, "rest lost\nname b 1\n", "a"), "A");
  EXPECT_EQ(after(free, "rest kept\nname b 0\n", "a"), "(none)");
  EXPECT_EQ(after(journaled, "rest lost\njournal 1\n", "b"), "A");
  EXPECT_EQ(after(journaled, "rest lost\njournal 1\n", "c"), "(none)");
  EXPECT_EQ(after(journaled, "rest kept\n", "c"), "");
}

TEST(Survival, ARemovedFileKeepsItsLastName) {
  Disk disk;
  for (const char* bytes : {"one", "two", "three"}) {
    const InodeId fresh = disk.create("fresh").value();
    append(disk, fresh, bytes);
    ASSERT_TRUE(disk.rename("fresh", "current").ok());
  }
  EXPECT_EQ(
      after(disk, "rest lost\nname current 1\nsize current~2 1\nsector current~2 0 1\n", "current"),
      "one");
  EXPECT_EQ(
      after(disk, "rest lost\nname current 2\nsize current~1 1\nsector current~1 0 1\n", "current"),
      "two");
}

TEST(Survival, WhatIsNotLegalIsOneClearLine) {
  Disk disk;
  append(disk, durable_file(disk, "log", "old"), "new");
  const auto problem = [&](const std::string& stated) { return after(disk, stated, "log"); };
  EXPECT_EQ(problem("size log 2\n"), "survival: \"size log 2\" is not legal here: 0 to 1 is");
  EXPECT_EQ(problem("size lock 1\n"),
            "survival: \"size lock 1\": nothing of it is undecided at this cut; what is, up to its "
            "newest version: size log 1, sector log 0 1");
  EXPECT_EQ(problem("size log\n"), "survival: \"size log\": ends in no number");
  EXPECT_EQ(problem("size 1\n"), "survival: \"size 1\": the path is missing");
  EXPECT_EQ(problem("length log 1\n"), "survival: \"length log 1\": no such kind of slot");
  EXPECT_EQ(problem("sector log 1\n"),
            "survival: \"sector log 1\": the number behind the path is missing");
  EXPECT_EQ(problem("garbage log 0 seen\n"),
            "survival: \"garbage log 0 seen\": nul or shown is missing");
  EXPECT_EQ(problem("block log 0 2\n"), "survival: \"block log 0 2\": \"reused\" is missing");
  EXPECT_EQ(problem("size log 1\nsize log 1\n"),
            "survival: \"size log 1\": this slot has been stated already");
}

// The draw of one slot does not depend on what else there is.
TEST(Survival, ADrawIsKeyedByItsSlot) {
  const auto drawn = [](bool another) {
    Disk disk;
    if (another) append(disk, durable_file(disk, "first", "F"), "f");
    append(disk, durable_file(disk, "log", "old"), "new");
    std::vector<uint64_t> versions;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      SeededChoices choices(seed);
      for (const Slot& slot : survival_of(disk, choices, 7, CutStyle::kUniform).slots)
        if (slot.what.path == "log") versions.push_back(slot.version);
    }
    return versions;
  };
  EXPECT_EQ(drawn(false), drawn(true));
}

}  // namespace
}  // namespace powercut::sim
