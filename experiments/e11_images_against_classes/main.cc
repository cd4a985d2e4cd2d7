// Legal images of a run grow as a product, what recovery can tell apart does not: both, counted exactly, as the run
// gets longer.
#include <fmt/format.h>

#include "experiments/common/results.h"
#include "scenarios/explore/explore.h"
#include "sim/request.h"

namespace powercut::experiments {
namespace {

scenarios::Workload make_workload(uint64_t operations) {
  scenarios::Workload workload;
  workload.name = "sets";
  for (uint64_t i = 0; i < operations; ++i)
    workload.units.push_back(
        {0,
         {sim::encode_request({"SET", fmt::format("key:{}", i), fmt::format("value:{:060}", i)})}});
  return workload;
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "operations,policy,persona,crash_points,images,images_exact,classes,recoveries_run,complete");
  uint64_t explorations = 0;
  for (const char* policy : {"everysec", "no"}) {
    for (const char* name : {"ext4-ordered", "posix-min", "xfs", "ext4-journal"}) {
      for (const uint64_t operations : {1, 2, 3, 5, 8, 12, 16, 24, 32, 48, 64}) {
        if (output.sample() && operations > 5) continue;
        const auto built = make_workload(operations);
        scenarios::ExploreSpec spec;
        spec.workload = &built;
        spec.policy = scenarios::find_policy(policy);
        spec.personas = {faults::find_persona(name)};
        const scenarios::Exploration explored = scenarios::explore(spec);
        const scenarios::Explored& found = explored.by_persona.front();
        // Rounded for plotting; the digits beside it are exact.
        const std::string& digits = found.legal_images;
        csv.row(
            operations, policy, name, found.crash_points,
            fmt::format("{}e{}",
                        digits.substr(0, 1) + "." + (digits.size() > 1 ? digits.substr(1, 3) : "0"),
                        digits.size() - 1),
            digits, found.classes, explored.recoveries_run, found.complete ? 1 : 0);
        ++explorations;
      }
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e11_images_against_classes", 1, 1, explorations});
}
