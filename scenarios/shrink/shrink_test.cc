// The shrinker against planted bugs: small, minimal, the same promise broken, told in words.
#include "scenarios/shrink/shrink.h"

#include <gtest/gtest.h>

#include "scenarios/run/catalog.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {
namespace {

constexpr uint64_t kSeeds = 1'500;

// The first run of a sweep in which the planted bug shows.
std::optional<RunSpec> first_found(const Workload& workload, const char* mutant) {
  RunSpec spec;
  spec.workload = &workload;
  spec.mutant = faults::find_mutant(mutant);
  for (spec.seed = 0; spec.seed < kSeeds; ++spec.seed) {
    spec.policy = &all_policies()[spec.seed % all_policies().size()];
    spec.persona = &faults::all_personas()[spec.seed / 7 % faults::all_personas().size()];
    if (run_once(spec).violation) return spec;
  }
  return std::nullopt;
}

bool breaks(const Scenario& scenario, Breach breach) {
  const auto account = run_scenario(scenario);
  return account.ok() && account->result.violation && account->result.violation->breach == breach;
}

// Whatever is taken away, one at a time: the promise is kept, or another one breaks.
void expect_minimal(const Scenario& scenario, Breach breach) {
  for (size_t life = 0; life < scenario.script.lives.size(); ++life) {
    for (size_t at = 0; at < scenario.script.lives[life].size(); ++at) {
      Scenario less = scenario;
      auto& steps = less.script.lives[life];
      steps.erase(steps.begin() + static_cast<ptrdiff_t>(at));
      EXPECT_FALSE(breaks(less, breach)) << "step " << at << " of life " << life;
    }
  }
  for (size_t i = 0; i < scenario.plan.faults.size(); ++i) {
    Scenario less = scenario;
    less.plan.faults.erase(less.plan.faults.begin() + static_cast<ptrdiff_t>(i));
    if (!faults::parse_plan(print(less.plan)).ok()) continue;
    EXPECT_FALSE(breaks(less, breach)) << "word " << i;
  }
  for (size_t life = 0; life < scenario.cuts.size(); ++life) {
    if (!scenario.cuts[life]) continue;
    for (size_t i = 0; i < scenario.cuts[life]->slots.size(); ++i) {
      Scenario less = scenario;
      auto& slots = less.cuts[life]->slots;
      slots.erase(slots.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(breaks(less, breach)) << "slot " << i << " of life " << life;
    }
  }
}

void expect_no_turn_too_many(const Scenario& scenario, Breach breach) {
  for (size_t life = 0; life < scenario.schedules.size(); ++life) {
    if (!scenario.schedules[life]) continue;
    for (size_t i = 0; i < scenario.schedules[life]->size(); ++i) {
      Scenario less = scenario;
      auto& turns = *less.schedules[life];
      turns.erase(turns.begin() + static_cast<ptrdiff_t>(i));
      EXPECT_FALSE(breaks(less, breach)) << "turn " << i << " of life " << life;
    }
  }
}

class Shrinks : public testing::TestWithParam<const char*> {};

TEST_P(Shrinks, ToAtMostEightOperationsAndNoLess) {
  const auto workload = make_builtin("mixed", 1);
  const auto spec = first_found(*workload, GetParam());
  ASSERT_TRUE(spec.has_value()) << "not found";
  const auto scenario = scenario_of(*spec);
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  const auto shrunk = shrink(*scenario);
  ASSERT_TRUE(shrunk.ok()) << shrunk.error().message;
  const std::string text = print(shrunk->scenario, shrunk->account);
  SCOPED_TRACE(run_id(*spec) + "\n" + text);
  EXPECT_TRUE(shrunk->complete);
  EXPECT_LE(operations(shrunk->scenario), 8u);
  const Breach breach = shrunk->account.result.violation->breach;
  EXPECT_TRUE(breaks(shrunk->scenario, breach));
  expect_minimal(shrunk->scenario, breach);
  expect_no_turn_too_many(shrunk->scenario, breach);
  // It is the planted bug that breaks it.
  Scenario sound = shrunk->scenario;
  sound.mutant = nullptr;
  EXPECT_FALSE(breaks(sound, breach));
  const auto again = parse_scenario(text, "test.scn");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(print(*again, run_scenario(*again).value()), text);
}

INSTANTIATE_TEST_SUITE_P(Planted, Shrinks,
                         testing::Values("no-sync:base.directory", "no-sync:segment.commit",
                                         "ack-before-sync", "tail-not-synced"),
                         [](const auto& info) {
                           std::string name(info.param);
                           for (char& c : name)
                             if (c == '-' || c == ':' || c == '.') c = '_';
                           return name;
                         });

TEST(Shrink, WhatHoldsIsNotShrunk) {
  const auto scenario = parse_scenario(
      "store policy=always persona=xfs\n\nstart cut@idle:0ns\nSET a 1\n\nrecover\n", "test.scn");
  ASSERT_TRUE(scenario.ok());
  const auto shrunk = shrink(*scenario);
  ASSERT_FALSE(shrunk.ok());
  EXPECT_EQ(shrunk.error().message, "every promise held: there is nothing to shrink");
}

TEST(Story, NamesTheSyncThatIsMissing) {
  const auto scenario = parse_scenario(
      "store policy=checkpoint persona=ext4-writeback mutant=tail-not-synced\n\n"
      "start kill@rename:0:after\nSET a 1\n\nrecover cut@idle:0ns\n\ncut\nrest lost\n\nrecover\n",
      "test.scn");
  ASSERT_TRUE(scenario.ok()) << scenario.error().message;
  const auto fences = missing_fences(*scenario);
  ASSERT_FALSE(fences.empty());
  const MissingFence expected{"./", "the rename to dump.rdb", "the store serves clients from it"};
  EXPECT_EQ(fences.front(), expected);
  const std::string story = tell_story(*scenario, run_scenario(*scenario).value(), fences);
  for (const char* part :
       {"acknowledged: the client was told", "The process is killed", "dump.rdb: the name is gone",
        "None of 1 operation is there", "A sync of the directory that all is in"})
    EXPECT_NE(story.find(part), std::string::npos) << part << "\n" << story;
}

TEST(Story, SaysSoWhereNoSyncWouldHelp) {
  const auto scenario = parse_scenario(
      "store policy=always persona=xfs mutant=flush-not-logged\n\nstart cut@idle:0ns\n"
      "SET a 1\nFLUSHALL\n\nrecover\n",
      "test.scn");
  ASSERT_TRUE(scenario.ok());
  EXPECT_TRUE(missing_fences(*scenario).empty());
}

}  // namespace
}  // namespace powercut::scenarios
