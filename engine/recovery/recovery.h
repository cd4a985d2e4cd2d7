// Recovery: manifest + base + segments -> keyspace, with a report of what was found, dropped and
// set aside.
//
// Everything it does may be cut at any step and done again. It publishes a manifest again that an earlier start left
// half-way; cuts the torn tail off the last segment, writes again what no sync vouches for, and syncs; then, when all
// is loaded, removes what the manifest has as history, and gives files that nothing names another name. A start that
// is refused has changed no byte of the data, and it never removes what another server wrote. Before it returns, what
// it replayed is durable: bytes that were read back after a kill may live in the page cache alone, so the last segment
// and the directories are synced (engine/DURABILITY.md, "How a start goes").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/aof/manifest.h"
#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/recovery/checkpoint_file.h"
#include "engine/store/keyspace.h"
#include "engine/tier/cold_folder.h"

namespace powercut::engine {

inline constexpr std::string_view kAofDirectory = "appendonlydir";
std::string in_aof_directory(std::string_view name);  // the path
// Stands in the directory while a first generation is made of a checkpoint: until its manifest is
// published, nothing there has ever been acknowledged.
inline constexpr std::string_view kFirstGenerationMark = "first-generation";

// Behind the name of a file that nothing names, once a start has set it aside.
inline constexpr std::string_view kOrphanSuffix = ".orphan";

// The one log of a server before Redis 7, in the root: commands, or a checkpoint with commands behind it.
inline constexpr std::string_view kSingleLog = "appendonly.aof";

// Stand in the directory while a backup is made, and while one is removed (engine/backup/backups.h).
inline constexpr std::string_view kBackupMarkPrefix = "backup-";
inline constexpr std::string_view kUnsealedSuffix = ".unsealed";
inline constexpr std::string_view kRemovedSuffix = ".removed";
std::string unsealed_name(std::string_view id);
std::string removed_name(std::string_view id);

enum class OnCorruption : unsigned char { kAbort, kTruncate };
// What becomes of a start that would leave newer data beside what it reads.
enum class OnNewer : unsigned char { kPassOver, kRefuse };

// How far a load has come.
struct LoadProgress {
  uint64_t total_bytes = 0;
  uint64_t loaded_bytes = 0;
};

struct RecoveryOptions {
  bool append_only = true;
  OnCorruption on_corruption = OnCorruption::kAbort;
  bool drops_torn_end =
      true;  // of a log, as a crash leaves it; false: refused, for who wants to look first
  OnNewer on_newer = OnNewer::kPassOver;  // a process asks for kRefuse
  Duration time_limit{0};                 // 0: none
  // Only what was logged up to this second, where the log has timestamps: the rest is given up, as damage is. For
  // OnCorruption::kTruncate alone.
  std::optional<int64_t> until_unix_s = {};
  // Later entries are read and verified, and not done.
  uint64_t until_lsn = UINT64_MAX;
  // Kept up to date if it is there; then other tasks run now and then.
  LoadProgress* progress = nullptr;
  // Where the values lie that a base refers to; null: there is no cold tier, and such a base is refused.
  ColdFolder* cold = nullptr;
  // Told of each entry before it is done again.
  std::function<void(uint64_t lsn)> on_entry = {};
};

struct RecoveryReport {
  bool found_nothing = false;  // a fresh start
  std::string base;            // the file loaded, if any
  uint64_t base_keys = 0;
  std::optional<int64_t> base_unix_s = {};  // when it was made, if it says so
  uint64_t base_expired = 0;                // keys of the base that had expired, and are not there
  uint64_t segments = 0;
  uint64_t entries = 0;
  uint64_t batches = 0;
  uint64_t dropped_bytes = 0;  // the torn tail, or what on-corruption truncate gave up
  std::string dropped_reason;
  bool dropped_corruption = false;
  std::string unsynced_reason;   // the last segment could not be synced: a new generation was made
  uint64_t untrusted_bytes = 0;  // likewise: so many of it might not reach the disk in their place
  std::vector<std::string> set_aside;  // files no manifest names
  bool log_beside = false;  // the log is off, and what an earlier one has was read, not adopted
  std::string passed_over;  // what else lies there, and was not read
  bool checkpoint_ahead = false;  // dump.rdb has entries that a crash took from the log
  uint64_t last_lsn = 0;
  Duration took{0};

  // One line for people.
  std::string summary() const;
};

struct Recovered {
  RecoveryReport report;
  Manifest manifest;  // empty on a fresh start
  // Another server wrote it: its files stay until ours have been started from once.
  bool foreign = false;
  bool single_log = false;           // kSingleLog was read: it belongs into the log's directory now
  std::vector<std::string> orphans;  // set aside by earlier starts
  std::vector<std::string> unsealed_backups;  // by the marks that stand
  std::vector<std::string> removed_backups;
  std::vector<SegmentHold> rests_on;  // of the cold tier: what the base refers to
  std::string queue;  // what the base says of a database behind the store; empty: nothing
  std::optional<Segment> segment;  // the last one, to go on in; none: make a new generation first
  uint64_t next_sequence = 1;      // for new files: above every one ever seen in the directory
  bool marked = false;             // an earlier start left the mark of a first generation
};

// Loads `keyspace`, which must be empty. On an error the keyspace is to be thrown away.
//   Errors: kCorrupt: damage below what was synced, with file, offset and remedy. kTimeout: the
//   time limit, with how far it had come. kUnsupported: a format newer than this build. kInvalid: it would find
//   nothing where something lies (passed_over.h), or go by the older of two (newer_beside.h). Others as the seam's.
Result<Recovered> recover(Os& os, Keyspace& keyspace, const RecoveryOptions& options);

}  // namespace powercut::engine
