// What a filesystem and its device promise across a power cut, as plain switches. The named table
// is faults/personas.h; the code that reads these switches is sim/crash_space.cc and nothing else,
// apart from what a sync forces (sim/sync.h, sim/journal.h).
//
// The zero value is the least that POSIX allows: only what a sync forces survives for certain.
#pragma once

#include <cstdint>

namespace powercut::sim {

enum class NameOrder : uint8_t {
  kFree,     // every directory entry for itself; a rename is not atomic
  kJournal,  // names and truncations survive as a prefix of the order they were made in
  kLogTree,  // a prefix, plus what a sync logged on top of it (btrfs)
};

enum class SizeOrder : uint8_t {
  kLags,     // a growing size is settled at writeback: it may trail names made later
  kJournal,  // a size takes its place in the journal (no delayed allocation)
};

enum class DataOrder : uint8_t {
  kFree,            // any block, any version, whatever the size says
  kTailBeforeSize,  // a grown size implies the data of the block in which it ends
  kAllBeforeSize,   // a grown size implies all data that was appended up to it
  kJournal,         // data has its place in the journal, too
};

enum class SyncReach : uint8_t {
  kInode,          // the file's data and size
  kInodeAndNames,  // and its names, and those of its parents
  kJournal,        // and every name made before
  kNothing,        // the device lies
};

// What a failed sync leaves behind: in Linux 6.18, as measured (faults/testdata/kernel-6.18/); and
// in 5.2 (Rebello et al., ATC'20; CuttleFS states it as code).
enum class SyncFailure : uint8_t {
  // The page is clean and keeps the new bytes until it is evicted; they may never reach the disk.
  // A block that was new takes no later bytes either.
  kExt4Ordered,
  kExt4Data,         // the same, and a block that is written again is as any other
  kXfs,              // as kExt4Data, and the size is not updated either
  kBtrfs,            // the same
  kExt4Ordered2020,  // the page is clean and keeps the new bytes; they may never reach the disk
  kExt4Data2020,     // the same, but the error is reported by the next sync
  kXfs2020,          // as kExt4Ordered2020, and the size is not updated either
  kBtrfs2020,        // the page goes back to its old bytes
};

struct PersonaRules {
  NameOrder names = NameOrder::kFree;
  SizeOrder sizes = SizeOrder::kLags;
  DataOrder data = DataOrder::kFree;
  SyncReach sync = SyncReach::kInode;
  SyncFailure sync_failure = SyncFailure::kExt4Ordered;
  uint32_t sector_bytes = 512;  // what a write cannot tear: 1, 512 or 4096
  bool block_atomic = false;    // a 4 KiB block is old or new, whatever the sector
  bool garbage = false;         // size without data may read as garbage instead of NUL
  // New data may show up in a file whose truncation or removal was lost: its blocks were free.
  bool reuses_freed_blocks = false;
  bool replace_settles_size = false;  // a rename over a file implies the new file's size
  // The last close of a file that was truncated to nothing and written anew settles its size.
  bool truncate_settles_size = false;
  // `data` binds blocks that came with the write alone, not an append inside the last block.
  bool orders_fresh_blocks_only = false;
  bool writeback = false;      // the kernel writes old data back on its own clock
  bool write_through = false;  // everything written is durable at once

  bool journaled() const { return names != NameOrder::kFree; }
  // The models of 6.18 have more: pages are evicted, and the journal itself fails.
  bool fails_as_of_2020() const { return sync_failure >= SyncFailure::kExt4Ordered2020; }
  bool operator==(const PersonaRules&) const = default;
};

}  // namespace powercut::sim
