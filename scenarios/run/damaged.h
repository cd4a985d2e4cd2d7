// Media faults between two lives: the plan's own, which the next life meets, and further draws of them, on
// copies of the disk that are recovered at once. A room of run.h; nobody else includes it.
#pragma once

#include "scenarios/run/life.h"

namespace powercut::scenarios {

// May a disk of this run be damaged, by its plan or besides? Then an older file may be what a recovery finds whole.
bool may_be_damaged(const RunState& run);

// Does to `heir` what the plan has for the end of life `life`.
void harm(RunState& run, uint32_t life, sim::Choices& choices, Legacy& heir);

}  // namespace powercut::scenarios
