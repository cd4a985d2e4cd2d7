#include "scenarios/run/last_words.h"

#include <gtest/gtest.h>

#include "engine/base/check.h"
#include "scenarios/base/status.h"
#include "scenarios/run/catalog.h"

namespace powercut::scenarios {
namespace {

constexpr const char* kId = "mixed:always:xfs:all:200:7";

TEST(LastWordsDeathTest, ACheckThatFailsNamesTheRun) {
  const auto recipe = parse_run_id(kId);
  ASSERT_TRUE(recipe.ok());
  EXPECT_EXIT(
      {
        speak_last_words("powercut");
        const UnderWay under_way(recipe->spec);
        CHECK(recipe->spec.seed == 8);
      },
      testing::ExitedWithCode(kHarness), std::string("in this run: powercut replay ") + kId);
}

TEST(LastWordsDeathTest, ARunThatDoesNotComeBackIsEndedAndNamed) {
  const auto recipe = parse_run_id(kId);
  ASSERT_TRUE(recipe.ok());
  EXPECT_EXIT(
      {
        speak_last_words("powercut", 1);
        { const UnderWay one_that_came_back(recipe->spec); }
        const UnderWay under_way(recipe->spec);
        for (volatile bool for_ever = true; for_ever;) continue;
      },
      testing::ExitedWithCode(kHarness),
      std::string("does not come back, .*in this run: powercut replay ") + kId);
}

}  // namespace
}  // namespace powercut::scenarios
