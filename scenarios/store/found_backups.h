// What powercut-restore would make of the backups on a disk.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/judge/backups.h"
#include "sim/disk.h"

namespace powercut::scenarios {

// The digests are as of that clock. Changes nothing.
std::vector<FoundBackup> found_backups(const sim::Disk& disk, int64_t wall_ms);

}  // namespace powercut::scenarios
