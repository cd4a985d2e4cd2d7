// Which of the engine's syncs are needed where: each is taken out in turn, on each persona, and the
// run without it is explored.
//
// Decided: the run `explore` makes of the workload, one crash, all crash points and all legal
// images: a fence that is redundant there is so for this run and this depth, not for every
// workload. A fence that such a run does not issue, or that only matters to a second crash
// (recovery's own), is looked for in drawn runs instead; if they see nothing it stays undecided,
// and is never called redundant.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scenarios/explore/explore.h"

namespace powercut::scenarios {

struct FenceOptions {
  const TargetType* target = nullptr;  // nullptr: the store
  const Workload* workload = nullptr;
  const Workload* drawn = nullptr;  // what drawn runs are made of
  std::vector<const Policy*> policies;
  std::vector<const faults::Persona*> personas;   // none that lies: no sync does anything there
  std::vector<const faults::MutantInfo*> fences;  // of known_fences()
  uint64_t seeds =
      200;  // drawn runs for a fence that exploring cannot decide: each policy, persona
  unsigned jobs = 1;
};

// In one run of the workload that nothing goes wrong in.
struct FenceCost {
  const Policy* policy = nullptr;
  uint64_t syncs = 0;
  uint64_t data = 0;      // bytes these calls sent to the disk
  uint64_t metadata = 0;  // DiskStats::bytes_metadata of them
  // What the run writes less without them; another sync may have to send the same bytes.
  int64_t saved_data = 0;
  int64_t saved_metadata = 0;
};

enum class Need : uint8_t { kNecessary, kRedundant, kUndecided };

struct FenceCell {
  const faults::Persona* persona = nullptr;
  Need need = Need::kUndecided;
  bool sampled = false;                             // drawn runs, not all crash states
  std::string why;                                  // of kUndecided
  const Policy* policy = nullptr;                   // of the violation
  std::optional<ExploredViolation> counterexample;  // its crashes are empty where it was sampled
  std::string run_id;                               // of a sampled one
  uint64_t classes = 0;                             // recoveries judged
  uint64_t drawn_runs = 0;                          // in which the fence was reached
  std::vector<FenceCost> costs;                     // of each policy that issues it
};

struct FenceRow {
  const faults::MutantInfo* fence = nullptr;
  std::vector<FenceCell> cells;  // a persona each
};

struct FenceTable {
  std::vector<FenceRow> rows;
  std::string harness_fault;
};

// The engine's syncs by name. The store's are bugs of the zoo when they are left out.
std::vector<const faults::MutantInfo*> known_fences(const TargetType* target = nullptr);
// The sites that runs of all policies sync at, by Site::hash, those of recovery with them. A site
// that is not known here is a fence that the zoo forgot.
std::set<uint64_t> fences_seen_in_runs();

FenceTable judge_fences(const FenceOptions& options);

// The reverse: where a sync would make good for what a mutant does.
struct Proposal {
  faults::SyncPlace place;
  // In one run of each policy, on the first persona: what the sync adds.
  uint64_t syncs = 0;
  uint64_t bytes = 0;  // data and metadata that it sends to the disk
};

struct Proposals {
  uint64_t broken = 0;  // explorations (a policy on a persona) with a violation
  uint64_t tried = 0;   // kinds of places
  // Each alone makes all explorations of the workload hold, at depth 1; the cheapest first.
  std::vector<Proposal> that_help;
  std::string harness_fault;
};

// `fences` of the options does not matter.
// The kinds of calls, in runs of these policies with this mutant, after which a sync could stand.
std::set<faults::SyncPlace> places_for_a_sync(const FenceOptions& options,
                                              const faults::MutantInfo& mutant);

Proposals propose_fences(const FenceOptions& options, const faults::MutantInfo& mutant);

// What was found of one fence on one persona, in words: of a counter-example, the story of the
// smallest case like it. `options` are those the table was made with.
std::string tell(const FenceOptions& options, const FenceRow& row, const FenceCell& cell);

}  // namespace powercut::scenarios
