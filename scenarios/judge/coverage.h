// What runs have been through: cells of (what the store was at when it was struck) x (by which
// fault) x (what the recovery from it came upon). A sweep reports the cells that it never reached:
// there nothing was tested.
//
// A fault counts with every branch that recoveries take until one of them has completed. The power
// cuts looked at beside a run count as well, each with the branches of its own recovery.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/fault_class.h"
#include "sim/target.h"

namespace powercut::scenarios {

// What recovery went through, and what the life after it did: counted so that a sweep can say what
// it never reached.
enum class Branch : uint8_t {
  // Of recoveries.
  kFreshStart,
  kBaseLoaded,
  kCheckpointLoaded,
  kTailWhole,
  kTornTail,
  kOrphansSetAside,
  kSeveralSegments,
  kRefusedCorruption,
  kFailedOnInjectedError,
  kCutDuringRecovery,
  // Of the lives after them.
  kHealed,
  kWritesRefused,
  kRewritten,
  kSaved,
};
inline constexpr int kBranches = 14;
inline constexpr int kRecoveryBranches = 10;
std::string_view branch_name(Branch branch);
using BranchSet = std::bitset<kBranches>;
// What a recovery that has completed came upon.
BranchSet branches_of(const sim::MetSet& met);

// What the store is at, from the outside: what it is doing to the disk, or for the disk.
enum class EngineState : uint8_t {
  kStarting,    // for the first time: nothing was lost yet
  kRecovering,  // from a crash
  kIdle,        // open, and nothing to be done to the disk
  kWriting,     // to the log: a batch is buffered or being written
  kSyncing,     // the log: something written is not synced
  kWritingBase,
  kRewriting,  // the log, but for its base: the next segment, the cut, manifests, removals
  kHealing,    // a sync of the log failed, and no new generation stands yet
  kTurningOn,  // the log, at run time
  kSaving,     // a checkpoint
  kShuttingDown,
};
inline constexpr int kEngineStates = 11;
std::string_view name(EngineState state);
EngineState state_of(sim::Activity activity);

// Faults of one class that struck in one state.
using StrikeSet = std::bitset<size_t{kEngineStates} * faults::kFaultClasses>;
constexpr size_t index_of(EngineState state, faults::FaultClass fault) {
  return static_cast<size_t>(state) * faults::kFaultClasses + static_cast<size_t>(fault);
}

struct Cell {
  EngineState state;
  faults::FaultClass fault;
  Branch branch;  // of a recovery
};
inline constexpr size_t kCells = size_t{kEngineStates} * faults::kFaultClasses * kRecoveryBranches;
constexpr size_t index_of(Cell cell) {
  return index_of(cell.state, cell.fault) * kRecoveryBranches + static_cast<size_t>(cell.branch);
}
constexpr Cell cell_at(size_t index) {
  return {static_cast<EngineState>(index / kRecoveryBranches / faults::kFaultClasses),
          static_cast<faults::FaultClass>(index / kRecoveryBranches % faults::kFaultClasses),
          static_cast<Branch>(index % kRecoveryBranches)};
}
std::string print(Cell cell);  // "writing base x eio x torn tail dropped"

// Why there is no such cell; empty if it can be reached.
std::string_view impossible(Cell cell);

using CellSet = std::bitset<kCells>;              // of one run
using CellCounts = std::array<uint64_t, kCells>;  // of many: how many of them reached it

struct CoverageReport {
  uint64_t reached = 0;
  uint64_t reachable = 0;             // cells that are not impossible
  std::vector<std::string> never;     // reachable, in words
  std::vector<std::string> mistaken;  // impossible, and reached all the same: the table is wrong
  // Which are impossible, and why: "idle x torn,eio: strikes a call, ...".
  std::vector<std::string> impossible;
};
CoverageReport coverage_of(const CellCounts& counts);

}  // namespace powercut::scenarios
