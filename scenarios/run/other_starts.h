// Starts told otherwise, or disturbed, on copies of what a life has left (TargetType::other_starts). Nothing that the run
// draws, counts or traces depends on them. A room of run.h; nobody else includes it.
#pragma once

#include <optional>

#include "scenarios/run/life.h"

namespace powercut::scenarios {

// Of what life `life` has left; nothing: all is as it must be, or this life is not looked at.
std::optional<Violation> judge_other_starts(RunState& run, uint32_t life, const Legacy& heir);

}  // namespace powercut::scenarios
