// A store started on a copy of a disk that a life has left, where the same is said one by one, in a transaction and by a script, in
// several databases: it is answered the same, comes to the same, and leaves who says it in the database where he was.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_one_go_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
