// What is decided at a cut: slots, each of which survives in one of several versions.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/disk_state.h"

namespace powercut::sim {

// In the order in which they are decided. Their text form: sim/survival.h.
enum class SlotKind : uint8_t {
  kSync,       // a sync in flight: forgotten or done
  kJournal,    // how many of the journal's positions
  kEntry,      // of a directory
  kStuckName,  // an entry whose directory sync failed
  kSize,
  kSector,
  kGarbage,  // is the sector that has no data NUL, or old bytes?
  kReused,   // a sector of a file that comes back: its own, or the i-th of others'
};
inline constexpr int kSlotKinds = 8;

// A slot by where it is in one disk.
struct SlotRef {
  SlotKind kind;
  InodeId inode = kRootInode;
  std::string_view entry = {};  // in the directory `inode`; empty: the inode itself
  uint64_t at = 0;              // byte offset, block, or which of several
};

// The same for people, by its path: it means the same in another disk.
struct SlotName {
  SlotKind kind = SlotKind::kJournal;
  std::string path;  // empty: the journal
  uint64_t at = 0;   // byte offset, block, or which of several
  auto operator<=>(const SlotName&) const = default;
};

// The versions that are legal, from the first to the last.
struct Range {
  size_t lo = 0;
  size_t hi = 0;
};

// The slots' identities in one disk, which it must not outlive: a path is the one that a running
// process would use at the cut; a file that is removed keeps the last name it had, and a number.
class SlotNames {
 public:
  explicit SlotNames(const DiskState& disk) : disk_(disk) {}

  SlotName name_of(const SlotRef& slot) const;
  // For draws: equal for equal names, whatever else there is.
  uint64_t key_of(const SlotRef& slot) const;

 private:
  // Where an inode is found by name; `copy`: it is removed, and the copy-th of that name, from now
  // backwards.
  struct Place {
    bool known = false;
    InodeId directory = kRootInode;
    const std::string* name = nullptr;
    uint64_t copy = 0;
    uint64_t key = 0;
  };
  void find_places() const;
  void place(InodeId inode, InodeId directory, const std::string& name, uint64_t copy) const;

  const DiskState& disk_;
  mutable std::vector<Place> places_;  // by inode; found when first asked for
};

}  // namespace powercut::sim
