// e02: how much does a crash really lose, beside what the policy promises? See README.md.
#include <algorithm>
#include <vector>

#include "experiments/common/results.h"
#include "faults/personas.h"
#include "scenarios/judge/policy.h"
#include "scenarios/run/run.h"
#include "scenarios/workload/workload.h"
#include "sim/choices.h"
#include "sim/request.h"

namespace powercut::experiments {
namespace {

using scenarios::Loss;
using scenarios::Policy;
using sim::CrashKind;

constexpr uint64_t kSeeds = 1000;       // a policy, a persona and a kind of crash
constexpr uint64_t kOperations = 1000;  // issued at most before the crash
constexpr uint64_t kKeys = 64;
constexpr std::string_view kPersonas[] = {"ext4-ordered", "ext4-journal", "xfs", "btrfs",
                                          "posix-min"};

scenarios::Workload make_workload() {
  scenarios::Workload workload;
  workload.name = "sets";
  for (uint64_t i = 0; i < kOperations; ++i) {
    workload.units.push_back({0,
                              {sim::encode_request({"SET", fmt::format("key:{}", i % kKeys),
                                                    fmt::format("value:{:08}", i)})}});
  }
  return workload;
}

// One crash, at any moment of the run: an operation, and a while later.
faults::Plan one_crash(uint64_t seed, CrashKind kind) {
  sim::SeededChoices choices(seed);
  faults::Fault crash;
  crash.crash = kind;
  crash.trigger = faults::Trigger::kOperationMoment;
  crash.at = choices.choose("e02.operation", 0, kOperations);
  crash.delay = nanoseconds(static_cast<int64_t>(
      choices.choose("e02.delay", 0, uint64_t{1'000'000} << choices.choose("e02.scale", 0, 11))));
  return {{crash}};
}

struct Sample {
  std::vector<Loss> losses;  // one a judged crash
  uint64_t acked = 0;
  uint64_t violations = 0;
};

Sample measure(const scenarios::Workload& workload, const Policy& policy,
               const faults::Persona& persona, CrashKind kind) {
  Sample sample;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    scenarios::RunSpec spec;
    spec.workload = &workload;
    spec.policy = &policy;
    spec.persona = &persona;
    spec.operations = kOperations;
    spec.seed = seed;
    scenarios::Stated stated;
    stated.plan = one_crash(seed, kind);
    // One crash a run: the distribution is that of the moments drawn.
    stated.beside = scenarios::Beside::kNothing;
    const auto result = scenarios::run_once(spec, stated);
    if (!result.harness_fault.empty()) {
      fmt::print(stderr, "{}: {}\n", scenarios::run_id(spec), result.harness_fault);
      std::exit(4);
    }
    sample.violations += result.violation ? 1 : 0;
    sample.acked += result.acked;
    if (result.recoveries == 1) sample.losses.push_back(result.worst);
  }
  return sample;
}

// The value that `permille` of all do not exceed.
template <class Of>
int64_t quantile(std::vector<Loss> losses, uint64_t permille, Of of) {
  std::sort(losses.begin(), losses.end(),
            [&](const Loss& a, const Loss& b) { return of(a) < of(b); });
  const size_t rank = (losses.size() * permille + 999) / 1000;
  return of(losses[std::max<size_t>(rank, 1) - 1]);
}

int64_t age_of(const Loss& loss) { return loss.age_ms; }
int64_t operations_of(const Loss& loss) { return static_cast<int64_t>(loss.operations); }

// The largest age / bound over all crashes, as text; "-" where nothing is promised in milliseconds.
std::string tightness(const std::vector<Loss>& losses) {
  int64_t worst = -1;
  for (const Loss& loss : losses) {
    if (loss.bound_ms > 0) worst = std::max(worst, loss.age_ms * 1'000'000 / loss.bound_ms);
  }
  return worst < 0 ? "-" : ratio(static_cast<uint64_t>(worst), 1'000'000);
}

void write_quantiles(Csv& csv, const Policy& policy, const faults::Persona& persona,
                     std::string_view crash, const Sample& sample) {
  const auto& losses = sample.losses;
  uint64_t with_loss = 0;
  int64_t bound_min = INT64_MAX;
  int64_t bound_max = INT64_MIN;
  int64_t span_max = 0;
  for (const Loss& loss : losses) {
    with_loss += loss.operations > 0 ? 1 : 0;
    bound_min = std::min(bound_min, loss.bound_ms);
    bound_max = std::max(bound_max, loss.bound_ms);
    span_max = std::max(span_max, loss.span_ms);
  }
  csv.row(policy.name, persona.name, crash, losses.size(), sample.violations, sample.acked,
          with_loss, quantile(losses, 500, operations_of), quantile(losses, 900, operations_of),
          quantile(losses, 990, operations_of), quantile(losses, 1000, operations_of),
          quantile(losses, 500, age_of), quantile(losses, 900, age_of),
          quantile(losses, 990, age_of), quantile(losses, 1000, age_of), span_max, bound_min,
          bound_max, tightness(losses));
}

// How many crashes lost an acknowledgement at least that old.
void write_survival(Csv& csv, const Policy& policy, const faults::Persona& persona,
                    const std::vector<Loss>& losses) {
  const int64_t step_ms = policy.everysec()                                   ? 25
                          : policy.kind == scenarios::PolicyKind::kCheckpoint ? 200
                                                                              : 1000;
  constexpr int64_t kSteps = 60;
  for (int64_t step = 0; step <= kSteps; ++step) {
    const int64_t from = step * step_ms;
    const auto count = std::count_if(losses.begin(), losses.end(), [&](const Loss& loss) {
      return loss.operations > 0 && loss.age_ms >= from;
    });
    csv.row(policy.name, persona.name, from, count,
            ratio(static_cast<uint64_t>(count), losses.size(), 6));
  }
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  const scenarios::Workload workload = make_workload();
  Csv quantiles(
      "policy,persona,crash,crashes,violations,acked_ops,crashes_with_loss,lost_ops_p50,"
      "lost_ops_p90,lost_ops_p99,lost_ops_max,lost_ms_p50,lost_ms_p90,lost_ms_p99,lost_ms_max,"
      "span_ms_max,bound_ms_min,bound_ms_max,tightness");
  Csv survival("policy,persona,lost_ms_at_least,crashes,share");
  uint64_t runs = 0;
  for (const scenarios::Policy& policy : scenarios::all_policies()) {
    if (policy.kind == scenarios::PolicyKind::kNone) continue;  // promises and keeps nothing
    for (const std::string_view name : kPersonas) {
      const faults::Persona& persona = *faults::find_persona(name);
      for (const CrashKind kind : {CrashKind::kPowerCut, CrashKind::kKill}) {
        if (output.sample() && (runs > 0 || !policy.everysec())) continue;
        const bool cut = kind == CrashKind::kPowerCut;
        const Sample sample = measure(workload, policy, persona, kind);
        write_quantiles(quantiles, policy, persona, cut ? "power-cut" : "kill", sample);
        if (cut) write_survival(survival, policy, persona, sample.losses);
        runs += kSeeds;
      }
    }
  }
  output.write("data.csv", quantiles.bytes());
  output.write("survival.csv", survival.bytes());
  output.write_run({"e02_loss_against_promise", 1, kSeeds, runs});
}
