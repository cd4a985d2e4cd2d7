// A file or directory as a running process sees it, and what of it is pending.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/block.h"
#include "sim/data_log.h"
#include "sim/witness.h"

namespace powercut::sim {

using InodeId = uint32_t;
inline constexpr InodeId kRootInode = 0;
inline constexpr InodeId kNoInode = UINT32_MAX;

struct Entry {
  std::string name;
  InodeId inode;
};

struct Inode {
  bool directory = false;
  bool released = false;       // no handle will use it again
  bool elsewhere = false;      // on another machine: every change is durable when it is made
  bool late_error = false;     // the next sync reports the failure of an earlier one
  uint8_t account = 0;         // of DiskStats::bytes_data_of
  uint32_t links = 0;          // live names
  uint32_t pending_names = 0;  // how often it is an end of an op in the NameLog
  uint32_t syncs_in_flight = 0;
  uint64_t size = 0;
  uint64_t meta_seq = 0;     // the newest change to its names (a directory: to its entries)
  uint64_t ready_seq = 0;    // sizes up to here go with the next journal commit
  uint64_t settled_seq = 0;  // once the journal is here, so are all sizes before
  Witness witness;
  std::vector<BlockRef> blocks;
  DataLog log;
  std::vector<Entry> entries;  // sorted by name

  // Nothing leads to it, now or after a cut.
  bool is_unreachable() const {
    return released && links == 0 && pending_names == 0 && syncs_in_flight == 0;
  }
  // No block lies beyond the end.
  bool is_trimmed() const { return blocks.size() * kBlockBytes < size + kBlockBytes; }
  // Null: a hole, or beyond the end.
  const Block* block(uint64_t index) const {
    return index < blocks.size() ? blocks[index].get() : nullptr;
  }
};

}  // namespace powercut::sim
