#include "scenarios/judge/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {
namespace {

using faults::FaultClass;
using faults::FaultSet;

CoverageReport swept(FaultSet faults, uint64_t seeds) {
  SweepOptions options;
  for (const char* name : {"mixed", "zsets"}) options.workloads.push_back(make_builtin(name, 1));
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
  options.operations = 60;
  options.seeds = seeds;
  options.faults = faults;
  Tally tally;
  for (uint64_t chunk = 0; chunk * kChunkSeeds < seeds; ++chunk)
    tally.merge(run_chunk(options, chunk));
  return coverage_of(tally.coverage);
}

const CoverageReport& swept_with_all() {
  static const CoverageReport report = swept(FaultSet::all(), 3'000);
  return report;
}

bool lists(const std::vector<std::string>& cells, Cell cell) {
  return std::find(cells.begin(), cells.end(), print(cell)) != cells.end();
}

TEST(Coverage, EachCellHasANumberAndAName) {
  std::set<std::string> names;
  for (size_t i = 0; i < kCells; ++i) {
    EXPECT_EQ(index_of(cell_at(i)), i);
    EXPECT_TRUE(names.insert(print(cell_at(i))).second) << print(cell_at(i));
  }
  EXPECT_EQ(print({EngineState::kWritingBase, FaultClass::kEio, Branch::kTornTail}),
            "writing a base x eio x torn tail dropped");
}

TEST(Coverage, WhatIsHeldImpossibleIsNotReached) {
  const CoverageReport& report = swept_with_all();
  EXPECT_EQ(report.mistaken, std::vector<std::string>());
  EXPECT_GT(report.reached, report.reachable / 3);
  EXPECT_EQ(report.reached + report.never.size(), report.reachable);
}

TEST(Coverage, AnImpossibleCellThatIsReachedIsTold) {
  const Cell cell{EngineState::kIdle, FaultClass::kTorn, Branch::kTailWhole};
  EXPECT_FALSE(impossible(cell).empty());
  CellCounts counts{};
  EXPECT_TRUE(coverage_of(counts).mistaken.empty());
  EXPECT_EQ(coverage_of(counts).reached, 0u);
  counts[index_of(cell)] = 1;
  EXPECT_EQ(coverage_of(counts).mistaken, std::vector<std::string>{print(cell)});
  EXPECT_EQ(coverage_of(counts).reached, 0u);
}

TEST(Coverage, AClassThatIsSwitchedOffIsNeverReached) {
  FaultSet without = FaultSet::all();
  without.remove(FaultClass::kEio);
  const CoverageReport& with_it = swept_with_all();
  const CoverageReport without_it = swept(without, 1'000);
  const Cell written{EngineState::kWriting, FaultClass::kEio, Branch::kTailWhole};
  EXPECT_FALSE(lists(with_it.never, written));
  EXPECT_TRUE(lists(without_it.never, written));
  for (size_t i = 0; i < kCells; ++i) {
    const Cell cell = cell_at(i);
    if (cell.fault != FaultClass::kEio || !impossible(cell).empty()) continue;
    EXPECT_TRUE(lists(without_it.never, cell)) << print(cell);
  }
}

TEST(Coverage, TheStateIsThatOfTheMomentOfTheFault) {
  const auto cells = [](const char* plan) {
    const auto workload = make_builtin("mixed", 1);
    RunSpec spec;
    spec.workload = workload.get();
    spec.policy = find_policy("always");
    spec.persona = faults::find_persona("ext4-ordered");
    Stated stated;
    stated.plan = faults::parse_plan(plan).value();
    stated.manners = Manners{};
    stated.beside = Beside::kNothing;
    return run_once(spec, stated).cells;
  };
  const auto has = [&](const char* plan, EngineState state, FaultClass fault, Branch branch) {
    const CellSet set = cells(plan);
    return set.test(index_of({state, fault, branch}));
  };
  EXPECT_TRUE(
      has("kill@call:2:before", EngineState::kStarting, FaultClass::kKill, Branch::kFreshStart));
  EXPECT_TRUE(
      has("cut@op:20+0:before", EngineState::kWriting, FaultClass::kPowerCut, Branch::kTailWhole));
  // By then what was about to expire has.
  EXPECT_TRUE(has("cut@idle:200ms", EngineState::kIdle, FaultClass::kPowerCut, Branch::kTailWhole));
  EXPECT_TRUE(has("kill@op:9+0:before life:1/kill@call:1:before", EngineState::kWriting,
                  FaultClass::kKill, Branch::kCutDuringRecovery));
  EXPECT_TRUE(has("kill@op:9+0:before life:1/kill@call:1:before", EngineState::kRecovering,
                  FaultClass::kRecoveryCut, Branch::kTailWhole));
  EXPECT_TRUE(has("", EngineState::kShuttingDown, FaultClass::kPowerCut, Branch::kTailWhole));
}

}  // namespace
}  // namespace powercut::scenarios
