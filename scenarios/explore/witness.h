// One image of the many that a class stands for, stated slot by slot: so that it can be made again.
#pragma once

#include <string>

#include "scenarios/explore/recoveries.h"
#include "sim/survival.h"

namespace powercut::scenarios {

// What a power cut of `disk` leaves so that recovery comes to `outcome`. Some image does.
sim::Survival witness_of_outcome(Recoveries& recoveries, const sim::Disk& disk, uint32_t outcome);

// The same for one single image, by its key (for_each_single_image).
sim::Survival witness_of_image(Recoveries& recoveries, const sim::Disk& disk,
                               const sim::PersonaRules& rules, const std::string& key);

}  // namespace powercut::scenarios
