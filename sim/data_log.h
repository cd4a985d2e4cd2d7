// What of one file's content is pending: micro-ops in program order, and the bytes that each
// replaced.
//
// Method: the page cache is kept as is, and next to it this log. Nothing pending means everything
// durable, so a sync is a clear() and the durable content is found by undoing. Two kinds of slot
// have their chain of versions here, a sector and the size; the third, an entry, has it in
// sim/name_log.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/time.h"
#include "sim/block.h"

namespace powercut::sim {

// A piece of one write in one block, or a piece of a truncation. Data and size part independently.
struct DataOp {
  enum Undo : uint8_t { kZeros, kBytes, kBlock };

  uint64_t seq = 0;
  Instant at;
  uint64_t size_before = 0;
  uint64_t size_after = 0;
  uint32_t block = 0;
  uint32_t undo_at = 0;  // where the log keeps what was replaced
  uint16_t offset = 0;   // in the block
  uint16_t length = 0;
  Undo undo = kZeros;
  bool data = false;   // the bytes are pending
  bool size = false;   // the size is pending
  bool cut = false;    // part of a shrinking truncation: takes its place in the journal
  bool stuck = false;  // its page was marked clean by a failed sync: no sync will write it again
  bool size_stuck = false;  // nor its size, until its block is written again
  bool came = false;        // there was no block: it was allocated for this write
  bool hollow = false;      // in a block that takes no bytes: whatever is written to it is stuck

  // The block came with this write: it had no content before.
  bool is_fresh() const { return undo == kZeros && offset == 0; }
  bool grows() const { return size_after > size_before; }
  bool touches(uint32_t from, uint32_t to) const {
    return offset < to && uint32_t{offset} + length > from;
  }
};

class DataLog {
 public:
  const std::vector<DataOp>& ops() const { return ops_; }
  bool empty() const { return ops_.empty(); }
  // A failed sync left some op that no sync will write.
  bool has_stuck() const { return has_stuck_; }

  // `op` is about to replace these bytes, or the whole block. Says in `op` where they are kept.
  void keep_bytes(DataOp& op, const char* bytes);
  void keep_block(DataOp& op, BlockRef block);
  // REQUIRES: it comes after all that is there; what it replaces is kept.
  void push(const DataOp& op) {
    CHECK(op.data || op.size);
    CHECK(op.offset + op.length <= kBlockBytes);
    CHECK(ops_.empty() || ops_.back().seq <= op.seq);
    ops_.push_back(op);
  }
  // Its block is written again: the next sync takes the size along.
  void write_again(uint32_t block);
  // A failed sync left this block allocated and unwritten, and its page seems to be in order.
  bool is_hollow(uint32_t block) const;

  // --- What there is to undo ---

  // Puts back what `op` replaced in bytes [from, to) of its block, clipped to what it touched.
  void undo(const DataOp& op, uint32_t from, uint32_t to, Block& block) const;
  // The ops whose size is pending, by number. `live`: the size as a running process sees it.
  std::vector<uint32_t> size_ops(uint64_t live) const;
  // The ops whose data is pending, by block; in program order within one.
  struct Dirty {
    uint32_t block;
    std::vector<uint32_t> ops;
  };
  std::vector<Dirty> dirty_blocks() const;

  // --- What is forced leaves, and the older versions of its slot with it. Each up to `seq`. ---

  enum class Which : uint8_t { kAll, kCuts, kGrown };
  // Returns how many blocks go to the disk. `fresh_only`: of kGrown, blocks that came with the
  // write. REQUIRES of the caller: sweep() when it has forced all it wants.
  size_t force_data(uint64_t seq, Which which, bool fresh_only);
  void force_size(uint64_t seq);
  // Drops the ops of which nothing is pending any more.
  void sweep();
  // All that a sync covers, data and size, as far as it is not stuck.
  size_t force(uint64_t seq);
  void clear();

  // --- What a failed sync that covered all up to `seq` leaves ---

  // The pages are clean and keep the new bytes. `sizes`: their sizes do not get out either.
  // `hollows`: blocks that were new are hollow from now on.
  void stick(uint64_t seq, bool sizes, bool hollows);
  // Every write that is pending in this block is stuck: its page is clean.
  bool is_clean(uint32_t block) const;
  // Nothing is pending but what is stuck: no page is dirty, and no size.
  bool is_clean() const;
  // What is on the disk of this block is what a process sees.
  void settle(uint32_t block);
  void settle_sizes();
  // The pages of `blocks` go back to what the disk has. Returns the size that is left of `size`.
  // REQUIRES: no truncation is pending: that is metadata and stays.
  uint64_t revert(uint64_t seq, std::vector<BlockRef>& blocks, uint64_t size);

 private:
  void drop_replaced();

  std::vector<DataOp> ops_;       // in program order
  std::string bytes_;             // replaced by kBytes
  std::vector<BlockRef> blocks_;  // replaced by kBlock
  bool has_stuck_ = false;
};

}  // namespace powercut::sim
