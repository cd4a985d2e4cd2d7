// Stores started on copies of a disk that a life has left, and what INFO says there, held against what the judge counts itself:
// who is connected, waits, listens and is told of keys, what was refused, scripts and libraries, the keys that
// there are, and the bytes of the log's files.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_counted_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
