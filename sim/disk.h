// A simulated disk with a filesystem on it: a value. A crash is a function from Disk to Disk.
//
// Models: the page cache (what a running process sees), pending micro-ops (block data, size,
// entry), what a sync forces, failed syncs, background writeback, torn and lost writes, media
// faults, a capacity. What may survive a power cut is the persona's say: sim/persona_rules.h. Does
// not model: sparse-file and preallocation calls, mmap, permissions, access times, more than one
// device, eviction of clean pages, renamed directories.
//
// Sources: Pillai et al., OSDI'14 (ALICE, abstract persistence models); Bornholt et al., ASPLOS'16
// (Ferrite, crash-consistency models); Rebello et al., ATC'20 (failed fsync); Linux
// Documentation/admin-guide/{ext4.rst,sysctl/vm.rst}; calibrated in faults/calibrate.h.
//
// Not thread-safe, but copies share nothing that changes: hand each thread its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/choices.h"
#include "sim/disk_state.h"
#include "sim/persona_rules.h"

namespace powercut::sim {

// A sync in flight. Covers what was pending when it began.
struct SyncTicket {
  uint64_t id = 0;
  InodeId inode = kNoInode;
  bool directory = false;
  uint64_t seq = 0;          // micro-ops up to here are covered
  uint64_t journal_seq = 0;  // a commit that this sync drags along reaches here
  uint64_t size = 0;         // when it began
};

struct DiskStats {
  uint64_t syncs = 0;
  uint64_t bytes_written = 0;  // handed to write() by the caller
  uint64_t bytes_data = 0;     // whole 4 KiB blocks that syncs and writeback sent to the disk
  std::array<uint64_t, 8> bytes_data_of{};  // the same by account: see Disk::charge_to()
  // 4 KiB for each entry forced, 4 KiB for the synced inode if anything was forced in it, and 8 KiB
  // a commit (descriptor and commit block) on journaled personas. An estimate: entries share
  // blocks.
  uint64_t bytes_metadata = 0;
  uint64_t power_cuts = 0;     // in the history of this value
  uint64_t bytes_checked = 0;  // by the self-check
};

// How after_power_cut draws. Both stay inside the same legal set.
enum class CutStyle : uint8_t {
  kUseful,   // first a mood (nothing, everything, prefix, holes, chaos), then the slots
  kUniform,  // every slot for itself: what the odometer enumerates
};

class CrashSpace;
class Picker;
struct SlotName;
struct SlotRef;
struct Survival;

class Disk {
 public:
  explicit Disk(const PersonaRules& rules = {});

  const PersonaRules& rules() const { return rules_; }
  void set_now(Instant now) { now_ = now; }
  void set_capacity(uint64_t bytes) { capacity_blocks_ = bytes / kBlockBytes; }
  uint64_t used_bytes() const { return blocks_used_ * kBlockBytes; }

  // --- The live view: what a running process sees. Errors are those of engine/os/os.h. ---

  Result<InodeId> lookup(std::string_view path) const;
  bool is_directory(InodeId inode) const { return inodes_[inode]->directory; }
  Result<InodeId> create(std::string_view path);
  Result<void> make_directory(std::string_view path);
  Result<void> remove(std::string_view path);
  Result<void> rename(std::string_view from, std::string_view to);
  Result<void> hard_link(std::string_view file, std::string_view to);
  // Outside the seam, for programs seen on real kernels: renameat2(RENAME_EXCHANGE).
  Result<void> exchange(std::string_view a, std::string_view b);
  Result<std::vector<std::string>> list(std::string_view path) const;
  uint64_t size(InodeId inode) const { return inodes_[inode]->size; }
  // kIo on an unreadable sector; otherwise all bytes there are.
  Result<size_t> read(InodeId inode, uint64_t offset, char* out, size_t n) const;
  // Writes a prefix; short only when the disk is full, kNoSpace when not one byte fits.
  Result<size_t> write(InodeId inode, uint64_t offset, std::string_view data);
  void truncate(InodeId inode, uint64_t size);
  // No handle uses this inode any more: it may go once no name, live or pending, leads to it.
  void release(InodeId inode);
  // The inode is open again.
  void retain(InodeId inode) { own(inode).released = false; }
  // Counts the inode's data under this account, for experiments.
  void charge_to(InodeId inode, uint8_t account) { own(inode).account = account; }

  // --- Durability ---

  // A sync forces what was pending when it began, once it is finished. In between, it forces
  // nothing.
  SyncTicket begin_sync(InodeId inode);
  Result<SyncTicket> begin_sync_directory(std::string_view path);
  // kIo: a late report of an earlier failure (SyncFailure::kExt4Data).
  Result<void> finish_sync(const SyncTicket& ticket);
  // The sync fails. kIo, or success where the report comes late.
  Result<void> fail_sync(const SyncTicket& ticket, SyncFailure model);
  // kIo. The covered names may be durable or not, and no later sync changes that.
  Result<void> fail_sync_directory(const SyncTicket& ticket);
  // False: a power cut now has exactly one outcome.
  bool anything_pending() const;

  // The kernel's own clock: dirty data older than 30 s goes out at a wake-up (every 5 s), the
  // journal is committed every 5 s. Which younger data goes early is chosen.
  void writeback(Instant now, Choices& choices);
  // Nothing happens in writeback() before this instant.
  Instant next_writeback() const {
    return next_wakeup_ < next_commit_ ? next_wakeup_ : next_commit_;
  }

  // --- Crashes ---

  // One legal state after a power cut; everything in it is durable.
  Disk after_power_cut(Choices& choices, uint64_t key, CutStyle style = CutStyle::kUseful) const;
  // The one stated (sim/survival.h).
  //   Errors: kInvalid: what is stated is not legal, or not there; one line says what.
  Result<Disk> after_power_cut(const Survival& survival) const;
  Disk after_power_cut(Picker& picker) const;
  // The process dies, the page cache lives, and syncs in flight complete.
  Disk after_kill() const;

  // --- Media faults: an overlay on reads. A write on top heals it. ---

  void flip_bit(InodeId inode, uint64_t offset, uint8_t bit);
  void make_unreadable(InodeId inode, uint64_t offset, uint64_t length);
  // The bytes of [offset, offset + length) are found at (victim, victim_offset) and not where they
  // belong: there, the disk has what it had before any write: NUL.
  void misdirect(InodeId inode, uint64_t offset, uint64_t length, InodeId victim,
                 uint64_t victim_offset);
  void clear_media_faults() { faults_.clear(); }
  bool has_media_faults() const { return !faults_.empty(); }

  // --- Judging the judge ---

  // A byte that was synced and not touched since must have survived every cut of this value's
  // history. False only if the simulator is wrong.
  Result<void> self_check() const;
  // For the membership test. A sync in flight may have reached the disk or not; that matters only
  // where a sync adds states instead of removing some (a log tree): nothing otherwise.
  std::optional<Disk> with_first_sync_done() const;
  Disk with_first_sync_forgotten() const;
  SlotName first_sync_slot() const;
  const DiskStats& stats() const { return stats_; }
  // Nothing has happened between this copy and that disk. False says nothing.
  bool is_same_as(const Disk& other) const;

 private:
  friend class CrashSpace;
  friend class CrashDraw;
  friend class LazyBuilder;
  friend class LazyDisk;

  struct Place {  // a path, resolved to the directory it is in
    InodeId directory = kRootInode;
    std::string_view name;  // empty: the root itself
    InodeId inode = kNoInode;
  };
  struct MediaFault {
    enum Kind : uint8_t { kFlip, kUnreadable, kReplaced };
    Kind kind;
    InodeId inode;
    uint64_t offset;
    uint64_t length;
    uint8_t bit = 0;
    std::string bytes;
  };

  Result<Place> resolve(std::string_view path) const;
  Inode& own(InodeId id) {
    std::shared_ptr<Inode>& inode = inodes_[id];
    if (inode.use_count() > 1) [[unlikely]]
      inode = std::make_shared<Inode>(*inode);
    return *inode;
  }
  InodeId new_inode(bool directory);
  void link(const Place& place, InodeId inode, uint64_t seq, bool replaces);
  Result<void> add(std::string_view path, bool directory, InodeId* out);
  void maybe_free(InodeId id);
  bool write_piece(Inode& inode, uint32_t block, uint32_t offset, std::string_view piece);
  void push_op(Inode& inode, DataOp op);
  void shrink(Inode& inode, uint64_t size);

  void count_data(const Inode& inode, uint64_t bytes) {
    stats_.bytes_data += bytes;
    stats_.bytes_data_of[inode.account] += bytes;
  }
  enum class Forced : uint8_t { kAll, kCuts, kGrown };
  void force_data(Inode& inode, uint64_t seq, Forced which);
  void force_size(Inode& inode, uint64_t seq);
  void sweep_ops(Inode& inode);
  void commit(uint64_t seq);
  template <class Covered>
  size_t force_slots(Covered covered);
  size_t force_names_of(InodeId inode, uint64_t seq);
  SyncTicket begin(InodeId id);
  void end_flight(const SyncTicket& ticket);
  void finish_file(const SyncTicket& ticket);
  void wake_up(Instant at, Choices& choices);
  void commit_by_clock(Instant at);
  void revert(Inode& inode, uint64_t seq);

  void overlay(InodeId inode, uint64_t offset, char* out, size_t n) const;
  bool unreadable(InodeId inode, uint64_t offset, size_t n) const;
  void heal(InodeId inode, uint64_t offset, uint64_t length);
  void check_survivors(const Disk& before);
  SlotRef first_sync() const;

  PersonaRules rules_;
  std::vector<std::shared_ptr<Inode>> inodes_;
  std::vector<InodeId> free_inodes_;
  std::vector<NameOp> names_;  // pending, in program order
  std::vector<SyncTicket> in_flight_;
  std::vector<MediaFault> faults_;
  uint64_t seq_ = 0;
  uint64_t last_cut_seq_ = 0;  // the newest truncation or settled size that is pending, 0: none
  uint64_t next_ticket_ = 1;
  uint64_t blocks_used_ = 0;
  uint64_t capacity_blocks_ = UINT64_MAX;
  Instant now_;
  Instant next_wakeup_{5'000'000'000};
  Instant next_commit_{5'000'000'000};
  DiskStats stats_;
  std::string violation_;
};

}  // namespace powercut::sim
