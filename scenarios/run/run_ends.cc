// How a life ends: what is known then, the crash states looked at beside the run's own, the next
// disk.
#include <fmt/format.h>

#include <algorithm>

#include "scenarios/run/run_lives.h"

namespace powercut::scenarios {

using sim::CrashKind;

namespace {

// Crash points looked at beside the one of the plan, in each life, and images of each.
constexpr size_t kExposures = 6;
constexpr uint64_t kImagesMost = 16;
constexpr uint64_t kImagesEverywhere = 5;  // Cuts may make some of them other than by a draw

}  // namespace

// What the store believes, and what the judge knows, at this instant.
CrashFacts Run::facts_of(Life& life) const {
  CrashFacts facts;
  const engine::AofLog& log = life.engine->aof();
  facts.at = world_.now;
  facts.last_lsn = history_.last_lsn();
  facts.synced_lsn = shut_down_cleanly_ && log.active() ? history_.last_lsn() : log.synced_lsn();
  // A sync failed and is not healed yet: what it covered is in an unknown state, even in the page
  // cache (btrfs takes the bytes back).
  facts.indeterminate = log.poisoned();
  facts.written_lsn = log.poisoned() ? facts.synced_lsn : log.written_lsn();
  if (!log.active()) facts.written_lsn = facts.synced_lsn = 0;
  facts.saved_lsn = life.engine->persistence().saved_lsn();
  return facts;
}

void Run::note_branches(Life& life) {
  const auto& stats = life.engine->persistence().stats();
  if (stats.heals > 0) reached(Branch::kHealed);
  if (stats.rewrites > 0) reached(Branch::kRewritten);
  if (stats.saves > 0) reached(Branch::kSaved);
  if (life.engine->executor().stats().refused_writes > 0) reached(Branch::kWritesRefused);
}

// --- Crash states beside the run's own ---

void Run::on_point(uint64_t call, sim::Op op, sim::CrashPoint point) {
  if (spec_.fence != nullptr && point == sim::CrashPoint::kAfter &&
      trace_.count() == spec_.fence->event + 1)
    put_fence(spec_.fence->path);
  if (spec_.points != nullptr) {
    CrashFacts facts = life_->clients ? facts_of(*life_) : facts_;
    facts.at = world_.now;
    facts.kind = CrashKind::kPowerCut;
    facts.acks = history_.acked();
    return spec_.points->on_point(call, op, point, world_, facts);
  }
  const bool syncing = op == sim::Op::kSync || op == sim::Op::kSyncDirectory;
  const bool under_way = syncing && sim::under_way(point);
  if (spec_.beside == Beside::kEverything) {
    const bool looks = op == sim::Op::kRead || op == sim::Op::kList;
    if (under_way || (!looks && point == sim::CrashPoint::kBefore))
      expose(call, op, point, kImagesEverywhere);
    return;
  }
  // Where every bug of the B3 study shows (Mohan et al., OSDI'18).
  const bool renamed = op == sim::Op::kRename && point == sim::CrashPoint::kAfter;
  if (!renamed && !under_way) return;
  // Publications are rare and full of fences, recoveries too; syncs are many.
  const bool recovering = !life_->clients;
  const uint64_t one_in = op == sim::Op::kSync ? (recovering ? 1 : 24) : (recovering ? 1 : 3);
  if (exposures_.size() >= kExposures ||
      life_->choices.choose("probe", life_->os.call_identity(), one_in) != 0)
    return;
  // What recovery writes meets blocks that the dead process no longer holds: few images show it.
  expose(call, op, point, recovering && op == sim::Op::kSync ? kImagesMost : 2);
}

// It takes no time and is no call, so that nothing else of the run changes.
void Run::put_fence(const std::string& path) {
  sim::Disk& disk = world_.disk;
  const auto inode = disk.lookup(path);
  if (!inode.ok()) return;
  if (!disk.is_directory(*inode))
    (void)disk.finish_sync(disk.begin_sync(*inode));
  else if (const auto ticket = disk.begin_sync_directory(path); ticket.ok())
    (void)disk.finish_sync(*ticket);
}

void Run::expose(uint64_t call, sim::Op op, sim::CrashPoint point, uint64_t images) {
  Exposure exposure{world_,
                    facts_,
                    images,
                    call,
                    point,
                    life_->os.call_identity(),
                    state(op, faults::FileRole::kNone)};
  exposure.served = life_->clients.has_value();
  if (exposure.served) exposure.facts = facts_of(*life_);
  exposure.facts.served_lsn = oracle_.served();
  exposure.facts.kind = CrashKind::kPowerCut;
  exposure.facts.acks = history_.acked();
  exposures_.push_back(std::move(exposure));
}

Result<sim::Disk> Run::cut(Life& life, uint32_t number, const sim::Disk& disk, uint64_t key) {
  if (spec_.cuts != nullptr) return spec_.cuts->cut(number, disk, life.choices, key);
  return disk.after_power_cut(life.choices, key);
}

void Run::probe(Life& life, uint32_t number) {
  for (size_t i = 0; i < exposures_.size() && !over_; ++i) {
    Exposure& exposure = exposures_[i];
    // A recovery that was going on then has ended since, or was cut, and may have forgotten a torn
    // tail.
    exposure.facts.last_lsn = std::min(exposure.facts.last_lsn, history_.last_lsn());
    exposure.facts.in_recovery = !exposure.served && life.clients.has_value();
    if (exposure.served) {
      exposure.facts.waits = life.os.waits();
      exposure.facts.blocked = life.engine->aof().blocked_spans();
    }
    for (uint64_t image = 0; image < exposure.images && !over_; ++image) {
      // Not 0: that is the run's own cut. Both points of a sync under way draw alike.
      const auto point =
          exposure.point == sim::CrashPoint::kReturning ? sim::CrashPoint::kInside : exposure.point;
      const uint64_t key =
          exposure.identity + static_cast<uint64_t>(point) * kImagesMost + 1 + image;
      auto after = cut(life, number, exposure.world.disk, key);
      if (!after.ok()) continue;  // what is stated of the run's own cuts
      sim::Disk disk = std::move(after).value();
      result_.beside = RunResult::Site{number, exposure.call, exposure.point};
      if (auto checked = disk.self_check(); !checked.ok())
        return harness_fault(checked.error().message);
      const ImageOutcome outcome =
          recover_image(std::move(disk), exposure, config_, spec_.mutant, life.choices);
      ++result_.crashes;
      cover_image(exposure, outcome);
      if (outcome.refusal) {
        trace_.mix(key);
        if (spec_.persona->keeps_synced) violate({"NOS", outcome.refusal->message});
        continue;
      }
      if (outcome.hangs) return violate({"HNG", "a recovery does not end"});
      ++result_.recoveries;
      const Verdict verdict = oracle_.judge(history_, exposure.facts, outcome.digest,
                                            outcome.wall_ms, outcome.lsn, false);
      trace_.mix(outcome.digest);
      trace_.mix(verdict.k);
      keep_worst(verdict.loss, exposure.facts.at);
      if (spec_.observer != nullptr)
        spec_.observer->on_image(exposure.facts.at, verdict, exposure.facts);
      if (verdict.violation) {
        violate(*verdict.violation);
      } else if (outcome.failed_commands != 0) {
        violate({"NPX", fmt::format("{} logged commands failed when they were replayed",
                                    outcome.failed_commands)});
      }
    }
  }
  if (!over_) result_.beside.reset();
}

// The next life's disk. A crash is a value: the new disk is computed while the old world still
// stands.
void Run::bequeath(Life& life, uint32_t number, CrashKind crash) {
  const bool served = life.clients.has_value();
  const bool power_cut = crash == CrashKind::kPowerCut || (crash == CrashKind::kNone && served);
  auto after = power_cut ? cut(life, number, world_.disk, 0) : world_.disk.after_kill();
  if (!after.ok()) {
    result_.misstated = after.error();
    over_ = true;
  }
  if (power_cut && crash == CrashKind::kNone)
    struck_.set(index_of(last_state_, faults::FaultClass::kPowerCut));
  sim::Disk next = after.ok() ? std::move(after).value() : world_.disk;
  if (crash != CrashKind::kNone || served) {
    ++result_.crashes;
    crashed_before_ = true;
    world_.now = world_.now + spec_.off;
  }
  history_.detach();
  life.os.destroy_tasks();
  life.clients.reset();
  life.engine.reset();
  world_.disk = std::move(next);
  if (auto checked = world_.disk.self_check(); !checked.ok())
    harness_fault(checked.error().message);
  for (const auto& hit :
       faults::apply_media_faults(result_.plan, number, world_.disk, life.choices)) {
    contract_broken_ = true;
    struck_.set(index_of(last_state_, hit.fault));
    result_.hits.push_back({hit.fault, std::nullopt, faults::role_of(sim::Op::kRead, hit.path), 1});
  }
}

void Run::end_life(Life& life, uint32_t number, CrashKind crash) {
  const bool served = life.clients.has_value();
  if (crash == CrashKind::kNone) last_state_ = state(std::nullopt, faults::FileRole::kNone);
  if (served) {
    if (life.clients->violation()) violate(*life.clients->violation());
    if (!over_) {
      if (auto wrong = history_.self_check(); !wrong.empty()) violate({"UNL", wrong});
    }
    next_unit_ = (next_unit_ + life.clients->issued()) % spec_.workload->units.size();
    facts_ = facts_of(life);
    facts_.kind = crash;
    facts_.waits = life.os.waits();
    facts_.blocked = life.engine->aof().blocked_spans();
    note_branches(life);
    if (spec_.points != nullptr && !over_) spec_.points->on_done(history_, world_, facts_, config_);
    result_.acked = history_.acked();
  } else if (crash != CrashKind::kNone) {
    reached(Branch::kCutDuringRecovery);
    // What only the page cache had, and recovery had not yet synced, dies with this one.
    if (crash == CrashKind::kPowerCut) facts_.kind = CrashKind::kPowerCut;
  }
  if (!served) {
    // As in facts_of(): a sync of recovery's may fail as well, and is not healed before it serves.
    for (const auto& hit : life.injector.hits())
      if (hit.fault == faults::FaultClass::kEio && hit.op == sim::Op::kSync) {
        facts_.indeterminate = true;
        facts_.written_lsn = facts_.synced_lsn;
      }
  }
  if (spec_.observer != nullptr && !life.refusal) {
    spec_.observer->on_end(number, world_.now, crash, served, history_);
  }
  if (spec_.observer != nullptr)
    spec_.observer->on_ended(number, served ? &*life.clients : nullptr, life.injector);
  result_.hits.insert(result_.hits.end(), life.injector.hits().begin(), life.injector.hits().end());
  // With data=journal a sync that failed reports success and the next one the error (ATC'20): until
  // then the filesystem breaks the contract of sync, and no store can keep a promise that rests on
  // it.
  if (spec_.persona->rules.sync_failure == sim::SyncFailure::kExt4Data) {
    for (const auto& hit : life.injector.hits()) {
      if (hit.fault == faults::FaultClass::kEio && hit.op == sim::Op::kSync)
        contract_broken_ = true;
    }
  }
  if (life.mutant_os) result_.mutant_fired += life.mutant_os->fired();

  const bool stuck = crash == CrashKind::kNone && !over_ && !life.refusal && !shut_down_cleanly_ &&
                     result_.plan.crash_of(number) != nullptr;
  if (stuck)
    violate({"HNG", life.os.out_of_time() ? "a life does not end" : "every task waits for ever"});
  if (life.refusal && !over_) refused(life);

  // A store that lies about syncs is judged by its own crash alone.
  if (!over_ && !contract_broken_) probe(life, number);
  exposures_.clear();

  if (!over_) {
    bequeath(life, number, crash);
    shutting_down_ = shut_down_cleanly_ = false;
    return;
  }
  history_.detach();
  life.os.destroy_tasks();
}

void Run::refused(Life& life) {
  const Error& error = *life.refusal;
  if (contract_broken_ || !spec_.persona->keeps_synced) {
    result_.refused = true;
    reached(Branch::kRefusedCorruption);
    over_ = true;
  } else if (life.injector.injected_error() && !undisturbed_) {
    reached(Branch::kFailedOnInjectedError);
    undisturbed_ = true;
  } else {
    violate({"NOS", error.message});
  }
}

void Run::keep_worst(const Loss& loss, Instant at) {
  // Nearest to its bound first; then the oldest loss.
  const auto nearness = [](const Loss& l) {
    return l.bound_ms > 0 ? l.age_ms * 1'000'000 / l.bound_ms : 0;
  };
  const Loss& worst = result_.worst;
  const bool nearer = nearness(loss) > nearness(worst) ||
                      (nearness(loss) == nearness(worst) && loss.operations > worst.operations);
  if (nearer || result_.recoveries == 1) {
    result_.worst = loss;
    result_.worst_at = at;
  }
}

}  // namespace powercut::scenarios
