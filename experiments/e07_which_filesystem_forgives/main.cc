// Which missing sync does which filesystem forgive? Each of the store's syncs is left out in turn, and every
// crash of one short run explored.
#include <fmt/format.h>

#include "experiments/common/results.h"
#include "scenarios/explore/fences.h"
#include "scenarios/run/catalog.h"

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  const auto workload = scenarios::find_workload("demo8").value();
  Csv csv("fence,persona,policy,issued,classes,violations,complete,oracle");
  uint64_t explorations = 0;
  for (const faults::MutantInfo* fence : scenarios::known_fences()) {
    if (output.sample() && explorations > 20) break;
    for (const faults::Persona& persona : faults::all_personas()) {
      if (!persona.keeps_synced) continue;  // no sync does anything there
      for (const char* policy : {"always", "everysec", "hybrid-always", "checkpoint"}) {
        scenarios::ExploreSpec spec;
        spec.workload = workload.get();
        spec.policy = scenarios::find_policy(policy);
        spec.personas = {&persona};
        spec.mutant = fence;
        const scenarios::Exploration explored = scenarios::explore(spec);
        const scenarios::Explored& found = explored.by_persona.front();
        // The same crashes as with it: then the run never came to it.
        spec.mutant = nullptr;
        const scenarios::Exploration whole = scenarios::explore(spec);
        const bool issued = whole.by_persona.front().legal_images != found.legal_images ||
                            whole.by_persona.front().crash_points != found.crash_points;
        csv.row(
            fence->fence.name, persona.name, policy, issued ? 1 : 0, found.classes,
            found.violations, found.complete ? 1 : 0,
            found.first.empty() ? "-" : scenarios::code_of(found.first.front().violation.breach));
        ++explorations;
      }
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e07_which_filesystem_forgives", 1, 1, explorations});
}
