// Each kind of fault is told from the others, does what it is there for, and is told of.
#include "faults/fault_kinds.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <tuple>

#include "faults/plan_world_testing.h"
#include "sim/disk_testing.h"

namespace powercut::faults {
namespace {

// One plan a kind that makes it strike a store of ten operations, or the disk after it. In the
// order of FaultKind.
struct Example {
  FaultKind kind;
  std::string_view plan;
};
constexpr auto kExamples = std::to_array<Example>({
    {FaultKind::kCrash, "cut@op:7+1:inside"},
    {FaultKind::kEio, "eio@sync:2"},
    {FaultKind::kEnospc, "enospc@write:5"},
    {FaultKind::kNoSpace, "enospc@op:3..6"},
    {FaultKind::kShort, "short@write"},
    {FaultKind::kSlow, "slow@sync:3=2500ms"},
    {FaultKind::kHang, "hang@sync:3 cut@op:7+0:before"},
    {FaultKind::kJump, "jump@op:5=-3600000ms"},
    {FaultKind::kBitRot, "bitrot"},
    {FaultKind::kUnreadable, "unreadable"},
    {FaultKind::kMisdirect, "misdirect"},
    {FaultKind::kBytesRemoved, "bytes-removed"},
    {FaultKind::kBytesInserted, "bytes-inserted"},
    {FaultKind::kDenied, "denied@rename:0"},
    {FaultKind::kShut, "shut@sync:2 cut@op:7+0:before"},
    {FaultKind::kFileLost, "file-lost:3"},
});
static_assert(kExamples.size() == kFaultKinds, "a FaultKind without an example");
static_assert(
    [] {
      for (size_t i = 0; i < kExamples.size(); ++i)
        if (kExamples[i].kind != static_cast<FaultKind>(i) || kExamples[i].plan.empty())
          return false;
      return true;
    }(),
    "examples stand in the order of FaultKind");

TEST(FaultKinds, AnExampleReadsAsItIsWritten) {
  for (const Example& example : kExamples) {
    const auto plan = parse_plan(example.plan);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(plan->faults[0].kind, example.kind);
    EXPECT_EQ(print(*plan), example.plan);
    EXPECT_EQ(plan->violates_contract(), target(example.kind) == Target::kDisk) << example.plan;
  }
}

TEST(FaultKinds, WordsAreTheSameOnlyWhereTheirNumbersAreNot) {
  std::set<std::tuple<std::string_view, bool>> words;
  for (const KindRow& kind : kind_rows()) {
    const bool by_operation =
        kind.counts == Counts::kOperation || kind.counts == Counts::kOperations;
    EXPECT_TRUE(words.emplace(kind.word, by_operation).second) << kind.word;
    EXPECT_EQ(kind.word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos);
  }
}

// What a store sees of a fault that strikes a call or the clock.
struct Seen {
  uint64_t trace;
  Instant ended;
  int64_t wall_ms;
  bool operator==(const Seen&) const = default;
};
// Ten operations, and after each a call of every kind.
Seen seen_by(World& world) {
  world.run_operations([&](uint64_t n) {
    char bytes[100];
    if (auto file = world.os.open(kSegment, engine::Open::kRead); file.ok())
      (void)(*file)->read_at(0, bytes, sizeof bytes);
    const std::string name = std::to_string(n);
    if (auto file = world.os.open("made", engine::Open::kCreateNew); file.ok())
      (void)(*file)->truncate(10);
    (void)world.os.rename("made", "renamed");
    (void)world.os.link("renamed", name);
    (void)world.os.remove("renamed");
    (void)world.os.make_directory("d" + name);
    (void)world.os.list("");
    (void)world.os.sync_directory("", "x");
  });
  return {world.trace.hash(), world.state.now, world.state.wall_offset_ms};
}

TEST(FaultKinds, WhatStrikesACallOrTheClockIsCountedAndSeen) {
  for (const Example& example : kExamples) {
    if (target(example.kind) == Target::kDisk) continue;
    uint64_t struck = 0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      World plain("", 0, seed);
      const Seen undisturbed = seen_by(plain);
      World world(example.plan, 0, seed);
      const Seen seen = seen_by(world);
      uint64_t hits = 0;
      for (const auto& hit : world.injector.hits())
        hits += classes_of(world.plan.faults[0]).has(hit.fault) ? hit.count : 0;
      EXPECT_EQ(hits != 0, seen != undisturbed) << example.plan << " of seed " << seed;
      struck += hits;
    }
    EXPECT_GT(struck, 0u) << example.plan;
  }
}

// --- On the disk ---

constexpr std::string_view kLog = "appendonlydir/a.1.incr.aof";
constexpr std::string_view kManifest = "appendonlydir/a.manifest";

sim::Disk disk_with_files() {
  sim::Disk disk;
  CHECK(disk.make_directory("appendonlydir").ok());
  sim::sync_directory(disk, "");
  sim::durable_file(disk, kLog, std::string(1300, 'i'));
  sim::durable_file(disk, kManifest, std::string(100, 'm'));
  sim::durable_file(disk, "empty", "");
  return disk;
}

// Nothing: a sector of it cannot be read.
std::optional<std::string> content(const sim::Disk& disk, std::string_view path) {
  const auto inode = disk.lookup(path);
  if (!inode.ok()) return "gone";
  std::string bytes(disk.size(*inode), '?');
  if (!disk.read(*inode, 0, bytes.data(), bytes.size()).ok()) return std::nullopt;
  return bytes;
}

TEST(MediaFaults, EachDoesItsHarmToAFileThatIsNotEmpty) {
  for (const Example& example : kExamples) {
    if (target(example.kind) != Target::kDisk) continue;
    const Plan plan = parse_plan("cut@call:1:after " + std::string(example.plan)).value();
    std::set<std::string, std::less<>> hit;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const sim::Disk before = disk_with_files();
      sim::Disk disk = before;
      sim::SeededChoices choices(seed);
      EXPECT_TRUE(apply_media_faults(plan, 1, disk, choices).empty());
      EXPECT_TRUE(disk.is_same_as(before));
      EXPECT_FALSE(disk.has_media_faults());
      const auto hits = apply_media_faults(plan, 0, disk, choices);
      ASSERT_EQ(hits.size(), 1u);
      EXPECT_EQ(hits[0].fault, row(example.kind).fault);
      hit.insert(hits[0].at.path);
      const auto found = content(disk, hits[0].at.path);
      EXPECT_NE(found, content(before, hits[0].at.path))
          << example.plan << " at " << hits[0].at.offset;
      EXPECT_EQ(!found, example.kind == FaultKind::kUnreadable);
      EXPECT_EQ(content(sim::all_lost(disk), hits[0].at.path), found) << "it is not durable";
    }
    EXPECT_EQ(hit, (std::set<std::string, std::less<>>{std::string(kLog), std::string(kManifest)}));
  }
}

TEST(MediaFaults, ADiskWithoutBytesIsLeftAlone) {
  for (const Example& example : kExamples) {
    sim::Disk disk;
    sim::SeededChoices choices(1);
    const Plan plan = parse_plan(example.plan).value();
    EXPECT_TRUE(apply_media_faults(plan, 0, disk, choices).empty());
  }
}

// A disk with one file, "f".
sim::Disk disk_with(std::string_view bytes) {
  sim::Disk disk;
  sim::durable_file(disk, "f", bytes);
  return disk;
}

// All bytes differ from their neighbours, so that what is behind is seen to move.
std::string steps(size_t n) {
  std::string bytes(n, '\0');
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  return bytes;
}

TEST(MediaFaults, RemovedAndInsertedBytesMoveWhatIsBehindAndStay) {
  const std::string before = steps(9000);  // three blocks
  for (const bool removed : {true, false}) {
    const Plan plan = parse_plan(removed ? "bytes-removed" : "bytes-inserted").value();
    std::set<uint64_t> lengths;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      sim::Disk disk = disk_with(before);
      // What the page cache alone has when the process is killed is in the copy as well.
      ASSERT_TRUE(disk.write(disk.lookup("f").value(), 0, "pending").ok());
      const std::string was = content(disk, "f").value();
      sim::SeededChoices choices(seed);
      const auto hits = apply_media_faults(plan, 0, disk, choices);
      ASSERT_EQ(hits.size(), 1u);
      const auto [offset, length] = std::pair(hits[0].at.offset, hits[0].at.length);
      lengths.insert(length);
      const std::string found = content(disk, "f").value();
      const size_t behind = removed ? offset : offset + length;
      EXPECT_EQ(found.substr(0, offset), was.substr(0, offset));
      EXPECT_EQ(found.substr(behind), was.substr(removed ? offset + length : offset));
      EXPECT_EQ(found.size(), removed ? was.size() - length : was.size() + length);
      EXPECT_FALSE(disk.anything_pending());
      EXPECT_EQ(content(all_lost(disk), "f"), found);
      EXPECT_TRUE(all_lost(disk).self_check().ok());
    }
    for (uint64_t length = 1; length <= 1024; length *= 2) EXPECT_TRUE(lengths.contains(length));
  }
}

TEST(MediaFaults, WhatCannotBeReadIsNotCopied) {
  for (const std::string word : {"bytes-removed", "bytes-inserted"}) {
    sim::Disk disk = disk_with("abc");
    sim::SeededChoices choices(1);
    const auto hits =
        apply_media_faults(parse_plan("unreadable " + word).value(), 0, disk, choices);
    ASSERT_EQ(hits.size(), 1u);
    EXPECT_EQ(hits[0].fault, FaultClass::kUnreadable);
    EXPECT_EQ(content(disk, "f"), std::nullopt);
  }
}

TEST(MediaFaults, NothingIsRemovedFromAFileThatIsEmptyNorInserted) {
  for (const std::string_view word : {"bytes-removed", "bytes-inserted"}) {
    sim::Disk disk = disk_with("");
    const sim::Disk before = disk;
    sim::SeededChoices choices(1);
    EXPECT_TRUE(apply_media_faults(parse_plan(word).value(), 0, disk, choices).empty());
    EXPECT_TRUE(disk.is_same_as(before));
  }
}

// --- In a story ---

TEST(FaultClasses, EachIsTold) {
  for (const ClassRow& row : kClassRows) {
    const std::string text =
        fmt::format(fmt::runtime(row.story), fmt::arg("call", "the sync of a file"),
                    fmt::arg("Call", "The sync of a file"), fmt::arg("where", "at once"),
                    fmt::arg("often", " Twice."));
    EXPECT_EQ(text.find_first_of("{}"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace powercut::faults
