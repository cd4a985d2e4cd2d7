#include "scenarios/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/engine.h"
#include "scenarios/clients.h"
#include "scenarios/digest.h"
#include "scenarios/probe.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

namespace {

using engine::Engine;
using sim::CrashKind;

// Longer than any plan needs: a life that lasts this long hangs.
constexpr Duration kLifeLimit = seconds(900);
// Crash points looked at beside the one of the plan, in each life, and images of each.
constexpr size_t kExposures = 6;
constexpr uint64_t kImages = 2;

// Each life draws for itself, from the same seed.
class LifeChoices final : public sim::Choices {
 public:
  LifeChoices(sim::Choices& inner, uint32_t life) : inner_(inner), salt_(uint64_t{life} << 56) {}
  uint64_t choose(Site site, uint64_t key, uint64_t n) override {
    return inner_.choose(site, key ^ salt_, n);
  }

 private:
  sim::Choices& inner_;
  uint64_t salt_;
};

// The planted bug of this thread, for as long as the run lasts.
class Planted {
 public:
  explicit Planted(const faults::MutantInfo* mutant) {
    set_active_mutant(mutant == nullptr ? Mutant::kNone : mutant->engine_mutant);
  }
  ~Planted() { set_active_mutant(Mutant::kNone); }
};

class Run final : public sim::Watcher {
 public:
  Run(const RunSpec& spec, sim::TraceListener* listener)
      : spec_(spec),
        seed_(spec.seed),
        planted_(spec.mutant),
        oracle_(*spec.policy, spec.persona->keeps_synced, spec.persona->rules.writeback),
        world_{sim::Disk(spec.persona->rules), Instant{0}, spec.workload->wall_start_ms} {
    trace_.set_listener(listener);
    draw();
  }

  RunResult run() {
    for (uint32_t life = 0; !over_; ++life) live(life);
    result_.trace_hash = trace_.hash();
    result_.events = trace_.count();
    result_.contract_broken = contract_broken_ || !spec_.persona->keeps_synced;
    return std::move(result_);
  }

 private:
  // What one life consists of while it lasts.
  struct Life {
    Life(Run& run, uint32_t number)
        : choices(run.seed_, number),
          injector(run.undisturbed_ ? run.no_plan_ : run.result_.plan, number, choices,
                   run.world_.now),
          os(run.world_, choices, run.trace_, &injector) {
      if (run.spec_.mutant != nullptr &&
          run.spec_.mutant->decorator != faults::DecoratorKind::kNone) {
        mutant_os.emplace(os, *run.spec_.mutant);
      }
    }
    // Tasks use everything above them; the engine's files know the world.
    ~Life() {
      os.destroy_tasks();
      clients.reset();
      engine.reset();
    }
    engine::Os& seam() { return mutant_os ? static_cast<engine::Os&>(*mutant_os) : os; }

    LifeChoices choices;
    faults::PlanInjector injector;
    std::optional<faults::MutantOs> mutant_os;
    std::unique_ptr<Engine> engine;
    std::optional<Error> refusal;  // open failed
    std::optional<Clients> clients;
    sim::SimOs os;
  };

  void draw();
  void live(uint32_t number);
  void open_and_serve(Life& life, uint32_t number);
  void judge_recovery(Life& life, uint32_t number);
  void go_idle(Life& life, uint32_t number);
  void end_life(Life& life, uint32_t number, CrashKind crash);
  CrashFacts facts_of(Life& life) const;
  void note_branches(Life& life);
  void on_exposed(sim::Op op) override;
  void probe(Life& life);
  void refused(Life& life);
  void reached(Branch branch) { ++result_.branches[static_cast<size_t>(branch)]; }
  void violate(const Violation& violation) {
    if (!result_.violation) result_.violation = violation;
    over_ = true;
  }
  void harness_fault(std::string text) {
    if (result_.harness_fault.empty()) result_.harness_fault = std::move(text);
    over_ = true;
  }
  void keep_worst(const Loss& loss, Instant at);

  const RunSpec& spec_;
  sim::SeededChoices seed_;
  Planted planted_;
  sim::Trace trace_;
  History history_;
  Oracle oracle_;
  sim::WorldState world_;
  faults::Plan no_plan_;
  Manners manners_;
  engine::EngineConfig config_;
  uint64_t next_unit_ = 0;
  uint64_t units_per_life_ = 0;
  RunResult result_;
  CrashFacts facts_;
  Life* life_ = nullptr;
  std::vector<Exposure> exposures_;
  uint64_t exposed_ = 0;
  bool undisturbed_ =
      false;  // after an injected error stopped recovery, the next one is left alone
  bool crashed_before_ = false;
  bool shut_down_cleanly_ = false;
  bool clean_end_ = false;
  bool contract_broken_ = false;
  bool over_ = false;
};

void Run::draw() {
  const Workload& workload = *spec_.workload;
  units_per_life_ = std::min(spec_.operations, workload.operations());
  if (workload.operations() > units_per_life_) {
    next_unit_ = seed_.choose("workload.start", 0, workload.operations() - units_per_life_ + 1);
  }
  if (spec_.plan) {
    result_.plan = *spec_.plan;
  } else {
    faults::PlanOptions options;
    options.enabled = spec_.faults;
    options.operations = units_per_life_;
    if (workload.cut_at_end) options.lives_max = 1;
    result_.plan = faults::draw_plan(seed_, options);
    if (workload.cut_at_end) {
      for (faults::Fault& fault : result_.plan.faults) {
        if (fault.kind != faults::FaultKind::kCrash || fault.trigger == faults::Trigger::kIdle)
          continue;
        fault = faults::Fault{};
        fault.crash = CrashKind::kPowerCut;
        fault.trigger = faults::Trigger::kIdle;
        fault.delay = nanoseconds(static_cast<int64_t>(seed_.choose("cut.idle", 0, 3'000'000)));
      }
    }
  }
  const bool hybrid = spec_.policy->kind == PolicyKind::kHybridAlways ||
                      spec_.policy->kind == PolicyKind::kHybridEverysec;
  const uint64_t rewrite_bytes = 512 << seed_.choose("rewrite.bytes", 0, 6);
  config_ = engine_config(*spec_.policy, rewrite_bytes);
  const bool checkpoint = spec_.policy->kind == PolicyKind::kCheckpoint;
  manners_ = draw_manners(seed_, workload,
                          hybrid       ? "BGREWRITEAOF"
                          : checkpoint ? "BGSAVE"
                                       : "",
                          spec_.policy->has_log());
  clean_end_ = !workload.cut_at_end && seed_.choose("clean.end", 0, 8) == 0;
  if (spec_.observer != nullptr) spec_.observer->on_begin(result_.plan, world_.disk);
}

void Run::live(uint32_t number) {
  Life life(*this, number);
  life.os.set_time_limit(world_.now + kLifeLimit);
  life_ = &life;
  if (!spec_.workload->cut_at_end) life.os.set_watcher(this);
  life.os.spawn("main", [&] { open_and_serve(life, number); });
  const CrashKind crash = life.os.run();
  end_life(life, number, crash);
}

void Run::open_and_serve(Life& life, uint32_t number) {
  engine::EngineConfig config = config_;
  const bool late = number == 0 && manners_.turn_on_after != 0;
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
  life.clients.emplace(Clients::Surroundings{life.seam(), *life.engine, history_, life.injector,
                                             life.choices, trace_},
                       *spec_.workload, manners_, next_unit_, units_per_life_,
                       [this, &life, number] { go_idle(life, number); });
  if (late) life.clients->begin_without_log();
  life.clients->start();
}

void Run::judge_recovery(Life& life, uint32_t number) {
  Engine& engine = *life.engine;
  const engine::RecoveryReport& report = engine.recovery();
  if (report.found_nothing) reached(Branch::kFreshStart);
  if (report.base == engine::kCheckpointName) {
    reached(Branch::kCheckpointLoaded);
  } else if (!report.base.empty()) {
    reached(Branch::kBaseLoaded);
  }
  if (report.segments > 0)
    reached(report.dropped_bytes > 0 ? Branch::kTornTail : Branch::kTailWhole);
  if (report.segments > 1) reached(Branch::kSeveralSegments);
  if (!report.set_aside.empty()) reached(Branch::kOrphansSetAside);

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
  if (clean_end_ || !crash_comes) {
    if (life.engine->shut_down(true).ok()) shut_down_cleanly_ = true;
  }
  if (!crash_comes) life.os.stop();
}

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

void Run::on_exposed(sim::Op op) {
  // Publications are rare and full of fences; syncs are many.
  const uint64_t one_in = op == sim::Op::kSync ? 24 : 3;
  if (exposures_.size() >= kExposures || life_->choices.choose("probe", ++exposed_, one_in) != 0)
    return;
  Exposure exposure{world_, facts_};
  if (life_->clients) exposure.facts = facts_of(*life_);
  exposure.facts.served_lsn = oracle_.served();
  exposure.facts.kind = CrashKind::kPowerCut;
  exposure.facts.acks_after = true;
  exposures_.push_back(std::move(exposure));
}

void Run::probe(Life& life) {
  for (size_t i = 0; i < exposures_.size() && !over_; ++i) {
    Exposure& exposure = exposures_[i];
    // A recovery that was going on then has ended since, or was cut, and may have forgotten a torn
    // tail.
    exposure.facts.last_lsn = std::min(exposure.facts.last_lsn, history_.last_lsn());
    if (life.clients && exposure.facts.waits.empty()) {
      exposure.facts.waits = life.os.waits();
      exposure.facts.blocked = life.engine->aof().blocked_spans();
    }
    for (uint64_t image = 0; image < kImages && !over_; ++image) {
      const uint64_t key = 1 + i * kImages + image;
      sim::Disk disk = exposure.world.disk.after_power_cut(life.choices, key);
      if (auto checked = disk.self_check(); !checked.ok())
        return harness_fault(checked.error().message);
      const ImageOutcome outcome =
          recover_image(std::move(disk), exposure, config_, spec_.mutant, life.choices);
      ++result_.crashes;
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
      if (verdict.violation) {
        violate(*verdict.violation);
      } else if (outcome.failed_commands != 0) {
        violate({"NPX", fmt::format("{} logged commands failed when they were replayed",
                                    outcome.failed_commands)});
      }
    }
  }
}

void Run::end_life(Life& life, uint32_t number, CrashKind crash) {
  const bool served = life.clients.has_value();
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
    result_.acked = history_.acked();
  } else if (crash != CrashKind::kNone) {
    reached(Branch::kCutDuringRecovery);
    // What only the page cache had, and recovery had not yet synced, dies with this one.
    if (crash == CrashKind::kPowerCut) facts_.kind = CrashKind::kPowerCut;
  }
  if (spec_.observer != nullptr && !life.refusal) {
    spec_.observer->on_end(number, world_.now, crash, served, history_);
  }
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
  if (!over_ && !contract_broken_) probe(life);
  exposures_.clear();

  if (!over_) {
    // A crash is a value: the new disk is computed while the old world still stands.
    const bool power_cut = crash == CrashKind::kPowerCut || (crash == CrashKind::kNone && served);
    sim::Disk next =
        power_cut ? world_.disk.after_power_cut(life.choices, 0) : world_.disk.after_kill();
    if (crash != CrashKind::kNone || served) {
      ++result_.crashes;
      crashed_before_ = true;
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
      result_.hits.push_back(
          {hit.fault, std::nullopt, faults::role_of(sim::Op::kRead, hit.path), 1});
    }
    shut_down_cleanly_ = false;
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

}  // namespace

std::string_view branch_name(Branch branch) {
  switch (branch) {
    case Branch::kFreshStart:
      return "fresh start";
    case Branch::kBaseLoaded:
      return "base loaded";
    case Branch::kCheckpointLoaded:
      return "checkpoint loaded";
    case Branch::kTailWhole:
      return "tail whole";
    case Branch::kTornTail:
      return "torn tail dropped";
    case Branch::kOrphansSetAside:
      return "unnamed files set aside";
    case Branch::kSeveralSegments:
      return "several segments";
    case Branch::kRefusedCorruption:
      return "corruption refused";
    case Branch::kFailedOnInjectedError:
      return "stopped by an injected error";
    case Branch::kCutDuringRecovery:
      return "cut during recovery";
    case Branch::kHealed:
      return "log healed";
    case Branch::kWritesRefused:
      return "writes refused";
    case Branch::kRewritten:
      return "log rewritten";
    case Branch::kSaved:
      return "checkpoint published";
  }
  return "unknown";
}

RunResult run_once(const RunSpec& spec, sim::TraceListener* listener) {
  return Run(spec, listener).run();
}

std::string run_id(const RunSpec& spec) {
  std::string id =
      fmt::format("{}:{}:{}:{}:{}:{}", spec.workload->name, spec.policy->name, spec.persona->name,
                  faults::print(spec.faults), spec.operations, spec.seed);
  if (spec.mutant != nullptr) id += fmt::format(":{}", spec.mutant->name);
  return id;
}

}  // namespace powercut::scenarios
