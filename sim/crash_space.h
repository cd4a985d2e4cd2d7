// The legal crash states of a disk, as a product: which versions of each slot a power cut may
// leave.
//
// Method: one journal chain (position J), and per slot (an entry, a size, a sector) a chain of
// versions with a range [lo, hi] that depends on J, a sector's also on the size chosen. Everything
// in the product is legal; the random draw, the enumeration and the membership test all ask here.
// Sectors are independent: the device may have any of the versions it was sent, in any mixture.
// Sources: ALICE's abstract persistence models (OSDI'14); Ferrite (ASPLOS'16).
//
// Reads the disk it was made of, and must not outlive it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/disk_state.h"
#include "sim/picker.h"
#include "sim/slot.h"

namespace powercut::sim {

class CrashSpace {
 public:
  explicit CrashSpace(const DiskState& disk);

  // Asks the picker. What it says must be legal.
  size_t decide(Picker& picker, const SlotRef& slot, Range range, size_t prefix = 0,
                bool frontier = false) const;
  uint64_t oldest_seq() const { return oldest_seq_; }

  // --- Names ---

  // Which names survive: the journal position, and for each pending name op if it counts.
  struct Names {
    uint64_t journal_seq = 0;
    std::vector<bool> kept;
  };
  Names pick_names(Picker& picker) const;

  // --- Sizes. The versions: 0 is the durable one, i the i-th of DataLog::size_ops(). ---

  Range size_range(InodeId id, const std::vector<uint32_t>& size_ops, uint64_t journal_seq) const;
  static uint64_t size_at(const Inode& inode, const std::vector<uint32_t>& size_ops,
                          size_t version);
  // Below, the file had bytes of its own: its durable size, less what a pending truncation freed.
  uint64_t old_size(const Inode& inode) const;

  // --- Sectors. The versions: 0 is the durable one, i follows the i-th op of a chain. ---

  uint32_t sector_bytes() const;
  // `size_op` is the chosen size's op, or -1 for the durable size.
  Range sector_range(const Inode& inode, const std::vector<uint32_t>& chain, uint64_t journal_seq,
                     int64_t size_op) const;

  // Old disk content of no one in particular, never NUL, where a sector grew but has no data.
  static char garbage_at(uint64_t offset) {
    return static_cast<char>(((offset * 0x9e3779b97f4a7c15u) >> 57) | 0x80);
  }
  static void fill_garbage(uint32_t index, uint32_t from, uint32_t to, uint64_t old_size,
                           Block& block);

  // What may have taken the place of any block of a file whose removal is pending, a sector at a
  // time: what was written to a block that came with the write.
  std::vector<BlockRef> reused_by(InodeId id) const;
  // Of a file that is gone: had it a block there, for others to reuse?
  static bool had_block(const Inode& gone, uint32_t block, bool dirty) {
    return dirty || gone.block(block) != nullptr;
  }

 private:
  void pick_free_names(Picker& picker, Names& names) const;
  static void add_fresh(const Inode& inode, uint32_t block, uint64_t allocated,
                        std::vector<BlockRef>& found);
  SlotRef stuck_name(size_t op) const;

  const DiskState& disk_;
  SlotNames slot_names_;
  std::vector<uint64_t> positions_;  // what J may be; the first is 0, nothing
  uint64_t oldest_seq_ = UINT64_MAX;
};

}  // namespace powercut::sim
