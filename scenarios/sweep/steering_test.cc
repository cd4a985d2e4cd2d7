#include "scenarios/sweep/steering.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "scenarios/sweep/campaign.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {
namespace {

SweepOptions steered(uint64_t seeds) {
  SweepOptions options;
  options.workloads = {make_builtin("mixed", 1)};
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  options.operations = 30;
  options.seeds = seeds;
  options.steer = true;
  return options;
}

Tally whole_sweep(const SweepOptions& options, uint64_t first_chunk = 0, Tally tally = {}) {
  SweepHooks hooks;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) { tally.merge(chunk); };
  const Tally before = tally;
  run_sweep(options, first_chunk, before, 0, hooks);
  return tally;
}

// Two rounds and a part of a third.
const Tally& whole_of_700() {
  static const Tally tally = whole_sweep(steered(700));
  return tally;
}

TEST(Steering, TheNumberOfThreadsChangesNothing) {
  SweepOptions options = steered(700);
  const Tally& one = whole_of_700();
  EXPECT_EQ(one.runs, 700u);
  for (const unsigned jobs : {2u, 5u}) {
    options.jobs = jobs;
    EXPECT_EQ(to_json(one), to_json(whole_sweep(options)));
  }
}

TEST(Steering, ASearchMakesTheRunsOfASweep) {
  SweepOptions options = steered(700);
  const uint64_t hash = whole_of_700().trace_hash;
  Tally tally;
  SeedByRun next(options);
  for (uint64_t i = 0; i < options.seeds; ++i) {
    const RunSpec spec = spec_of(options, next.seed());
    const RunResult result = run_once(spec);
    next.learn(result);
    tally.add(spec, result);
  }
  EXPECT_EQ(tally.trace_hash, hash);
  options.steer = false;
  SeedByRun plain(options);
  EXPECT_EQ(plain.seed(), options.first_seed);
}

TEST(Steering, AWorkloadThatIsCutAtItsEndIsNotSteered) {
  SweepOptions options = steered(1);
  EXPECT_TRUE(steers(options));
  options.workloads = {make_builtin("set100", 1)};
  EXPECT_FALSE(steers(options));
  options.workloads.push_back(make_builtin("mixed", 1));
  EXPECT_TRUE(steers(options));
  options.steer = false;
  EXPECT_FALSE(steers(options));
}

TEST(Steering, TheFirstRoundAndOneRunInTwoAreNotSteered) {
  const SweepOptions options = steered(1);
  const Steering first(options, 0, {}, {});
  const Steering later(options, 1'000, {}, {{1, {10, 10}}});
  for (uint64_t i = 0; i < 40; ++i) {
    EXPECT_EQ(first.seed_of(i), options.first_seed + i);
    if (i % kUnsteeredOneIn == 0) {
      EXPECT_EQ(later.seed_of(i), options.first_seed + i);
    }
  }
}

TEST(Steering, ACandidateHasThePolicyThePersonaAndTheWorkloadOfItsRun) {
  SweepOptions options = steered(1);
  options.workloads.push_back(make_builtin("zsets", 1));
  const Tally tally = whole_sweep(steered(256));
  const Steering steering(options, tally.runs, tally.coverage, tally.yields);
  uint64_t others = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    const uint64_t seed = steering.seed_of(i);
    const RunSpec chosen = spec_of(options, seed);
    const RunSpec first = spec_of(options, options.first_seed + i);
    others += seed != first.seed ? 1 : 0;
    EXPECT_EQ(chosen.policy, first.policy);
    EXPECT_EQ(chosen.persona, first.persona);
    EXPECT_EQ(chosen.workload, first.workload);
  }
  EXPECT_GT(others, 80u);
}

// What is planned is what the run then does.
TEST(Steering, ThePlanOfASeedIsThatOfItsRun) {
  SweepOptions options = steered(1);
  options.workloads.push_back(make_builtin("set100", 1));
  for (uint64_t seed = 1; seed < 60; ++seed) {
    const RunSpec spec = spec_of(options, seed);
    EXPECT_EQ(plan_of(spec), run_once(spec).plan);
  }
}

// A cell that was reached once, by a plan with one kind of fault, draws the sweep to that kind.
TEST(Steering, RunsGoWhereARareCellWasReached) {
  const SweepOptions options = steered(1);
  const auto fault_of = [&](const Steering& steering) {
    uint64_t with = 0;
    for (uint64_t i = 0; i < 400; ++i) {
      const faults::Plan plan = plan_of(spec_of(options, steering.seed_of(i)));
      for (const faults::Fault& fault : plan.faults) {
        if (fault.kind != faults::FaultKind::kEio || fault.op != sim::Op::kRename) continue;
        with += 1;
        break;
      }
    }
    return with;
  };
  CellCounts coverage;
  coverage.fill(1'000);
  RunResult usual;
  usual.cells.set(0);
  RunResult rare = usual;
  rare.plan = faults::parse_plan("eio@rename:2").value();
  rare.cells.set(1);
  const auto after = [&](uint64_t runs_in_cell_1) {
    coverage[1] = runs_in_cell_1;
    const Steering steering(options, 1'000, coverage, {});
    Yields yields;
    for (int i = 0; i < 999; ++i) steering.learn(usual, yields);
    steering.learn(rare, yields);
    return Steering(options, 2'000, coverage, yields);
  };
  const uint64_t when_usual = fault_of(after(1'000));
  const uint64_t when_rare = fault_of(after(1));
  EXPECT_GT(when_rare, when_usual + when_usual / 2);
}

// ... and so it reaches more cells with as many runs: 640 and 566. The longer both go on, the nearer they come.
TEST(Steering, ReachesMoreThanASweepThatIsNotSteered) {
  SweepOptions options = steered(1'000);
  options.jobs = 2;
  const uint64_t with = coverage_of(whole_sweep(options).coverage).reached;
  options.steer = false;
  const uint64_t without = coverage_of(whole_sweep(options).coverage).reached;
  EXPECT_GT(with, without + 40);
}

TEST(Steering, ACampaignGoesOnAsIfItHadNotStopped) {
  const SweepOptions options = steered(700);
  const Tally& whole = whole_of_700();
  const std::string path = ::testing::TempDir() + "steered_campaign";
  std::filesystem::remove(path);
  std::atomic<bool> stop{false};
  SweepHooks hooks;
  hooks.stop = &stop;
  {
    Campaign campaign = Campaign::open(path, options).value();
    uint64_t kept = 0;
    hooks.on_chunk = [&](uint64_t number, const Tally& tally) {
      ASSERT_TRUE(campaign.keep(number, tally, 0).ok());
      if (++kept == kRoundChunks + 3) stop.store(true);  // amid the second round
    };
    run_sweep(options, 0, {}, 0, hooks);
    ASSERT_TRUE(campaign.close(0).ok());
    EXPECT_LT(kept, 2 * kRoundChunks);
  }
  Campaign campaign = Campaign::open(path, options).value();
  EXPECT_EQ(campaign.next_chunk(), kRoundChunks);
  EXPECT_EQ(to_json(whole_sweep(options, campaign.next_chunk(), campaign.tally())), to_json(whole));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace powercut::scenarios
