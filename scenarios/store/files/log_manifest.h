// The manifest of a store's log, as it stands on a disk.
#pragma once

#include <optional>

#include "engine/aof/manifest.h"
#include "sim/disk.h"

namespace powercut::scenarios {

// None: there is none, or it cannot be read as one.
std::optional<engine::Manifest> log_manifest(const sim::Disk& disk);

}  // namespace powercut::scenarios
