// Starts on copies of a disk that a life has left, disturbed: beside a file that nothing names, with a call that fails, with a
// crash; and the jobs that a store is asked for, likewise.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_disturbed_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
