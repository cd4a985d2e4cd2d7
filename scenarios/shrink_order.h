// The order of tasks, for the shrinker. A room of shrink.h; nobody else includes it.
#pragma once

#include "scenarios/shrink_candidates.h"

namespace powercut::scenarios {

// Leaves out turns; and the schedule of a life, where it breaks without one whatever the seed
// draws. True if anything could be left out.
bool drop_turns(Candidates& candidates);

// A scenario that states no schedule and breaks by luck with what the seed draws: states one that
// breaks, first in, first out with at most one turn, if there is one. True if it did.
bool state_order(Candidates& candidates);

}  // namespace powercut::scenarios
