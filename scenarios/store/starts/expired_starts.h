// A store started on a copy of a disk that a life has left, with keys whose time is over and that nobody has removed yet: each
// is as one that never was, for whatever looks at it, and behind a restart.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_expired_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
