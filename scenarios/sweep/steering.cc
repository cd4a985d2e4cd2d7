#include "scenarios/sweep/steering.h"

#include <algorithm>
#include <set>

#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

using faults::Fault;

namespace {

constexpr uint64_t kOnes = 16;  // of worth, which is rounded down
constexpr FaultKey kEveryRun = 0;
// Between the candidates for one run, in seeds of its combination: no seed is a candidate twice in
// as many runs.
constexpr uint64_t kStride = uint64_t{1} << 32;

FaultKey key_of(const Fault& fault) {
  FaultKey key = 1;
  const auto add = [&](auto field, FaultKey values) {
    key = key * values + static_cast<FaultKey>(field);
  };
  add(fault.kind, faults::kFaultKinds);
  add(fault.life > 0, 2);
  add(fault.crash, 4);
  add(fault.trigger, 8);
  add(fault.op, sim::kOps);
  add(fault.role, faults::kFileRoles);
  add(fault.since, faults::kSinces);
  return key;
}

std::set<FaultKey> keys_of(const faults::Plan& plan) {
  std::set<FaultKey> keys;
  for (const Fault& fault : plan.faults) keys.insert(key_of(fault));
  return keys;
}

}  // namespace

bool steers(const SweepOptions& options) {
  return options.steer && !std::all_of(options.workloads.begin(), options.workloads.end(),
                                       [](const auto& one) { return one->cut_at_end; });
}

Steering::Steering(const SweepOptions& options, uint64_t runs, const CellCounts& coverage,
                   const Yields& yields)
    : options_(options), runs_(runs), yields_(yields) {
  for (size_t i = 0; i < kCells; ++i) worth_[i] = kOnes * (runs + 1) / (coverage[i] + 1);
  const Yield& all = yields_[kEveryRun];
  if (all.runs != 0) mean_ = all.worth / all.runs;
}

uint64_t Steering::promise(const faults::Plan& plan) const {
  uint64_t sum = 0;
  for (const FaultKey key : keys_of(plan)) {
    const auto known = yields_.find(key);
    const Yield yield = known == yields_.end() ? Yield{} : known->second;
    sum += (yield.worth + mean_) / (yield.runs + 1);
  }
  return sum;
}

uint64_t Steering::seed_of(uint64_t index) const {
  const uint64_t first = options_.first_seed + index;
  if (runs_ == 0 || index % kUnsteeredOneIn == 0) return first;
  const uint64_t combinations =
      options_.policies.size() * options_.personas.size() * options_.workloads.size();
  uint64_t best = first;
  uint64_t most = 0;
  for (uint64_t i = 0; i < kCandidates; ++i) {
    const uint64_t seed = first + i * combinations * kStride;
    const uint64_t promised = promise(plan_of(spec_of(options_, seed)));
    if (promised <= most) continue;
    most = promised;
    best = seed;
  }
  return best;
}

void Steering::learn(const RunResult& result, Yields& yields) const {
  uint64_t worth = 0;
  for (size_t i = 0; i < kCells; ++i)
    if (result.cells[i]) worth += worth_[i];
  const auto add = [&](FaultKey key) {
    ++yields[key].runs;
    yields[key].worth += worth;
  };
  add(kEveryRun);
  for (const FaultKey key : keys_of(result.plan)) add(key);
}

uint64_t SeedByRun::seed() {
  if (!steers(options_)) return options_.first_seed + runs_;
  if (runs_ % kRoundSeeds == 0) steering_.emplace(options_, runs_, coverage_, yields_);
  return steering_->seed_of(runs_);
}

void SeedByRun::learn(const RunResult& result) {
  ++runs_;
  if (!steering_) return;
  steering_->learn(result, yields_);
  for (size_t i = 0; i < kCells; ++i) coverage_[i] += result.cells[i] ? 1 : 0;
}

}  // namespace powercut::scenarios
