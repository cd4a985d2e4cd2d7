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

std::string story_of(const std::string& text) {
  const auto scenario = parse_scenario(text, "scenario");
  EXPECT_TRUE(scenario.ok()) << scenario.error().message;
  const auto account = run_scenario(*scenario);
  EXPECT_TRUE(account.ok()) << account.error().message;
  return tell_story(*scenario, *account, {});
}

TEST(Story, AnotherServerIsNamedWhereItWroteAndNowhereElse) {
  const std::string lives = " another=1\n\nstart kill@idle:0ns\nSET a 1\n\nrecover\nSET b 2\n";
  const std::string was_there = "redis-server was started";
  const std::string store = story_of("store policy=always persona=ext4-ordered seed=3" + lives);
  EXPECT_NE(store.find(was_there), std::string::npos) << store;
  // Its log has entries that no other server writes.
  const std::string behind =
      story_of("store policy=always persona=ext4-ordered target=write-behind seed=3" + lives);
  EXPECT_EQ(behind.find(was_there), std::string::npos) << behind;
}

TEST(Story, WhatIsPromisedIsWhatTheTargetIsHeldTo) {
  const std::string two = story_of(
      "store policy=always persona=ext4-ordered target=replicated-2 seed=3\n\n"
      "start kill@idle:0ns\nSET a 1\n\nrecover\n");
  EXPECT_EQ(two.find("nothing acknowledged is lost"), std::string::npos) << two;
  EXPECT_NE(two.find("The master is gone for good"), std::string::npos) << two;
}

}  // namespace
}  // namespace powercut::scenarios
