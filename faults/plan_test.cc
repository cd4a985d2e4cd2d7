// Fault plans as data: what prints parses back, what is drawn obeys the options.
#include "faults/plan.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace powercut::faults {
namespace {

using sim::CrashKind;
using sim::CrashPoint;
using sim::Op;

// --- Text ---

// A random fault of this kind.
Fault random_fault(uint32_t life, FaultKind kind) {
  const auto number = [] { return *rc::gen::inRange<uint64_t>(0, 100'000'000'000'000'001); };
  const auto duration = [] { return Duration{*rc::gen::inRange<int64_t>(0, 10'000'000'000'000)}; };
  const auto op = [&] {
    std::vector<Op> named;
    for (int i = 0; i < sim::kOps; ++i)
      if (has(row(kind).ops, static_cast<Op>(i))) named.push_back(static_cast<Op>(i));
    return *rc::gen::elementOf(named);
  };
  Fault fault;
  fault.life = life;
  fault.kind = kind;
  switch (row(kind).counts) {
    case Counts::kCrash:
      fault.crash = *rc::gen::element(CrashKind::kKill, CrashKind::kPowerCut);
      fault.trigger = static_cast<Trigger>(*rc::gen::inRange(0, 6));
      if (fault.trigger == Trigger::kKindCall || fault.trigger == Trigger::kKindMoment) {
        fault.op = static_cast<Op>(*rc::gen::inRange(0, sim::kOps));
      }
      if (fault.trigger != Trigger::kIdle) fault.at = number();
      if (fault.trigger == Trigger::kOperationCall) fault.extra = number();
      if (fault.trigger == Trigger::kOperationCall || fault.trigger == Trigger::kCall ||
          fault.trigger == Trigger::kKindCall) {
        fault.point = static_cast<CrashPoint>(*rc::gen::inRange(0, 3));
      } else {
        fault.delay = duration();
      }
      break;
    case Counts::kCall:
      fault.op = op();
      fault.at = number();
      fault.role = static_cast<FileRole>(*rc::gen::inRange(0, kFileRoles));
      break;
    case Counts::kEveryCall:
      fault.op = op();
      break;
    case Counts::kOperation:
      fault.at = number();
      break;
    case Counts::kOperations:
      fault.at = *rc::gen::inRange<uint64_t>(0, 1'000);
      fault.extra = fault.at + 1 + *rc::gen::inRange<uint64_t>(0, 1'000);
      break;
    case Counts::kDraw:
      break;
  }
  switch (row(kind).argument) {
    case Argument::kNone:
      break;
    case Argument::kDelay:
      fault.delay = duration();
      break;
    case Argument::kJump:
      fault.jump_ms = *rc::gen::inRange<int64_t>(-4'000'000'000, 4'000'000'000);
      break;
  }
  return fault;
}

RC_GTEST_PROP(PlanText, WhatIsPrintedParsesBack, ()) {
  Plan plan;
  const auto lives = *rc::gen::inRange<uint32_t>(0, 4);
  for (uint32_t life = 0; life < lives; ++life) {
    plan.faults.push_back(random_fault(life, FaultKind::kCrash));
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
      const auto kind = static_cast<FaultKind>(*rc::gen::inRange(1, kFaultKinds));
      plan.faults.push_back(random_fault(life, kind));
    }
  }
  const auto back = parse_plan(print(plan));
  RC_LOG() << print(plan) << "\n" << (back.ok() ? "" : back.error().message);
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == plan);
}

TEST(PlanText, EveryFormReadsAsItIsWritten) {
  for (const char* text : {"",
                           "cut@op:57+3:inside",
                           "kill@op:12+0:before",
                           "cut@op:57~250us",
                           "cut@call:4:after",
                           "cut@idle:1500ms",
                           "cut@idle:3s",
                           "cut@idle:0ns",
                           "eio@sync:2",
                           "eio@write:5",
                           "eio@rename:0",
                           "eio@sync_directory:1",
                           "eio@read:3",
                           "eio@sync/base:0",
                           "enospc@write/checkpoint:2",
                           "cut@rename/manifest:1:after hang@sync/segment:2",
                           "enospc@write:5",
                           "enospc@sync:2",
                           "enospc@op:10..20",
                           "short@read short@write",
                           "slow@sync:3=2500ms",
                           "cut@call:0:before hang@sync:3",
                           "jump@op:5=-3600000ms",
                           "cut@rename:2:inside eio@sync:1",
                           "kill@sync:3~1500ms hang@sync:3",
                           "cut@op:1+1:after bitrot",
                           "unreadable",
                           "misdirect",
                           "cut@op:0+0:before life:1/kill@call:7:inside life:2/short@read"}) {
    const auto plan = parse_plan(text);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_EQ(print(*plan), text);
  }
  EXPECT_EQ(parse_plan("eio@sync/manifest:1")->faults[0].role, FileRole::kManifest);
  EXPECT_EQ(parse_plan("cut@op:57+3:inside")->faults[0], (Fault{FaultKind::kCrash,
                                                                0,
                                                                CrashKind::kPowerCut,
                                                                Trigger::kOperationCall,
                                                                CrashPoint::kInside,
                                                                Op::kOpen,
                                                                57,
                                                                3,
                                                                {},
                                                                0}));
}

TEST(PlanText, AnErrorNamesTheWordAndWhatIsWrong) {
  const std::map<std::string, std::string> wrong = {
      {"eio@sync:2 cat@op:1", "cat@op:1: no such fault"},
      {"cut@op:1+2", "\":\" is missing"},
      {"cut@op:1+2:during", "before, inside or after"},
      {"cut@op:x+2:after", "a number is missing"},
      {"cut@later", "no such kind of call"},
      {"cut@rename:1", "\":\" is missing"},
      {"cut@idle:5", "a duration ends in"},
      {"cut@idle:999999999999s", "too long"},
      {"eio@sync:99999999999999999999999", "too large"},
      {"cut@op:100000000000000001+0:after", "too large"},
      {"eio@flush:1", "no such kind of call"},
      {"eio@sync/bases:1", "\":\" is missing"},
      {"eio@sync/none:1", "no such role of a file"},
      {"enospc@read:1", "not a fault of this kind of call"},
      {"short@sync", "not a fault of this kind of call"},
      {"enospc@op:5..5", "ends before it begins"},
      {"bitrott", "left over"},
      {"life:1bitrot", "\"/\" is missing"},
      {"cut@call:1:after kill@call:2:after", "life 0 has 2 crash words"},
      {"life:1/cut@call:1:after", "life 0 needs a crash word"},
      {"cut@call:1:after life:2/bitrot", "life 1 needs a crash word"},
      {"hang@sync:1", "needs a crash word in life 0"},
  };
  for (const auto& [text, what] : wrong) {
    const auto plan = parse_plan(text);
    ASSERT_FALSE(plan.ok()) << text;
    EXPECT_EQ(plan.error().code, Errc::kInvalid);
    EXPECT_NE(plan.error().message.find(what), std::string::npos) << plan.error().message;
    EXPECT_EQ(plan.error().message.find('\n'), std::string::npos);
  }
}

RC_GTEST_PROP(PlanText, NoTextBreaksTheParser, (const std::string& text)) {
  // Near misses: a legal plan with something in it changed.
  std::string near =
      "cut@op:57+3:inside life:1/kill@call:4:after enospc@op:10..20 slow@sync:3=25ms";
  near.replace(*rc::gen::inRange<size_t>(0, near.size()), *rc::gen::inRange<size_t>(0, 4), text);
  const auto plan = parse_plan(near);
  if (plan.ok()) RC_ASSERT(*parse_plan(print(*plan)) == *plan);
}

TEST(FaultSets, ParseAndPrint) {
  EXPECT_EQ(*parse_fault_set("all"), FaultSet::all());
  EXPECT_TRUE(parse_fault_set("none")->empty());
  EXPECT_FALSE(FaultSet::legal().has(FaultClass::kBitRot));
  EXPECT_TRUE(FaultSet::legal().has(FaultClass::kRecoveryCut));
  EXPECT_EQ(*parse_fault_set("eio,power-cut"), (FaultSet{FaultClass::kPowerCut, FaultClass::kEio}));
  EXPECT_EQ(print(FaultSet{FaultClass::kEio, FaultClass::kPowerCut}), "power-cut,eio");
  std::set<std::string_view> names;
  for (int i = 0; i < kFaultClasses; ++i) {
    const auto fault = static_cast<FaultClass>(i);
    EXPECT_EQ(*parse_fault_set(name(fault)), FaultSet{fault});
    EXPECT_FALSE(describe(fault).empty());
    EXPECT_TRUE(names.insert(name(fault)).second);
    EXPECT_EQ(describe(fault).starts_with("contract violation"), is_contract_violation(fault));
  }
  for (const char* wrong : {"", "eio,", "eioo", "all,eio", "eio,none", "EIO"}) {
    EXPECT_FALSE(parse_fault_set(wrong).ok()) << wrong;
  }
}

// --- Draws ---

constexpr uint64_t kSeeds = 2'000;

Plan drawn(uint64_t seed, const PlanOptions& options) {
  sim::SeededChoices choices(seed);
  return draw_plan(choices, options);
}

TEST(PlanDraw, TheSameSeedDrawsTheSameLegalPlan) {
  PlanOptions options;
  options.enabled = FaultSet::all();
  std::set<std::string> different;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Plan plan = drawn(seed, options);
    EXPECT_EQ(plan, drawn(seed, options));
    const auto back = parse_plan(print(plan));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, plan);
    different.insert(print(plan));
  }
  EXPECT_GT(different.size(), kSeeds * 9 / 10);
}

TEST(PlanDraw, EveryClassOccursAndAQuarterIsOnlyCrashes) {
  PlanOptions options;
  options.enabled = FaultSet::all();
  std::map<FaultClass, uint64_t> seen;
  std::map<uint32_t, uint64_t> lives;
  std::set<Trigger> triggers;
  std::set<std::pair<Op, FaultKind>> errors;
  uint64_t only_crashes = 0;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Plan plan = drawn(seed, options);
    for (int i = 0; i < kFaultClasses; ++i) {
      if (plan.classes().has(static_cast<FaultClass>(i))) ++seen[static_cast<FaultClass>(i)];
    }
    if (plan.violates_contract()) {
      EXPECT_EQ(plan.faults.size(), plan.crashes() + 1) << print(plan);
    } else {
      ++lives[plan.crashes()];
    }
    only_crashes += plan.crashes() == plan.faults.size() ? 1 : 0;
    for (const Fault& fault : plan.faults) {
      if (fault.kind == FaultKind::kCrash) triggers.insert(fault.trigger);
      const bool by_operation =
          fault.trigger == Trigger::kOperationCall || fault.trigger == Trigger::kOperationMoment;
      if (fault.kind == FaultKind::kCrash && by_operation) {
        EXPECT_LE(fault.at, options.operations);
      }
      if (fault.kind == FaultKind::kEio || fault.kind == FaultKind::kEnospc)
        errors.emplace(fault.op, fault.kind);
    }
  }
  for (int i = 0; i < kFaultClasses; ++i) {
    EXPECT_GT(seen[static_cast<FaultClass>(i)], kSeeds / 200) << name(static_cast<FaultClass>(i));
  }
  EXPECT_EQ(triggers.size(), 6u);
  EXPECT_EQ(errors.size(), 17u) << "EIO on all but list, ENOSPC on what may need space";
  EXPECT_GT(only_crashes, kSeeds / 4);
  EXPECT_LT(only_crashes, kSeeds / 2);
  EXPECT_EQ(lives.size(), 4u);
  EXPECT_LT(lives[0], kSeeds / 50) << "without a crash: a swarm of one other class";
  EXPECT_GT(lives[1], lives[2]);
  EXPECT_GT(lives[2], lives[3]);
  EXPECT_GT(lives[3], kSeeds / 20);
  EXPECT_GT(seen[FaultClass::kPowerCut], seen[FaultClass::kKill]);
  // Small shares: a plan with a contract violation says nothing about the promises.
  uint64_t violations = 0;
  for (const ClassRow& row : kClassRows)
    if (is_contract_violation(row.fault)) violations += seen[row.fault];
  EXPECT_LT(violations, kSeeds / 8);
}

TEST(PlanDraw, ASwarmIsASubsetAndEachClassAloneAndAllTogetherOccur) {
  constexpr FaultSet kCrashes{FaultClass::kKill, FaultClass::kPowerCut};
  FaultSet without_eio = FaultSet::legal();
  without_eio.remove(FaultClass::kEio);
  for (const FaultSet enabled : {FaultSet::all(), FaultSet::legal(), without_eio, kCrashes}) {
    std::set<std::string> alone;
    std::set<std::string> different;
    uint64_t all = 0;
    for (uint64_t seed = 0; seed < 4 * kSeeds; ++seed) {
      sim::SeededChoices choices(seed);
      const FaultSet swarm = draw_swarm(choices, enabled);
      EXPECT_EQ(swarm | enabled, enabled) << print(swarm);
      EXPECT_FALSE(swarm.empty());
      different.insert(print(swarm));
      all += swarm == enabled ? 1 : 0;
      for (int i = 0; i < kFaultClasses; ++i) {
        const auto fault = static_cast<FaultClass>(i);
        FaultSet rest = swarm;
        rest.remove(fault);
        // A few are about crashes, and come with one.
        const bool is_alone =
            rest.empty() || (row(fault).needs_crash && (rest | kCrashes) == kCrashes);
        if (swarm.has(fault) && is_alone) alone.insert(std::string(name(fault)));
      }
    }
    EXPECT_GT(all, kSeeds / 50);
    EXPECT_GE(different.size(), enabled == kCrashes ? 3u : 150u);
    for (int i = 0; i < kFaultClasses; ++i) {
      const auto fault = static_cast<FaultClass>(i);
      EXPECT_EQ(alone.count(std::string(name(fault))), enabled.has(fault) ? 1u : 0u) << name(fault);
    }
  }
}

TEST(PlanDraw, EachClassComesOnceOrAFewTimes) {
  PlanOptions options;
  std::map<uint64_t, uint64_t> jumps;
  std::set<FileRole> roles;
  for (uint64_t seed = 0; seed < 4 * kSeeds; ++seed) {
    uint64_t count = 0;
    for (const Fault& fault : drawn(seed, options).faults) {
      count += fault.kind == FaultKind::kJump ? 1 : 0;
      if (fault.kind == FaultKind::kEio || fault.kind == FaultKind::kEnospc)
        roles.insert(fault.role);
    }
    ++jumps[count];
  }
  EXPECT_EQ(jumps.size(), 5u) << "none to four";
  EXPECT_GT(jumps[0], jumps[1]);
  EXPECT_GT(jumps[1], jumps[2] + jumps[3] + jumps[4]);
  EXPECT_EQ(roles.size(), 4u) << "any file, base, manifest, checkpoint";
}

TEST(PlanDraw, WhatIsNotEnabledNeverOccurs) {
  for (int i = 0; i < kFaultClasses; ++i) {
    PlanOptions without;
    without.enabled = FaultSet::all();
    without.enabled.remove(static_cast<FaultClass>(i));
    PlanOptions only;
    only.enabled = FaultSet{static_cast<FaultClass>(i)};
    FaultSet seen_only;
    for (uint64_t seed = 0; seed < kSeeds / 4; ++seed) {
      EXPECT_FALSE(drawn(seed, without).classes().has(static_cast<FaultClass>(i)));
      const FaultSet seen = drawn(seed, only).classes();
      EXPECT_TRUE(seen.empty() || seen == only.enabled);
      seen_only = seen_only | seen;
    }
    // Some are about crashes and need a kind of crash enabled beside them.
    const auto fault = static_cast<FaultClass>(i);
    EXPECT_EQ(seen_only.empty(), row(fault).needs_crash) << name(fault);
  }
  EXPECT_TRUE(drawn(1, {FaultSet(), 100, 3}).faults.empty());
  for (uint64_t seed = 0; seed < 100; ++seed) {
    EXPECT_EQ(drawn(seed, {FaultSet{FaultClass::kPowerCut}, 0, 1}).faults.size(), 1u);
  }
}

}  // namespace
}  // namespace powercut::faults
