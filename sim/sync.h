// What a sync forces, and what a failed one leaves.
//
// A forced micro-op leaves its log; an older version of the same slot leaves with it. What a sync
// forces is the least the persona promises: all else stays undecided until a cut decides it. It
// covers what was pending when it began, and forces that when it is finished; in between, nothing.
//
// A sync fails in one of two ways. Data: the device has not taken some bytes, and the filesystem goes
// on. The journal, or a flush: the filesystem shuts. It takes no change from then on, nothing that
// is pending is forced any more, and yet a sync alone may report success.
//
// Sources: Linux 6.18 (faults/testdata/kernel-6.18/failed-sync.jsonl); Rebello et al., ATC'20.
#pragma once

#include "engine/base/result.h"
#include "sim/disk_state.h"

namespace powercut::sim {

SyncTicket begin_sync(DiskState& disk, InodeId inode);
SyncTicket begin_sync_directory(DiskState& disk, InodeId inode);
// It has no effect, and nobody waits for it any more.
void abandon_sync(DiskState& disk, const SyncTicket& ticket);
//   Errors: kIo: a late report of an earlier failure (SyncFailure::kExt4Data2020); of a filesystem
//   that has shut kIo or kRefused, or none.
Result<void> finish_sync(DiskState& disk, const SyncTicket& ticket);
//   Errors: kIo; success where the report comes late.
Result<void> fail_sync(DiskState& disk, const SyncTicket& ticket, SyncFailure model);
//   Errors: kIo. The covered names may be durable or not, and no later sync changes that.
Result<void> fail_sync_directory(DiskState& disk, const SyncTicket& ticket);
// The journal fails under it, of a file or a directory. REQUIRES: a model of 6.18.
//   Errors: kIo, or kRefused.
Result<void> fail_journal(DiskState& disk, const SyncTicket& ticket);

}  // namespace powercut::sim
