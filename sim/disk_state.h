// What a Disk is made of. For sim/disk*.cc and sim/crash_space.cc only.
//
// Method: the page cache is kept as is, and next to it a log of pending micro-ops with what they
// replaced. Nothing pending means everything durable, so a sync is a clear() and the durable image
// is found by undoing. Three kinds of slot have a chain of versions: a sector, a size, an entry.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace powercut::sim {

using InodeId = uint32_t;
inline constexpr InodeId kRootInode = 0;
inline constexpr InodeId kNoInode = UINT32_MAX;
inline constexpr uint64_t kBlockBytes = 4096;

using Block = std::array<char, kBlockBytes>;
using BlockRef = std::shared_ptr<Block>;  // null: a hole, reads as NUL

// A piece of one write in one block, or a piece of a truncation. Data and size part independently.
struct DataOp {
  enum Undo : uint8_t { kZeros, kBytes, kBlock };

  uint64_t seq = 0;
  Instant at;
  uint64_t size_before = 0;
  uint64_t size_after = 0;
  uint32_t block = 0;
  uint32_t undo_at = 0;  // index into Inode::undo_bytes or undo_blocks
  uint16_t offset = 0;   // in the block
  uint16_t length = 0;
  Undo undo = kZeros;
  bool data = false;   // the bytes are pending
  bool size = false;   // the size is pending
  bool cut = false;    // part of a shrinking truncation: takes its place in the journal
  bool stuck = false;  // its page was marked clean by a failed sync: no sync will write it again
  bool size_stuck = false;  // nor its size, until its block is written again
};

// The block came with this write: it had no content before.
inline bool is_fresh(const DataOp& op) { return op.undo == DataOp::kZeros && op.offset == 0; }

struct Entry {
  std::string name;
  InodeId inode;
};

struct Inode {
  bool directory = false;
  bool released = false;    // no handle will use it again
  bool late_error = false;  // the next sync reports the failure of an earlier one
  bool has_stuck = false;   // some op of `ops` is stuck
  uint8_t account = 0;      // of DiskStats::bytes_data_of
  uint32_t links = 0;       // live names
  uint32_t pending_names = 0;
  uint32_t syncs_in_flight = 0;
  uint64_t size = 0;
  uint64_t meta_seq = 0;     // the newest change to its names (a directory: to its entries)
  uint64_t ready_seq = 0;    // sizes up to here go with the next journal commit
  uint64_t settled_seq = 0;  // once the journal is here, so are all sizes before
  // Self-check, kept apart from the log: bytes [0, witness) were synced and not touched since.
  uint64_t witness = 0;
  uint64_t touched_in_flight = UINT64_MAX;
  std::vector<BlockRef> blocks;
  std::vector<DataOp> ops;  // pending, in program order
  std::string undo_bytes;
  std::vector<BlockRef> undo_blocks;
  std::vector<Entry> entries;  // sorted by name
};

// One directory entry set to an inode, or to none. Both halves of a rename share their seq.
struct NameOp {
  uint64_t seq = 0;
  Instant at;
  InodeId directory = kRootInode;
  std::string name;
  InodeId before = kNoInode;
  InodeId after = kNoInode;
  bool replaces = false;  // the new name of a rename that replaced a file
  bool stuck = false;     // a directory sync failed on it: it may be durable or not, for good
};

// Puts back what `op` replaced in bytes [from, to) of its block, clipped to what it touched.
void undo(const Inode& inode, const DataOp& op, uint32_t from, uint32_t to, Block* block);

// Sets an entry of a directory; kNoInode removes it.
void set_entry(Inode& directory, const std::string& name, InodeId inode);
InodeId find_entry(const Inode& directory, std::string_view name);

}  // namespace powercut::sim
