// All that a Disk is, as one value. What happens to it is said elsewhere, by subject: what a
// process does in sim/disk.cc, what a sync forces in sim/sync.h, what the kernel does by itself in
// sim/writeback.h, what a power cut leaves in sim/power_cut.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/base/check.h"
#include "engine/base/time.h"
#include "sim/file_tree.h"
#include "sim/media_overlay.h"
#include "sim/name_log.h"
#include "sim/persona_rules.h"
#include "sim/sync_flights.h"

namespace powercut::sim {

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

// Since an error of its journal the filesystem takes no change, until it is mounted again.
struct Shut {
  bool is = false;
  bool noticed = false;      // something has tried to change it since
  uint64_t last_ticket = 0;  // syncs up to here had begun before
  bool operator==(const Shut&) const = default;
};

struct DiskState {
  PersonaRules rules;
  FileTree tree;  // each file with the log of its pending content
  NameLog names;
  SyncFlights flights;
  MediaOverlay media;
  uint64_t seq = 0;           // the newest micro-op
  uint64_t last_cut_seq = 0;  // the newest truncation or settled size that is pending, 0: none
  Instant now;
  Instant next_wakeup{5'000'000'000};  // of the kernel's flusher, and
  Instant next_commit{5'000'000'000};  // of its journal
  DiskStats stats;
  Shut shut;
  std::string violation;  // what the self-check found; empty: nothing

  bool anything_pending() const {
    if (!names.empty()) return true;
    for (InodeId id = 0; id < tree.end(); ++id)
      if (const Inode* inode = tree.find(id); inode != nullptr && !inode->log.empty()) return true;
    return false;
  }
  void count_data(const Inode& inode, uint64_t bytes) {
    stats.bytes_data += bytes;
    stats.bytes_data_of[inode.account] += bytes;
  }
  void drop_if_unreachable(InodeId id) {
    if (!tree[id].is_unreachable()) return;
    tree.drop(id);
    media.forget(id);
  }
};

}  // namespace powercut::sim
