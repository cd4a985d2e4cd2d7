#include "scenarios/sweep/sweep.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "scenarios/base/terminal.h"
#include "scenarios/run/guards.h"
#include "scenarios/run/last_words.h"

namespace powercut::scenarios {

RunSpec spec_of(const SweepOptions& options, uint64_t seed) {
  uint64_t digits = seed;
  const auto take = [&](size_t values) {
    const uint64_t digit = digits % values;
    digits /= values;
    return static_cast<size_t>(digit);
  };
  RunSpec spec;
  spec.target = options.target;
  spec.policy = options.policies[take(options.policies.size())];
  spec.persona = options.personas[take(options.personas.size())];
  spec.workload = options.workloads[take(options.workloads.size())].get();
  spec.faults = options.faults;
  spec.operations = options.operations;
  spec.seed = seed;
  spec.mutant = options.mutant;
  spec.beside = options.beside;
  if (options.schedule == SweepSchedule::kPct ||
      (options.schedule == SweepSchedule::kMix &&
       sim::SeededChoices(seed).choose("sweep.schedule", 0, 2) == 1))
    spec.schedule.kind = ScheduleKind::kPct;
  return spec;
}

uint64_t chunks_of(const SweepOptions& options) {
  if (options.seconds != 0) return UINT64_MAX;
  return options.shard.share_of((options.seeds + kChunkSeeds - 1) / kChunkSeeds);
}

Tally run_chunk(const SweepOptions& options, uint64_t number, const Steering* steering) {
  Tally tally;
  const uint64_t begin = options.shard.piece(number) * kChunkSeeds;
  const uint64_t end =
      options.seconds != 0 ? begin + kChunkSeeds : std::min(begin + kChunkSeeds, options.seeds);
  for (uint64_t index = begin; index < end; ++index) {
    const RunSpec spec = spec_of(
        options, steering != nullptr ? steering->seed_of(index) : options.first_seed + index);
    const UnderWay under_way(spec);
    const RunResult result = run_once(spec);
    tally.add(spec, result);
    if (options.witnesses) tally.add_witness(spec, result);
    if (steering != nullptr) steering->learn(result, tally.yields);
    if (index % kRecheckOneIn != 0) continue;
    if (const auto difference = run_differs(spec, result)) {
      tally.add_harness_fault(spec.seed, run_id(spec), *difference);
    }
    ++tally.rechecked;
  }
  return tally;
}

namespace {

void run_chunks(const SweepOptions& options, uint64_t first_chunk, uint64_t end_chunk,
                const Steering* steering, double seconds_left, const SweepHooks& hooks) {
  const Stopwatch watch;
  std::atomic<uint64_t> next_chunk{first_chunk};
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::pair<uint64_t, Tally>> done;
  unsigned working = std::max(options.jobs, 1u);

  const auto work = [&] {
    for (;;) {
      if (hooks.stop != nullptr && hooks.stop->load()) break;
      if (options.seconds != 0 && watch.seconds() >= seconds_left) break;
      // Whoever takes a chunk finishes it: so there is never a gap.
      const uint64_t number = next_chunk.fetch_add(1);
      if (number >= end_chunk) break;
      Tally tally = run_chunk(options, number, steering);
      const std::lock_guard lock(mutex);
      done.emplace_back(number, std::move(tally));
      changed.notify_one();
    }
    const std::lock_guard lock(mutex);
    --working;
    changed.notify_one();
  };
  std::vector<std::thread> workers;
  for (unsigned i = working; i > 0; --i) workers.emplace_back(work);

  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait_for(lock, std::chrono::milliseconds(100),
                     [&] { return !done.empty() || working == 0; });
    while (!done.empty()) {
      const auto [number, tally] = std::move(done.front());
      done.pop_front();
      lock.unlock();
      hooks.on_chunk(number, tally);
      lock.lock();
    }
    if (working == 0) break;
    lock.unlock();
    hooks.on_tick();
    lock.lock();
  }
  lock.unlock();
  for (std::thread& worker : workers) worker.join();
}

}  // namespace

void run_sweep(const SweepOptions& options, uint64_t first_chunk, const Tally& before,
               double seconds_left, const SweepHooks& hooks) {
  const uint64_t end_chunk = chunks_of(options);
  if (!steers(options)) {
    run_chunks(options, first_chunk, end_chunk, nullptr, seconds_left, hooks);
    return;
  }
  const Stopwatch watch;
  Tally known = before;
  SweepHooks learning = hooks;
  learning.on_chunk = [&](uint64_t number, const Tally& tally) {
    known.merge(tally);
    hooks.on_chunk(number, tally);
  };
  const auto stopped = [&] { return hooks.stop != nullptr && hooks.stop->load(); };
  for (uint64_t chunk = first_chunk; chunk < end_chunk && !stopped(); chunk += kRoundChunks) {
    const double left = seconds_left - watch.seconds();
    if (options.seconds != 0 && left <= 0) break;
    const Steering steering(options, known.runs, known.coverage, known.yields);
    run_chunks(options, chunk, std::min(chunk + kRoundChunks, end_chunk), &steering, left,
               learning);
  }
}

}  // namespace powercut::scenarios
