#include "scenarios/sweep/sweep.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "scenarios/base/json_text.h"
#include "scenarios/run/guards.h"
#include "scenarios/sweep/report.h"
#include "scenarios/sweep/vacuity.h"

namespace powercut::scenarios {
namespace {

SweepOptions small() {
  SweepOptions options;
  options.workloads = {make_builtin("mixed", 1)};
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  options.operations = 20;
  options.seeds = 300;
  return options;
}

Tally sweep(SweepOptions options, unsigned jobs, uint64_t first_chunk = 0,
            const Tally& before = {}) {
  options.jobs = jobs;
  Tally tally;
  SweepHooks hooks;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) { tally.merge(chunk); };
  run_sweep(options, first_chunk, before, static_cast<double>(options.seconds), hooks);
  return tally;
}

TEST(Sweep, EveryCombinationIsVisited) {
  SweepOptions options = small();
  for (const char* name : {"set100", "lists", "expiry", "zsets", "sets", "strings"}) {
    options.workloads.push_back(make_builtin(name, 1));  // as many as policies: remainders coincide
  }
  const size_t all = options.policies.size() * options.personas.size() * options.workloads.size();
  std::set<std::string> seen;
  for (uint64_t seed = 1'000; seed < 1'000 + all; ++seed) {
    const std::string id = run_id(spec_of(options, seed));
    seen.insert(id.substr(0, id.find(":all:")));
  }
  EXPECT_EQ(seen.size(), all);
}

TEST(Sweep, TheNumberOfThreadsChangesNothing) {
  const Tally one = sweep(small(), 1);
  EXPECT_EQ(one.runs, 300u);
  EXPECT_EQ(one.rechecked, 2u);
  EXPECT_GT(one.crashes, 0u);
  for (const unsigned jobs : {2u, 5u}) EXPECT_EQ(to_json(one), to_json(sweep(small(), jobs)));
}

TEST(Sweep, AnInterruptedOneGoesOnWhereItStopped) {
  SweepOptions options = small();
  const Tally whole = sweep(options, 2);
  Tally parts;
  uint64_t chunks = 0;
  std::atomic<bool> stop{false};
  SweepHooks hooks;
  hooks.stop = &stop;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) {
    parts.merge(chunk);
    ++chunks;
    stop.store(true);
  };
  options.jobs = 2;
  run_sweep(options, 0, {}, 0, hooks);
  EXPECT_LT(parts.runs, whole.runs);
  // Through its text, as a campaign keeps it.
  parts = tally_from_json(nlohmann::json::parse(json_text(to_json(parts), -1)));
  parts.merge(sweep(options, 2, chunks));
  EXPECT_EQ(to_json(whole), to_json(parts));
}

TEST(Sweep, LimitedByTimeItEnds) {
  SweepOptions options = small();
  options.seconds = 1;
  EXPECT_GT(sweep(options, 2).runs, 0u);
}

TEST(Guards, TheCanaryIsFoundAndADisabledOneFailsTheSweep) {
  Outcome outcome;
  outcome.options = small();
  outcome.canary = find_canary({});
  ASSERT_TRUE(outcome.canary.has_value());
  EXPECT_EQ(status_of(outcome), kHeld);
  outcome.canary = find_canary({.mutant = nullptr, .seeds = 8});
  EXPECT_FALSE(outcome.canary.has_value());
  EXPECT_EQ(status_of(outcome), kHarness);
}

TEST(Guards, TwoTracesAreComparedEventByEvent) {
  EXPECT_EQ(first_difference({"a", "b"}, {"a", "c"}), "event 1 is \"b\" and then \"c\"");
  EXPECT_EQ(first_difference({"a"}, {"a", "c"}), "event 1 is \"nothing\" and then \"c\"");
}

TEST(Guards, ARunThatComesOutOtherwiseIsAFaultOfTheHarness) {
  const SweepOptions options = small();
  const RunSpec spec = spec_of(options, 1);
  RunResult result = run_once(spec);
  EXPECT_FALSE(run_differs(spec, result).has_value());
  ++result.trace_hash;
  EXPECT_TRUE(run_differs(spec, result).has_value());
  Outcome outcome;
  outcome.canary = "found";
  outcome.tally.add_harness_fault(1, "id", "text");
  EXPECT_EQ(status_of(outcome), kHarness);
}

TEST(Tally, TheFirstViolationIsThatOfTheLowestSeed) {
  const SweepOptions options = small();
  RunResult result;
  result.violation = Violation{Breach::kLost, "text"};
  Tally forwards;
  Tally backwards;
  for (uint64_t i = 0; i < 40; ++i) {
    const RunSpec up = spec_of(options, 100 + i);
    const RunSpec down = spec_of(options, 139 - i);
    forwards.add(up, result);
    backwards.add(down, result);
  }
  EXPECT_EQ(to_json(forwards), to_json(backwards));
  EXPECT_EQ(forwards.found.size(), kFoundMost);
  EXPECT_EQ(forwards.found.begin()->first, 100u);
  EXPECT_EQ(forwards.violations, 40u);
}

TEST(Tally, TheWorstCaseIsTheNearestToItsBound) {
  const auto with = [](uint64_t operations, int64_t age_ms, int64_t bound_ms) {
    return Case{1, "id", {operations, age_ms, 0, bound_ms}};
  };
  EXPECT_TRUE(worse(with(1, 990, 1'000), with(50, 5'000, 8'000)));
  EXPECT_TRUE(worse(with(1, 0, 0), with(50, 999, 1'000))) << "a bound of nothing is broken";
  EXPECT_TRUE(worse(with(1, 10, 1'000), with(50, 9'000, -1))) << "no bound comes last";
  EXPECT_TRUE(worse(with(2, 10, -1), with(1, 10, -1)));
}

TEST(Vacuity, AnEmptyTallyHasOnlyZeros) {
  Tally tally;
  EXPECT_GT(vacuity_zeros(tally).size(), 40u);
  for (auto& row : tally.hits) row.fill(1);
  tally.branches.fill(1);
  EXPECT_TRUE(vacuity_zeros(tally).empty());
  tally.branches[0] = 0;
  EXPECT_EQ(vacuity_zeros(tally).size(), 1u);
}

// That the others are the same each time: Determinism.AGeneratedWorkloadIsTheSameAgain.
TEST(Workloads, WhatThereIsNotIsNone) { EXPECT_EQ(make_builtin("nosuch", 1), nullptr); }

}  // namespace
}  // namespace powercut::scenarios
