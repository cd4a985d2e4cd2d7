#include "scenarios/story/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/run/clients.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::CrashPoint;

namespace {

// Watches a run and writes down what it was made of and what came of it; makes its cuts as stated.
class Recorder final : public RunObserver, public Cuts, public sim::TraceListener {
 public:
  // `listener` may be null.
  Recorder(const Scenario* stated, const CutManner& manner, sim::TraceListener* listener = nullptr)
      : stated_(stated), manner_(manner), listener_(listener), also_(manner.also) {}

  Account take(RunResult result) {
    for (size_t life = 0; life < account_.lives.size() && life < orders_.size(); ++life) {
      if (!orders_[life]) continue;
      account_.lives[life].turns = orders_[life]->recorder.taken();
      account_.lives[life].decisions = orders_[life]->recorder.decisions();
    }
    account_.result = std::move(result);
    return std::move(account_);
  }

  // --- The order of tasks ---
  // Watches `scheduler`, which orders every life.
  sim::Scheduler* watched(uint32_t life, sim::Scheduler& scheduler) {
    return &order(life, std::make_unique<Order>(scheduler));
  }
  sim::Scheduler* stated(uint32_t life) {
    orders_.resize(life + 1);
    if (life >= stated_->schedules.size() || !stated_->schedules[life]) return nullptr;
    return &order(life, std::make_unique<Order>(*stated_->schedules[life]));
  }
  // Of a stated schedule: the first turn that was not taken.
  Result<void> finish() const {
    for (size_t life = 0; life < orders_.size(); ++life) {
      if (!orders_[life] || !orders_[life]->stated) continue;
      if (const auto kept = orders_[life]->stated->finish(); !kept.ok())
        return Error{Errc::kInvalid, fmt::format("the run departs from its schedule in life {} {}",
                                                 life, kept.error().message)};
    }
    return {};
  }
  void on_event(const sim::Event& event) override {
    if (!orders_.empty() && orders_.back()) orders_.back()->recorder.on_event(event);
    if (listener_ != nullptr) listener_->on_event(event);
    if (also_.trace != nullptr) also_.trace->on_event(event);
  }

  // --- Cuts ---
  Result<sim::Disk> cut(uint32_t life, const sim::Disk& disk, sim::Choices& choices,
                        uint64_t key) override {
    const bool beside = key != 0;
    const bool bends = beside || (stated_ != nullptr && stated_->cuts_nearest);
    if (!beside && manner_.drawn_life == life) key = manner_.drawn_key;
    sim::DrawnPicker drawn(choices, key, sim::CutStyle::kUseful);
    const auto survival = stated_ == nullptr ? std::nullopt : survival_of(life, beside, key);
    sim::StatedPicker stated(survival.value_or(sim::Survival{}),
                             bends ? sim::Illegal::kBent : manner_.illegal);
    sim::RecordingPicker recording(survival ? static_cast<sim::Picker&>(stated) : drawn);
    sim::Disk after = disk.after_power_cut(recording);
    if (survival) TRY(stated.finish());
    if (beside) {
      account_.beside = recording.survival();
    } else {
      LifeAccount& account = at(life);
      account.survival = recording.survival();
      account.before = disk;
      account.after = after;
    }
    return after;
  }

  // --- RunObserver ---
  void on_begin(const faults::Plan& plan, const sim::Disk& disk) override {
    if (also_.observer != nullptr) also_.observer->on_begin(plan, disk);
  }
  void on_open(uint32_t life, Instant at_moment, sim::Target& target, const Verdict* verdict,
               const History& history) override {
    if (also_.observer != nullptr)
      also_.observer->on_open(life, at_moment, target, verdict, history);
    LifeAccount& account = at(life);
    account.summary = target.recovery_summary();
    account.recovery = target.recovery_story();
    if (verdict != nullptr) account.verdict = *verdict;
    account.known = history.last_lsn();
  }
  void on_refusal(uint32_t life, Instant moment, const Error& error) override {
    at(life).refusal = error;
    if (also_.observer != nullptr) also_.observer->on_refusal(life, moment, error);
  }
  void on_another(uint32_t life) override {
    at(life).another = true;
    if (also_.observer != nullptr) also_.observer->on_another(life);
  }
  void on_image(Instant moment, const Verdict& verdict, const Promised& promised) override {
    if (also_.observer != nullptr) also_.observer->on_image(moment, verdict, promised);
  }
  void on_ended(uint32_t life, const Clients* clients,
                const faults::PlanInjector& injector) override {
    LifeAccount& account = at(life);
    account.strikes = injector.strikes();
    if (also_.observer != nullptr) also_.observer->on_ended(life, clients, injector);
    if (clients == nullptr) return;
    account.steps = clients->steps(&account.positions);
    account.said = clients->said();
  }
  void on_end(uint32_t life, Instant moment, CrashKind crash, bool served,
              const History& history) override {
    LifeAccount& account = at(life);
    if (also_.observer != nullptr) also_.observer->on_end(life, moment, crash, served, history);
    account.ended = moment;
    account.crash = crash;
    account.served = served;
    for (uint64_t lsn = 1; lsn <= history.last_lsn(); ++lsn) {
      const Instant acked = history.operation(lsn).acked;
      account.acked.push_back(acked == kNever ? std::nullopt : std::optional(acked));
    }
  }

 private:
  struct Order {
    explicit Order(sim::Scheduler& scheduler) : recorder(scheduler) {}
    explicit Order(const std::vector<sim::Turn>& turns) : stated(turns), recorder(*stated) {}
    std::optional<sim::StatedScheduler> stated;
    TurnRecorder recorder;
  };
  sim::Scheduler& order(uint32_t life, std::unique_ptr<Order> order) {
    orders_.resize(life + 1);
    orders_[life] = std::move(order);
    return orders_[life]->recorder;
  }
  LifeAccount& at(uint32_t life) {
    if (life >= account_.lives.size()) account_.lives.resize(life + 1);
    return account_.lives[life];
  }

  // Beside the run: all, nothing, what is stated of this life's own cut, then draws.
  std::optional<sim::Survival> survival_of(uint32_t life, bool beside, uint64_t key) const {
    if (beside && key % 16 == 1) return sim::Survival{true, {}};
    if (beside && key % 16 == 2) return sim::Survival{false, {}};
    if (beside && key % 16 != 3) return std::nullopt;
    if (!beside && manner_.drawn_life == life) return std::nullopt;
    return life < stated_->cuts.size() ? stated_->cuts[life] : std::nullopt;
  }

  const Scenario* stated_;
  CutManner manner_;
  sim::TraceListener* listener_;
  Also also_;
  std::vector<std::unique_ptr<Order>> orders_;  // by life; null: drawn
  Account account_;
};

// Words about operations count units; a script counts steps.
void renumber(faults::Fault& fault, const std::vector<uint64_t>& positions, size_t steps) {
  const auto position = [&](uint64_t unit) {
    return unit < positions.size() ? positions[unit] : unit - positions.size() + steps;
  };
  if (!counts_operations(fault)) return;
  fault.at = position(fault.at);
  if (spans_operations(fault)) fault.extra = position(fault.extra);
}

// The run as it went, until the life in which the promise broke.
Scenario written_out(const RunSpec& spec, const Stated& stated, const Account& account) {
  const RunResult& result = account.result;
  Scenario scenario;
  scenario.target = spec.target;
  scenario.policy = spec.policy;
  scenario.persona = spec.persona;
  scenario.mutant = spec.mutant;
  scenario.sizes = result.conditions.sizes;
  scenario.write_latency = result.conditions.write_latency;
  scenario.seed = spec.seed;
  scenario.off = stated.off;
  scenario.wall_start_ms = spec.workload->wall_start_ms;
  scenario.script.pipeline = result.conditions.pipeline;
  // Written out a crash follows, before which nobody ends the engine unless that is said.
  scenario.script.clean_end =
      result.conditions.clean_end || (result.beside && result.beside->ending);
  scenario.script.lingers = stated.lingers;
  scenario.script.asks = result.conditions.asks;
  scenario.script.rests = result.conditions.rests;
  scenario.script.starts = result.conditions.starts;
  scenario.script.log_late = result.conditions.log_late;
  const uint32_t last =
      result.beside ? result.beside->life : static_cast<uint32_t>(account.lives.size() - 1);
  for (uint32_t life = 0; life <= last; ++life) {
    // Not behind the last one: nothing follows, or it was looked at beside the run.
    if (life < last && account.lives[life].another) scenario.script.by_another = life + 1;
    scenario.script.lives.push_back(account.lives[life].steps);
    scenario.cuts.push_back(account.lives[life].survival);
    if (spec.schedule.kind != ScheduleKind::kRandom)
      scenario.schedules.emplace_back(turns_of(account.lives[life].turns));
  }
  for (faults::Fault fault : result.plan.faults) {
    if (fault.life > last) continue;
    if (result.beside && fault.life == last && ends_life(fault)) continue;
    const LifeAccount& life = account.lives[fault.life];
    renumber(fault, life.positions, life.steps.size());
    scenario.plan.faults.push_back(fault);
  }
  if (result.beside) {
    faults::Fault cut;
    cut.life = last;
    cut.crash = CrashKind::kPowerCut;
    cut.trigger = faults::Trigger::kCall;
    cut.at = result.beside->call;
    cut.point = result.beside->point;
    scenario.plan.faults.push_back(cut);
    scenario.cuts[last] = account.beside;
  }
  return scenario;
}

}  // namespace

Result<Account> run_scenario(const Scenario& scenario, const CutManner& manner,
                             sim::TraceListener* listener) {
  Workload workload;
  workload.name = "scenario";
  workload.units.resize(1);
  workload.wall_start_ms = scenario.wall_start_ms;
  Recorder recorder(&scenario, manner, listener);
  RunSpec spec;
  spec.workload = &workload;
  spec.target = scenario.target;
  spec.policy = scenario.policy;
  spec.persona = scenario.persona;
  spec.mutant = scenario.mutant;
  spec.seed = scenario.seed;
  Stated stated;
  stated.off = scenario.off;
  stated.plan = scenario.plan;
  stated.script = &scenario.script;
  stated.sizes = scenario.sizes;
  stated.write_latency = scenario.write_latency;
  stated.beside = manner.beside;
  stated.cuts = &recorder;
  stated.fence = manner.fence;
  stated.scheduler_of = [&](uint32_t life) {
    return manner.scheduler != nullptr ? recorder.watched(life, *manner.scheduler)
                                       : recorder.stated(life);
  };
  const bool listens =
      listener != nullptr || manner.also.trace != nullptr || !scenario.schedules.empty();
  Account account = recorder.take(run_once(spec, stated,
                                           {.observer = &recorder,
                                            .points = manner.also.points,
                                            .trace = listens ? &recorder : nullptr,
                                            .engine = manner.also.engine}));
  if (account.result.misstated) return *account.result.misstated;
  if (manner.illegal == sim::Illegal::kProblem) TRY(recorder.finish());
  return account;
}

WrittenRun write_out(const RunSpec& spec, const Also& also) {
  CutManner manner;
  manner.also = also;
  Recorder recorder(nullptr, manner);
  Stated stated;
  stated.cuts = &recorder;
  sim::SeededChoices seed(spec.seed);
  const auto scheduler = make_scheduler(spec.schedule, seed);
  if (scheduler != nullptr)
    stated.scheduler_of = [&](uint32_t life) { return recorder.watched(life, *scheduler); };
  const bool listens = also.trace != nullptr || scheduler != nullptr;
  RunResult result = run_once(spec, stated,
                              {.observer = &recorder,
                               .points = also.points,
                               .trace = listens ? &recorder : nullptr,
                               .engine = also.engine});
  if (scheduler != nullptr && !result.misstated)
    if (const auto followed = scheduler->finish(); !followed.ok())
      result.misstated = {Errc::kInvalid,
                          "the run departs from its schedule " + followed.error().message};
  Account account = recorder.take(std::move(result));
  Scenario scenario = written_out(spec, {}, account);
  return {std::move(scenario), std::move(account)};
}

Result<Scenario> scenario_of(const RunSpec& spec, const Stated& as_stated,
                             const std::vector<std::optional<sim::Survival>>& cuts) {
  Scenario with_cuts;
  with_cuts.cuts = cuts;
  Recorder recorder(cuts.empty() ? nullptr : &with_cuts, {});
  Stated stated = as_stated;
  stated.cuts = &recorder;
  sim::SeededChoices seed(spec.seed);
  const auto scheduler = make_scheduler(spec.schedule, seed);
  if (scheduler != nullptr)
    stated.scheduler_of = [&](uint32_t life) { return recorder.watched(life, *scheduler); };
  const Account account = recorder.take(run_once(spec, stated, {.observer = &recorder}));
  if (!account.result.harness_fault.empty())
    return Error{Errc::kCorrupt, "the harness is at fault: " + account.result.harness_fault};
  if (scheduler != nullptr)
    if (const auto followed = scheduler->finish(); !followed.ok())
      return Error{Errc::kInvalid, fmt::format("{}: the run departs from its schedule {}",
                                               run_id(spec), followed.error().message)};
  if (!account.result.violation)
    return Error{Errc::kInvalid, run_id(spec) + ": every promise held in this run"};
  Scenario scenario = written_out(spec, as_stated, account);
  // Where the violation was seen beside the run, that life went on.
  if (!scenario.schedules.empty()) {
    CutManner bent;
    bent.illegal = sim::Illegal::kBent;
    TRY_ASSIGN(const Account shorter, run_scenario(scenario, bent));
    for (size_t life = 0; life < std::min(scenario.schedules.size(), shorter.lives.size()); ++life)
      scenario.schedules[life] = turns_of(shorter.lives[life].turns);
  }
  const auto is_seen = [&](const Account& again) {
    return again.result.violation &&
           again.result.violation->breach == account.result.violation->breach;
  };
  TRY_ASSIGN(const Account again, run_scenario(scenario));
  if (is_seen(again)) return scenario;
  // Twins hear a run that is written out, and may have said something before; one of sixteen that are drawn.
  scenario.script.alone = true;
  TRY_ASSIGN(const Account unheard, run_scenario(scenario));
  if (!is_seen(unheard))
    return Error{Errc::kInvalid,
                 fmt::format("{}: the run breaks a promise ({}), but not when it is written out as "
                             "a scenario",
                             run_id(spec), code_of(account.result.violation->breach))};
  return scenario;
}

}  // namespace powercut::scenarios
