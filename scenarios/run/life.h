// The inside of run_once(): what is one for a whole run, what crosses a crash, and what one life of the
// engine consists of while it lasts. A room of run.h; nobody else includes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "faults/plan_injector.h"
#include "scenarios/judge/damage.h"
#include "scenarios/run/clients.h"
#include "scenarios/run/recover.h"
#include "scenarios/run/run.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

// What a life leaves to the next: all that crosses a crash.
struct Legacy {
  sim::WorldState world;
  Promised promised = {};             // when the crash came
  Delays delays = {};                 // of the last life that served
  uint64_t next_unit = 0;             // of the workload
  bool contract_broken = false;       // the disk has broken its own promise
  std::optional<Damage> damage = {};  // ... since the last life, by harm to its bytes
  bool crashed = false;               // at least once
  // An injected error stopped the recovery: the next one is left alone.
  bool undisturbed = false;
  bool errors = false;  // some call was made to fail, in any life
  bool unsealed =
      false;  // another server wrote the log, without checksums: nobody can tell harm to it
  StrikeSet struck = {};                       // since a recovery last completed
  EngineState state = EngineState::kStarting;  // when the life ended
};

// What is one for the whole run.
struct RunState {
  RunState(const RunSpec& run, const Stated& what, const Watchers& who);

  const RunSpec& spec;
  const Stated& stated;
  const Watchers& watching;
  Opening opening;
  sim::SeededChoices seed;
  std::unique_ptr<sim::Scheduler> scheduler;  // null: the seam's own, or `stated`
  sim::Trace trace;
  std::unique_ptr<History> history;
  Oracle oracle;
  Manners manners;
  uint64_t units_per_life = 0;
  bool clean_end = false;
  bool asks = false;
  bool rests = false;
  bool stands_by = false;  // a bystander hears what its clients say
  bool another_wrote =
      false;  // ... and has: marks of the store's own may have gone with its directory
  uint32_t by_another = 0;  // behind so many lives another server writes the log
  Duration write_latency{0};
  Legacy legacy;
  RunResult result;
  std::optional<Stop> stopped;

  // The first reason counts.
  void stop(Stop why) {
    if (!stopped) stopped = why;
  }
  void violate(const Violation& violation);
  void harness_fault(std::string text);
  void misstate(Error error);
  // Judges what a recovery came to, counts it, and keeps the worst; stops at a violation.
  // `against`: the history that it is part of.
  Verdict judge(History& against, const Promised& promised, const Delays& delays,
                const Recovered& recovered);
  // And the backups that lie on a disk that it has started from. `errors`: calls were made to fail by then.
  std::vector<FoundBackup> judge_found_backups(History& against, const Promised& promised,
                                               const sim::Disk& disk, int64_t wall_ms, bool errors);
  // The same on a copy of the disk, where harm was done to it.
  void judge_damaged(const Promised& promised, const Delays& delays, const Damage& damage,
                     const Recovered& recovered);
  Result<sim::Disk> cut(uint32_t life, const sim::Disk& disk, sim::Choices& choices,
                        uint64_t key) const;
  void reached(Branch branch);
  bool begins_without_log() const;
  // Is that among what may go wrong?
  bool cuts_power() const;
  // A clean end is followed by a power cut, unless all that may happen to a process is a kill.
  bool cuts_after_an_end() const;
  Beside beside() const;

 private:
  void draw();
  void keep_worst(const Loss& loss, Instant at);
};

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

// How a life ends.
enum class Ending : uint8_t {
  kCrashed,        // while it served
  kCutInRecovery,  // before it served
  kShutDown,       // all was answered, and it was told to end
  kRefused,        // it did not start
  kHung,           // the crash that its plan has never came
  kDied,           // a CHECK of the engine failed
  kComplete,       // nothing more was to be seen of it once it was open
};

class Life final : public faults::PlanInjector::Observer {
  RunState& run_;
  const uint32_t number_;
  sim::Scheduler* const scheduler_;  // null: the seam's own, with drawn latencies

 public:
  Life(RunState& run, uint32_t number);
  // Tasks use everything above them; the engine's files know the world.
  ~Life() override { end_tasks(); }

  // Opens the engine, has its recovery judged, and lets the clients talk, until the end.
  Ending live();

  uint32_t number() const { return number_; }
  bool served() const { return clients_.has_value(); }
  sim::CrashKind crash() const { return crash_; }
  bool out_of_time() const { return os.out_of_time(); }
  const std::string& died() const { return os.died(); }
  const std::optional<Error>& refusal() const { return refusal_; }
  const Clients* clients() const { return clients_ ? &*clients_ : nullptr; }
  sim::Target& target() { return *target_; }
  uint64_t mutant_fired() const { return mutant_os_ ? mutant_os_->fired() : 0; }
  // What is promised now: by this life once it serves, by the one before until then.
  Promised promised() const;
  Delays delays() const;
  // `op`, `role`: of the call under way, if there is one and it is known.
  EngineState state(std::optional<sim::Op> op, faults::FileRole role) const;
  // Ends the tasks and the engine. The world stays.
  void end_tasks();

  LifeChoices choices;
  faults::PlanInjector injector;
  sim::SimOs os;
  // Called once the recovery is judged, before the history forgets what it did not find.
  std::function<void()> before_attach;

 private:
  void open_and_serve();
  bool judge_recovery();
  void go_idle();
  void ask_for_a_write();
  void end_after_all();
  void rest();
  void note_end();
  void on_strike(faults::FaultClass fault, std::optional<sim::Op> op,
                 faults::FileRole role) override;
  engine::Os& seam() { return mutant_os_ ? static_cast<engine::Os&>(*mutant_os_) : os; }
  const faults::Fault* planned_crash() const { return run_.result.plan.crash_of(number_); }

  std::optional<faults::MutantOs> mutant_os_;
  std::unique_ptr<sim::Target> target_;
  std::optional<Error> refusal_;
  std::unique_ptr<Bystander> bystander_;
  std::optional<Clients> clients_;
  sim::CrashKind crash_ = sim::CrashKind::kNone;
  bool ending_ = false;  // it was told to shut down, and has not refused
  bool ended_ = false;   // ... and has done so
};

}  // namespace powercut::scenarios
