#include "scenarios/run/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/judge/looked_at_os.h"
#include "scenarios/run/beside.h"
#include "scenarios/run/damaged.h"
#include "scenarios/run/life.h"
#include "scenarios/run/other_starts.h"
#include "scenarios/run/targets.h"

namespace powercut::scenarios {

using faults::FaultClass;
using sim::CrashKind;

faults::Plan plan_of(const RunSpec& spec) {
  const Workload& workload = *spec.workload;
  sim::SeededChoices seed(spec.seed);
  faults::PlanOptions options;
  options.enabled = spec.faults;
  options.operations = std::min(spec.operations, workload.operations());
  if (workload.cut_at_end) options.lives_max = 1;
  faults::Plan plan = faults::draw_plan(seed, options);
  if (!workload.cut_at_end) return plan;
  for (faults::Fault& fault : plan.faults) {
    if (fault.kind != faults::FaultKind::kCrash || fault.trigger == faults::Trigger::kIdle)
      continue;
    fault = faults::Fault{};
    fault.crash = spec.faults.has(FaultClass::kPowerCut) ? CrashKind::kPowerCut : CrashKind::kKill;
    fault.trigger = faults::Trigger::kIdle;
    fault.delay = nanoseconds(static_cast<int64_t>(seed.choose("cut.idle", 0, 3'000'000)));
  }
  return plan;
}

namespace {

constexpr uint64_t kStandsByOneIn = 16;

// The planted bug of this thread, for as long as the run lasts.
class Planted {
 public:
  explicit Planted(const faults::MutantInfo* mutant) {
    active_mutant = mutant == nullptr ? Mutant() : mutant->planted;
  }
  ~Planted() { active_mutant = Mutant(); }
};

bool is_failed_sync(const faults::PlanInjector::Hit& hit) {
  return hit.op == sim::Op::kSync &&
         (hit.fault == FaultClass::kEio || hit.fault == FaultClass::kEnospc);
}

class Run {
 public:
  Run(const RunSpec& spec, const Stated& stated, const Watchers& watching)
      : planted_(spec.mutant), run_(spec, stated, watching) {}

  RunResult run() {
    if (run_.watching.observer != nullptr)
      run_.watching.observer->on_begin(run_.result.plan, run_.legacy.world.disk);
    for (uint32_t number = 0; !run_.stopped; ++number) {
      Life life(run_, number);
      BesideLife beside(run_, life);
      const Ending ending = life.live();
      judge_ending(life, ending);
      if (!run_.stopped && !run_.legacy.contract_broken) beside.judge();
      if (!run_.stopped) bequeath(life, ending);
    }
    return finish();
  }

 private:
  void judge_ending(Life& life, Ending ending);
  void judge_service(Life& life);
  void judge_refusal(const Life& life);
  void count(const Life& life);
  void bequeath(Life& life, Ending ending);
  Legacy heir(const Life& life, sim::WorldState world) const;
  RunResult finish();

  Planted planted_;
  RunState run_;
  // What other starts have shown, for when nothing else has: what the run itself shows is seen as it always was.
  std::optional<Violation> otherwise_;
};

// What the life itself has shown, before any disk is cut.
void Run::judge_ending(Life& life, Ending ending) {
  if (ending == Ending::kDied) {
    run_.violate({Breach::kDies, life.died()});
  } else {
    if (life.crash() == CrashKind::kNone)
      run_.legacy.state = life.state(std::nullopt, faults::FileRole::kNone);
    if (life.served()) judge_service(life);
  }
  if (ending == Ending::kCutInRecovery) run_.reached(Branch::kCutDuringRecovery);
  if (RunObserver* observer = run_.watching.observer) {
    if (ending != Ending::kRefused)
      observer->on_end(life.number(), run_.legacy.world.now, life.crash(), life.served(),
                       *run_.history);
    observer->on_ended(life.number(), life.clients(), life.injector);
  }
  count(life);
  if (run_.stopped) return;
  if (ending == Ending::kHung)
    run_.violate(
        {Breach::kHangs, life.out_of_time() ? "a life does not end" : "every task waits for ever"});
  if (ending == Ending::kRefused) judge_refusal(life);
}

void Run::judge_service(Life& life) {
  const Clients& clients = *life.clients();
  if (clients.violation()) run_.violate(*clients.violation());
  if (const std::string broken = life.target().broken(); !broken.empty() && !run_.stopped)
    run_.violate({life.target().recovery.behind ? Breach::kBehind : Breach::kReplica, broken});
  if (!run_.stopped)
    if (auto untrue = run_.history->untrue(); !untrue.empty())
      run_.violate({Breach::kUntrue, untrue});
  if (!run_.stopped)
    if (auto wrong = run_.history->self_check(); !wrong.empty())
      run_.violate({Breach::kUnlogged, wrong});
  const sim::Deeds deeds = life.target().deeds();
  if (deeds.healed) run_.reached(Branch::kHealed);
  if (deeds.rewrote) run_.reached(Branch::kRewritten);
  if (deeds.saved) run_.reached(Branch::kSaved);
  if (deeds.refused_writes) run_.reached(Branch::kWritesRefused);
  const bool disturbed = run_.legacy.errors || life.injector.injected_error();
  if (!deeds.failure.empty() && !disturbed && !run_.legacy.contract_broken &&
      run_.spec.persona->keeps_synced)
    run_.violate({Breach::kUnavailable, "nothing was in its way, and it failed: " + deeds.failure});
  if (run_.watching.points != nullptr && !run_.stopped) {
    Promised promised = life.promised();
    promised.kind = life.crash();
    run_.watching.points->on_done(*run_.history, run_.legacy.world, promised, life.delays(),
                                  run_.opening);
  }
  run_.result.acked = run_.history->acked();
  run_.result.sent += clients.sent();
  run_.result.units += clients.issued();
  run_.result.operations += run_.history->last_lsn() - life.target().recovery.last;
}

// It need not start from a disk that broke its own promise, nor where its start was disturbed: then the
// next one is left alone.
void Run::judge_refusal(const Life& life) {
  const Error& error = *life.refusal();
  if (run_.legacy.world.disk.is_shut()) {  // somebody has to mount it again
    run_.reached(Branch::kFailedOnInjectedError);
    return;
  }
  if (run_.legacy.contract_broken || !run_.spec.persona->keeps_synced) {
    run_.result.refused = true;
    run_.reached(Branch::kRefusedCorruption);
    run_.stop(Stop::kDone);
  } else if (life.injector.injected_error() && !run_.legacy.undisturbed) {
    run_.reached(Branch::kFailedOnInjectedError);
    run_.legacy.undisturbed = true;
  } else {
    run_.violate({Breach::kNoStart, error.message});
  }
}

void Run::count(const Life& life) {
  const auto& hits = life.injector.hits();
  run_.result.hits.insert(run_.result.hits.end(), hits.begin(), hits.end());
  run_.result.mutant_fired += life.mutant_fired();
  run_.legacy.errors |= life.injector.injected_error();
  // With data=journal of 2020 a sync that failed reports success and the next one the error: until
  // then the filesystem breaks the contract of sync, and no store can keep a promise that rests on
  // it.
  if (run_.spec.persona->rules.sync_failure != sim::SyncFailure::kExt4Data2020) return;
  for (const auto& hit : hits)
    if (is_failed_sync(hit)) run_.legacy.contract_broken = true;
}

// The only place that cuts a disk the run goes on with. A crash is a value: the new disk is computed
// while the old world still stands.
void Run::bequeath(Life& life, Ending ending) {
  const Legacy& now = run_.legacy;
  const bool remounted = ending == Ending::kRefused && now.world.disk.is_shut();
  const bool cut = (ending == Ending::kShutDown && run_.cuts_after_an_end()) ||
                   life.crash() == CrashKind::kPowerCut || remounted;
  auto after =
      cut ? run_.cut(life.number(), now.world.disk, life.choices, 0) : now.world.disk.after_kill();
  if (!after.ok()) return run_.misstate(after.error());
  Legacy next = heir(life, {std::move(after).value(), now.world.now, now.world.wall_offset_ms});
  if (remounted) next.promised.kind = CrashKind::kPowerCut;
  if (ending == Ending::kShutDown && cut)
    next.struck.set(index_of(next.state, FaultClass::kPowerCut));
  if (ending != Ending::kRefused) {
    ++run_.result.crashes;
    next.crashed = true;
    next.world.now = next.world.now + run_.stated.off;
  }
  if (auto checked = next.world.disk.self_check(); !checked.ok())
    run_.harness_fault(checked.error().message);
  life.end_tasks();
  if (!next.unsealed) harm(run_, life.number(), life.choices, next);
  // Who changes the policy may leave a log that is not all there is.
  if (life.number() < run_.by_another && ending != Ending::kRefused &&
      run_.history->last_lsn() > 0 && !next.contract_broken && !next.errors &&
      run_.spec.persona->keeps_synced && run_.history->policy_changes().empty()) {
    const bool wrote = run_.opening.type->rewritten_by_another(next.world.disk, life.choices);
    next.unsealed |= wrote;
    run_.another_wrote |= wrote;
    if (wrote && run_.watching.observer != nullptr)
      run_.watching.observer->on_another(life.number());
  }
  if (!otherwise_) otherwise_ = judge_other_starts(run_, life.number(), next);
  run_.legacy = std::move(next);
}

// What the next life inherits in that world: what was promised when this one ended.
Legacy Run::heir(const Life& life, sim::WorldState world) const {
  const Legacy& now = run_.legacy;
  Legacy next{.world = std::move(world),
              .promised = now.promised,
              .next_unit = now.next_unit,
              .contract_broken = now.contract_broken,
              .crashed = now.crashed,
              .undisturbed = now.undisturbed,
              .errors = now.errors,
              .struck = now.struck,
              .state = now.state};
  if (life.served()) {
    next.promised = life.promised();
    next.promised.kind = life.crash();
    next.delays = life.delays();
    next.next_unit = (now.next_unit + life.clients()->issued()) % run_.spec.workload->units.size();
    return next;
  }
  next.delays = now.delays;
  next.unsealed = now.unsealed;
  // What only the page cache had, and recovery had not yet synced, dies with a power cut.
  if (life.crash() == CrashKind::kPowerCut) next.promised.kind = CrashKind::kPowerCut;
  // A sync of recovery's may fail as well, and is not healed before it serves.
  for (const auto& hit : life.injector.hits())
    if (is_failed_sync(hit)) {
      next.promised.engine.indeterminate = true;
      next.promised.engine.written = next.promised.engine.synced;
    }
  return next;
}

RunResult Run::finish() {
  if (run_.scheduler != nullptr && !run_.stated.scheduler_of)
    if (const auto followed = run_.scheduler->finish(); !followed.ok())
      run_.misstate(
          {Errc::kInvalid, "the run departs from its schedule " + followed.error().message});
  RunResult& result = run_.result;
  if (otherwise_ && *run_.stopped == Stop::kDone) {
    result.violation = otherwise_;
    run_.stopped = Stop::kViolation;
    result.conditions.starts = true;
  }
  result.stop = *run_.stopped;
  result.trace_hash = run_.trace.hash();
  result.fingerprint = fingerprint_of(run_.trace);
  result.events = run_.trace.count();
  result.contract_broken = run_.legacy.contract_broken || !run_.spec.persona->keeps_synced;
  return std::move(result);
}

}  // namespace

// --- What is one for the whole run ---

RunState::RunState(const RunSpec& run, const Stated& what, const Watchers& who)
    : spec(run),
      stated(what),
      watching(who),
      opening{&target_or_store(run.target), {run.policy->name}, run.mutant},
      seed(run.seed),
      scheduler(make_scheduler(run.schedule, seed)),
      history(opening.type->history()),
      oracle(*run.policy, run.persona->keeps_synced, run.persona->rules.writeback),
      legacy{{sim::Disk(run.persona->rules), Instant{0}, run.workload->wall_start_ms}} {
  trace.set_listener(who.trace);
  legacy.promised.backups = 0;  // until the first life serves
  draw();
}

void RunState::draw() {
  const Workload& workload = *spec.workload;
  units_per_life = std::min(spec.operations, workload.operations());
  if (workload.operations() > units_per_life) {
    legacy.next_unit = seed.choose("workload.start", 0, workload.operations() - units_per_life + 1);
  }
  result.plan = stated.plan ? *stated.plan : plan_of(spec);
  if (!spec.persona->keeps_synced || may_be_damaged(*this) ||
      spec.persona->rules.sync_failure == sim::SyncFailure::kExt4Data2020)
    history->remember_forgotten();
  opening.settings.sizes = stated.sizes ? *stated.sizes : draw_sizes(seed);
  write_latency = stated.write_latency ? *stated.write_latency : draw_write_latency(seed);
  manners = draw_manners(seed, workload, *spec.policy, *opening.type);
  if (stated.manners) {
    const Manners drawn = std::exchange(manners, *stated.manners);
    manners.log = drawn.log;
    manners.checkpoints = drawn.checkpoints;
  }
  // Whose plan means the end.
  const bool ends =
      std::any_of(result.plan.faults.begin(), result.plan.faults.end(),
                  [](const faults::Fault& fault) { return fault.since == faults::Since::kIdle; });
  clean_end = !workload.cut_at_end && seed.choose("clean.end", 0, ends ? 2 : 8) == 0;
  asks = !stated.lingers && !workload.cut_at_end && seed.choose("asks", 0, 2) == 0;
  rests = asks && seed.choose("rests", 0, 4) == 0;
  const bool another = spec.policy->has_log() && seed.choose("by.another", 0, 6) == 0;
  by_another = another ? UINT32_MAX : 0;
  // It tells much of a run's requests again, and that takes its time; a run that is told again has it.
  stands_by = stated.script != nullptr ? !stated.script->alone : spec.seed % kStandsByOneIn == 0;
  if (const Script* script = stated.script) {
    asks = script->asks;
    rests = script->rests;
    by_another = script->by_another;
    manners = {};
    manners.pipeline = script->pipeline;
    clean_end = script->clean_end || script->lingers;
  }
  result.conditions = {
      opening.settings.sizes, write_latency, manners.pipeline, clean_end, asks, rests,
      begins_without_log(),   by_another};
}

void RunState::violate(const Violation& violation) {
  if (!result.violation) result.violation = violation;
  stop(Stop::kViolation);
}

void RunState::harness_fault(std::string text) {
  if (result.harness_fault.empty()) result.harness_fault = std::move(text);
  stop(Stop::kHarnessFault);
}

void RunState::misstate(Error error) {
  result.misstated = std::move(error);
  stop(Stop::kMisstated);
}

Verdict RunState::judge(History& against, const Promised& promised, const Delays& delays,
                        const Recovered& recovered) {
  Verdict verdict = oracle.judge(against, promised, delays, recovered, legacy.contract_broken);
  if (!verdict.violation && legacy.damage)
    verdict.violation = judge_damage(*legacy.damage, recovered);
  if (verdict.started) {
    ++result.recoveries;
    trace.mix(recovered.digest);
    trace.mix(verdict.k);
    keep_worst(verdict.loss, promised.at);
  }
  if (verdict.violation) violate(*verdict.violation);
  return verdict;
}

void RunState::judge_damaged(const Promised& promised, const Delays& delays, const Damage& damage,
                             const Recovered& recovered) {
  ++result.crashes;
  Verdict verdict = oracle.judge(*history, promised, delays, recovered, true);
  if (!verdict.violation) verdict.violation = judge_damage(damage, recovered);
  trace.mix(verdict.started ? recovered.digest : 0);
  if (verdict.violation) violate(*verdict.violation);
}

std::vector<FoundBackup> RunState::judge_found_backups(History& against, const Promised& promised,
                                                       const sim::Disk& disk, int64_t wall_ms,
                                                       bool errors) {
  if (legacy.contract_broken || !spec.persona->keeps_synced) return {};
  LookedAtOs os(disk, wall_ms);
  auto found = opening.type->backups(os, wall_ms);
  const auto told = against.backups().at(promised.backups);
  const auto violation = judge_backups(against, {told, wall_ms, errors || another_wrote}, found);
  if (violation) violate(*violation);
  return found;
}

Result<sim::Disk> RunState::cut(uint32_t life, const sim::Disk& disk, sim::Choices& choices,
                                uint64_t key) const {
  if (stated.cuts != nullptr) return stated.cuts->cut(life, disk, choices, key);
  return disk.after_power_cut(choices, key);
}

void RunState::reached(Branch branch) {
  ++result.branches[static_cast<size_t>(branch)];
  if (static_cast<int>(branch) >= kRecoveryBranches || legacy.struck.none()) return;
  // (The members are libstdc++'s own.)
  for (size_t i = legacy.struck._Find_first(); i < legacy.struck.size();
       i = legacy.struck._Find_next(i))
    result.cells.set(i * kRecoveryBranches + static_cast<size_t>(branch));
}

void RunState::keep_worst(const Loss& loss, Instant at) {
  if (loss.age_ms > result.oldest.age_ms || result.recoveries == 1) result.oldest = loss;
  if (took_more(loss, result.most) || result.recoveries == 1) result.most = loss;
  if (loss.span_ms > result.widest.span_ms || result.recoveries == 1) result.widest = loss;
  result.lost_operations_max = std::max(result.lost_operations_max, loss.operations);
  if (worse(loss, result.worst) || result.recoveries == 1) {
    result.worst = loss;
    result.worst_at = at;
  }
}

bool RunState::begins_without_log() const {
  return stated.script != nullptr ? stated.script->begins_without_log()
                                  : manners.turn_on_after != 0;
}

bool RunState::cuts_power() const { return spec.faults.has(FaultClass::kPowerCut); }

bool RunState::cuts_after_an_end() const {
  return cuts_power() || !spec.faults.has(FaultClass::kKill);
}

Beside RunState::beside() const {
  if (stated.beside) return *stated.beside;
  if (spec.beside) return *spec.beside;
  if (!cuts_power()) return Beside::kNothing;
  return spec.schedule.kind == ScheduleKind::kFifo ? Beside::kEverything : Beside::kSome;
}

namespace {
constexpr std::string_view kBesides[] = {"none", "some", "all"};
}

std::string_view name(Beside beside) { return kBesides[static_cast<size_t>(beside)]; }

std::optional<Beside> parse_beside(std::string_view text) {
  for (const Beside beside : {Beside::kNothing, Beside::kSome, Beside::kEverything})
    if (name(beside) == text) return beside;
  return std::nullopt;
}

RunResult run_once(const RunSpec& spec, const Stated& stated, const Watchers& watching) {
  return Run(spec, stated, watching).run();
}

std::string run_id(const RunSpec& spec) {
  std::string id;
  const TargetType& target = target_or_store(spec.target);
  if (&target != &store()) id = fmt::format("{}+", target.name());
  std::string faults = faults::print(spec.faults);
  if (spec.beside) faults += fmt::format("/beside={}", name(*spec.beside));
  id += fmt::format("{}:{}:{}:{}:{}:{}", spec.workload->name, spec.policy->name, spec.persona->name,
                    faults, spec.operations, spec.seed);
  if (spec.schedule.kind != ScheduleKind::kRandom) id += "/" + print(spec.schedule);
  if (spec.mutant != nullptr) id += fmt::format(":{}", spec.mutant->name);
  return id;
}

}  // namespace powercut::scenarios
