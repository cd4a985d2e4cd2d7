// The order of tasks, for the shrinker. A room of shrink.h; nobody else includes it.
#pragma once

#include "scenarios/shrink/candidates.h"

namespace powercut::scenarios {

// Leaves out turns. True if any could be left out.
bool drop_turns(Candidates& candidates);

// Leaves out schedules without a turn, where it breaks whatever the seed draws instead. The same.
bool drop_schedules(Candidates& candidates);

// A scenario that states no schedule and breaks by luck with what the seed draws: states one that
// breaks whatever it draws: first in, first out with at most two delays, or one drawn by
// priorities, if there is one among those tried. True if it did.
bool state_order(Candidates& candidates);

}  // namespace powercut::scenarios
