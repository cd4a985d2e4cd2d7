// What is to be run, by the names that a person gives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

// The options that sweep and run share, as text.
struct CommonOptions {
  std::string target;    // empty: the first of all_targets()
  std::string workload;  // empty: the target's first, else "mixed"
  std::string policy = "all";
  std::string persona = "all";
  std::string faults = "all";
  std::string mutant;
  std::string schedule = "random";
  std::string beside;  // empty: as RunSpec says
  uint64_t operations = 200;
};
// What an empty CommonOptions::workload is, of the target that is meant if none is named.
std::string default_workload();
// The same of what is explored: a target with workloads of its own has its shortest one in place of kExplored.
inline constexpr std::string_view kExplored = "demo40";
std::string workload_to_explore(const std::string& target, const std::string& workload);
// "a,b" -> "a", "b".
std::vector<std::string> comma_separated(const std::string& text);

// The same, looked up.
//   Errors: kInvalid: a name is unknown. Otherwise of the workload.
Result<SweepOptions> look_up(const CommonOptions& options);

}  // namespace powercut::scenarios
