// How good are the sweeps at finding bugs? Each planted bug against the general sweep, which is not
// told where to look, from many starting seeds; beside it a baseline that only kills the process,
// the explorer, and the engine without a bug, on the same budget.
//
// Seeds and crash states to find a bug are the same on every machine, unless a mutant ran out of
// seconds; seconds are not.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

struct ZooOptions {
  SweepOptions sweep;  // what every start runs, but for its mutant and its seeds
  std::vector<const faults::MutantInfo*> mutants;
  uint64_t starts = 31;
  uint64_t seeds_most = 4'000;      // a start that has found nothing by then stops
  bool clean = true;                // the engine without a bug as well
  double seconds_per_mutant = 120;  // over all its starts; those that come later stop at once
};

// This sweep as it looks for that bug: on the target and the workload that it shows in, and under the policies that the target
// is held to. Null: none is planted.
SweepOptions aimed_at(const faults::MutantInfo* mutant, SweepOptions sweep);

// Where the search from one start ended.
struct Search {
  std::optional<Violation> violation;
  uint64_t seeds = 0;   // runs, with the one that found it
  uint64_t states = 0;  // crash states judged in them
  double seconds = 0;   // of one processor
  std::string id;       // of the run that found it
  std::string persona;
  std::string policy;
  std::string harness_fault;
  bool out_of_time = false;
};

// What the explorer makes of it: demo40 to depth 1, then demo8 to depth 2, under every policy, on the
// personas that differ most; on another target than the store alone demo40, and 5,000 recoveries of each persona. Faults other
// than crashes are not explored.
struct Exploring {
  unsigned depth = 0;  // that found it; 0: none did
  std::string oracle;
  uint64_t classes = 0;  // recoveries judged, until then
  double seconds = 0;    // of one thread
};

struct ZooRow {
  const faults::MutantInfo* mutant = nullptr;  // nullptr: the engine without a bug
  std::vector<Search> searches;                // one a start
  Search kill_only;  // one, over as many seeds as all starts together took, and one budget at least
  Exploring exploring;

  uint64_t found() const;  // by how many starts
  bool out_of_time() const;
  std::map<std::string, uint64_t> oracles() const;  // by which, and how often
  std::string oracle() const;                       // the most frequent
};

// The k-th smallest of what the starts needed, 0 being the best; a start that found nothing needed
// more than any other: nothing if the k-th is such a one.
template <class T>
std::optional<T> needed(const ZooRow& row, T Search::*figure, size_t k);

// Start number `start` begins here: far from every other.
constexpr uint64_t first_seed_of(uint64_t start) { return 1 + start * 1'000'000'007; }

// Runs `seeds` seeds from `first_seed` on, until one finds a violation.
// `beside`: as in Stated.
Search search(const SweepOptions& sweep, uint64_t first_seed, uint64_t seeds,
              Beside beside = Beside::kSome);

Exploring explore_for(const faults::MutantInfo* mutant);

struct ZooHooks {
  // Called on one thread, now and then: how many of how many searches are done.
  std::function<void(uint64_t done, uint64_t total)> on_tick = [](uint64_t, uint64_t) {};
  const std::atomic<bool>* stop = nullptr;  // true: begin no more searches
};

// One row a mutant, and a last one for the engine without a bug if that is asked for.
std::vector<ZooRow> run_zoo(const ZooOptions& options, const ZooHooks& hooks);

// --- Where a mutant shows ---

// What `seeds` runs with a mutant saw, without stopping at the first.
struct Sightings {
  uint64_t runs = 0;
  std::map<std::string, uint64_t> oracles;
  std::map<std::string, uint64_t> policies;
  std::map<std::string, uint64_t> personas;
};
std::vector<Sightings> survey(const ZooOptions& options, uint64_t seeds, const ZooHooks& hooks);

}  // namespace powercut::scenarios
