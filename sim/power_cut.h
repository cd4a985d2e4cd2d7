// What a crash makes of a disk: a new one. What a power cut may leave is sim/crash_space.h's say,
// which of it a picker's; here it is built.
#pragma once

#include <optional>

#include "sim/disk_state.h"
#include "sim/picker.h"
#include "sim/slot.h"

namespace powercut::sim {

// One legal state after a power cut; everything in it is durable, and no handle is left.
DiskState cut_power(const DiskState& before, Picker& picker);

// The process dies, the page cache lives, and syncs in flight complete.
DiskState kill_process(const DiskState& before);

// A sync in flight may have reached the disk or not; that matters only where a sync adds states
// instead of removing some (a log tree): nothing otherwise. It is decided first, the oldest first.
std::optional<DiskState> with_first_sync_done(const DiskState& disk);
DiskState with_first_sync_forgotten(const DiskState& disk);
SlotRef first_sync(const DiskState& disk);

}  // namespace powercut::sim
