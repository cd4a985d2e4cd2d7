#include "faults/plan_injector.h"

#include <algorithm>

#include "faults/strikes.h"

namespace powercut::faults {

using sim::CrashKind;
using sim::CrashPoint;
using sim::Injection;
using sim::Op;
using sim::SeamCall;

namespace {

constexpr Duration kCrashAfterIdle = seconds(10);
constexpr Duration kCrashAfterNeed = seconds(20);
constexpr Duration kRangeMost = seconds(30);

}  // namespace

PlanInjector::PlanInjector(const Plan& plan, uint32_t life, sim::Choices& choices,
                           const Instant& now, RoleOfFile roles)
    : choices_(choices), now_(now), roles_(roles), life_(life) {
  for (const Fault& fault : plan.faults) {
    if (fault.life != life) continue;
    if (fault.kind == FaultKind::kCrash) {
      crash_ = fault;
    } else if (const Target struck = target(fault.kind); struck != Target::kDisk) {
      others_.push_back({fault, row(fault.kind), kForever});
      quiet_ = quiet_ && struck == Target::kClock;
    }
  }
  if (by_kind()) quiet_ = false;
  if (crash_.crash != CrashKind::kNone && crash_.trigger == Trigger::kCall) {
    crash_armed_ = true;
    crash_call_ = crash_.at;
  }
  find_next_operation();
}

// --- What is awaited ---

void PlanInjector::reach_operation(uint64_t number, Instant now) {
  if (!crash_armed_ && number >= crash_operation()) {
    crash_armed_ = true;
    if (crash_.trigger == Trigger::kOperationCall) {
      crash_call_ = next_call_ + crash_.extra;
    } else {
      crash_moment_ = now + crash_.delay;
    }
  }
  for (Armed& armed : others_) {
    const Fault& fault = armed.fault;
    const bool range = armed.kind.counts == Counts::kOperations;
    if (range && armed.on && number >= fault.extra) {
      armed.on = false;
      armed.done = true;
    }
    if (armed.on || armed.done || number < fault.at) continue;
    if (range) {
      armed.on = number < fault.extra;
      armed.done = !armed.on;
      armed.until = now + kRangeMost;
    } else if (armed.kind.counts == Counts::kOperation) {
      armed.on = true;
      armed.until = now;
    }
  }
  find_next_operation();
  find_moment();
}

uint64_t PlanInjector::crash_operation() const {
  const bool waits =
      crash_.crash != CrashKind::kNone && !crash_armed_ &&
      (crash_.trigger == Trigger::kOperationCall || crash_.trigger == Trigger::kOperationMoment);
  return waits ? crash_.at : UINT64_MAX;
}

void PlanInjector::find_next_operation() {
  next_operation_ = crash_operation();
  for (const Armed& armed : others_) {
    if (armed.done) continue;
    if (armed.kind.counts == Counts::kOperations) {
      next_operation_ = std::min(next_operation_, armed.on ? armed.fault.extra : armed.fault.at);
    } else if (armed.kind.counts == Counts::kOperation && !armed.on) {
      next_operation_ = std::min(next_operation_, armed.fault.at);
    }
  }
}

void PlanInjector::find_moment() {
  moment_ = crashed_ ? kForever : crash_moment_;
  for (const Armed& armed : others_) {
    if (armed.kind.counts == Counts::kOperation && armed.on && !armed.done) {
      moment_ = std::min(moment_, armed.until);
    }
  }
}

void PlanInjector::crash_by(Instant latest) {
  if (crash_.crash == CrashKind::kNone || crashed_) return;
  crash_moment_ = std::min(crash_moment_, latest);
  find_moment();
}

void PlanInjector::on_idle(Instant now) {
  // Ranges first: a range that was open is closed, not begun.
  end_ranges(now);
  note(Since::kIdle);
  if (crash_.crash == CrashKind::kNone) return;
  if (crash_.trigger == Trigger::kIdle && !crash_armed_) {
    crash_armed_ = true;
    crash_moment_ = std::min(crash_moment_, now + crash_.delay);
    find_moment();
  } else if (crash_call_ != UINT64_MAX || by_kind()) {
    crash_by(now + kCrashAfterIdle);
  }
}

sim::Injector::Moment PlanInjector::on_moment(Instant now) {
  Moment moment;
  call_ = nullptr;
  for (Armed& armed : others_) {
    const auto* strike = std::get_if<StrikeClock>(&armed.kind.strike);
    if (strike == nullptr || !armed.on || armed.done || armed.until > now) continue;
    armed.done = true;
    (*strike)(armed.fault, moment);
    count(armed.kind.fault, std::nullopt, FileRole::kNone);
  }
  if (!crashed_ && crash_moment_ <= now) {
    moment.crash = crash_.crash;
    count_crash(std::nullopt, FileRole::kNone);
  }
  find_moment();
  return moment;
}

// --- Calls ---

Injection PlanInjector::on_call(const SeamCall& call) {
  next_call_ = call.number + 1;
  if (quiet_ && call.number != crash_call_) [[likely]]
    return {};
  Injection injection;
  call_ = &call;
  const FileRole role = role_of(call.op, call.path, roles_);
  if (by_kind() && !crash_armed_ && names(crash_, call, role)) {
    crash_armed_ = true;
    if (crash_.trigger == Trigger::kKindCall) {
      crash_call_ = call.number;
    } else {
      crash_by(now_ + crash_.delay);
    }
  }
  if (call.number == crash_call_ && !crashed_) {
    injection.crash = crash_.crash;
    injection.point = crash_.point;
    const bool syncs = call.op == Op::kSync || call.op == Op::kSyncDirectory;
    if (injection.point == CrashPoint::kReturning && !syncs) injection.point = CrashPoint::kAfter;
    count_crash(call.op, role);
    // Nothing of the call happens, or only its first half: what else was planned for it is moot.
    if (injection.point < CrashPoint::kAfter) return injection;
  }
  if (!quiet_) disturb(call, role, injection);
  return injection;
}

bool PlanInjector::names(const Fault& fault, const SeamCall& call, FileRole role) const {
  if (fault.op != call.op || (fault.role != FileRole::kNone && fault.role != role)) return false;
  const auto op = static_cast<size_t>(call.op);
  const auto of = static_cast<size_t>(fault.role);
  if (fault.since == Since::kBegin) return calls_[op][of] == fault.at;
  const auto& before = before_[static_cast<size_t>(fault.since)];
  return before && calls_[op][of] - (*before)[op][of] == fault.at;
}

bool PlanInjector::concerns(const Armed& armed, const SeamCall& call, FileRole role) const {
  switch (armed.kind.counts) {
    case Counts::kCall:
      return names(armed.fault, call, role);
    case Counts::kEveryCall:
      return armed.fault.op == call.op;
    case Counts::kOperations:
      return armed.on && now_ < armed.until && has(armed.kind.ops, call.op);
    case Counts::kCrash:
    case Counts::kOperation:
    case Counts::kDraw:
      break;
  }
  return false;
}

void PlanInjector::disturb(const SeamCall& call, FileRole role, Injection& injection) {
  for (const Armed& armed : others_) {
    if (!concerns(armed, call, role)) continue;
    if (!std::get<StrikeCall>(armed.kind.strike)({armed.fault, call, choices_, injection}))
      continue;
    if (armed.kind.needs_crash || row(armed.kind.fault).needs_crash)
      crash_by(now_ + kCrashAfterNeed);
    count(armed.kind.fault, call.op, role);
  }
  injected_error_ |= injection.error.has_value();
  auto& calls = calls_[static_cast<size_t>(call.op)];
  ++calls[static_cast<size_t>(FileRole::kNone)];
  ++calls[static_cast<size_t>(role)];
  if (injection.error) note(Since::kError);
}

void PlanInjector::note(Since since) {
  auto& before = before_[static_cast<size_t>(since)];
  if (!quiet_ && !before) before = calls_;
}

// --- Counting ---

void PlanInjector::count(FaultClass fault, std::optional<Op> op, FileRole role) {
  if (observer_ != nullptr) observer_->on_strike(fault, op, role);
  if (row(fault).target != Target::kCrash) {
    Strike strike{fault, op, {}, next_call_};
    if (op) strike.path = call_->path;
    if (op) strike.call = call_->number;
    if (row(fault).target == Target::kAnywhere) strike.point = crash_.point;
    strikes_.push_back(std::move(strike));
  }
  for (Hit& hit : hits_) {
    if (hit.fault == fault && hit.op == op && hit.role == role) {
      ++hit.count;
      return;
    }
  }
  hits_.push_back({fault, op, role, 1});
}

void PlanInjector::count_crash(std::optional<Op> op, FileRole role) {
  crashed_ = true;
  crash_call_ = UINT64_MAX;
  count(crash_.crash == CrashKind::kKill ? FaultClass::kKill : FaultClass::kPowerCut, op, role);
  if (!op) return;
  if (sim::under_way(crash_.point)) count(FaultClass::kTorn, op, role);
  if (life_ > 0 && !served_) count(FaultClass::kRecoveryCut, op, role);
}

uint64_t PlanInjector::hits(FaultClass fault) const {
  uint64_t sum = 0;
  for (const Hit& hit : hits_) sum += hit.fault == fault ? hit.count : 0;
  return sum;
}

uint64_t PlanInjector::hits(FaultClass fault, FileRole role) const {
  uint64_t sum = 0;
  for (const Hit& hit : hits_) sum += hit.fault == fault && hit.role == role ? hit.count : 0;
  return sum;
}

}  // namespace powercut::faults
