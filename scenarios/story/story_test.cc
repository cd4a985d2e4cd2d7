// The stories in results/stories/ are what is told today, of the scenario beside each.
#include "scenarios/story/story.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {
namespace {

namespace fs = std::filesystem;

TEST(Story, TheCommittedOnesAreToldAgain) {
  size_t told = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(POWERCUT_SOURCE_DIR) / "results/stories")) {
    if (entry.path().extension() != ".scn") continue;
    const std::string path = entry.path().string();
    SCOPED_TRACE(path);
    const auto text = read_file(path);
    ASSERT_TRUE(text.ok()) << text.error().message;
    const auto scenario = parse_scenario(*text, path);
    ASSERT_TRUE(scenario.ok()) << scenario.error().message;
    const auto account = run_scenario(*scenario);
    ASSERT_TRUE(account.ok()) << account.error().message;
    EXPECT_EQ(print(*scenario, *account), *text);
    const auto story = read_file(fs::path(path).replace_extension(".txt").string());
    ASSERT_TRUE(story.ok()) << story.error().message;
    EXPECT_EQ(tell_story(*scenario, *account, missing_fences(*scenario)), *story)
        << "results/stories/run.sh makes them again: read the difference first";
    ++told;
  }
  EXPECT_EQ(told, 6u);
}

TEST(Story, WhatBefallsTheDiskAfterACrashIsTold) {
  const auto scenario = parse_scenario(
      "store policy=checkpoint persona=posix-min mutant=partial-checkpoint-served seed=10\n\n"
      "start bitrot\nSET a 1\nSETNX s:19 xxxxxxxxxxxxxxxxxxxx\n\n"
      "cut\nrest lost\n\nrecover\n",
      "bitrot");
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  const auto account = run_scenario(*scenario);
  ASSERT_TRUE(account.ok()) << account.error().message;
  ASSERT_TRUE(account->result.violation.has_value());
  const std::string story = tell_story(*scenario, *account, {});
  EXPECT_NE(story.find("   A bit flips on the disk.\n\n2.\n"), std::string::npos) << story;
}

}  // namespace
}  // namespace powercut::scenarios
