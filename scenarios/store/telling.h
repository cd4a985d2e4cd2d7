// What a store's files tell of damage, read by hand from engine/FORMATS.md and by none of the engine's code:
// a judge that asked the engine's own reader would believe its errors.
#pragma once

#include <span>

#include "faults/plan.h"
#include "scenarios/judge/damage.h"
#include "sim/disk.h"

namespace powercut::scenarios {

// `log`: that a start is told to keep one.
Testimony telling_of_store(const sim::Disk& intact, const sim::Disk& harmed,
                           std::span<const faults::Harm> harms, bool log);

}  // namespace powercut::scenarios
