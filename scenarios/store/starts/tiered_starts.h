// A store with tiers started on copies of what a life has left, with its segments and its bucket beside: as it is, with calls that
// fail, asked for what operators ask for, and restored. What scenarios/store/starts/other_starts.h asks of the store alone.
#pragma once

#include "scenarios/judge/target_type.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

// REQUIRES: as TargetType::other_starts().
TargetType::OtherStarts tiered_starts_of_store(const sim::WorldState& world,
                                               const sim::Settings& settings, Tiers tiers,
                                               sim::Choices& choices);

}  // namespace powercut::scenarios
