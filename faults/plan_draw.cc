// Drawing a plan. About a quarter of all plans is one or more crashes and nothing else: most bugs
// need no more, and other faults only hide them.
#include <algorithm>
#include <bit>

#include "faults/plan.h"

namespace powercut::faults {

using sim::CrashKind;
using sim::CrashPoint;
using sim::Op;

namespace {

constexpr FaultSet kViolations = FaultSet::violations();
constexpr FaultSet kCrashes = FaultSet::of(Target::kAnywhere);
// Drawn for themselves.
constexpr FaultSet kOthers = FaultSet::of(Target::kCall) | FaultSet::of(Target::kClock);
// These are something that happens to a crash, or must end in one.
constexpr FaultSet kNeedCrash =
    FaultSet::where([](const ClassRow& row) { return row.needs_crash; });

class Draw {
 public:
  Draw(sim::Choices& choices, const PlanOptions& options)
      : choices_(choices),
        enabled_(draw_swarm(choices, options.enabled)),
        operations_(options.operations),
        lives_max_(options.lives_max) {}

  Plan run() {
    plan_.faults.reserve(4);
    const bool can_crash = enabled_.has_any(kCrashes);
    if (enabled_.has_any(kViolations) &&
        (!enabled_.has_any(kOthers) || chance("plan.violation", 1, 16))) {
      if (can_crash) crash(0);
      violation();
      return std::move(plan_);
    }
    uint32_t crashes = can_crash && lives_max_ > 0 ? 1 : 0;
    for (; crashes != 0 && crashes < lives_max_; ++crashes) {
      key_ = crashes;
      if (!chance("plan.more_lives", 3, 8)) break;
    }
    for (uint32_t life = 0; life < crashes; ++life) crash(life);
    crashes_ = crashes;
    if (enabled_.has_any(kOthers)) others();
    if (crashes != 0) draw_together();
    if (crashes == 1 && lives_max_ > 1) cut_what_was_seen();
    return std::move(plan_);
  }

  static constexpr bool can_draw(FaultClass fault) {
    return std::any_of(std::begin(kManners), std::end(kManners),
                       [&](const Manner& manner) { return manner.fault == fault; });
  }

 private:
  // --- Numbers. The key says of which life or class; sites tell the draws of one key apart. ---

  uint64_t choose(Site site, uint64_t n) { return choices_.choose(site, 2 * key_, n); }
  bool chance(Site site, uint64_t numerator, uint64_t denominator) {
    return choose(site, denominator) < numerator;
  }
  // From `least` to `least` * 2^doublings; each doubling is as likely as the next.
  uint64_t log_uniform(Site site, uint64_t least, uint64_t doublings) {
    const uint64_t base = least << choose(site, doublings);
    return base + choices_.choose(site, 2 * key_ + 1, base);
  }
  // A call of a kind that happens about as often as operations do.
  uint64_t frequent_call(Site site) {
    const auto bits =
        std::clamp<uint64_t>(static_cast<uint64_t>(std::bit_width(operations_)), 1, 8);
    return log_uniform(site, 1, bits) - 1;
  }
  uint64_t operation(Site site) { return choose(site, operations_ + 1); }

  // --- Faults ---

  void crash(uint32_t life) {
    key_ = life;
    Fault fault;
    fault.life = life;
    const bool cuts = enabled_.has(FaultClass::kPowerCut);
    const bool kills = enabled_.has(FaultClass::kKill);
    fault.crash = cuts && (!kills || chance("plan.power_cut", 3, 4)) ? CrashKind::kPowerCut
                                                                     : CrashKind::kKill;
    if (life == 0 && fault.crash == CrashKind::kKill && chance("plan.kill_publication", 1, 2)) {
      // Elsewhere a kill takes little, since the page cache lives.
      fault.trigger = Trigger::kKindCall;
      fault.op = Op::kRename;
      fault.at = log_uniform("plan.publication", 1, 4) - 1;
      fault.point = CrashPoint::kAfter;
    } else if (life > 0 && enabled_.has(FaultClass::kRecoveryCut) &&
               chance("plan.recovery_cut", 1, 2)) {
      fault.trigger = Trigger::kCall;
      fault.at = choose("plan.call", 13);
      fault.point = point();
    } else if (const uint64_t trigger = choose("plan.trigger", 12); trigger < 4) {
      fault.at = operation_of(life);
      fault.extra = choose("plan.calls", 9);
      fault.point = point();
    } else if (trigger < 6) {
      fault.trigger = Trigger::kOperationMoment;
      fault.at = operation_of(life);
      fault.delay = microseconds(static_cast<int64_t>(log_uniform("plan.moment", 1, 22)));
    } else if (trigger < 11 && (life == 0 || enabled_.has(FaultClass::kRecoveryCut))) {
      // The fences stand at rare calls, which a cut by operation seldom meets.
      constexpr Op kKinds[] = {Op::kRename,        Op::kRename, Op::kSyncDirectory, Op::kLink,
                               Op::kSyncDirectory, Op::kRemove, Op::kOpen,          Op::kSync};
      fault.trigger = Trigger::kKindCall;
      fault.op = kKinds[choose("plan.kind", std::size(kKinds))];
      fault.at = log_uniform("plan.kind_call", 1, 4) - 1;
      fault.point = point();
      // A clean end writes its mark and syncs it in a few calls, the last ones of a life.
      if (chance("plan.kind_idle", fault.op == Op::kSync ? 4 : 1, 12)) at_the_end(fault);
    } else {
      fault.trigger = Trigger::kIdle;
      fault.delay = milliseconds(static_cast<int64_t>(log_uniform("plan.idle", 1, 16)));
    }
    plan_.faults.push_back(fault);
  }

  // A store that has recovered is often cut again at once, before it has synced anything else.
  uint64_t operation_of(uint32_t life) {
    if (life > 0 && chance("plan.soon", 1, 2)) return choose("plan.soon_operation", 8);
    return operation("plan.operation");
  }

  static bool fails(const Fault& fault) {
    return fault.kind == FaultKind::kEio ||
           (fault.kind == FaultKind::kEnospc && fault.op == Op::kSync);
  }

  // A kill amid a publication, or after a failed sync: recovery sees what only the page cache has.
  // Did it sync that? A power cut soon after tells.
  void cut_what_was_seen() {
    const auto unsynced = [](const Fault& fault) {
      return fault.crash == CrashKind::kKill
                 ? fault.trigger == Trigger::kKindCall && fault.op == Op::kRename
                 : fails(fault) && fault.op == Op::kSync;
    };
    const bool kills = plan_.faults[0].crash == CrashKind::kKill;
    if (!kills || !enabled_.has(FaultClass::kPowerCut)) return;
    if (std::none_of(plan_.faults.begin(), plan_.faults.end(), unsynced)) return;
    key_ = 32;
    Fault cut;
    cut.life = 1;
    cut.crash = CrashKind::kPowerCut;
    cut.at = choose("plan.seen_operation", 8);
    cut.extra = choose("plan.calls", 9);
    cut.point = point();
    plan_.faults.push_back(cut);
  }

  // A failed or slow sync matters only if the crash comes before a later sync makes up for it.
  void draw_together() {
    for (size_t i = 0; i < plan_.faults.size(); ++i) {
      const Fault trouble = plan_.faults[i];
      const bool failed = fails(trouble) || trouble.kind == FaultKind::kShut;
      const bool slow = trouble.kind == FaultKind::kSlow || trouble.kind == FaultKind::kHang;
      if (!failed && !slow) continue;
      for (Fault& crash : plan_.faults) {
        key_ = 64 + trouble.life;
        if (crash.kind != FaultKind::kCrash || crash.life != trouble.life) continue;
        if (!chance("plan.together", 1, 2)) continue;
        crash.delay = {};
        crash.extra = 0;
        crash.since = trouble.since;
        crash.op = slow || trouble.op == Op::kSync ? trouble.op : Op::kSyncDirectory;
        if (failed && trouble.role != FileRole::kNone) {
          // What goes on as if nothing had failed publishes, removes, or acknowledges.
          constexpr Op kNext[] = {Op::kRename, Op::kSyncDirectory, Op::kRemove, Op::kSync};
          crash.trigger = Trigger::kKindCall;
          crash.op = kNext[choose("plan.together_next", std::size(kNext))];
          crash.at = trouble.at + choose("plan.together_calls", 4);
          crash.point = point();
        } else if (failed) {
          crash.trigger = Trigger::kKindCall;
          crash.at = trouble.at + 1 + choose("plan.together_calls", 3);
          crash.point = enabled_.has(FaultClass::kTorn)
                            ? static_cast<CrashPoint>(choose("plan.together_point", 2))
                            : CrashPoint::kBefore;
        } else {
          crash.trigger = Trigger::kKindMoment;
          crash.at = trouble.at;
          crash.point = CrashPoint::kBefore;
          const int64_t most_ms = trouble.kind == FaultKind::kHang ? 16'000 : trouble.delay.ms();
          const uint64_t at_ms = choose("plan.together_ms", static_cast<uint64_t>(most_ms) + 2);
          crash.delay = milliseconds(static_cast<int64_t>(at_ms));
        }
      }
    }
  }

  CrashPoint point() {
    if (enabled_.has(FaultClass::kTorn)) return static_cast<CrashPoint>(choose("plan.point", 3));
    return chance("plan.point", 1, 2) ? CrashPoint::kBefore : CrashPoint::kAfter;
  }

  void violation() {
    FaultKind kinds[kFaultKinds];
    uint64_t count = 0;
    for (const KindRow& kind : kind_rows())
      if (kViolations.has(kind.fault) && enabled_.has(kind.fault)) kinds[count++] = kind.kind;
    add(kinds[choose("plan.violation_kind", count)], 0);
  }

  // How often a class of the swarm occurs: once, or in one swarm of four up to four times.
  uint64_t times(FaultClass fault) {
    if (!enabled_.has(fault)) return 0;
    key_ = static_cast<uint64_t>(fault) << 8;
    return chance("plan.many", 1, 4) ? 2 + choose("plan.times", 3) : 1;
  }

  // `crashes_` lives end in a crash; one more does not.
  void others() {
    const uint32_t lives = std::max<uint32_t>(crashes_, 1);
    for (const auto& [fault, draw] : kManners) {
      if (kNeedCrash.has(fault) && crashes_ == 0) continue;
      for (uint64_t i = 0, count = times(fault); i < count; ++i) {
        key_ = (static_cast<uint64_t>(fault) << 8) + (i << 4);
        (this->*draw)(lives == 1 ? 0 : static_cast<uint32_t>(choose("plan.life", lives)));
      }
    }
  }

  Fault& add(FaultKind kind, uint32_t life) {
    Fault fault;
    fault.kind = kind;
    fault.life = life;
    return plan_.faults.emplace_back(fault);
  }

  // Of what a clean end writes and syncs, or what is done to get over an error.
  void at_the_end(Fault& fault) {
    fault.since = Since::kIdle;
    fault.at = choose("plan.end_call", 3);
  }
  bool aim_at_a_state(FaultKind kind, uint32_t life) {
    if (!chance("plan.state", 1, 6)) return false;
    constexpr Op kOps[] = {Op::kSync, Op::kSync, Op::kWrite, Op::kRename, Op::kSyncDirectory};
    const bool full = kind == FaultKind::kEnospc;  // which no sync of a directory meets
    const Op op = kOps[choose("plan.state_kind", std::size(kOps) - (full ? 1 : 0))];
    const bool again = chance("plan.state_error", 1, 3);
    if (again) {
      Fault& first = add(kind, life);
      first.op = Op::kSync;
      first.at = often(life);
      // The error counts from when that call begins: the next one then strikes while it is under way.
      if (enabled_.has(FaultClass::kSlowSync) && chance("plan.state_slow", 1, 2))
        take_time(Op::kSync, first.at, life);
    }
    Fault& fault = add(kind, life);
    fault.op = op;
    fault.since = again ? Since::kError : Since::kIdle;
    fault.at = choose("plan.state_call", 4);
    return true;
  }

  // Most calls are those of the log; what it rests on is synced and written a few times in a life.
  void fail_one_of_role(FaultKind kind, uint32_t life, Op op) {
    constexpr FileRole kRoles[] = {FileRole::kBase, FileRole::kManifest, FileRole::kCheckpoint};
    Fault& fault = add(kind, life);
    fault.op = op;
    fault.role = kRoles[choose("plan.role", std::size(kRoles))];
    fault.at = log_uniform("plan.role_call", 1, 3) - 1;
  }

  // What a recovery writes and syncs is among the first calls of its life.
  uint64_t often(uint32_t life) {
    if (life > 0 && chance("plan.eio_early", 1, 2)) return choose("plan.eio_call", 4);
    return frequent_call("plan.eio_call");
  }

  void eio(uint32_t life) {
    if (aim_at_a_state(FaultKind::kEio, life)) return;
    if (chance("plan.eio_role", 1, 4)) {
      fail_one_of_role(FaultKind::kEio, life,
                       chance("plan.eio_write", 1, 4) ? Op::kWrite : Op::kSync);
      return;
    }
    const uint64_t kind = choose("plan.eio", 20);
    const Op op = kind < 7    ? Op::kSync
                  : kind < 11 ? Op::kSyncDirectory
                  : kind < 14 ? Op::kWrite
                  : kind < 15 ? Op::kRename
                  : kind < 16 ? Op::kLink
                  : kind < 17 ? Op::kOpen
                  : kind < 18 ? Op::kTruncate
                  : kind < 19 ? Op::kRemove
                  : life > 0  ? Op::kRead
                              : Op::kMakeDirectory;
    const bool frequent = op == Op::kSync || op == Op::kWrite;
    const uint64_t at = op == Op::kMakeDirectory ? 0
                        : frequent               ? often(life)
                                                 : choose("plan.eio_call", 8);
    const bool syncs = op == Op::kSync || op == Op::kSyncDirectory;
    if (syncs && crashes_ != 0 && chance("plan.eio_shut", 1, 8)) {
      Fault& fault = add(FaultKind::kShut, life);
      fault.op = op;
      fault.at = at;
      return;
    }
    // Now and then the next one fails as well: what heals the first failure meets another.
    const uint64_t count = chance("plan.eio_again", 1, 4) ? 2 : 1;
    for (uint64_t i = 0; i < count; ++i) {
      Fault& fault = add(FaultKind::kEio, life);
      fault.op = op;
      fault.at = at + i;
    }
    if (syncs && enabled_.has(FaultClass::kSlowSync) && chance("plan.eio_slow", 1, 4))
      take_time(op, at, life);
  }

  // A device tries for a while before it says that it cannot, and others go on meanwhile.
  void take_time(Op op, uint64_t at, uint32_t life) {
    Fault& fault = add(FaultKind::kSlow, life);
    fault.op = op;
    fault.at = at;
    fault.delay = milliseconds(static_cast<int64_t>(log_uniform("plan.eio_slow_by", 1, 12)));
  }

  void no_space(uint32_t life) {
    if (aim_at_a_state(FaultKind::kEnospc, life)) return;
    if (chance("plan.full_role", 1, 4)) {
      fail_one_of_role(FaultKind::kEnospc, life,
                       chance("plan.full_sync", 1, 3) ? Op::kSync : Op::kWrite);
      return;
    }
    if (chance("plan.one_call", 1, 3)) {
      constexpr Op kOps[] = {Op::kWrite, Op::kWrite,    Op::kSync,   Op::kSync,         Op::kOpen,
                             Op::kLink,  Op::kTruncate, Op::kRename, Op::kMakeDirectory};
      Fault& fault = add(FaultKind::kEnospc, life);
      fault.op = kOps[choose("plan.full_kind", std::size(kOps))];
      const bool frequent = fault.op == Op::kSync || fault.op == Op::kWrite;
      fault.at = fault.op == Op::kMakeDirectory ? 0
                 : frequent                     ? often(life)
                                                : choose("plan.full_call", 8);
      return;
    }
    Fault& fault = add(FaultKind::kNoSpace, life);
    fault.at = operation("plan.full_from");
    fault.extra = fault.at + 1 + choose("plan.full_for", std::max<uint64_t>(operations_ / 4, 1));
  }

  // Reads happen in recoveries, the last of which no crash follows.
  void short_io(uint32_t life) {
    const uint64_t which = choose("plan.short", 3);
    if (which != 1 || crashes_ == 0) add(FaultKind::kShort, life).op = Op::kWrite;
    if (which != 0 && crashes_ != 0) {
      const auto recovered = 1 + static_cast<uint32_t>(choose("plan.short_life", crashes_));
      add(FaultKind::kShort, recovered).op = Op::kRead;
    }
  }

  void slow(uint32_t life) {
    const Op op = chance("plan.slow_file", 3, 4) ? Op::kSync : Op::kSyncDirectory;
    const uint64_t first = op == Op::kSync ? frequent_call("plan.slow") : choose("plan.slow", 8);
    const uint64_t count = 1 + choose("plan.slow_count", 4);
    for (uint64_t i = 0; i < count; ++i) {
      ++key_;
      Fault& fault = add(FaultKind::kSlow, life);
      fault.op = op;
      fault.at = first + i;
      fault.delay = milliseconds(static_cast<int64_t>(log_uniform("plan.slow_by", 1, 12)));
    }
  }

  void hang(uint32_t life) {
    Fault& fault = add(FaultKind::kHang, life);
    fault.op = Op::kSync;
    fault.at = frequent_call("plan.hang");
  }

  void deny(uint32_t life) {
    Fault& fault = add(FaultKind::kDenied, life);
    fault.op = Op::kRename;
    fault.at = log_uniform("plan.denied", 1, 3) - 1;
  }

  void jump(uint32_t life) {
    Fault& fault = add(FaultKind::kJump, life);
    fault.at = operation("plan.jump_at");
    fault.jump_ms = static_cast<int64_t>(log_uniform("plan.jump", 1'000, 22));
    if (chance("plan.jump_back", 1, 2)) fault.jump_ms = -fault.jump_ms;
  }

  // How each of kOthers is drawn, in this order.
  struct Manner {
    FaultClass fault;
    void (Draw::*draw)(uint32_t life);
  };
  static constexpr Manner kManners[] = {
      {FaultClass::kEio, &Draw::eio},           {FaultClass::kEnospc, &Draw::no_space},
      {FaultClass::kShortIo, &Draw::short_io},  {FaultClass::kSlowSync, &Draw::slow},
      {FaultClass::kHangingSync, &Draw::hang},  {FaultClass::kClockJump, &Draw::jump},
      {FaultClass::kDeniedRename, &Draw::deny},
  };

  sim::Choices& choices_;
  const FaultSet enabled_;
  const uint64_t operations_;
  const uint32_t lives_max_;
  uint32_t crashes_ = 0;
  uint64_t key_ = 0;
  Plan plan_;
};

static_assert(std::all_of(kClassRows.begin(), kClassRows.end(),
                          [](const ClassRow& row) {
                            return Draw::can_draw(row.fault) == kOthers.has(row.fault);
                          }),
              "a class that strikes calls or the clock has its line in kManners; no other has");

}  // namespace

FaultSet draw_swarm(sim::Choices& choices, FaultSet enabled) {
  FaultClass classes[kFaultClasses];
  uint64_t count = 0;
  for (const ClassRow& row : kClassRows)
    if (enabled.has(row.fault)) classes[count++] = row.fault;
  const uint64_t width = choices.choose("swarm.width", 0, 32);
  if (count == 0 || width == 0) return enabled;

  FaultSet swarm;
  // One kind of crash or both.
  const auto add_crash = [&] {
    const uint64_t which = choices.choose("swarm.crash", 0, 16);
    const bool both = enabled.has(FaultClass::kKill) && enabled.has(FaultClass::kPowerCut);
    if (enabled.has(FaultClass::kKill) && (!both || which != 1)) swarm.add(FaultClass::kKill);
    if (enabled.has(FaultClass::kPowerCut) && (!both || which != 0))
      swarm.add(FaultClass::kPowerCut);
  };
  if (width == 1) {
    swarm.add(classes[choices.choose("swarm.only", 0, count)]);
    if (swarm.has_any(kNeedCrash)) add_crash();
    return swarm;
  }
  add_crash();
  // A contract violation comes alone with a crash.
  const bool violates = enabled.has_any(kViolations) &&
                        (!enabled.has_any(kOthers) || choices.chance("swarm.violation", 0, 1, 16));
  // Of the other faults: none, few, or half of them.
  const uint64_t density = choices.choose("swarm.density", 0, 16);
  for (uint64_t i = 0; i < count; ++i) {
    const FaultClass fault = classes[i];
    if (kCrashes.has(fault)) continue;
    const uint64_t eighths = kViolations.has(fault)    ? (violates ? 8 : 0)
                             : !kOthers.has(fault)     ? 7
                             : violates || density < 5 ? 0
                             : density < 13            ? 2
                                                       : 4;
    if (choices.chance("swarm.class", static_cast<uint64_t>(fault), eighths, 8)) swarm.add(fault);
  }
  return swarm;
}

Plan draw_plan(sim::Choices& choices, const PlanOptions& options) {
  return Draw(choices, options).run();
}

}  // namespace powercut::faults
