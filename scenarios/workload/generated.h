// Generated workloads: a grammar of commands over a few keys, and RapidCheck draws sentences of it.
// With a fixed seed and size a workload is the same everywhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "scenarios/workload/workload.h"

namespace powercut::scenarios {

// The generated ones, for builtin_workloads().
const std::vector<Builtin>& generated_workloads();
// REQUIRES: `name` is one of them.
Workload generate_workload(std::string_view name, uint64_t seed);
// "rows", of those that have no other persistence than a database (TargetType::workloads()): strings and hashes in several
// databases; now and then what has no row, and is refused.
Workload generate_rows(uint64_t seed);
// "shared-rows": the same beside another program's rows, in databases of which one keeps them.
Workload generate_shared_rows(uint64_t seed);

}  // namespace powercut::scenarios
