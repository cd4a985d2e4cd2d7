#include "scenarios/run/life.h"

#include <algorithm>
#include <utility>

#include "scenarios/run/rehearsal.h"
#include "scenarios/run/watched.h"

namespace powercut::scenarios {

using sim::CrashKind;

namespace {

// Longer than all that a plan makes slow, and what follows from it.
constexpr Duration kRest = seconds(60);
// A key has expired meanwhile: it goes on working.
constexpr Duration kLately = seconds(10);
// Long enough for what the engine does by itself: the sync of each second.
constexpr Duration kIdle = milliseconds(1500);
// An engine waits between two tries to heal, and a sync takes its time; all of it is over long before.
constexpr Duration kPatience = seconds(60);
constexpr Duration kAskAgain = seconds(1);
// Of the seam, in one life: an engine that makes more is at something that does not end. A hundred times what any needs.
constexpr uint64_t kCallsAtMost = 300'000;
constexpr uint64_t kCallsOfOperation = 2'000;
// Keys that are listed of a state that never was.
constexpr size_t kHoldsMost = 12;

const faults::Plan kNoPlan;
const std::vector<Step> kSilence;

sim::Scheduler* scheduler_of(const RunState& run, uint32_t life) {
  return run.stated.scheduler_of ? run.stated.scheduler_of(life) : run.scheduler.get();
}

sim::LatencyProfile latency_of(const faults::Persona& persona, Duration write,
                               const sim::Scheduler* scheduler) {
  return {.write = write,
          .sync_min = persona.sync_min,
          .sync_max = persona.sync_max,
          .instant = scheduler != nullptr};
}

}  // namespace

Life::Life(RunState& run, uint32_t number)
    : run_(run),
      number_(number),
      scheduler_(scheduler_of(run, number)),
      choices(run.seed, number),
      injector(run.legacy.undisturbed ? kNoPlan : run.result.plan, number, choices,
               run.legacy.world.now, run.opening.type->roles()),
      os(run.legacy.world, choices, run.trace, &injector,
         latency_of(*run.spec.persona, run.write_latency, scheduler_)) {
  if (scheduler_ != nullptr) os.set_scheduler(*scheduler_);
  if (run.spec.mutant != nullptr && run.spec.mutant->decorates())
    mutant_os_.emplace(os, *run.spec.mutant);
  os.set_time_limit(run.legacy.world.now + kLifeLimit);
  os.set_call_limit(kCallsAtMost + kCallsOfOperation * run.units_per_life);
  os.outlive_checks();
  injector.set_observer(*this);
}

void Life::end_tasks() {
  run_.history->detach();
  os.destroy_tasks();
  clients_.reset();
  if (!died().empty()) (void)target_.release();  // what is broken is not taken apart
  target_.reset();
}

// --- From its beginning to its end ---

Ending Life::live() {
  os.spawn("main", [this] { open_and_serve(); });
  crash_ = os.run();
  if (!died().empty()) return Ending::kDied;
  if (refusal_) return Ending::kRefused;
  if (crash_ != CrashKind::kNone) return served() ? Ending::kCrashed : Ending::kCutInRecovery;
  if (run_.stopped) return Ending::kComplete;
  if (planned_crash() != nullptr && !ended_) return Ending::kHung;
  return Ending::kShutDown;
}

void Life::open_and_serve() {
  const Script* script = run_.stated.script;
  sim::Settings settings = run_.opening.settings;
  settings.log_off = number_ == 0 && run_.begins_without_log();
  // Of a disk that breaks its own promise nothing is to be asked that only a machine which goes on could tell.
  const faults::Persona& persona = *run_.spec.persona;
  if (persona.keeps_synced && persona.rules.sync_failure != sim::SyncFailure::kExt4Data2020)
    settings.crash_machine = [this](CrashKind kind) { os.crash_machine(kind); };
  const TargetType& type = *run_.opening.type;
  WatchedEngine* watched = run_.watching.engine;
  auto opened =
      watched == nullptr ? type.open(seam(), settings) : watched->open(type, seam(), settings);
  if (!opened.ok()) {
    refusal_ = opened.error();
    if (run_.watching.observer != nullptr)
      run_.watching.observer->on_refusal(number_, run_.legacy.world.now, *refusal_);
    os.stop();
    return;
  }
  target_ = std::move(opened).value();
  injector.on_served();
  const bool goes_on = judge_recovery();
  const bool more = planned_crash() != nullptr || (number_ == 0 && run_.result.plan.crashes() == 0);
  if (!goes_on || run_.legacy.undisturbed || !more) {
    run_.stop(Stop::kDone);
    os.stop();
    return;
  }
  if (script != nullptr) run_.manners.clients = script->clients(number_);
  if (run_.stands_by) bystander_ = type.bystander();
  clients_.emplace(Clients::Surroundings{seam(), type, *target_, *run_.history, injector, choices,
                                         run_.trace, bystander_.get()},
                   *run_.spec.workload, run_.manners, run_.legacy.next_unit, run_.units_per_life,
                   Clients::Hooks{[this] { go_idle(); }, [this] { note_end(); }});
  if (script != nullptr)
    clients_->follow(number_ < script->lives.size() ? script->lives[number_] : kSilence);
  if (settings.log_off) clients_->begin_without_log();
  clients_->start();
}

// False: the run ends with it.
bool Life::judge_recovery() {
  const int64_t wall_ms = os.wall_now().unix_ms;
  const BranchSet branches = branches_of(target_->recovery.met);
  for (size_t i = 0; i < kRecoveryBranches; ++i)
    if (branches[i]) run_.reached(static_cast<Branch>(i));
  run_.legacy.struck.reset();
  RunObserver* observer = run_.watching.observer;
  const Instant now = run_.legacy.world.now;
  if (!run_.legacy.crashed) {
    const uint64_t reached = target_->recovery.last;
    if (observer != nullptr) observer->on_open(number_, now, *target_, nullptr, *run_.history);
    target_->begin(reached);
    run_.history->attach(seam(), *target_, reached);
    return true;
  }
  const Verdict verdict = run_.judge(*run_.history, run_.legacy.promised, run_.legacy.delays,
                                     recovered_by(*target_, wall_ms));
  if (!target_->recovery.numbered) target_->recovery.last = verdict.k;
  const uint64_t reached = target_->recovery.last;
  if (observer != nullptr) observer->on_open(number_, now, *target_, &verdict, *run_.history);
  if (verdict.violation) {
    if (verdict.violation->breach == Breach::kNoPrefix)
      run_.result.holds = target_->contents(wall_ms, kHoldsMost);
    return false;
  }
  if (run_.legacy.contract_broken || !verdict.numbered || verdict.ambiguous) return false;
  const auto found = run_.judge_found_backups(*run_.history, {}, run_.legacy.world.disk, wall_ms,
                                              run_.legacy.errors || injector.injected_error());
  if (run_.stopped) return false;
  for (const FoundBackup& backup : found)
    if (backup.says.last > reached) run_.history->disown(backup.name);
  if (before_attach) before_attach();
  run_.oracle.served(reached);  // S(reached) equals S(k), and the history goes on from there
  target_->begin(reached);
  run_.history->attach(seam(), *target_, reached);
  return true;
}

// Whatever went wrong is over: then the engine may take a while to recover, and no more.
void Life::ask_for_a_write() {
  const std::string request = run_.opening.type->harmless_write();
  if (request.empty()) return;
  injector.end_ranges(os.now());
  const Instant last = os.now() + kPatience;
  while (clients_->is_refused(request)) {
    if (run_.legacy.world.disk.is_shut()) return;  // somebody has to mount it again
    if (os.now() >= last)
      return run_.violate(
          {Breach::kUnavailable, "a minute after the last fault every write is refused still"});
    seam().park(os.now() + kAskAgain);
  }
}

// An end that failed leaves an engine that serves, and can be ended once what was in its way is over.
void Life::end_after_all() {
  if (run_.opening.type->harmless_write().empty()) return;
  ask_for_a_write();
  const Instant last = os.now() + kPatience;
  while (!run_.stopped && !run_.legacy.world.disk.is_shut()) {
    ending_ = true;
    ended_ = ending_ = target_->shut_down().ok();
    if (ended_) return;
    if (os.now() >= last)
      return run_.violate(
          {Breach::kUnavailable, "a minute after the last fault it cannot be ended still"});
    seam().park(os.now() + kAskAgain);
  }
}

// Where nothing failed, it does by itself what is due.
void Life::rest() {
  seam().park(os.now() + kRest);
  if (run_.legacy.errors || injector.injected_error() || run_.legacy.contract_broken) return;
  if (std::any_of(os.waits().begin(), os.waits().end(),
                  [&](const auto& wait) { return wait.end >= os.now(); }))
    return;  // a call that hangs
  const uint64_t last = run_.history->last_lsn();
  if (last != 0 && os.now() < run_.history->operation(last).executed + kLately) return;
  std::string undone = target_->undone(run_.legacy.world);
  if (undone.empty()) undone = clients_->owed();
  if (!undone.empty())
    run_.violate({Breach::kUnavailable, "left alone for a minute, and not done: " + undone});
}

void Life::go_idle() {
  if (run_.asks) ask_for_a_write();
  if (run_.rests && !run_.stopped) rest();
  injector.on_idle(os.now());
  const bool crash_comes = planned_crash() != nullptr;
  const Script* script = run_.stated.script;
  const bool lingers = run_.stated.lingers || (script != nullptr && script->lingers);
  if (lingers) seam().park(os.now() + kIdle);
  if (lingers || run_.clean_end || !crash_comes) {
    ending_ = true;
    ended_ = ending_ = target_->shut_down().ok();
    if (!ended_ && run_.asks) end_after_all();
  }
  if (!crash_comes) os.stop();
}

// A client has told it to end.
void Life::note_end() {
  ending_ = ended_ = true;
  os.stop();
}

// --- What is known of it ---

Promised Life::promised() const {
  Promised promised = run_.legacy.promised;
  if (served()) {
    promised = {};
    promised.at = run_.legacy.world.now;
    promised.last = run_.history->last_lsn();
    promised.backups = run_.history->backups().moment();
    promised.engine = target_->promise();
    if (os.failed_sync_unseen()) {
      promised.engine.indeterminate = true;
      promised.engine.written = promised.engine.synced;
    }
    // And what clients were told of it.
    promised.engine.snapshot = std::max(promised.engine.snapshot, run_.history->saved());
    promised.engine.synced = std::max(promised.engine.synced, run_.history->synced());
    promised.engine.written = std::max(promised.engine.written, promised.engine.synced);
    // What a life saved or logged unbidden stays on the disk, for any later start to find.
    promised.engine.saves |= run_.legacy.promised.engine.saves;
  }
  return promised;
}

Delays Life::delays() const { return {os.waits(), target_->blocked()}; }

EngineState Life::state(std::optional<sim::Op> op, faults::FileRole role) const {
  if (!served()) return number_ > 0 ? EngineState::kRecovering : EngineState::kStarting;
  if (ending_) return EngineState::kShuttingDown;
  return state_of(target_->activity(op, role == faults::FileRole::kBase));
}

void Life::on_strike(faults::FaultClass fault, std::optional<sim::Op> op, faults::FileRole role) {
  run_.legacy.state = state(op, role);
  run_.legacy.struck.set(index_of(run_.legacy.state, fault));
}

}  // namespace powercut::scenarios
