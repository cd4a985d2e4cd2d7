// Backups: copies of the log by hard link, in folders beside it, made while writes go on.
//
//   backups/ID/appendonly.aof.N....     second names of the log's files, none of which is appended to any more
//   backups/ID/N.cold                   ... and of the segments of the cold tier on which the base rests
//   backups/ID/appendonly.aof.manifest  comes last: where it stands the backup is whole
//   appendonlydir/backup-ID.unsealed    stands from before the folder is made until it is whole
//   appendonlydir/backup-ID.removed     stands while it is removed
//
// What a rewrite removes from the log keeps its second name here, so nothing is removed under who copies a backup.
// A sealed one survives a kill and a power cut; of one that is not, a start removes the folder, and only where the
// mark says that the store itself has made it. One that is removed is marked, and the next start ends what a crash leaves,
// unless all of it is there. The two marks differ: where the manifest's name comes back with
// what another file has written into its freed blocks, only a removal may take the folder for its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/aof/manifest.h"
#include "engine/base/result.h"
#include "engine/command/control.h"
#include "engine/os/os.h"

namespace powercut::engine {

inline constexpr std::string_view kBackupsDirectory = "backups";

// Letters, digits, "-", "_" and "."; not beginning with a dot, and at most 64 of them.
bool is_backup_id(std::string_view id);

// What the manifest of a sealed backup says of it, beside its files: `facts.id` is the caller's.
//   Errors: kCorrupt; kInvalid: it is no backup's.
Result<BackupFacts> parse_backup(std::string_view manifest, std::string id);

// What remains of those that are sealed: the newest always does.
struct Retention {
  uint64_t count = 0;  // so many; 0: all
  int64_t age_s = 0;   // those no older than that by the wall clock; 0: all
};

// One call at a time, and none while the log's files change.
class Backups {
 public:
  explicit Backups(Os& os) : os_(os) {}

  // On which files of the cold tier a base rests: a backup has second names of them too, in its folder. Without it: none.
  using RestsOn = std::function<Result<std::vector<std::string>>(const std::string& base)>;
  void set_rests_on(RestsOn rests_on) { rests_on_ = std::move(rests_on); }

  // May one of that ID be begun now? Yields.
  //   Errors: kInvalid: no such ID can be, it is taken, or another is under way.
  Result<void> check_start(const std::string& id);
  // Begins one of the log that `log` names. Yields.
  //   Errors: as follow(): then give_up() it. REQUIRES: check_start().
  Result<void> start(const std::string& id, const Manifest& log);
  bool open() const { return !id_.empty(); }
  // As far as it has come.
  BackupFacts facts() const;

  // Takes in what of `log` is not appended to any more. Called before any of it is removed. Where the log was begun
  // anew the backup begins anew with it. Yields.
  //   Errors: as the seam's; kUnsupported: no hard links here. Then give_up() it.
  Result<void> follow(const Manifest& log);
  // Makes it whole: all of `log` but its last segment, up to entry `lsn`. Durable when this returns. Yields.
  //   Errors: as follow(). It may be whole all the same: the next start tells.
  Result<BackupFacts> seal(const Manifest& log, uint64_t lsn, int64_t unix_s);
  // Gives it up. What cannot be removed now is removed by the next start. Yields.
  void discard();
  // The same by the store itself, and why; until the next one is begun.
  void give_up(const Error& error);
  const std::string& given_up() const { return given_up_; }

  // Removes a sealed one. Gone for good when this returns. Yields.
  //   Errors: kInvalid: there is no sealed one of that ID, or somebody else's file lies in it; as the seam's: the next
  //   start tells whether it is gone.
  Result<void> remove(const std::string& id);
  // Removes of the sealed ones but `newest` those that `retention` does not keep, the oldest by the wall clock first. Yields.
  //   Errors: as remove(), and those of list(). kInvalid: all the others are gone.
  Result<void> retain(const Retention& retention, const std::string& newest, int64_t now_unix_s);

  // At a start: removes what earlier lives have left half, of those whose marks it has found. Yields.
  void remove_leftovers(const std::vector<std::string>& unsealed,
                        const std::vector<std::string>& removed);
  // The sealed ones, by ID. Yields.
  Result<std::vector<BackupFacts>> list();

 private:
  Result<void> make_directory(const std::string& path);
  Result<void> make_folder(const std::string& id);
  Result<void> keep(const ManifestFile& file);
  Result<void> keep_cold(const std::string& base);
  Result<void> link_in(const std::string& path, const std::string& name);
  void drop(const Manifest& before);
  Result<void> write_manifest(const std::string& text);
  // Refused, if one of them is not of the store.
  Result<std::vector<std::string>> files_of_ours(const std::string& id);
  Result<bool> is_whole(const std::string& id);
  Result<void> remove_folder(const std::string& id);

  Os& os_;
  RestsOn rests_on_;
  std::vector<std::string> cold_;  // what of the cold tier it has, by name
  std::string id_;                 // of the one under way; empty: there is none
  Manifest kept_;                  // its files
  std::string next_;               // the segment that goes on behind them
  bool may_stand_ = false;         // it was renamed into place, or that was tried
  std::string given_up_;
};

}  // namespace powercut::engine
