// A simulated disk with a filesystem on it: a value. A crash is a function from Disk to Disk.
//
// Models: the page cache (what a running process sees), pending micro-ops (block data, size,
// entry), what a sync forces, failed syncs, background writeback, torn and lost writes, media
// faults, a capacity. What may survive a power cut is the persona's say: sim/persona_rules.h. Does
// not model: sparse-file and preallocation calls, mmap, permissions, access times, more than one
// device, renamed directories.
//
// Here stands what a process may do. Behind it: sim/disk_state.h, which names the rest.
//
// Sources: Pillai et al., OSDI'14 (ALICE, abstract persistence models); Bornholt et al., ASPLOS'16
// (Ferrite, crash-consistency models); Rebello et al., ATC'20 (failed fsync); Linux
// Documentation/admin-guide/{ext4.rst,sysctl/vm.rst}; calibrated in faults/calibrate.h.
//
// Not thread-safe, but copies share nothing that changes: hand each thread its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "sim/choices.h"
#include "sim/disk_state.h"
#include "sim/persona_rules.h"
#include "sim/picker.h"
#include "sim/writeback.h"

namespace powercut::sim {

struct Survival;

// The directory that SimOs makes elsewhere.
inline constexpr std::string_view kElsewhere = "elsewhere";

class Disk {
 public:
  explicit Disk(const PersonaRules& rules = {});
  explicit Disk(DiskState state) : state_(std::move(state)) {}

  const PersonaRules& rules() const { return state_.rules; }
  void set_now(Instant now) { state_.now = now; }
  void set_capacity(uint64_t bytes) { state_.tree.set_capacity(bytes / kBlockBytes); }
  uint64_t used_bytes() const { return state_.tree.blocks_used() * kBlockBytes; }

  // --- The live view: what a running process sees. Errors are those of engine/os/os.h. ---

  Result<InodeId> lookup(std::string_view path) const { return state_.tree.lookup(path); }
  bool is_directory(InodeId inode) const { return state_.tree[inode].directory; }
  Result<InodeId> create(std::string_view path);
  Result<void> make_directory(std::string_view path);
  // In the root: a directory of another machine (sim/sim_object_store.h). Every change of it and of what is in it is durable
  // when it is made, whatever the rules say, and waits for no sync.
  Result<void> make_elsewhere(std::string_view path);
  Result<void> remove(std::string_view path);
  Result<void> rename(std::string_view from, std::string_view to);
  Result<void> hard_link(std::string_view file, std::string_view to);
  // Outside the seam, for programs seen on real kernels: renameat2(RENAME_EXCHANGE).
  Result<void> exchange(std::string_view a, std::string_view b);
  Result<std::vector<std::string>> list(std::string_view path) const;
  uint64_t size(InodeId inode) const { return state_.tree[inode].size; }
  // kIo on an unreadable sector; otherwise all bytes there are.
  Result<size_t> read(InodeId inode, uint64_t offset, char* out, size_t n) const;
  // All of it.
  Result<std::string> read_whole(InodeId inode) const;
  // Writes a prefix; short only when the disk is full, kNoSpace when not one byte fits.
  Result<size_t> write(InodeId inode, uint64_t offset, std::string_view data);
  void truncate(InodeId inode, uint64_t size);
  // No handle uses this inode any more: it may go once no name, live or pending, leads to it.
  void release(InodeId inode);
  // The inode is open again.
  void retain(InodeId inode) { state_.tree.own(inode).released = false; }
  // Counts the inode's data under this account, for experiments.
  void charge_to(InodeId inode, uint8_t account);

  // --- Durability: sim/sync.h ---

  // A sync forces what was pending when it began, once it is finished. In between, it forces
  // nothing.
  SyncTicket begin_sync(InodeId inode);
  Result<SyncTicket> begin_sync_directory(std::string_view path);
  // kIo: a late report of an earlier failure (SyncFailure::kExt4Data2020).
  Result<void> finish_sync(const SyncTicket& ticket);
  // Of a file or a directory, begun and finished at once: outside the seam, for what takes no time.
  //   Errors: those of looking it up and of finish_sync().
  Result<void> sync_at_once(std::string_view path);
  // The sync fails. kIo, or success where the report comes late.
  Result<void> fail_sync(const SyncTicket& ticket, SyncFailure model);
  // kIo. The covered names may be durable or not, and no later sync changes that.
  Result<void> fail_sync_directory(const SyncTicket& ticket);
  // The journal fails under it: the filesystem shuts. kIo, or kRefused. Where the model knows of no
  // such thing, the sync fails otherwise.
  Result<void> fail_journal(const SyncTicket& ticket);
  bool is_shut() const { return state_.shut.is; }
  // kRefused or kIo once it has shut: for whoever is about to change something; to read.
  Result<void> check_change();
  Result<void> check_read() const;
  // Has something tried to change it since? Where nothing has, ext4 and btrfs let syncs pass.
  void set_noticed(bool noticed) { state_.shut.noticed = noticed; }
  // Pages that btrfs has dropped cannot be read again once it has shut.
  bool may_refuse_pages() const {
    return state_.shut.is && state_.rules.sync_failure == SyncFailure::kBtrfs;
  }
  // False: a power cut now has exactly one outcome.
  bool anything_pending() const { return state_.anything_pending(); }

  // What the kernel did by itself until now.
  void writeback(Instant now, Choices& choices) { sim::writeback(state_, now, choices); }
  // Nothing happens in writeback() before this instant.
  Instant next_writeback() const { return sim::next_writeback(state_); }

  // --- Eviction: sim/eviction.h ---

  // Of clean pages in these bytes that a failed sync left: they are read from the disk again.
  void evict(InodeId inode, uint64_t offset, uint64_t n, Choices& choices, uint64_t key);
  // Of the whole file, which nobody has open: its size, too.
  void evict_inode(InodeId inode, Choices& choices, uint64_t key);
  // So that the file reads like this: false if no eviction does that.
  bool evict_to(InodeId inode, std::string_view content);

  // --- Crashes: sim/power_cut.h ---

  // One legal state after a power cut; everything in it is durable.
  Disk after_power_cut(Choices& choices, uint64_t key, CutStyle style = CutStyle::kUseful) const;
  // The one stated (sim/survival.h).
  //   Errors: kInvalid: what is stated is not legal, or not there; one line says what.
  Result<Disk> after_power_cut(const Survival& survival) const;
  Disk after_power_cut(Picker& picker) const;
  // The process dies, the page cache lives, and syncs in flight complete.
  Disk after_kill() const;

  // --- Media faults: an overlay on reads (sim/media_overlay.h). A write on top heals it. ---

  void flip_bit(InodeId inode, uint64_t offset, uint8_t bit);
  void make_unreadable(InodeId inode, uint64_t offset, uint64_t length);
  // The bytes of [offset, offset + length) are found at (victim, victim_offset) and not where they
  // belong: there, the disk has what it had before any write: NUL.
  void misdirect(InodeId inode, uint64_t offset, uint64_t length, InodeId victim,
                 uint64_t victim_offset);
  // No overlay: the file holds these bytes and no others, durably, and nothing of it is pending.
  // Outside the seam, for what befalls a disk between two lives of a process.
  // REQUIRES: no sync of it is in flight.
  void replace_content(InodeId inode, std::string_view bytes);
  void clear_media_faults() { state_.media.clear(); }
  bool has_media_faults() const { return !state_.media.empty(); }

  // --- Judging the judge ---

  // A byte that was synced and not touched since must have survived every cut of this value's
  // history (sim/witness.h). False only if the simulator is wrong.
  Result<void> self_check() const;
  const DiskStats& stats() const { return state_.stats; }
  // Nothing has happened between this copy and that disk. False says nothing.
  bool is_same_as(const Disk& other) const;
  // For what works on disks: sim/power_cut.h, sim/crash_space.h, sim/crash_images.h, sim/lazy_*.h.
  const DiskState& state() const { return state_; }

 private:
  friend class LazyDisk;  // fills in what it has settled

  Result<InodeId> add(std::string_view path, bool directory);
  void link(const FileTree::Place& place, InodeId inode, uint64_t seq, bool replaces);
  bool write_piece(Inode& inode, uint32_t block, uint32_t offset, std::string_view piece);
  void shrink(Inode& inode, uint64_t size);
  void push(Inode& inode, DataOp& op);

  DiskState state_;
};

}  // namespace powercut::sim
