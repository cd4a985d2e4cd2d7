// A CHECK of an engine is a verdict about that engine, and the process goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/check.h"
#include "scenarios/run/run.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

// Answers, and keeps nothing. At request `dies_at` a CHECK of it fails; so does its start, on a disk that it has
// seen before, if that is 0.
class Mortal final : public sim::Target {
 public:
  explicit Mortal(uint64_t dies_at) : dies_at_(dies_at) {}
  void apply(uint64_t, std::string_view) override {
    if (++requests_ == dies_at_) check_failed("/src/engine/mortal.cc", 7, "immortal");
    happened(requests_);
    ++due_;
  }
  std::optional<sim::Reply> acknowledged(uint64_t, Instant) override {
    if (due_ == 0) return std::nullopt;
    --due_;
    return sim::Reply{"+OK\r\n"};
  }
  uint64_t digest(int64_t) override { return requests_; }
  sim::Promise promise() override { return {.given = false}; }
  Result<void> shut_down() override { return {}; }

 private:
  uint64_t dies_at_;
  uint64_t requests_ = 0;
  uint64_t due_ = 0;
};

class MortalType final : public TargetType {
 public:
  explicit MortalType(uint64_t dies_at) : dies_at_(dies_at) {}
  std::string_view name() const override { return "mortal"; }
  std::string_view about() const override { return "fails a CHECK of its own"; }
  Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings&) const override {
    if (!os.make_directory("seen").ok() && dies_at_ == 0)
      check_failed("/src/engine/mortal.cc", 3, "not seen");
    return std::unique_ptr<sim::Target>(std::make_unique<Mortal>(dies_at_));
  }

 private:
  uint64_t dies_at_;
};

std::optional<Violation> verdict_on(uint64_t dies_at) {
  const MortalType type(dies_at);
  Workload workload;
  for (int i = 0; i < 8; ++i)
    workload.units.push_back({0, {sim::encode_request({"SET", "a", "1"})}});
  RunSpec spec;
  spec.target = &type;
  spec.workload = &workload;
  spec.policy = find_policy("no");
  spec.persona = faults::find_persona("ext4-ordered");
  Stated stated;
  stated.plan = *faults::parse_plan("kill@idle:0ns");
  return run_once(spec, stated).violation;
}

TEST(EndsItself, InTheMiddleOfARequest) {
  for (int i = 0; i < 3; ++i) {
    const auto violation = verdict_on(5);
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->breach, Breach::kDies);
    EXPECT_EQ(violation->text, "engine/mortal.cc: CHECK failed: immortal");
  }
}

TEST(EndsItself, WhileItRecovers) {
  const auto violation = verdict_on(0);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->breach, Breach::kDies);
  EXPECT_EQ(violation->text, "engine/mortal.cc: CHECK failed: not seen");
}

// What is wrong with the harness is not held against the engine.
TEST(EndsItselfDeathTest, ACheckOfTheHarnessEndsTheProcess) {
  EXPECT_DEATH(check_failed("/src/sim/disk.cc", 1, "sound"), "sim/disk.cc:1: CHECK failed: sound");
}

}  // namespace
}  // namespace powercut::scenarios
