// Stores started on copies of a disk that a life has left, and asked there: what one client watches while another changes it,
// how the log is kept from now on, and more than there is space for.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_asked_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
