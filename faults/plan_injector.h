// Does to one life of the store what a plan says, and counts what it really did.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "faults/plan.h"

namespace powercut::faults {

class PlanInjector final : public sim::Injector {
 public:
  struct Hit {
    FaultClass fault;
    std::optional<sim::Op> op;  // none: by the clock alone
    FileRole role;
    uint64_t count;
  };

  // `now` is the world's clock (WorldState::now). All three outlive the injector.
  // `roles`: of the files of the engine that lives there.
  PlanInjector(const Plan& plan, uint32_t life, sim::Choices& choices, const Instant& now,
               RoleOfFile roles = no_roles);

  // The engine is open: what is cut from now on is no recovery.
  void on_served() {
    served_ = true;
    note(Since::kServed);
  }
  // Operation `number` (counts from 0 in this life) is issued.
  void on_operation(uint64_t number, Instant now) {
    if (number >= next_operation_) [[unlikely]]
      reach_operation(number, now);
  }
  // All operations are answered.
  void on_idle(Instant now);
  // What lasts until some operation is issued is over.
  void end_ranges(Instant now) { reach_operation(UINT64_MAX - 1, now); }

  sim::Injection on_call(const sim::SeamCall& call) override;
  Instant next_moment() override { return moment_; }
  Moment on_moment(Instant now) override;

  // Told of each fault in the step in which it strikes. `op`: none: by the clock alone.
  class Observer {
   public:
    virtual ~Observer() = default;
    virtual void on_strike(FaultClass fault, std::optional<sim::Op> op, FileRole role) = 0;
  };
  void set_observer(Observer& observer) { observer_ = &observer; }

  // --- What was injected, for the vacuity counters ---
  const std::vector<Hit>& hits() const { return hits_; }
  // The same one by one, as they came. Without `op`: by the clock alone.
  struct Strike {
    FaultClass fault;
    std::optional<sim::Op> op;
    std::string path;
    uint64_t call = 0;
    sim::CrashPoint point = sim::CrashPoint::kBefore;  // of a crash
  };
  const std::vector<Strike>& strikes() const { return strikes_; }
  uint64_t hits(FaultClass fault) const;
  uint64_t hits(FaultClass fault, FileRole role) const;
  // An EIO or ENOSPC was really injected: the store may have refused operations, or to start.
  bool injected_error() const { return injected_error_; }
  // This life ended as its plan said.
  bool crashed() const { return crashed_; }

 private:
  struct Armed {
    Fault fault;
    const KindRow& kind;
    Instant until;  // of a range of operations; when the clock is struck
    bool on = false;
    bool done = false;
  };

  void reach_operation(uint64_t number, Instant now);
  uint64_t crash_operation() const;
  // The crash waits for a call of some kind.
  bool by_kind() const {
    return crash_.crash != sim::CrashKind::kNone &&
           (crash_.trigger == Trigger::kKindCall || crash_.trigger == Trigger::kKindMoment);
  }
  // With a crash planned: it comes at `latest`, if not before.
  void crash_by(Instant latest);
  void find_next_operation();
  void find_moment();
  // It has happened; the first time counts.
  void note(Since since);
  // The number of `call` among those that `fault` counts is the one it waits for.
  bool names(const Fault& fault, const sim::SeamCall& call, FileRole role) const;
  bool concerns(const Armed& armed, const sim::SeamCall& call, FileRole role) const;
  void disturb(const sim::SeamCall& call, FileRole role, sim::Injection& injection);
  void count(FaultClass fault, std::optional<sim::Op> op, FileRole role);
  void count_crash(std::optional<sim::Op> op, FileRole role);

  sim::Choices& choices_;
  const Instant& now_;
  RoleOfFile roles_;
  uint32_t life_;
  Fault crash_;  // kNone: this life is not cut
  std::vector<Armed> others_;
  bool quiet_ = true;  // no fault but the crash, and no kind of call to count
  bool crash_armed_ = false;
  uint64_t crash_call_ = UINT64_MAX;
  Instant crash_moment_ = kForever;
  uint64_t next_call_ = 0;
  uint64_t next_operation_ = UINT64_MAX;  // the nearest that a fault waits for
  Instant moment_ = kForever;
  // Of each kind, by role; under kNone all of them. Not counted while quiet.
  using Calls = std::array<std::array<uint64_t, kFileRoles>, sim::kOps>;
  Calls calls_{};
  std::array<std::optional<Calls>, kSinces>
      before_;                           // how many there had been, by Since; not kBegin
  const sim::SeamCall* call_ = nullptr;  // under way
  Observer* observer_ = nullptr;
  std::vector<Hit> hits_;
  std::vector<Strike> strikes_;
  bool injected_error_ = false;
  bool served_ = false;
  bool crashed_ = false;
};

}  // namespace powercut::faults
