// What makes the files of the store: generations of the log (a base and its segments, named by a
// manifest) and checkpoints of their own. When to make one, and what follows from a failure, is the
// keeper's (engine/keeper.h).
//
// Each fence of the protocol (engine/DURABILITY.md lists them) is a call here or in
// engine/aof/, and has a name; `powercut list mutants` shows what happens without it. A step that
// fails leaves the previous generation complete and named.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/aof/manifest.h"
#include "engine/backup/backups.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/config.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

// One call at a time: each of those that yield must have returned before the next begins.
class Generations {
 public:
  Generations(Os& os, Keyspace& keyspace, AofLog& log, const EngineConfig& config);

  // The cold tier; null: there is none. Bases refer to what lies there, and hold it. Call it before start().
  void set_cold(ColdFolder* cold, Checkpoint::ReadAway read) {
    cold_ = cold;
    checkpoint_.set_read_away(std::move(read));
    // A backup has the files themselves: those in the archive come back first.
    backups_.set_rests_on([this](const std::string& base) -> Result<std::vector<std::string>> {
      std::vector<std::string> files;
      const auto segments = rests_on_[base];  // it may change meanwhile
      for (const SegmentHold& segment : segments) {
        TRY(cold_->keep_here(*segment));
        files.push_back(cold_->file_of(segment->sequence));
      }
      return files;
    });
  }

  // Takes over what recovery found; after it the log accepts entries. With a log, publishes a first
  // or a new generation where there is none to go on in. Yields.
  Result<void> start(Recovered recovered);

  // --- The log ---
  // A new segment, and a base of what came before it, while commands go on. Yields.
  Result<void> rewrite();
  // A new generation that rests on nothing of the last, after a sync that failed. Yields.
  Result<void> heal();
  // Replaces the whole data set: `replace` does so, in one step with the cut of a new generation that rests on nothing of
  // the last; before it, `is_ready` is asked until it is. Without a log, `replace` alone. Until the new generation is
  // published a start finds the old data set, and replies wait. Yields.
  //   Errors: of the new generation, behind `replace`: it is to be healed.
  Result<void> replace(const std::function<bool()>& is_ready, const std::function<void()>& replace);
  // Begins a log, always with a base, even of an empty keyspace: commands go on meanwhile. Yields.
  Result<void> turn_on();
  // Syncs what was applied, and closes the log. Its files stay. Yields.
  Result<void> turn_off();
  uint64_t log_bytes() const { return sealed_bytes_ + log_.segment_size(); }  // base and segments
  // Files of it are there, whether or not it is on.
  bool log_stands() const { return !standing_.empty(); }
  uint64_t bytes_after_rewrite() const { return bytes_after_rewrite_; }

  // --- Backups of the log (engine/backup/backups.h) ---
  // Begins one. Yields.
  //   Errors: kInvalid: not of that name, not now, or there is no log. As the seam's: it is given up.
  Result<void> start_backup(const std::string& id);
  // Goes on in a new segment, and makes the backup whole with all before it. Yields.
  //   Errors: kInvalid: there is none under way. As the seam's: it is given up, unless the log itself was in the way.
  Result<BackupFacts> seal_backup();
  // Yields.
  //   Errors: kInvalid: there is none under way.
  Result<void> abort_backup();
  // Removes a sealed one; those that `retention` does not keep. As Backups does. Yield.
  Result<void> remove_backup(const std::string& id);
  Result<void> retain_backups(const Retention& retention, const std::string& newest);
  Backups& backups() { return backups_; }

  // --- Checkpoints of their own ---
  // Writes and publishes one. Yields.
  Result<void> save();
  // Called before one is published, with its cut: what it returns as an error is why it is not. May yield.
  void set_before_save(std::function<Result<void>(uint64_t cut)> before) {
    before_save_ = std::move(before);
  }
  // What bases of the log say of a database behind the store (Sink::queue_in_words()). Call it before start().
  void set_queue(std::function<std::string()> queue) { queue_ = std::move(queue); }
  // The cut of the newest published checkpoint, and when it was published.
  uint64_t saved_lsn() const { return saved_lsn_; }
  Instant saved_at() const { return saved_at_; }
  int64_t saved_unix_s() const { return saved_unix_s_; }
  uint64_t changes_since_save() const { return log_.applied_lsn() - saved_lsn_; }

  // Writes one to `out`, which keeps nothing; `at_cut` runs in one step with its cut. `stream_db`: the database that the
  // stream behind it begins in; -1: it says so itself. Yields.
  Result<void> send(File& out, int stream_db, const std::function<void()>& at_cut);

  // The one that is being written, of any kind.
  const Checkpoint& checkpoint() const { return checkpoint_; }
  // Suspends a writer while its buffer is full; true if it yielded.
  bool make_room();

 private:
  Result<void> make_log_directory();
  Result<void> restore_log_directory();
  Result<void> first_generation(bool marked);
  Result<void> first_base();
  Result<void> take_in_single_log();
  Result<void> make_mark(const std::string& mark);
  Result<Segment> create_segment(uint64_t sequence);
  Result<ManifestFile> write_base(uint64_t sequence, uint64_t cut);
  Result<void> publish(const Manifest& manifest, Replaced& left);
  Result<uint64_t> begin_segment(const std::function<void()>& at_cut);
  Result<void> check_backup_under_way() const;
  void keep_for_backup();
  void distrust_if_failed(const Result<void>& outcome);
  void take_over(Manifest manifest);
  Result<std::unique_ptr<File>> create_log_file(const std::string& name, uint64_t sequence);
  bool stands(std::string_view name) const;
  void remove_log_file(const std::string& name);
  void remove_quietly(const std::string& name);
  Result<void> publish_anew(uint64_t sequence, uint64_t cut);
  RdbHeader header(bool aof_base);
  void capture(bool aof_base);
  std::vector<ManifestFile> all_files() const;

  Os& os_;
  Keyspace& keyspace_;
  AofLog& log_;
  const EngineConfig& config_;
  Checkpoint checkpoint_;
  Backups backups_;
  Manifest manifest_;
  // Renamed, but the directory was not synced: a crash may bring any of them.
  std::vector<Manifest> doubtful_;
  std::function<Result<void>(uint64_t)> before_save_;
  std::function<std::string()> queue_;
  ColdFolder* cold_ = nullptr;
  std::vector<SegmentHold> captured_rests_on_;                // of the newest checkpoint
  std::map<std::string, std::vector<SegmentHold>> rests_on_;  // of each base that stands
  std::vector<std::string> standing_;  // the log's files: found named, or made, and not removed
  uint64_t captured_lsn_ = 0;          // the cut of the newest checkpoint
  uint64_t next_sequence_ = 1;
  // Another server's, which this life was started from: the next one removes them, when it has loaded ours.
  std::vector<ManifestFile> kept_;
  std::vector<std::string> orphans_;  // set aside by this start, or an earlier one
  uint64_t bytes_after_rewrite_ = 0;  // what growth is measured against
  uint64_t sealed_bytes_ = 0;         // base and segments before the last
  uint64_t saved_lsn_ = 0;
  Instant saved_at_;
  int64_t saved_unix_s_ = 0;
};

}  // namespace powercut::engine
