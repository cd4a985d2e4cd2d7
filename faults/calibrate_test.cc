// Every state that Linux 6.18 was seen to leave must be legal on the persona of its filesystem.
#include "faults/calibrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "faults/observations.h"

namespace powercut::faults {
namespace {

constexpr const char* kData = POWERCUT_SOURCE_DIR "/faults/testdata/kernel-6.18/observed.jsonl";
constexpr uint64_t kTapesMax = 1'000;  // the table in results/calibration counts further

std::vector<ObservedProgram> observed_on(const std::string& config) {
  static const std::vector<ObservedProgram> all = [] {
    std::ifstream file(kData);
    return read_observations(file, kData).value();
  }();
  std::vector<ObservedProgram> found;
  std::copy_if(all.begin(), all.end(), std::back_inserter(found),
               [&](const ObservedProgram& program) { return program.config == config; });
  return found;
}

class Calibrated : public testing::TestWithParam<const char*> {};

TEST_P(Calibrated, ContainsEveryObservedState) {
  const auto rows = calibrate_all(observed_on(GetParam()), kTapesMax);
  ASSERT_EQ(rows.size(), 1u);
  const FilesystemCalibration& row = rows[0];
  ASSERT_NE(row.persona, nullptr);
  EXPECT_GT(row.programs.size(), 20u);
  EXPECT_GT(row.sum.observed, 100u);
  EXPECT_THAT(row.not_run, testing::IsEmpty());
  for (const std::string& state : row.sum.missing) ADD_FAILURE() << state;
  EXPECT_TRUE(row.sound());
  // Files that cannot be read come from a broken device alone.
  EXPECT_TRUE(row.sum.unreadable == 0 || !row.persona->keeps_synced);
  EXPECT_LT(row.sum.unchecked * 50, row.sum.observed);
}

INSTANTIATE_TEST_SUITE_P(Kernel618, Calibrated,
                         testing::Values("ext4", "ext4-noauto", "ext4-writeback", "ext4-journal",
                                         "xfs", "btrfs", "ext4-nodelalloc", "ext4-dioread_lock",
                                         "ext4-writeback-dioread_lock", "ext4-nobarrier"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What the model has not is counted by name, whatever else stands in the program.
TEST(CalibrationInput, WhatIsUnknownIsNotRunByName) {
  const auto why = [](const std::string& setup, const std::string& step,
                      const std::string& content) {
    std::istringstream line(R"({"config":"ext4","litmus":"one","setup":[)" + setup +
                            R"(],"steps":[")" + step +
                            R"("],"observed":[{"min_returned_step":0,"max_returned_step":1,)" +
                            R"("only_with_512B_tearing":false,"state":{"a":)" + content + "}}]}");
    const auto rows = calibrate_all(read_observations(line, "test").value(), kTapesMax);
    EXPECT_FALSE(rows.at(0).sound());
    EXPECT_FALSE(rows.at(0).forbids());
    EXPECT_EQ(rows.at(0).skipped(), 1u);
    return rows.at(0).programs.at(0).not_run;
  };
  EXPECT_EQ(why("", "symlink a b", R"("empty")"), "symlink");
  EXPECT_EQ(why(R"("creat a")", "open a O_SYNC", R"("empty")"), "open with O_SYNC");
  EXPECT_EQ(why(R"("creat a")", "falloc a 0 4096 collapse", R"("empty")"), "falloc with collapse");
  EXPECT_EQ(why(R"("mkdir a")", "rename a b", R"("dir")"), "rename of a directory");
  EXPECT_EQ(why(R"("creat a")", "fsync a", R"("-> b")"), "the state \"-> b\"");
  EXPECT_EQ(why(R"("creat a")", "fsync a", R"({"fifo":1})"), "the state \"{\"fifo\":1}\"");
}

TEST(CalibrationInput, NothingObservedIsNotSound) {
  for (const char* none : {"{}", "[]"}) {
    std::istringstream line(
        R"({"config":"ext4","litmus":"one","setup":[],"steps":["creat a"],"observed":)" +
        std::string(none) + "}");
    const auto rows = calibrate_all(read_observations(line, "test").value(), kTapesMax);
    EXPECT_FALSE(rows.at(0).sound());
    EXPECT_FALSE(rows.at(0).forbids());
  }
}

// The calibration has teeth: a persona that is too strict fails it, and a broken device does.
TEST(CalibrationTeeth, TooStrictAPersonaIsFoundOut) {
  const auto missing = [](const char* config, const char* persona) {
    std::vector<ObservedProgram> programs = observed_on(config);
    for (ObservedProgram& program : programs) program.config = persona;
    return calibrate_all(programs, 0).at(0).sum.missing.size();
  };
  EXPECT_GT(missing("ext4", "ext4-journal"), 1000u);
  EXPECT_GT(missing("ext4", "ext4-ordered-2014"), 0u);
  EXPECT_GT(missing("xfs", "xfs-2014"), 0u);
  EXPECT_GT(missing("btrfs", "btrfs-2014"), 0u);
  EXPECT_GT(missing("ext4-nodelalloc", "ext4-nodelalloc-2014"), 0u);
  EXPECT_GT(missing("ext4-noauto", "ext4-ordered"), 0u);
  EXPECT_GT(missing("ext4-nobarrier", "ext4-ordered"), 0u);
}

}  // namespace
}  // namespace powercut::faults
