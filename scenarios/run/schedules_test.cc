// Schedules: every ordering of a small run, with planted bugs that only some orderings show.
#include "scenarios/run/schedules.h"

#include <gtest/gtest.h>

#include "scenarios/run/catalog.h"
#include "scenarios/run/run.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

// A few operations of two clients that never wait; a power cut when all are answered and some
// seconds have passed.
struct Small {
  Small(const char* policy, std::string_view mutant) : workload(make_builtin("mixed", 1)) {
    spec.workload = workload.get();
    spec.policy = find_policy(policy);
    spec.persona = faults::find_persona("ext4-ordered");
    spec.mutant = mutant.empty() ? nullptr : faults::find_mutant(mutant);
    spec.operations = 4;
    stated.plan = *faults::parse_plan("cut@idle:3s");
    stated.manners = Manners{};
    stated.manners->clients = 2;
    if (spec.policy->kind == PolicyKind::kHybridEverysec) {
      stated.manners->admin = {sim::encode_request({"BGREWRITEAOF"})};
      stated.manners->admin_one_in = 1;
    }
  }
  WorkloadPtr workload;
  RunSpec spec;
  Stated stated;
};

constexpr uint64_t kDelays = 1;
constexpr uint64_t kMost = 3'000;

TEST(Schedules, TheCleanEngineHoldsUnderEveryOrdering) {
  for (const char* policy : {"always", "everysec", "hybrid-everysec"}) {
    const Small small(policy, "");
    const auto found = walk_schedules(small.spec, small.stated, kDelays, kMost);
    EXPECT_TRUE(found.complete) << policy;
    EXPECT_EQ(found.violations, 0u) << policy << ": " << found.first_violation
                                    << (found.violation ? found.violation->text : "");
    EXPECT_GT(found.schedules, 5u) << policy;
    EXPECT_GE(found.schedules, found.traces);
  }
}

// A write must come between the begin and the end of a sync, and none after it.
TEST(Schedules, TheWalkFindsARaceThatFifoDoesNotShow) {
  Small small("everysec", "cover-read-late");
  auto found = walk_schedules(small.spec, small.stated, kDelays, kMost);
  // Not every few operations have a write at that moment.
  while (found.violations == 0 && small.spec.seed < 40) {
    ++small.spec.seed;
    found = walk_schedules(small.spec, small.stated, kDelays, kMost);
  }
  EXPECT_EQ(walk_schedules(small.spec, small.stated, 0, kMost).violations, 0u);
  EXPECT_TRUE(found.complete);
  EXPECT_GT(found.violations, 0u);
  EXPECT_LT(found.violations, found.schedules);
  small.spec.mutant = nullptr;
  EXPECT_EQ(walk_schedules(small.spec, small.stated, kDelays, kMost).violations, 0u);
}

TEST(Schedules, WhatTheWalkFoundReplaysFromItsDeviations) {
  const Small small("always", "ack-before-sync");
  const auto found = walk_schedules(small.spec, small.stated, kDelays, kMost);
  const auto recipe = parse_run_id(found.first_violation);
  ASSERT_TRUE(recipe.ok()) << recipe.error().message;
  RunSpec again = small.spec;
  again.schedule = recipe->spec.schedule;
  const RunResult result = run_once(again, small.stated);
  EXPECT_FALSE(departure(*recipe->fingerprint, result.fingerprint).has_value());
  ASSERT_TRUE(result.violation.has_value());
  EXPECT_EQ(result.violation->text, found.violation->text);
}

TEST(Schedules, PctFindsTheRace) {
  Small small("everysec", "cover-read-late");
  small.spec.schedule.kind = ScheduleKind::kPct;
  small.stated.beside = Beside::kNothing;
  // Not every few operations have a write at that moment.
  bool found = false;
  for (small.spec.seed = 1; !found && small.spec.seed <= 3000; ++small.spec.seed)
    found = run_once(small.spec, small.stated).violation.has_value();
  EXPECT_TRUE(found);
}

TEST(Schedules, TheirTextParsesBack) {
  for (const char* text : {"random", "pct", "fifo", "fifo+0.1", "fifo+17.1+40.2"}) {
    const auto schedule = parse_schedule(text);
    ASSERT_TRUE(schedule.has_value()) << text;
    EXPECT_EQ(print(*schedule), text);
  }
  for (const char* text : {"", "lifo", "fifo+", "fifo+1", "fifo+1.", "fifo+4.1+3.1", "fifo+1.1x"})
    EXPECT_FALSE(parse_schedule(text).has_value()) << text;
}

}  // namespace
}  // namespace powercut::scenarios
