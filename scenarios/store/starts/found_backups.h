// What powercut-restore would make of the backups on a disk.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/os/os.h"
#include "scenarios/judge/backups.h"

namespace powercut::scenarios {

// The digests are as of that clock. Changes nothing. Yields.
std::vector<FoundBackup> found_backups(engine::Os& os, int64_t wall_ms);
// Null: there is none of that name.
const FoundBackup* backup_of(const std::vector<FoundBackup>& found, std::string_view name);

}  // namespace powercut::scenarios
