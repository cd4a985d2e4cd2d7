// The simulator is guilty until proven innocent: what it keeps in two places agrees, and a power
// cut is checked by what the witnesses of its files saw (sim/witness.h), who know nothing of logs
// and legal states.
#pragma once

#include "sim/disk_state.h"

namespace powercut::sim {

// CHECKs that the tree, the logs and the syncs in flight say the same of every inode.
void check_consistent(const DiskState& disk);

// `after` is what a cut left of `before`. Bytes that were synced and not touched since are still
// there; if not, `after` remembers the violation.
void check_survivors(const DiskState& before, DiskState& after);

}  // namespace powercut::sim
