// What powercut-restore would make of the backups on a disk.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/os/os.h"
#include "scenarios/judge/backups.h"

namespace powercut::scenarios {

// The digests are as of that clock. Changes nothing. Yields.
std::vector<FoundBackup> found_backups(engine::Os& os, int64_t wall_ms);

}  // namespace powercut::scenarios
