// A checkpoint's rename that is reported as failed, and happened: whichever of the two files stands, and wherever the
// process or the power goes next, the numbers that a start gives are those of what it holds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "faults/personas.h"
#include "scenarios/run/run.h"
#include "scenarios/workload/workload.h"

namespace powercut::scenarios {
namespace {

class DoubtfulCheckpoint : public ::testing::TestWithParam<const char*> {
 protected:
  // Runs in which the rename was denied.
  uint64_t denied = 0;

  void run(uint64_t seed, const std::string& words) {
    RunSpec spec;
    static const WorkloadPtr workload = make_builtin("mixed", 1);
    spec.workload = workload.get();
    spec.policy = find_policy("checkpoint");
    spec.persona = faults::find_persona(GetParam());
    spec.operations = 20;
    spec.seed = seed;
    auto plan = faults::parse_plan(words);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    const RunResult result = run_once(spec, {.plan = *plan});
    for (const auto& hit : result.hits)
      denied += hit.fault == faults::FaultClass::kDeniedRename ? 1 : 0;
    ASSERT_FALSE(result.violation)
        << run_id(spec) << ' ' << words << ": " << result.violation->text;
    ASSERT_NE(result.stop, Stop::kHarnessFault) << result.harness_fault;
  }
};

TEST_P(DoubtfulCheckpoint, KilledOrCutBehindIt) {
  uint64_t seed = 0;
  for (const char* crash : {"kill", "cut"})
    for (const char* call :
         {"write:0:after", "sync:0:inside", "sync:0:returning", "sync:1:after", "link:0:after",
          "rename:0:inside", "rename:0:after", "rename:1:after", "sync_directory:0:inside",
          "sync_directory:0:returning", "remove:0:after", "remove:1:after"})
      for (int denied_at = 0; denied_at < 3; ++denied_at) {
        const std::string first =
            fmt::format("denied@rename:{} {}@error/{} ", denied_at, crash, call);
        for (const char* next : {"life:1/cut@op:3+0:before", "life:1/cut@sync_directory:0:before",
                                 "life:1/kill@rename:0:after life:2/cut@call:3:before"})
          run(++seed, first + next);
      }
  EXPECT_GT(denied, 40u);
}

TEST_P(DoubtfulCheckpoint, KilledWhileTheNextSyncHangs) {
  for (uint64_t seed = 1; seed <= 40; ++seed)
    for (const char* hung : {"sync", "sync_directory"})
      run(seed, fmt::format("denied@rename:{} hang@error/{}:0 kill@error/{}:0~1500ms "
                            "life:1/cut@op:5+2:inside",
                            seed % 3, hung, hung));
  EXPECT_GT(denied, 20u);
}

INSTANTIATE_TEST_SUITE_P(Personas, DoubtfulCheckpoint,
                         ::testing::Values("ext3-ordered", "ext4-ordered", "posix-min", "btrfs"));

}  // namespace
}  // namespace powercut::scenarios
