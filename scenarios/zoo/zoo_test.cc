#include "scenarios/zoo/zoo.h"

#include <gtest/gtest.h>

#include <sstream>

#include "scenarios/sweep/subject.h"

namespace powercut::scenarios {
namespace {

ZooOptions options_for(std::vector<std::string_view> mutants) {
  ZooOptions options;
  options.sweep = look_up({}).value();
  options.sweep.jobs = 2;
  options.sweep.operations = 60;
  for (const std::string_view name : mutants) options.mutants.push_back(faults::find_mutant(name));
  options.starts = 3;
  options.seeds_most = 200;
  return options;
}

TEST(Zoo, FindsABugFromEveryStartAndNoneInTheEngine) {
  const auto rows = run_zoo(options_for({"stale-epoch", "base-not-read-back"}), {});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].found(), 3u);
  size_t told = 0;
  for (const auto& [oracle, times] : rows[0].oracles()) told += times;
  EXPECT_EQ(told, 3u);
  for (const Search& one : rows[0].searches) {
    EXPECT_GT(one.states, 0u);
    // The ID is that of the last seed.
    const auto recipe = parse_run_id(one.id);
    ASSERT_TRUE(recipe.ok());
    EXPECT_EQ(run_once(recipe->spec).violation->text, one.violation->text);
  }
  // Nobody can see that nobody looks: the whole budget goes, from each start.
  EXPECT_EQ(rows[1].found(), 0u);
  for (const Search& one : rows[1].searches) EXPECT_EQ(one.seeds, 200u);
  EXPECT_EQ(rows[1].kill_only.seeds, 600u);
  EXPECT_FALSE(rows[1].kill_only.violation.has_value());
  EXPECT_EQ(rows[2].mutant, nullptr);
  EXPECT_EQ(rows[2].found(), 0u);
}

TEST(Zoo, TheNumberOfThreadsChangesNoCount) {
  ZooOptions options = options_for({"zero-tail-refused"});
  options.seeds_most = 60;
  const auto two = run_zoo(options, {});
  options.sweep.jobs = 1;
  const auto one = run_zoo(options, {});
  for (size_t i = 0; i < options.starts; ++i) {
    EXPECT_EQ(one[0].searches[i].seeds, two[0].searches[i].seeds);
    EXPECT_EQ(one[0].searches[i].states, two[0].searches[i].states);
    EXPECT_EQ(one[0].searches[i].id, two[0].searches[i].id);
  }
}

TEST(Zoo, WhatBeginsBeyondTheSecondsIsSkippedAndSaysSo) {
  ZooOptions options = options_for({"zero-tail-refused"});
  options.sweep.jobs = 1;
  options.seeds_most = 60;
  options.seconds_per_mutant = 1e-9;
  const auto rows = run_zoo(options, {});
  EXPECT_FALSE(rows[0].searches[0].out_of_time);
  EXPECT_TRUE(rows[0].searches[1].out_of_time);
  EXPECT_EQ(rows[0].searches[1].seeds, 0u);
  EXPECT_TRUE(rows[0].out_of_time());
}

TEST(Zoo, WhatTheStartsNeededIsInOrderAndTheUnluckyComeLast) {
  ZooRow row;
  for (const uint64_t seeds : {30u, 10u, 0u, 20u}) {
    Search search;
    search.seeds = seeds == 0 ? 4'000 : seeds;
    if (seeds != 0)
      search.violation = Violation{seeds > 15 ? Breach::kLost : Breach::kNoStart, "text"};
    row.searches.push_back(search);
  }
  EXPECT_EQ(row.found(), 3u);
  EXPECT_EQ(needed(row, &Search::seeds, 0), 10u);
  EXPECT_EQ(needed(row, &Search::seeds, 2), 30u);
  EXPECT_EQ(needed(row, &Search::seeds, 3), std::nullopt);
  EXPECT_EQ(row.oracle(), "LAW");
}

// Kills alone see what is acknowledged too early for a process, not what is for a disk.
TEST(Zoo, TheBaselineOnlyKills) {
  const auto rows = run_zoo(options_for({"acked-in-buffer", "no-sync:checkpoint.sync"}), {});
  EXPECT_EQ(rows[0].found(), 3u);
  EXPECT_TRUE(rows[0].kill_only.violation.has_value());
  EXPECT_EQ(rows[1].found(), 3u);
  EXPECT_FALSE(rows[1].kill_only.violation.has_value());
}

// Without a log a store with a cold tier does not start, whatever is planted in it.
TEST(Zoo, ATargetIsLookedAtUnderItsOwnPolicies) {
  const auto rows = survey(options_for({"cold-deleted-comes-back"}), 100, {});
  EXPECT_GT(rows[0].policies.size(), 0u);
  for (const char* policy : {"none", "checkpoint"}) EXPECT_EQ(rows[0].policies.count(policy), 0u);
  EXPECT_EQ(rows[0].oracles.count("NOS"), 0u);
}

// What the pages name exists. Their personas: faults/mutants_test.cc.
TEST(Zoo, ThePoliciesAndOraclesThatAreNamedExist) {
  for (const faults::MutantInfo& mutant : faults::all_mutants()) {
    std::istringstream policies{std::string(mutant.observed.policies)};
    for (std::string name; policies >> name;) {
      if (name == "all" || name == "but") continue;
      EXPECT_NE(find_policy(name), nullptr) << mutant.name << ": " << name;
    }
    std::istringstream oracles{std::string(mutant.observed.oracles)};
    for (std::string code; oracles >> code;)
      EXPECT_TRUE(breach_of(code)) << mutant.name << ": " << code;
  }
}

// A sample of what the registry says: seen again, by an oracle that is listed, and not where it
// cannot be: what is durable when it is written needs no sync.
TEST(Zoo, ASurveySeesWhatTheRegistrySays) {
  const ZooOptions options =
      options_for({"no-sync:segment.create", "no-sync:manifest.temporary", "one-torn-batch",
                   "swapdb-not-logged", "temporary-in-the-way", "acked-in-buffer"});
  const auto rows = survey(options, 800, {});
  for (size_t i = 0; i < rows.size(); ++i) {
    const faults::MutantInfo& mutant = *options.mutants[i];
    EXPECT_EQ(rows[i].runs, 800u);
    ASSERT_FALSE(rows[i].oracles.empty()) << mutant.name;
    for (const auto& [oracle, times] : rows[i].oracles)
      EXPECT_TRUE(faults::lists(mutant.observed.oracles, oracle)) << mutant.name << " " << oracle;
    size_t listed = 0;
    for (const auto& persona : faults::all_personas()) {
      if (faults::lists(mutant.observed.personas, persona.name)) ++listed;
    }
    EXPECT_GE(2 * rows[i].personas.size(), listed) << mutant.name;
    if (mutant.decorator == faults::DecoratorKind::kNoSync) {
      EXPECT_EQ(rows[i].personas.count("plp"), 0u) << mutant.name;
    }
  }
}

}  // namespace
}  // namespace powercut::scenarios
