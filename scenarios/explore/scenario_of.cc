#include "scenarios/explore/scenario_of.h"

#include <utility>

namespace powercut::scenarios {

namespace {
// After the last operation was answered: by then a run that lingers has shut down.
constexpr Duration kShutDown = seconds(2);
}  // namespace

Result<Scenario> scenario_of(const ExploreSpec& spec, const ExploredViolation& found) {
  auto [run, stated] = explored_run(spec, *found.persona);
  stated.plan.emplace();
  std::vector<std::optional<sim::Survival>> cuts;
  for (const ExploredCrash& crash : found.crashes) {
    faults::Fault fault;
    fault.life = static_cast<uint32_t>(cuts.size());
    fault.crash = crash.kind;
    fault.trigger = faults::Trigger::kCall;
    fault.at = crash.call;
    fault.point = crash.point;
    // Right behind a recovery, before anything is sent.
    if (crash.call == UINT64_MAX) {
      fault.trigger = faults::Trigger::kOperationCall;
      fault.at = 0;
      fault.point = sim::CrashPoint::kBefore;
    }
    if (crash.moment) {
      fault.trigger = faults::Trigger::kKindMoment;
      fault.op = crash.op;
      fault.at = crash.moment->number;
      fault.point = sim::CrashPoint::kBefore;
      fault.delay = crash.moment->delay;
    }
    if (crash.kind == sim::CrashKind::kNone) {
      fault.crash = sim::CrashKind::kPowerCut;
      fault.trigger = faults::Trigger::kIdle;
      fault.delay = kShutDown;
    }
    // A run without a crash ends in a cut after the clean shutdown.
    const bool at_end = crash.kind == sim::CrashKind::kNone && &crash == &found.crashes.back();
    if (!at_end) stated.plan->faults.push_back(fault);
    cuts.emplace_back();
    if (crash.kind != sim::CrashKind::kKill) cuts.back() = crash.survival;
  }

  // A kernel that runs on after a kill writes back what a second crash is to take.
  const Duration off = std::exchange(stated.off, Duration());
  if (auto at_once = scenario_of(run, stated, cuts); at_once.ok()) return at_once;
  stated.off = off;
  return scenario_of(run, stated, cuts);
}

}  // namespace powercut::scenarios
