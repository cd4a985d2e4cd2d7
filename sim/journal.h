// Names, and what goes with them, become durable: one entry at a time, or as far as a commit of the
// journal reaches. A name that is forced takes the older versions of its entry along.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "sim/disk_state.h"

namespace powercut::sim {

// Makes every name durable of which covered(op) holds. Returns how many there were.
size_t force_names(DiskState& disk, const std::function<bool(const NameOp&)>& covered);

// Every entry that leads or led to `inode`, and so on up: a file is found after its sync.
size_t force_names_of(DiskState& disk, InodeId inode, uint64_t seq);

// The journal up to `seq` is on the disk.
void commit(DiskState& disk, uint64_t seq);

}  // namespace powercut::sim
