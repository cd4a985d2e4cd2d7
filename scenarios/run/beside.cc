#include "scenarios/run/beside.h"

#include <algorithm>

namespace powercut::scenarios {

namespace {

// Crash points looked at beside the one of the plan, in each life, and images of each.
constexpr size_t kExposures = 6;
constexpr size_t kExposuresWithEnd = 9;  // ... and at the syncs of its end
constexpr uint64_t kImagesMost = 16;
constexpr uint64_t kImagesEverywhere = 5;  // Cuts may make some of them other than by a draw

}  // namespace

BesideLife::BesideLife(RunState& run, Life& life) : run_(run), life_(life) {
  // A run with a fence is looked at as well: a sync that only moves the loss is no remedy.
  const bool looks = run.beside() != Beside::kNothing &&
                     (!run.spec.workload->cut_at_end || run.spec.beside.has_value());
  if (run.watching.points != nullptr || run.stated.fence != nullptr || looks)
    life.os.set_watcher(this);
  // What the disk might have left while a recovery was going on may hold more than it found: after a
  // failed sync it may have read pages that a cut would have spared.
  life.before_attach = [this] {
    if (!exposures_.empty()) before_ = run_.history->copy();
  };
}

void BesideLife::on_point(uint64_t call, sim::Op op, sim::CrashPoint point) {
  const Fence* fence = run_.stated.fence;
  if (fence != nullptr && point == sim::CrashPoint::kAfter &&
      run_.trace.count() == fence->event + 1)
    put_fence(fence->path);
  if (run_.watching.points != nullptr) {
    Promised promised = life_.promised();
    promised.at = run_.legacy.world.now;
    promised.kind = sim::CrashKind::kPowerCut;
    promised.acks = run_.history->acked();
    return run_.watching.points->on_point(call, op, point, run_.legacy.world, promised);
  }
  const bool syncing = op == sim::Op::kSync || op == sim::Op::kSyncDirectory;
  const bool under_way = syncing && sim::under_way(point);
  if (run_.beside() == Beside::kEverything) {
    const bool looks = op == sim::Op::kRead || op == sim::Op::kList;
    if (under_way || (!looks && point == sim::CrashPoint::kBefore))
      expose(call, op, point, kImagesEverywhere);
    return;
  }
  // Where every bug of the B3 study shows (Mohan et al., OSDI'18).
  const bool renamed = op == sim::Op::kRename && point == sim::CrashPoint::kAfter;
  if (!renamed && !under_way) return;
  // Publications are rare and full of fences, recoveries too; syncs are many.
  const bool recovering = !life_.served();
  const bool ending = life_.state(op, faults::FileRole::kNone) == EngineState::kShuttingDown;
  const bool rare = recovering || ending;
  const uint64_t one_in = op == sim::Op::kSync ? (rare ? 1 : 24) : (rare ? 1 : 3);
  if (exposures_.size() >= (ending ? kExposuresWithEnd : kExposures) ||
      life_.choices.choose("probe", life_.os.call_identity(), one_in) != 0)
    return;
  // What recovery writes meets blocks that the dead process no longer holds, and an end writes several sectors that only
  // its last sync forces: few images show it.
  expose(call, op, point, rare && op == sim::Op::kSync ? kImagesMost : 2);
}

// It takes no time and is no call, so that nothing else of the run changes.
void BesideLife::put_fence(const std::string& path) {
  (void)run_.legacy.world.disk.sync_at_once(path);
}

void BesideLife::expose(uint64_t call, sim::Op op, sim::CrashPoint point, uint64_t images) {
  Exposure exposure{run_.legacy.world,
                    life_.promised(),
                    images,
                    call,
                    point,
                    life_.os.call_identity(),
                    life_.state(op, faults::FileRole::kNone),
                    life_.served()};
  exposure.promised.served = run_.oracle.served();
  exposure.promised.kind = sim::CrashKind::kPowerCut;
  exposure.promised.acks = run_.history->acked();
  exposure.promised.backups = run_.history->backups().moment();
  exposures_.push_back(std::move(exposure));
}

void BesideLife::judge() {
  const Delays delays = life_.served() ? life_.delays() : Delays{};
  for (Exposure& exposure : exposures_) {
    for (uint64_t image = 0; image < exposure.images && !run_.stopped; ++image)
      judge_image(exposure, exposure.served ? delays : run_.legacy.delays, image);
  }
  if (!run_.stopped) run_.result.beside.reset();
}

void BesideLife::judge_image(const Exposure& exposure, const Delays& delays, uint64_t image) {
  // Not 0: that is the run's own cut. Both points of a sync under way draw alike.
  const auto point =
      exposure.point == sim::CrashPoint::kReturning ? sim::CrashPoint::kInside : exposure.point;
  const uint64_t key = exposure.identity + static_cast<uint64_t>(point) * kImagesMost + 1 + image;
  auto after = run_.cut(life_.number(), exposure.world.disk, life_.choices, key);
  if (!after.ok()) return;  // what is stated of the run's own cuts
  sim::WorldState world{std::move(after).value(), exposure.world.now,
                        exposure.world.wall_offset_ms};
  run_.result.beside = RunResult::Site{life_.number(), exposure.call, exposure.point,
                                       exposure.state == EngineState::kShuttingDown};
  if (auto checked = world.disk.self_check(); !checked.ok())
    return run_.harness_fault(checked.error().message);
  const Recovered recovered = recover_in(world, run_.opening, {life_.choices});
  ++run_.result.crashes;
  cover(exposure, recovered);
  if (!recovered.refusal.empty()) run_.trace.mix(key);
  History& history = !exposure.served && before_ ? *before_ : *run_.history;
  const Verdict verdict = run_.judge(history, exposure.promised, delays, recovered);
  if (verdict.started && !run_.stopped)
    (void)run_.judge_found_backups(history, exposure.promised, world.disk, recovered.wall_ms,
                                   run_.legacy.errors);
  if (run_.watching.observer != nullptr && verdict.started)
    run_.watching.observer->on_image(exposure.promised.at, verdict, exposure.promised);
}

void BesideLife::cover(const Exposure& exposure, const Recovered& recovered) {
  BranchSet branches = branches_of(recovered.met);
  if (!recovered.refusal.empty()) branches.set(static_cast<size_t>(Branch::kRefusedCorruption));
  for (size_t i = 0; i < kRecoveryBranches; ++i) {
    if (!branches[i]) continue;
    const auto branch = static_cast<Branch>(i);
    CellSet& cells = run_.result.cells;
    cells.set(index_of({exposure.state, faults::FaultClass::kPowerCut, branch}));
    if (sim::under_way(exposure.point))
      cells.set(index_of({exposure.state, faults::FaultClass::kTorn, branch}));
  }
}

}  // namespace powercut::scenarios
