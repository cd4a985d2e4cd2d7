// A run is a function of its specification: the same trace again, and on another thread. Other
// compilers and build types: scenarios/determinism.sh.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "scenarios/run/catalog.h"
#include "scenarios/run/run.h"
#include "scenarios/run/targets.h"
#include "scenarios/run/watched.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {
namespace {

constexpr uint64_t kSpecs = 210;

// All policies, personas and workloads in turn, with all faults. The workloads are generated once: that takes as long
// as a hundred runs.
const SweepOptions& everything() {
  static const SweepOptions all = [] {
    SweepOptions options;
    for (const Builtin& builtin : builtin_workloads()) {
      options.workloads.push_back(make_builtin(builtin.name, 1));
    }
    for (const Policy& policy : all_policies()) options.policies.push_back(&policy);
    for (const auto& persona : faults::all_personas()) options.personas.push_back(&persona);
    options.operations = 60;
    return options;
  }();
  return all;
}

struct Trace {
  uint64_t hash = 0;
  uint64_t events = 0;
  uint64_t acked = 0;
  std::string violation;
  bool operator==(const Trace&) const = default;
};

Trace trace_of(const RunSpec& spec) {
  const RunResult result = run_once(spec);
  EXPECT_EQ(result.harness_fault, "") << run_id(spec);
  return {result.trace_hash, result.events, result.acked,
          result.violation ? result.violation->text : ""};
}

// Every so many-th spec, so that policies, personas and workloads are mixed.
RunSpec spec_number(const SweepOptions& options, uint64_t number) {
  return spec_of(options, 1 + number * 31);
}

TEST(Determinism, TheSameRunAgainHasTheSameTrace) {
  const SweepOptions& options = everything();
  std::set<uint64_t> hashes;
  std::set<std::string> policies, personas, workloads;
  for (uint64_t i = 0; i < kSpecs; ++i) {
    const RunSpec spec = spec_number(options, i);
    const Trace first = trace_of(spec);
    EXPECT_TRUE(first == trace_of(spec)) << run_id(spec);
    hashes.insert(first.hash);
    policies.emplace(spec.policy->name);
    personas.emplace(spec.persona->name);
    workloads.insert(spec.workload->name);
  }
  EXPECT_EQ(hashes.size(), kSpecs);  // a hash that never changes proves nothing
  EXPECT_EQ(policies.size(), options.policies.size());
  EXPECT_EQ(personas.size(), options.personas.size());
  EXPECT_EQ(workloads.size(), options.workloads.size());
}

// Nothing of a run lives outside it: neither what ran before on the thread nor what runs beside it.
TEST(Determinism, ThreadsDoNotMeet) {
  const SweepOptions& options = everything();
  std::vector<Trace> forward(kSpecs), backward(kSpecs);
  std::thread one([&] {
    for (uint64_t i = 0; i < kSpecs; ++i) forward[i] = trace_of(spec_number(options, i));
  });
  std::thread two([&] {
    for (uint64_t i = kSpecs; i-- > 0;) backward[i] = trace_of(spec_number(options, i));
  });
  one.join();
  two.join();
  for (uint64_t i = 0; i < kSpecs; ++i) {
    EXPECT_TRUE(forward[i] == backward[i]) << run_id(spec_number(options, i));
  }
}

// One that watches changes nothing.
TEST(Determinism, AListenerChangesNothing) {
  class Counter final : public sim::TraceListener {
   public:
    void on_event(const sim::Event&) override { ++count; }
    uint64_t count = 0;
  };
  const SweepOptions& options = everything();
  for (uint64_t i = 0; i < 20; ++i) {
    const RunSpec spec = spec_number(options, i);
    Counter counter;
    const RunResult watched = run_once(spec, {}, {.trace = &counter});
    EXPECT_EQ(watched.trace_hash, trace_of(spec).hash) << run_id(spec);
    EXPECT_EQ(watched.events, counter.count) << run_id(spec);
  }
}

// Who stands between the judge and the engine changes nothing either, whatever the engine and whatever its clients ask:
// the runs and the verdicts are those that a sweep has seen.
TEST(Determinism, AWatchedEngineIsJudgedAsItWouldBe) {
  class Witness final : public EngineWitness {
   public:
    void on_request(Instant, uint64_t, std::string_view) override { ++requests; }
    void on_reply(Instant, uint64_t, const sim::Reply&) override {}
    void on_operation(Instant, uint64_t, std::optional<uint64_t>) override {}
    void on_call(const Call&) override {}
    uint64_t requests = 0;
  };
  std::set<std::string_view> kinds;  // of the modes of one engine one is enough
  for (const TargetType* target : all_targets()) {
    if (!kinds.insert(target->name().substr(0, target->name().find(':'))).second) continue;
    SweepOptions options = everything();
    options.target = target;
    if (!target->workloads().empty()) options.workloads = target->workloads();
    std::erase_if(options.policies, [&](const Policy* policy) {
      const auto own = target->policies();
      return !own.empty() && std::find(own.begin(), own.end(), policy->name) == own.end();
    });
    ASSERT_FALSE(options.policies.empty()) << target->name();
    options.faults = target->faults();
    Witness witness;
    for (uint64_t i = 0; i < (target == &store() ? 60 : 2); ++i) {
      const RunSpec spec = spec_number(options, i);
      WatchedEngine engine(witness);
      const RunResult watched = run_once(spec, {}, {.engine = &engine});
      const Trace plain = trace_of(spec);
      EXPECT_EQ(watched.trace_hash, plain.hash) << run_id(spec);
      EXPECT_EQ(watched.violation ? watched.violation->text : "", plain.violation) << run_id(spec);
    }
    EXPECT_GT(witness.requests, 0u) << target->name();
  }
}

// A workload is a function of its name and seed as well.
TEST(Determinism, AGeneratedWorkloadIsTheSameAgain) {
  for (const WorkloadPtr& one : everything().workloads) {
    const auto two = make_builtin(one->name, 1);
    ASSERT_NE(two, nullptr) << one->name;
    ASSERT_NE(one, two) << "generated once";
    ASSERT_EQ(one->units.size(), two->units.size());
    for (size_t i = 0; i < one->units.size(); ++i) {
      ASSERT_EQ(one->units[i].db, two->units[i].db);
      ASSERT_EQ(one->units[i].requests, two->units[i].requests) << one->name << " " << i;
    }
  }
}

}  // namespace
}  // namespace powercut::scenarios
