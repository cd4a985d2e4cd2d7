// What a process reads of a file once the kernel has dropped its clean pages. Only where a sync has
// failed does that show: such a page is clean, and not what is on the disk (Linux 6.18,
// faults/testdata/kernel-6.18/). The models of 2020 keep their pages.
//
// It may happen at any time. Here it is drawn when it would be seen: before bytes are read or
// written over, and, of a whole inode, when a file is opened that nobody has open.
#pragma once

#include <string_view>

#include "sim/choices.h"
#include "sim/disk_state.h"

namespace powercut::sim {

// Each page of these bytes for itself.
void evict(DiskState& disk, InodeId inode, uint64_t offset, uint64_t n, Choices& choices,
           uint64_t key);
// All its pages, and on XFS and btrfs its size.
void evict_inode(DiskState& disk, InodeId inode, Choices& choices, uint64_t key);
// So that the file reads like this. False: no eviction does that; then it is in an odd state.
bool evict_to(DiskState& disk, InodeId inode, std::string_view content);

}  // namespace powercut::sim
