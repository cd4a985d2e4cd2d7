// What an exploration found, as a scenario: to be replayed, shrunk and told.
#pragma once

#include "scenarios/explore/explore.h"
#include "scenarios/story/scenario.h"

namespace powercut::scenarios {

// Errors: kInvalid: it does not come about in a plain run; the line says why.
Result<Scenario> scenario_of(const ExploreSpec& spec, const ExploredViolation& found);

}  // namespace powercut::scenarios
