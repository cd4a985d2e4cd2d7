// What a start may come to where its files were damaged (scenarios/judge/damage.h).
#include "scenarios/judge/damage.h"

#include <gtest/gtest.h>

namespace powercut::scenarios {
namespace {

Recovered at(uint64_t last, uint64_t digest) {
  Recovered recovered;
  recovered.last = last;
  recovered.digest = digest;
  return recovered;
}
bool is_wrong(const Recovered& recovered, const Testimony& told) {
  return judge_damage({at(10, 100), told}, recovered).has_value();
}

constexpr Testimony kShown{.shows = true, .before = 4};
constexpr Testimony kHidden{.shows = false, .before = 4};

TEST(DamageIsJudged, WhatTheFilesShowIsNotDropped) {
  EXPECT_FALSE(is_wrong(at(10, 100), kShown));
  EXPECT_TRUE(is_wrong(at(9, 90), kShown));
  EXPECT_TRUE(is_wrong(at(10, 101), kShown)) << "another state";
}

TEST(DamageIsJudged, WhatStandsInFrontOfItIsNotDropped) {
  EXPECT_FALSE(is_wrong(at(4, 40), kHidden));
  EXPECT_TRUE(is_wrong(at(3, 30), kHidden));
}

TEST(DamageIsJudged, ARefusalIsRight) {
  Recovered refuses = at(0, 0);
  refuses.refusal = "it is damaged";
  EXPECT_FALSE(is_wrong(refuses, kShown));
}

// A manifest that landed on the one that it was to replace: that the state is one there was, the oracle asks.
TEST(DamageIsJudged, MoreThanWithoutItWasWritten) {
  EXPECT_FALSE(is_wrong(at(11, 110), kShown));
  EXPECT_FALSE(is_wrong(at(11, 110), kHidden));
}

}  // namespace
}  // namespace powercut::scenarios
