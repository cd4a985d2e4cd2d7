// A store started on a copy of a disk that a life has left, where clients change much while a checkpoint walks slowly: whole
// databases, values that are being sliced, several things in one transaction. What is there then is there behind a restart,
// also where a call of that checkpoint fails; and where it dies in the middle, what was there at some moment that is no
// earlier than the last reply.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_walked_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
