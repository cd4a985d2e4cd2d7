// What a store's files tell of damage, read by hand from engine/FORMATS.md and by none of the engine's code:
// a judge that asked the engine's own reader would believe its errors.
#pragma once

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

TargetType::Telling telling_of_store(const sim::Disk& intact, const sim::Disk& harmed,
                                     std::span<const faults::Harm> harms);

}  // namespace powercut::scenarios
