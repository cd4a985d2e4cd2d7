// Starts on copies of a disk that a life has left, disturbed: beside a file that nothing names, with a call that fails, with a
// crash; and the jobs that a store is asked for, likewise.
#pragma once

#include <optional>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// As other_starts_of_store() says.
std::optional<Violation> judge_disturbed_starts(const sim::WorldState& world,
                                                const sim::Settings& settings,
                                                sim::Choices& choices);

}  // namespace powercut::scenarios
