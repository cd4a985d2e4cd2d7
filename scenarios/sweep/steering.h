// Steering: what runs so far have reached chooses the seeds of the next ones. What a run does still
// follows from its seed alone.
//
// A run's plan of faults is drawn in a thousandth of the time that the run takes. So for each run
// several candidates are drawn, and the one is made whose plan promises most:
//
//   A cell (scenarios/judge/coverage.h) that one run in p reaches is worth p.
//   A run yields the worth of all cells that it reached.
//   A kind of fault, as in "the sync of a base fails with EIO", yields what runs that planned it
//   yielded on average; the less it was tried, the nearer to the average over all runs.
//   A plan promises the sum over the kinds of faults in it.
//
// One run in two takes the first candidate, which is the seed of a sweep that is not steered: so no
// fault starves, and a bug that is found best without faults costs twice as many runs at most. All
// candidates for a run have its policy, persona and workload, so each of these gets its share.
// Choices change from round to round, and what is known at the end of a round does not depend on
// the order of its runs, so the number of threads changes nothing.
//
// Measured on `mixed`, all policies and personas, 15 starting seeds, 4,000 runs from each at most;
// runs for one find, steered and not: failed-sync-retried 951 and 1,676, base-sync-error-ignored
// 707 and 1,718, base-removed-after-rename 1,637 and 4,077, no-space-ignored 677 and 1,207; where
// crashes alone bring the bug out it costs a little: no-sync:base.directory 272 and 253. A clean
// engine: 617 and 572 cells after 2,000 runs, 796 and 782 after 20,000. A steered sweep's runs have
// more faults in them, and take a fifth longer.
//
// After AFLFast [aflfast], which gives more energy to inputs on rarely trodden paths, and swarm
// testing [swarm]: a run is worth what its mix of faults brings out.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "scenarios/judge/coverage.h"
#include "scenarios/run/run.h"

namespace powercut::scenarios {

struct SweepOptions;

// A fault without its numbers.
using FaultKey = uint32_t;
struct Yield {
  uint64_t runs = 0;  // that planned it
  uint64_t worth = 0;
};
using Yields = std::map<FaultKey, Yield>;

inline constexpr uint64_t kRoundSeeds = 256;
inline constexpr uint64_t kCandidates = 16;
inline constexpr uint64_t kUnsteeredOneIn = 2;

// Whether seeds are chosen: as the options say, but not where every workload is cut at its end:
// then there is little to choose from.
bool steers(const SweepOptions& options);

// What is known when a round begins.
class Steering {
 public:
  // `runs` so far reached `coverage` and had `yields`. `options` must outlive this.
  Steering(const SweepOptions& options, uint64_t runs, const CellCounts& coverage,
           const Yields& yields);

  // The seed of a sweep's run number `index`, which is in this round.
  uint64_t seed_of(uint64_t index) const;
  // Adds what a run of this round came to.
  void learn(const RunResult& result, Yields& yields) const;

 private:
  uint64_t promise(const faults::Plan& plan) const;

  const SweepOptions& options_;
  uint64_t runs_;
  std::array<uint64_t, kCells> worth_;  // in kOnes
  Yields yields_;
  uint64_t mean_ = 0;
};

// The same seeds, for runs that are made one after the other.
class SeedByRun {
 public:
  explicit SeedByRun(const SweepOptions& options) : options_(options) {}  // must outlive this
  // Of the next run; then learn() what it came to.
  uint64_t seed();
  void learn(const RunResult& result);

 private:
  const SweepOptions& options_;
  std::optional<Steering> steering_;
  uint64_t runs_ = 0;
  CellCounts coverage_{};
  Yields yields_;
};

}  // namespace powercut::scenarios
