// What many runs came to. Sums, maxima, and the lowest seed that did something: the same whatever
// the order in which runs are added, so it does not depend on the number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "scenarios/run/run.h"
#include "scenarios/sweep/steering.h"

namespace powercut::scenarios {

// A run and the crash in it that counts.
struct Case {
  uint64_t seed = 0;
  std::string id;
  Loss loss;
};

// One policy's line of the table. Losses are those of runs inside the contract: a device that lies
// may lose anything.
struct PolicyTally {
  uint64_t runs = 0;
  uint64_t crashes = 0;
  uint64_t recoveries = 0;
  uint64_t acked = 0;
  uint64_t violations = 0;
  uint64_t outside_contract = 0;  // runs; of these:
  uint64_t refused = 0;           // the store refused to start, as it may
  uint64_t wrong = 0;             // not even a prefix: a violation all the same
  uint64_t lost_operations_max = 0;
  std::optional<Case> oldest;  // the loss of the greatest age
  std::optional<Case> most;    // the loss of most operations
  std::optional<Case> widest;  // the loss of the widest span
  std::optional<Case> worst;   // broke its bound, else came nearest to it, else lost most
};

// What a policy came to on one persona.
struct CellTally {
  uint64_t runs = 0;
  uint64_t violations = 0;
  uint64_t outside_contract = 0;  // runs
  std::optional<Case> worst;      // as PolicyTally::worst
};
using CellKey = std::pair<std::string, std::string>;  // policy, persona

struct FoundViolation {
  std::string id;
  Breach breach;
  std::string text;
  std::string policy;
  std::string persona;
};

struct FirstFault {  // of the harness
  uint64_t seed = 0;
  std::string id;
  std::string text;
};

// How many violations are kept in full; and of each kind.
inline constexpr size_t kFoundMost = 16;
inline constexpr size_t kFoundOfKind = 4;

// Violations that look alike before anybody has looked closer: the same judgement, on filesystems of one
// class. However often one comes, it hides no other.
using ViolationKind = std::pair<std::string, std::string>;  // the oracle's code, persona_class()
struct KindTally {
  uint64_t violations = 0;
  std::map<uint64_t, FoundViolation> found;  // by seed; of the lowest kFoundOfKind seeds
};
// "ext4" of "ext4-ordered/sector=4096": the filesystem, whatever its mode and its disk.
std::string_view persona_class(std::string_view persona);

// A run that reached a cell of the coverage.
struct Witness {
  uint64_t seed = 0;
  std::string id;
};

using HitTable = std::array<std::array<uint64_t, faults::kFileRoles>, faults::kFaultClasses>;

struct Tally {
  uint64_t runs = 0;
  uint64_t crashes = 0;
  uint64_t recoveries = 0;
  uint64_t acked = 0;
  uint64_t violations = 0;
  uint64_t events = 0;
  uint64_t mutant_fired = 0;
  uint64_t rechecked = 0;   // run twice, with the same outcome
  uint64_t trace_hash = 0;  // the sum over all runs of mix(seed, the run's hash)
  std::map<std::string, PolicyTally> policies;
  std::map<CellKey, CellTally> cells;
  std::map<std::string, uint64_t> oracles;  // violations by code
  HitTable hits{};
  std::array<uint64_t, kBranches> branches{};
  CellCounts coverage{};
  Yields yields;                             // of a steered sweep
  std::map<uint64_t, FoundViolation> found;  // by seed; of the lowest kFoundMost seeds
  std::map<ViolationKind, KindTally> kinds;  // of all violations
  std::map<size_t, Witness> witnesses;       // by cell, of the lowest seed; in no JSON
  std::optional<FirstFault> harness_fault;

  void add(const RunSpec& spec, const RunResult& result);
  void add_witness(const RunSpec& spec, const RunResult& result);
  void add_harness_fault(uint64_t seed, std::string id, std::string text);
  void merge(const Tally& other);
};

// True if `a` is the worse case; of equals, the one with the lower seed.
bool worse(const Case& a, const Case& b);

nlohmann::json to_json(const Tally& tally);
// Throws nlohmann::json::exception if it is not what to_json gave.
Tally tally_from_json(const nlohmann::json& json);

}  // namespace powercut::scenarios
