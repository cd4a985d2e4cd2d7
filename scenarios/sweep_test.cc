#include "scenarios/sweep.h"

#include <gtest/gtest.h>

#include <set>

namespace powercut::scenarios {
namespace {

SweepOptions small() {
  SweepOptions options;
  options.workloads = {make_builtin("set100", 1)};
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  options.operations = 20;
  options.seeds = 200;
  return options;
}

Tally sweep(SweepOptions options, unsigned jobs) {
  options.jobs = jobs;
  Tally tally;
  SweepHooks hooks;
  hooks.on_chunk = [&](uint64_t, const Tally& chunk) { tally.merge(chunk); };
  run_sweep(options, 0, 0, hooks);
  return tally;
}

TEST(Sweep, EveryCombinationIsVisited) {
  SweepOptions options = small();
  options.workloads.push_back(options.workloads[0]);
  options.workloads.push_back(std::make_shared<Workload>(*options.workloads[0]));
  const size_t all = options.policies.size() * options.personas.size() * options.workloads.size();
  std::set<std::string> seen;
  for (uint64_t seed = 1000; seed < 1000 + all; ++seed) {
    const RunSpec spec = spec_of(options, seed);
    seen.insert(std::string(spec.policy->name) + " " + std::string(spec.persona->name));
  }
  EXPECT_EQ(seen.size(), options.policies.size() * options.personas.size());
}

TEST(Sweep, TheNumberOfThreadsChangesNothing) {
  const Tally one = sweep(small(), 1);
  const Tally two = sweep(small(), 2);
  EXPECT_EQ(one.runs, 200u);
  EXPECT_EQ(one.trace_hash, two.trace_hash);
  EXPECT_EQ(one.crashes, two.crashes);
  EXPECT_EQ(one.acked, two.acked);
}

}  // namespace
}  // namespace powercut::scenarios
