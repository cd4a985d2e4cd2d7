#include "scenarios/explore/fences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace powercut::scenarios {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

FenceOptions all_of_demo40(const Workload& workload) {
  FenceOptions options;
  options.workload = &workload;
  options.drawn = &workload;
  for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
  for (const faults::Persona& persona : faults::all_personas())
    if (persona.keeps_synced) options.personas.push_back(&persona);
  options.fences = known_fences();
  options.seeds = 0;
  options.jobs = 2;
  return options;
}

const FenceTable& whole_table() {
  static const auto workload = make_builtin("demo40", 1);
  static const FenceTable table = judge_fences(all_of_demo40(*workload));
  return table;
}

const FenceRow& row(std::string_view fence) {
  for (const FenceRow& row : whole_table().rows)
    if (row.fence->fence.name == fence) return row;
  throw std::out_of_range(std::string(fence));
}

const FenceCell& cell(std::string_view fence, std::string_view persona) {
  for (const FenceCell& cell : row(fence).cells)
    if (cell.persona->name == persona) return cell;
  throw std::out_of_range(std::string(persona));
}

TEST(Fences, TheListIsWhatRunsSyncAt) {
  std::set<uint64_t> known;
  for (const faults::MutantInfo* fence : known_fences()) known.insert(fence->fence.hash);
  EXPECT_EQ(fences_seen_in_runs(), known);
}

TEST(Fences, TheHarnessIsSound) { EXPECT_EQ(whole_table().harness_fault, ""); }

TEST(Fences, TheCommitOfEachReplyIsNecessaryWhereverPowerIsNotProtected) {
  for (const FenceCell& cell : row("segment.commit").cells) {
    const bool protected_power = cell.persona->name == "plp";
    EXPECT_EQ(cell.need, protected_power ? Need::kRedundant : Need::kNecessary)
        << cell.persona->name;
    EXPECT_FALSE(cell.sampled);
    EXPECT_GT(cell.classes, 0u);
  }
}

TEST(Fences, PowerLossProtectionNeedsNone) {
  for (const FenceRow& row : whole_table().rows) {
    const FenceCell& plp = cell(row.fence->fence.name, "plp");
    EXPECT_NE(plp.need, Need::kNecessary) << row.fence->fence.name;
    for (const FenceCost& cost : plp.costs) EXPECT_EQ(cost.data + cost.metadata, 0u);
  }
}

// ext4 commits a directory with the file in it; a file's sync on posix-min leaves its name behind.
TEST(Fences, ABasesNameNeedsASyncOnlyWhereTheFilesDoesNotBringIt) {
  EXPECT_EQ(cell("base.directory", "posix-min").need, Need::kNecessary);
  EXPECT_EQ(cell("base.directory", "ext4-ordered").need, Need::kRedundant);
}

// Power may fail after a clean shutdown too, and all legal images of that cut count: one that is
// drawn may keep what nobody synced.
TEST(Fences, ACleanShutdownNeedsItsSync) {
  for (const FenceCell& cell : row("segment.finish").cells)
    EXPECT_EQ(cell.need, cell.persona->name == "plp" ? Need::kRedundant : Need::kNecessary)
        << cell.persona->name;
}

TEST(Fences, WhatASecondCrashMayNeedIsNeverCalledRedundant) {
  for (const FenceRow& row : whole_table().rows) {
    if (!std::string_view(row.fence->fence.name).starts_with("recovery.")) continue;
    for (const FenceCell& cell : row.cells) EXPECT_EQ(cell.need, Need::kUndecided);
  }
  for (const FenceCell& cell : row("first_generation.mark").cells)
    EXPECT_EQ(cell.why, "not issued in this run");
}

TEST(Fences, CostsAreCountedByCall) {
  for (const FenceCost& cost : cell("base.sync", "ext4-ordered").costs) {
    // Of the rewrite, and perhaps of the start after the clean end.
    EXPECT_TRUE(cost.syncs == 1 || cost.syncs == 2) << cost.syncs;
    EXPECT_EQ(cost.data, cost.syncs * 4096u);
  }
}

TEST(Fences, ACounterExampleIsTold) {
  const auto demo40 = make_builtin("demo40", 1);
  EXPECT_THAT(
      tell(all_of_demo40(*demo40), row("segment.commit"), cell("segment.commit", "ext4-ordered")),
      AllOf(HasSubstr("without it a promise is broken"), HasSubstr("The power fails"),
            HasSubstr("segment.commit")));
}

TEST(Fences, ASecondCrashIsLookedForInDrawnRuns) {
  const auto demo40 = make_builtin("demo40", 1);
  const auto mixed = make_builtin("mixed", 1);
  FenceOptions options = all_of_demo40(*demo40);
  options.drawn = mixed.get();
  options.personas = {faults::find_persona("ext4-ordered")};
  std::erase_if(options.fences, [](const faults::MutantInfo* fence) {
    return std::string_view(fence->fence.name) != "recovery.segment";
  });
  options.seeds = 300;
  const FenceTable table = judge_fences(options);
  const FenceCell& found = table.rows.at(0).cells.at(0);
  EXPECT_EQ(found.need, Need::kNecessary);
  EXPECT_TRUE(found.sampled);
  EXPECT_FALSE(found.run_id.empty());
}

// The base is written at once, so a sync after its write stands where the engine has it.
TEST(Fences, AMissingSyncIsProposedWhereItWas) {
  const auto demo40 = make_builtin("demo40", 1);
  FenceOptions options = all_of_demo40(*demo40);
  options.policies = {find_policy("always")};
  options.personas = {faults::find_persona("ext4-ordered"), faults::find_persona("posix-min")};
  const Proposals found = propose_fences(options, *faults::find_mutant("no-sync:base.sync"));
  EXPECT_EQ(found.harness_fault, "");
  EXPECT_EQ(found.broken, 2u);
  ASSERT_FALSE(found.that_help.empty());
  EXPECT_LT(found.that_help.size(), found.tried);
  for (const Proposal& one : found.that_help) {
    EXPECT_EQ(one.place.op, "write");
    EXPECT_EQ(one.place.file, "appendonly.aof.#.base.rdb");
    EXPECT_FALSE(one.place.directory);
  }
}

TEST(Fences, NothingIsProposedWhereNothingBreaks) {
  const auto demo40 = make_builtin("demo40", 1);
  FenceOptions options = all_of_demo40(*demo40);
  options.personas = {faults::find_persona("plp")};
  const Proposals found = propose_fences(options, *faults::find_mutant("no-sync:base.sync"));
  EXPECT_EQ(found.broken, 0u);
  EXPECT_TRUE(found.that_help.empty());
}

}  // namespace
}  // namespace powercut::scenarios
