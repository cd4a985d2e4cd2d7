// The kernel's own clock: what becomes durable though nobody asked.
//
// Dirty data older than 30 s goes out at a wake-up (every 5 s), the journal is committed every 5 s.
// Which younger data goes early is chosen. Source: Linux Documentation/admin-guide/{ext4.rst,
// sysctl/vm.rst}.
#pragma once

#include <algorithm>

#include "sim/choices.h"
#include "sim/disk_state.h"

namespace powercut::sim {

// Nothing happens by the clock before this instant.
inline Instant next_writeback(const DiskState& disk) {
  return std::min(disk.next_wakeup, disk.next_commit);
}

// It is `now`: all that the clock did until then.
void writeback(DiskState& disk, Instant now, Choices& choices);

}  // namespace powercut::sim
