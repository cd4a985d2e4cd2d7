// Stores started on copies of a disk that a life has left, and asked for what has its time: a checkpoint by the rule that is due
// first, the end of a wait, what somebody watches that expires, how long ago a key was used, and which keys go for want of memory.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_timed_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
