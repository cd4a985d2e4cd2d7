// e09: after a failed sync: what became of the acknowledged writes, by what the store does and by what the kernel does. See
// README.md.
#include <fmt/format.h>

#include <array>

#include "experiments/common/results.h"
#include "faults/mutants.h"
#include "faults/personas.h"
#include "scenarios/judge/policy.h"
#include "scenarios/run/run.h"
#include "sim/choices.h"
#include "sim/request.h"

namespace powercut::experiments {
namespace {

constexpr uint64_t kSeeds = 1000;
constexpr uint64_t kOperations = 60;

struct Model {
  std::string_view name;  // as the axis has it
  std::string_view persona;
};
constexpr Model kModels[] = {
    {"ext4-ordered", "ext4-ordered"},
    {"ext4-data", "ext4-journal"},
    {"xfs", "xfs"},
    {"btrfs", "btrfs"},
    {"ext4-ordered-2020", "ext4-ordered/failed-sync=ext4-ordered-2020"},
    {"ext4-data-2020", "ext4-journal/failed-sync=ext4-data-2020"},
    {"xfs-2020", "xfs/failed-sync=xfs-2020"},
    {"btrfs-2020", "btrfs/failed-sync=btrfs-2020"},
};

struct Strategy {
  std::string_view name;
  std::string_view mutant;  // empty: the store as it is
  bool exits;               // it is killed before it can do anything about the error
};
constexpr Strategy kStrategies[] = {
    {"heal", "", false},
    {"exit; write the tail again", "", true},
    {"exit; believe the cache", "tail-not-written-again", true},
    {"retry", "sync-error-retried", false},
    {"ignore", "sync-error-ignored", false},
};

scenarios::Workload make_workload() {
  scenarios::Workload workload;
  workload.name = "sets";
  for (uint64_t i = 0; i < kOperations; ++i)
    workload.units.push_back({0,
                              {sim::encode_request({"SET", fmt::format("key:{}", i % 16),
                                                    fmt::format("value:{:08}", i)})}});
  return workload;
}

// A sync fails while the store serves; then it exits, or serves on; and some operations later the power is cut.
faults::Plan make_plan(const Strategy& strategy, uint64_t seed) {
  sim::SeededChoices choices(seed);
  const uint64_t sync = choices.choose("e09.sync", 0, 30);
  const uint64_t later = 1 + choices.choose("e09.later", 0, 20);
  const auto text =
      strategy.exits
          ? fmt::format("eio@served/sync:{} kill@error/open:0:before life:1/cut@op:{}+0:before",
                        sync, later)
          : fmt::format("eio@served/sync:{} cut@op:{}+0:before", sync, sync + later);
  return faults::parse_plan(text).value();
}

enum class Outcome : uint8_t { kNotReached, kHeld, kRefused, kLost, kNoStart };
constexpr std::array<std::string_view, 5> kOutcomes{"not_reached", "held", "refused", "lost",
                                                    "no_start"};

Outcome outcome_of(const scenarios::RunResult& result) {
  bool failed = false;
  for (const auto& hit : result.hits) failed |= hit.fault == faults::FaultClass::kEio;
  if (!failed) return Outcome::kNotReached;
  if (result.violation)
    return scenarios::code_of(result.violation->breach) == "NOS" ? Outcome::kNoStart
                                                                 : Outcome::kLost;
  if (result.refused) return Outcome::kRefused;
  return result.lost_operations_max > 0 ? Outcome::kLost : Outcome::kHeld;
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  const scenarios::Workload workload = make_workload();
  Csv csv("strategy,model,policy,runs,held,refused,lost,no_start,codes");
  uint64_t runs = 0;
  for (const Strategy& strategy : kStrategies) {
    for (const Model& model : kModels) {
      if (output.sample() && runs > 1000) break;
      std::array<uint64_t, 5> count{};
      std::map<std::string, uint64_t> codes;
      for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
        scenarios::RunSpec spec;
        spec.workload = &workload;
        spec.policy = scenarios::find_policy("always");
        spec.persona = faults::find_persona(model.persona);
        spec.operations = kOperations;
        spec.seed = seed;
        spec.mutant = strategy.mutant.empty() ? nullptr : faults::find_mutant(strategy.mutant);
        scenarios::Stated stated;
        stated.plan = make_plan(strategy, seed);
        stated.beside = scenarios::Beside::kNothing;
        const auto result = scenarios::run_once(spec, stated);
        if (!result.harness_fault.empty()) {
          fmt::print(stderr, "{}: {}\n", scenarios::run_id(spec), result.harness_fault);
          return 4;
        }
        ++count[static_cast<size_t>(outcome_of(result))];
        if (result.violation) ++codes[std::string(scenarios::code_of(result.violation->breach))];
      }
      std::string list;
      for (const auto& [code, n] : codes)
        list += fmt::format("{}{} {}", list.empty() ? "" : " ", code, n);
      csv.row(strategy.name, model.name, "always", kSeeds - count[0], count[1], count[2], count[3],
              count[4], list.empty() ? "-" : list);
      runs += kSeeds;
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e09_after_a_failed_sync", 1, kSeeds, runs});
}
