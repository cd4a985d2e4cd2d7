// A sweep: many seeds on many threads, one tally. Which runs it makes follows from its options and
// the seed alone, so the tally is the same for any number of threads, and for a sweep that was
// interrupted and taken up again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "scenarios/base/shard.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/run.h"
#include "scenarios/sweep/steering.h"
#include "scenarios/sweep/tally.h"

namespace powercut::scenarios {

// kMix: each seed draws which.
enum class SweepSchedule : uint8_t { kRandom, kPct, kMix };

struct SweepOptions {
  const TargetType* target = nullptr;  // nullptr: the store
  // Each seed takes one of each: see spec_of().
  std::vector<WorkloadPtr> workloads;
  std::vector<const Policy*> policies;
  std::vector<const faults::Persona*> personas;
  faults::FaultSet faults = faults::FaultSet::all();
  uint64_t operations = 200;
  const faults::MutantInfo* mutant = nullptr;
  SweepSchedule schedule = SweepSchedule::kRandom;
  std::optional<Beside> beside = {};  // as RunSpec::beside
  bool steer = false;                 // choose the seeds, round by round: steering.h
  uint64_t first_seed = 1;
  uint64_t seeds = 10'000;
  uint64_t seconds = 0;    // not 0: as many chunks as begin within this time, instead of `seeds`
  Shard shard;             // of the chunks; each with a steering of its own
  bool witnesses = false;  // Tally::witnesses
  unsigned jobs = 1;
};

// The run of a seed. The seed's digits choose: the policy changes with every seed, the persona when
// all policies had their turn, the workload when all pairs had.
RunSpec spec_of(const SweepOptions& options, uint64_t seed);

// Seeds are handed out, and results kept, in chunks.
inline constexpr uint64_t kChunkSeeds = 32;
inline constexpr uint64_t kRoundChunks = kRoundSeeds / kChunkSeeds;
// One seed in this many is run twice, and must come to the same trace.
inline constexpr uint64_t kRecheckOneIn = 256;

// Chunk `number` of the shard, which of the sweep is shard.piece(number), or p: runs p * kChunkSeeds and so
// on, not beyond `seeds`. Run i has seed first_seed + i, or the one that `steering` says; null: not steered.
// How many there are of the shard; UINT64_MAX where seconds limit it.
uint64_t chunks_of(const SweepOptions& options);
Tally run_chunk(const SweepOptions& options, uint64_t number, const Steering* steering = nullptr);

// How a sweep talks to the world while it runs. All are called on the calling thread, between two
// waits, but `stop`, which is polled by all.
struct SweepHooks {
  // A chunk is done.
  std::function<void(uint64_t number, const Tally& tally)> on_chunk = [](uint64_t, const Tally&) {};
  // Some time has passed.
  std::function<void()> on_tick = [] {};
  const std::atomic<bool>* stop = nullptr;  // true: begin no more chunks
};

// Runs the chunks from `first_chunk` on and calls hooks.on_chunk for each, in no particular order,
// but when it returns the chunks done are those from `first_chunk` up to some number, without a
// gap. `seconds_left`: of options.seconds. `before`: what the chunks before came to; a steered sweep
// begins with a round.
void run_sweep(const SweepOptions& options, uint64_t first_chunk, const Tally& before,
               double seconds_left, const SweepHooks& hooks);

}  // namespace powercut::scenarios
