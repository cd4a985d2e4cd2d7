// Stores started on copies of a disk that a life has left, and what their clients do there beside asking one thing behind the
// other: they listen to what others change, they go while they wait, they watch keys and think better of it, and they write on
// while a sync hangs. Each is held against a model of its own.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_client_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
