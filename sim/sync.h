// What a sync forces, and what a failed one leaves.
//
// A forced micro-op leaves its log; an older version of the same slot leaves with it. What a sync
// forces is the least the persona promises: all else stays undecided until a cut decides it. It
// covers what was pending when it began, and forces that when it is finished; in between, nothing.
//
// Sources: Rebello et al., ATC'20 (failed fsync).
#pragma once

#include "engine/base/result.h"
#include "sim/disk_state.h"

namespace powercut::sim {

SyncTicket begin_sync(DiskState& disk, InodeId inode);
SyncTicket begin_sync_directory(DiskState& disk, InodeId inode);
// It has no effect, and nobody waits for it any more.
void abandon_sync(DiskState& disk, const SyncTicket& ticket);
//   Errors: kIo: a late report of an earlier failure (SyncFailure::kExt4Data).
Result<void> finish_sync(DiskState& disk, const SyncTicket& ticket);
//   Errors: kIo; success where the report comes late.
Result<void> fail_sync(DiskState& disk, const SyncTicket& ticket, SyncFailure model);
//   Errors: kIo. The covered names may be durable or not, and no later sync changes that.
Result<void> fail_sync_directory(DiskState& disk, const SyncTicket& ticket);

}  // namespace powercut::sim
