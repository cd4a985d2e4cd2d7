// The inside of run_once(): lives, crashes, recoveries and verdicts of one run. A room of run.h;
// nobody else includes it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/plan_injector.h"
#include "scenarios/judge/history.h"
#include "scenarios/judge/oracle.h"
#include "scenarios/run/clients.h"
#include "scenarios/run/probe.h"
#include "scenarios/run/run.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

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
    active_mutant = mutant == nullptr ? Mutant::kNone : mutant->engine_mutant;
  }
  ~Planted() { active_mutant = Mutant::kNone; }
};

class Run final : public sim::Watcher, public faults::PlanInjector::Observer {
 public:
  Run(const RunSpec& spec, sim::TraceListener* listener)
      : spec_(spec),
        seed_(spec.seed),
        own_scheduler_(make_scheduler(spec.schedule, seed_)),
        planted_(spec.mutant),
        oracle_(*spec.policy, spec.persona->keeps_synced, spec.persona->rules.writeback),
        world_{sim::Disk(spec.persona->rules), Instant{0}, spec.workload->wall_start_ms} {
    trace_.set_listener(listener);
    draw();
  }

  RunResult run() {
    for (uint32_t life = 0; !over_; ++life) live(life);
    if (own_scheduler_ != nullptr && !spec_.scheduler_of)
      if (const auto followed = own_scheduler_->finish(); !followed.ok())
        result_.misstated =
            Error{Errc::kInvalid, "the run departs from its schedule " + followed.error().message};
    result_.trace_hash = trace_.hash();
    result_.fingerprint = fingerprint_of(trace_);
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
          scheduler(run.scheduler_of(number)),
          os(run.world_, choices, run.trace_, &injector,
             {.sync_min = run.spec_.persona->sync_min,
              .sync_max = run.spec_.persona->sync_max,
              .instant = scheduler != nullptr}) {
      if (scheduler != nullptr) os.set_scheduler(*scheduler);
      if (run.spec_.mutant != nullptr && run.spec_.mutant->decorates())
        mutant_os.emplace(os, *run.spec_.mutant);
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
    std::unique_ptr<engine::Engine> engine;
    std::optional<Error> refusal;  // open failed
    std::optional<Clients> clients;
    sim::Scheduler* scheduler;  // null: the seam's own, with drawn latencies
    sim::SimOs os;
  };

  sim::Scheduler* scheduler_of(uint32_t life) const {
    return spec_.scheduler_of ? spec_.scheduler_of(life) : own_scheduler_.get();
  }
  void draw();
  void live(uint32_t number);
  void open_and_serve(Life& life, uint32_t number);
  void judge_recovery(Life& life, uint32_t number);
  void go_idle(Life& life, uint32_t number);
  void end_life(Life& life, uint32_t number, sim::CrashKind crash);
  void bequeath(Life& life, uint32_t number, sim::CrashKind crash);
  CrashFacts facts_of(Life& life) const;
  void note_branches(Life& life);
  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point) override;
  void put_fence(const std::string& path);
  void expose(uint64_t call, sim::Op op, sim::CrashPoint point, uint64_t images);
  void probe(Life& life, uint32_t number);
  Result<sim::Disk> cut(Life& life, uint32_t number, const sim::Disk& disk, uint64_t key);
  void refused(Life& life);
  // --- Coverage (run_coverage.cc) ---
  // `op`, `role`: of the call under way, if there is one and it is known.
  EngineState state(std::optional<sim::Op> op, faults::FileRole role) const;
  void on_strike(faults::FaultClass fault, std::optional<sim::Op> op,
                 faults::FileRole role) override;
  void reached(Branch branch);
  void cover_image(const Exposure& exposure, const ImageOutcome& outcome);

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
  std::unique_ptr<sim::Scheduler> own_scheduler_;
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
  StrikeSet struck_;                                 // since a recovery last completed
  EngineState last_state_ = EngineState::kStarting;  // when a life ended
  bool undisturbed_ =
      false;  // after an injected error stopped recovery, the next one is left alone
  bool crashed_before_ = false;
  bool shutting_down_ = false;
  bool shut_down_cleanly_ = false;
  bool clean_end_ = false;
  bool contract_broken_ = false;
  bool over_ = false;
};

}  // namespace powercut::scenarios
