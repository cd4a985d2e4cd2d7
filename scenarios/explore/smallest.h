// What an exploration found, as small as it gets: the workload is cut by exploring it again, and
// what is left is shrunk as any scenario is.
#pragma once

#include <string>

#include "scenarios/explore/explore.h"
#include "scenarios/shrink/shrink.h"

namespace powercut::scenarios {

// `shrunk` as shrink() gives it; its operations_before are the workload's.
//   Errors: kInvalid: it does not come about in a plain run; the line says why.
Result<Shrunk> smallest(const ExploreSpec& spec, const ExploredViolation& found);

}  // namespace powercut::scenarios
