// What failed syncs left on Linux 6.18 must be legal on the persona of its filesystem.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "faults/failed_syncs.h"

namespace powercut::faults {
namespace {

constexpr const char* kFailedSyncs =
    POWERCUT_SOURCE_DIR "/faults/testdata/kernel-6.18/failed-sync.jsonl";

const std::vector<FailedSyncProgram>& all_programs() {
  static const std::vector<FailedSyncProgram> all = [] {
    std::ifstream file(kFailedSyncs);
    return read_failed_syncs(file, kFailedSyncs).value();
  }();
  return all;
}

// With the programs of one filesystem held against any persona.
FailedSyncCalibration held_against(const std::string& fs, const std::string& persona) {
  std::vector<FailedSyncProgram> programs;
  for (const FailedSyncProgram& program : all_programs())
    if (program.fs == fs) programs.push_back(program);
  for (FailedSyncProgram& program : programs) program.fs = persona;
  return calibrate_failed_syncs(programs).at(0);
}

TEST(FailedSyncCalibration, EveryObservedRunIsContained) {
  uint64_t observed = 0;
  for (const FailedSyncCalibration& row : calibrate_failed_syncs(all_programs())) {
    for (const std::string& run : row.missing) ADD_FAILURE() << row.fs << " " << run;
    EXPECT_EQ(row.sound(), row.persona != nullptr) << row.fs;
    EXPECT_TRUE(row.persona == nullptr || row.skipped() * 4 < row.programs) << row.fs;
    observed += row.observed;
  }
  EXPECT_EQ(observed, 840u);
}

// The calibration has teeth: what was published of 2020 is not what 6.18 does, nor is one
// filesystem the other.
TEST(FailedSyncCalibration, TheModelsOf2020AreFoundOut) {
  constexpr const char* kEach[][2] = {{"ext4", "ext4-ordered/failed-sync=ext4-ordered-2020"},
                                      {"ext4-journal", "ext4-journal/failed-sync=ext4-data-2020"},
                                      {"xfs", "xfs/failed-sync=xfs-2020"},
                                      {"btrfs", "btrfs/failed-sync=btrfs-2020"},
                                      {"ext4", "ext4-ordered/failed-sync=ext4-data"},
                                      {"btrfs", "btrfs/failed-sync=xfs"}};
  for (const auto& [fs, persona] : kEach)
    EXPECT_GT(held_against(fs, persona).missing.size(), 10u) << fs << " on " << persona;
}

TEST(FailedSyncCalibration, WhatIsUnknownIsNotRunByName) {
  const auto why = [](const std::string& variant, const std::string& call,
                      const std::string& found) {
    std::istringstream line(R"({"fs":"ext4","program":"P1","variant":")" + variant +
                            R"(","outcomes":[{"steps":[{"call":")" + call +
                            R"("}],"after_cut":{"end":{"f":")" + found + R"("}}}]})");
    const auto row = calibrate_failed_syncs(read_failed_syncs(line, "test").value()).at(0);
    EXPECT_EQ(row.skipped(), 1u);
    EXPECT_FALSE(row.sound() || row.forbids());
    return row.not_run.begin()->first;
  };
  EXPECT_EQ(why("round/stay", "fsync fd", "size=1 o*1"), "the variant \"round/stay\"");
  EXPECT_EQ(why("block/stay", "symlink a b", "size=1 o*1"), "symlink a");
  EXPECT_EQ(why("block/stay", "fsync fd", "a fifo"), "what is found after a cut");
}

}  // namespace
}  // namespace powercut::faults
