// The legal crash states of a Disk, as a product: which states a power cut may leave.
//
// Method: one journal chain (position J), and per slot (an entry, a size, a sector) a chain of
// versions with a range [lo, hi] that depends on J, a sector's also on the size chosen. Everything
// in the product is legal; the random draw, the enumeration and the membership test all ask here.
// Sectors are independent: the device may have any of the versions it was sent, in any mixture.
// Sources: ALICE's abstract persistence models (OSDI'14); Ferrite (ASPLOS'16).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/choices.h"
#include "sim/disk.h"

namespace powercut::sim {

struct Range {
  size_t lo = 0;
  size_t hi = 0;
};

// What is decided at a cut, in the order in which it is. Their text form: sim/survival.h.
enum class SlotKind : uint8_t {
  kSync,       // a sync in flight: forgotten or done
  kJournal,    // how many of the journal's positions
  kEntry,      // of a directory
  kStuckName,  // an entry whose directory sync failed
  kSize,
  kSector,
  kGarbage,  // is the sector that has no data NUL, or old bytes?
  kBlock,    // of a file that comes back: its own, or reused by the i-th other
};
inline constexpr int kSlotKinds = 8;

struct SlotRef {
  SlotKind kind;
  InodeId inode = kRootInode;
  std::string_view entry = {};  // in the directory `inode`; empty: the inode itself
  uint64_t at = 0;              // byte offset, block, or which of several
};
struct SlotName;
class CrashSpace;

// Decides one slot after the other: by a draw (here), as stated, or as another does (survival.h).
class Picker {
 public:
  virtual ~Picker() = default;
  // Called once, when the syncs in flight are decided and before all else.
  virtual void begin(uint64_t /*oldest_seq*/, uint64_t /*newest_seq*/) {}
  // In [lo, hi]. `prefix` is the version that a prefix of history up to horizon() would have;
  // `frontier`: the history ends in it.
  virtual size_t pick(const CrashSpace& space, const SlotRef& slot, Range range, size_t prefix,
                      bool frontier) = 0;
  virtual uint64_t horizon() const { return UINT64_MAX; }
};

// Uniformly, or with a mood that makes likely what crashes make likely. A draw is keyed by its
// slot, so that it stays the same when another slot comes or goes.
class DrawnPicker final : public Picker {
 public:
  DrawnPicker(Choices& choices, uint64_t key, CutStyle style)
      : choices_(choices), key_(key * 0x9e3779b97f4a7c15u), style_(style) {}
  void begin(uint64_t oldest_seq, uint64_t newest_seq) override;
  size_t pick(const CrashSpace& space, const SlotRef& slot, Range range, size_t prefix,
              bool frontier) override;
  uint64_t horizon() const override { return horizon_; }

 private:
  enum class Mood : uint8_t {
    kUniform,
    kNothing,
    kEverything,
    kPrefix,
    kSizeAhead,
    kHoles,
    kEnds,
    kNewest,  // what came late survives, what came early is lost
  };

  Choices& choices_;
  uint64_t key_;
  CutStyle style_;
  uint64_t horizon_ = UINT64_MAX;
  Mood mood_ = Mood::kUniform;
};

class CrashSpace {
 public:
  explicit CrashSpace(const Disk& disk);

  // Which names survive: the journal position, and for each pending name op if it counts.
  struct Names {
    uint64_t journal_seq = 0;
    std::vector<bool> kept;
  };
  Names pick_names(Picker& picker) const;

  // The size's versions: 0 is the durable one, i the i-th of size_ops().
  static std::vector<uint32_t> size_ops(const Inode& inode);
  Range size_range(InodeId id, const std::vector<uint32_t>& size_ops, uint64_t journal_seq) const;
  static uint64_t size_at(const Inode& inode, const std::vector<uint32_t>& size_ops,
                          size_t version);

  // The versions of one sector: 0 is the durable one, i follows the i-th op of `chain`. `size_op`
  // is the chosen version's op, or -1 for the durable size.
  Range sector_range(const Inode& inode, const std::vector<uint32_t>& chain, uint64_t journal_seq,
                     int64_t size_op) const;
  uint32_t sector_bytes() const;

  // Old disk content of no one in particular, never NUL, where a sector grew but has no data.
  static char garbage_at(uint64_t offset) {
    return static_cast<char>(((offset * 0x9e3779b97f4a7c15u) >> 57) | 0x80);
  }
  static void fill_garbage(uint32_t index, uint32_t from, uint32_t to, uint64_t old_size,
                           Block* block);
  // Below, the file had bytes of its own: its durable size, less what a pending truncation freed.
  uint64_t old_size(const Inode& inode) const;

  // Pending data ops by block, in program order within one.
  struct Dirty {
    uint32_t block;
    std::vector<uint32_t> ops;
  };
  static std::vector<Dirty> dirty_blocks(const Inode& inode);

  // The membership test's half: paths under a decision on names, and what a file may read as.
  struct Found {
    std::string path;  // a directory's ends in '/'
    InodeId inode;
  };
  std::vector<Found> tree(const Names& names) const;
  bool file_may_read(InodeId id, uint64_t journal_seq, const std::string& want) const;

  // What may have taken the place of a block of a file whose removal is pending. A simplification:
  // only blocks with the same index are reused.
  std::vector<BlockRef> reused_by(InodeId id, uint32_t block) const;

  uint64_t oldest_seq() const { return oldest_seq_; }

  // A slot's identity: a name for people (sim/survival.h), a key for draws.
  SlotName name_of(const SlotRef& slot) const;
  uint64_t key_of(const SlotRef& slot) const;

 private:
  bool block_may_read(const Inode& inode, const Dirty& dirty, uint64_t journal_seq, int64_t size_op,
                      const std::string& want) const;

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
  SlotRef stuck_name(size_t op) const;

  const Disk& disk_;
  mutable std::vector<Place> places_;  // by inode; found when first asked for
  std::vector<uint64_t> positions_;    // what J may be; the first is 0, nothing
  uint64_t oldest_seq_ = UINT64_MAX;
};

// What is found on a disk: paths in byte order; a directory's ends in '/'.
struct FoundFile {
  std::string path;
  std::string content;
  auto operator<=>(const FoundFile&) const = default;
};
using Image = std::vector<FoundFile>;
Image image_of(const Disk& disk);

struct Enumeration {
  uint64_t tapes = 0;
  uint64_t images = 0;    // distinct
  bool complete = false;  // false: stopped at the limit; what was seen is then a sample
};
// Calls `visit` once for every distinct image a power cut may leave now.
Enumeration for_each_crash_state(const Disk& disk, uint64_t tapes_max,
                                 const std::function<void(const Disk&, const Image&)>& visit);

// Is `image` one that a power cut may leave now? Exact, without enumerating the data.
bool is_legal_crash_state(const Disk& disk, const Image& image);

}  // namespace powercut::sim
