// Everything that has a name on the command line: workloads by name or path, and a run by its ID.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/run/run.h"
#include "scenarios/run/targets.h"

namespace powercut::scenarios {

using WorkloadPtr = std::shared_ptr<const Workload>;

// One of the target's own, a built-in one, a name found in scenarios/workloads (with or without ".aof"), or a path.
//   Errors: kInvalid: no such name. Otherwise as load_workload; kCorrupt where the target's judge has no
//   model of a request in it (TargetType::not_modelled()), or nothing in it writes.
Result<WorkloadPtr> find_workload(const std::string& name, const TargetType& target = store());

struct WorkloadEntry {
  std::string name;
  std::string about;
};
// The built-in ones, then the recorded ones that are shipped.
std::vector<WorkloadEntry> list_workloads();

// A run's ID, taken apart. Owns what the specification points to.
struct Recipe {
  WorkloadPtr workload;
  RunSpec spec;
  std::optional<Fingerprint> fingerprint;  // of the run that the ID was printed for
};
// The inverse of run_id(), and of replay_id().
//   Errors: kInvalid: not an ID, or it names something unknown. Otherwise as load_workload.
Result<Recipe> parse_run_id(std::string_view id);

// What is judged beside a run is power cuts.
//   Errors: kInvalid: there are none among the faults.
Result<void> check_beside(std::optional<Beside> beside, const faults::FaultSet& faults);

// "PROGRAM replay ID", quoted for a shell where it must be.
std::string replay_command(std::string_view program, std::string_view id);

}  // namespace powercut::scenarios
