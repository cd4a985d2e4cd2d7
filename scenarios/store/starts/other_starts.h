// Starts on copies of a disk that a life has left, each told otherwise than the run's own start, or disturbed: with damage
// given up, with a time limit, without the log, with something newer beside it, with a call that fails. What each must come to
// follows from what the plain start comes to, and from what the files say.
#pragma once

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// REQUIRES: the disk keeps its promise, and nobody has harmed it. Changes nothing of `world`. Draws by `choices` alone.
TargetType::OtherStarts other_starts_of_store(const sim::WorldState& world,
                                              const sim::Settings& settings, sim::Choices& choices);

}  // namespace powercut::scenarios
