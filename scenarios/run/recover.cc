#include "scenarios/run/recover.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sim/lazy_os.h"

namespace powercut::scenarios {

namespace {
constexpr Duration kRecoveryLimit = seconds(60);
}

Recovered recovered_by(sim::Target& target, int64_t wall_ms) {
  Recovered recovered;
  recovered.digest = target.digest(wall_ms);
  recovered.wall_ms = wall_ms;
  recovered.last = target.recovery.last;
  recovered.failed = target.recovery.failed;
  recovered.numbered = target.recovery.numbered;
  recovered.met = target.recovery.met;
  recovered.behind = target.recovery.behind;
  recovered.behind_differs = target.recovery.behind_differs;
  return recovered;
}

Recovered recover_in(sim::WorldState& world, const Opening& opening, const RecoveryWorld& how) {
  Recovered recovered;
  recovered.hangs = true;
  sim::Trace trace;
  trace.set_listener(how.trace);
  std::unique_ptr<sim::Target> target;
  sim::SimOs os(world, how.choices, trace, nullptr, how.latency);
  os.set_resolver(how.lazy);
  os.set_watcher(how.watcher);
  os.set_time_limit(world.now + kRecoveryLimit);
  os.outlive_checks();
  engine::Os* seam = &os;
  std::optional<sim::LazyOs> lazy_os;
  if (how.lazy != nullptr) seam = &lazy_os.emplace(*seam, *how.lazy);
  std::optional<faults::MutantOs> mutant_os;
  if (opening.mutant != nullptr && opening.mutant->decorates())
    seam = &mutant_os.emplace(*seam, *opening.mutant);
  os.spawn("main", [&] {
    auto opened = opening.type->open(*seam, opening.settings);
    const int64_t wall_ms = std::max(how.wall_ms, os.wall_now().unix_ms);
    std::optional<std::vector<FoundBackup>> backups;
    if (opened.ok() && how.backups) backups = opening.type->backups(*seam, wall_ms);
    recovered.hangs = false;
    os.stop();
    if (!opened.ok()) {
      recovered.refusal = opened.error().message;
      return;
    }
    target = std::move(opened).value();
    if (how.served != nullptr) *how.served = world.disk;
    // What expired while it was loaded is not there.
    recovered = recovered_by(*target, wall_ms);
    recovered.backups = std::move(backups);
    if (how.opened) how.opened(*target);
  });
  os.run();
  os.set_resolver(nullptr);
  os.set_watcher(nullptr);
  os.destroy_tasks();
  recovered.died = os.died();
  if (!recovered.died.empty()) (void)target.release();  // what is broken is not taken apart
  target.reset();
  return recovered;
}

}  // namespace powercut::scenarios
