// The files that a power cut left, on a real filesystem of this machine's kernel: made in a file, mounted by a loop
// device, written, unmounted and mounted again. So whoever doubts the simulation sees the recovery fail where it
// would fail for others.
//
// It shows that these files do what was said of them. It does not show that this kernel leaves them: that is what the
// persona claims, and `powercut calibrate` holds it to.
#pragma once

#include <map>
#include <string>

#include "engine/base/result.h"
#include "scenarios/record/recovery.h"

namespace powercut::scenarios {

// Needs root, a loop device and mkfs of that kind ("ext4", "xfs", "btrfs"). All that it made is gone at the end.
//   Errors: kUnsupported: what of these is not there; kIo, kNoSpace.
Result<ImageOutcome> witness(const sim::Disk& disk, const std::map<std::string, uint64_t>& modes,
                             const RecoveryCommands& commands, const std::string& filesystem);

// As `uname -r` has it.
std::string kernel_release();

}  // namespace powercut::scenarios
