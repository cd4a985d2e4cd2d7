#include "scenarios/run/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/judge/contents.h"
#include "scenarios/judge/digest.h"
#include "scenarios/run/run_lives.h"

namespace powercut::scenarios {

using engine::Engine;
using sim::CrashKind;

namespace {

// Longer than any plan needs: a life that lasts this long hangs.
constexpr Duration kLifeLimit = seconds(900);
// Long enough for what the store does by itself: the sync of each second.
constexpr Duration kIdle = milliseconds(1500);
// Keys that are listed of a state that never was.
constexpr size_t kHoldsMost = 12;

}  // namespace

faults::Plan plan_of(const RunSpec& spec) {
  if (spec.plan) return *spec.plan;
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
    fault.crash = CrashKind::kPowerCut;
    fault.trigger = faults::Trigger::kIdle;
    fault.delay = nanoseconds(static_cast<int64_t>(seed.choose("cut.idle", 0, 3'000'000)));
  }
  return plan;
}

void Run::draw() {
  const Workload& workload = *spec_.workload;
  units_per_life_ = std::min(spec_.operations, workload.operations());
  if (workload.operations() > units_per_life_) {
    next_unit_ = seed_.choose("workload.start", 0, workload.operations() - units_per_life_ + 1);
  }
  result_.plan = plan_of(spec_);
  const bool hybrid = spec_.policy->kind == PolicyKind::kHybridAlways ||
                      spec_.policy->kind == PolicyKind::kHybridEverysec;
  const uint64_t rewrite_bytes =
      spec_.rewrite_bytes.value_or(512 << seed_.choose("rewrite.bytes", 0, 6));
  config_ = engine_config(*spec_.policy, rewrite_bytes);
  const bool checkpoint = spec_.policy->kind == PolicyKind::kCheckpoint;
  manners_ = draw_manners(seed_, workload,
                          hybrid       ? "BGREWRITEAOF"
                          : checkpoint ? "BGSAVE"
                                       : "",
                          spec_.policy->has_log());
  if (spec_.manners) manners_ = *spec_.manners;
  manners_.log = spec_.policy->has_log();
  manners_.checkpoints = spec_.policy->kind != PolicyKind::kNone;
  clean_end_ = !workload.cut_at_end && seed_.choose("clean.end", 0, 8) == 0;
  if (const Script* script = spec_.script) {
    manners_ = {};
    manners_.pipeline = script->pipeline;
    clean_end_ = script->clean_end || script->lingers;
  }
  result_.conditions = {rewrite_bytes, manners_.pipeline, clean_end_};
  if (spec_.observer != nullptr) spec_.observer->on_begin(result_.plan, world_.disk);
}

void Run::live(uint32_t number) {
  Life life(*this, number);
  life.os.set_time_limit(world_.now + kLifeLimit);
  life_ = &life;
  life.injector.set_observer(*this);
  const bool looks = spec_.beside != Beside::kNothing && !spec_.workload->cut_at_end;
  if (spec_.points != nullptr || spec_.fence != nullptr || looks) life.os.set_watcher(this);
  life.os.spawn("main", [&] { open_and_serve(life, number); });
  const CrashKind crash = life.os.run();
  end_life(life, number, crash);
}

void Run::open_and_serve(Life& life, uint32_t number) {
  engine::EngineConfig config = config_;
  const bool scripted_late = spec_.script != nullptr && spec_.script->begins_without_log();
  const bool late = number == 0 && (manners_.turn_on_after != 0 || scripted_late);
  if (late) config.recovery.append_only = false;
  auto opened = Engine::open(life.seam(), config);
  if (!opened.ok()) {
    life.refusal = opened.error();
    if (spec_.observer != nullptr) spec_.observer->on_refusal(number, world_.now, *life.refusal);
    life.os.stop();
    return;
  }
  life.engine = std::move(opened).value();
  judge_recovery(life, number);
  const bool more =
      result_.plan.crash_of(number) != nullptr || (number == 0 && result_.plan.crashes() == 0);
  if (over_ || undisturbed_ || !more) {
    over_ = true;
    life.os.stop();
    return;
  }
  if (spec_.script != nullptr) manners_.clients = spec_.script->clients(number);
  life.clients.emplace(Clients::Surroundings{life.seam(), *life.engine, history_, life.injector,
                                             life.choices, trace_},
                       *spec_.workload, manners_, next_unit_, units_per_life_,
                       [this, &life, number] { go_idle(life, number); });
  if (spec_.script != nullptr) {
    static const std::vector<Step> kSilence;
    const auto& lives = spec_.script->lives;
    life.clients->follow(number < lives.size() ? lives[number] : kSilence);
  }
  if (late) life.clients->begin_without_log();
  life.clients->start();
}

void Run::judge_recovery(Life& life, uint32_t number) {
  Engine& engine = *life.engine;
  const engine::RecoveryReport& report = engine.recovery();
  const BranchSet branches = branches_of(report);
  for (size_t i = 0; i < kRecoveryBranches; ++i)
    if (branches[i]) reached(static_cast<Branch>(i));
  struck_.reset();

  uint64_t lsn = report.last_lsn;
  if (crashed_before_) {
    const int64_t wall_ms = life.os.wall_now().unix_ms;
    const uint64_t digest = keyspace_digest(engine.keyspace(), wall_ms);
    const Verdict verdict = oracle_.judge(history_, facts_, digest, wall_ms, lsn, contract_broken_);
    ++result_.recoveries;
    trace_.mix(digest);
    trace_.mix(verdict.k);
    keep_worst(verdict.loss, facts_.at);
    if (spec_.observer != nullptr)
      spec_.observer->on_open(number, world_.now, report, &verdict, history_);
    if (verdict.violation) {
      if (verdict.violation->oracle == "NPX")
        result_.holds = contents_of(engine.keyspace(), wall_ms, kHoldsMost);
      violate(*verdict.violation);
      return;
    }
    if (report.failed_commands != 0) {
      violate({"NPX", fmt::format("{} logged commands failed when they were replayed",
                                  report.failed_commands)});
      return;
    }
    if (contract_broken_ || lsn > history_.last_lsn()) {
      over_ = true;
      return;
    }
    oracle_.served(lsn);  // S(lsn) equals S(k), and the history goes on from there
  } else if (spec_.observer != nullptr) {
    spec_.observer->on_open(number, world_.now, report, nullptr, history_);
  }
  history_.attach(life.seam(), engine.keyspace(), engine.executor(), lsn);
}

void Run::go_idle(Life& life, uint32_t number) {
  life.injector.on_idle(life.os.now());
  const bool crash_comes = result_.plan.crash_of(number) != nullptr;
  const bool lingers = spec_.lingers || (spec_.script != nullptr && spec_.script->lingers);
  if (lingers) life.seam().park(life.os.now() + kIdle);
  if (lingers || clean_end_ || !crash_comes) {
    shutting_down_ = true;
    if (life.engine->shut_down(true).ok()) shut_down_cleanly_ = true;
    shutting_down_ = shut_down_cleanly_;
  }
  if (!crash_comes) life.os.stop();
}

RunResult run_once(const RunSpec& spec, sim::TraceListener* listener) {
  return Run(spec, listener).run();
}

std::string run_id(const RunSpec& spec) {
  std::string id =
      fmt::format("{}:{}:{}:{}:{}:{}", spec.workload->name, spec.policy->name, spec.persona->name,
                  faults::print(spec.faults), spec.operations, spec.seed);
  if (spec.schedule.kind != ScheduleKind::kRandom) id += "/" + print(spec.schedule);
  if (spec.mutant != nullptr) id += fmt::format(":{}", spec.mutant->name);
  return id;
}

}  // namespace powercut::scenarios
