// The keeper: one task that rewrites the AOF, writes checkpoints, and heals the log after a failed
// sync. One thing at a time, so they cannot race each other.
//
// Each fence of the protocol (formats.md, "Rewrite and rotation") is a call here or in aof_log.cc,
// and has a name; `powercut list mutants` shows what happens without it. A step that fails leaves
// the previous generation complete and named.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/aof/manifest.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/config.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

struct PersistenceStats {
  uint64_t rewrites = 0;
  uint64_t failed_rewrites = 0;
  uint64_t failed_rewrites_in_a_row = 0;
  uint64_t saves = 0;
  uint64_t failed_saves = 0;
  bool last_save_ok = true;
  uint64_t heals = 0;
  uint64_t failed_heals = 0;
  std::string last_error;
  int64_t last_save_unix_s = 0;
  Duration last_rewrite_took{-1};
  Duration last_save_took{-1};
};

class Persistence {
 public:
  Persistence(Os& os, Keyspace& keyspace, AofLog& log, EngineConfig& config);

  // Takes over what recovery found; after it the log accepts entries. With a log, publishes a first
  // or a new generation where there is none to go on in. Yields.
  Result<void> start(Recovered recovered);
  // The keeper's task.
  void run();
  // Ends run() after the work in hand.
  void stop();
  // Waits for the work in hand and keeps the keeper from beginning more, until resume(). Yields.
  void pause();
  void resume();

  // --- Requests; the waiting forms return when the work is done ---
  enum class Job : unsigned char { kNone, kRewrite, kSave };
  // False if one is already under way or waiting.
  bool request(Job job);
  bool busy(Job job) const { return running_ == job; }
  Instant job_started_at() const { return job_started_at_; }
  bool waiting(Job job) const { return job == Job::kRewrite ? rewrite_wanted_ : save_wanted_; }
  // Waits for the running checkpoint to end and writes one of its own. Yields.
  Result<void> save_now();
  // Turns the log on or off at run time. On: returns when the first base is published. Yields.
  Result<void> set_append_only(bool on);

  // Called after each entry: looks whether a rule or a size is reached. Never yields.
  void on_entry();
  // The configuration has changed: looks again.
  void config_changed() { wake_.notify_all(); }
  // Suspends a writer while the checkpoint's buffer is full; true if it yielded.
  bool make_room();

  const PersistenceStats& stats() const { return stats_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  // The cut of the newest published checkpoint.
  uint64_t saved_lsn() const { return saved_lsn_; }
  uint64_t changes_since_save() const { return log_.applied_lsn() - saved_lsn_; }
  uint64_t log_bytes() const;  // base and segments
  uint64_t base_bytes() const { return bytes_after_rewrite_; }

 private:
  void begin_job(Job job);
  void end_job(const Result<void>& outcome);
  void wait_for_job();
  Result<void> turn_on();
  Result<void> turn_off();
  Result<void> first_base();
  Result<void> rewrite();
  Result<void> heal();
  Result<void> save();
  Result<Segment> create_segment(uint64_t sequence);
  Result<ManifestFile> write_base(uint64_t sequence, uint64_t cut);
  Result<void> make_log_directory();
  Result<void> first_generation();
  void remove_files(const std::vector<ManifestFile>& files);
  void remove_quietly(const std::string& name);
  RdbHeader header(bool aof_base) const;
  bool rewrite_due() const;
  Instant save_due() const;
  std::vector<ManifestFile> all_files() const;
  Result<void> publish(const Manifest& manifest, bool& renamed);

  Os& os_;
  Keyspace& keyspace_;
  AofLog& log_;
  EngineConfig& config_;
  Checkpoint checkpoint_;
  WaitQueue wake_;
  WaitQueue done_;
  Manifest manifest_;
  uint64_t next_sequence_ = 1;
  uint64_t bytes_after_rewrite_ = 0;  // what growth is measured against
  uint64_t sealed_bytes_ = 0;         // base and segments before the last
  uint64_t saved_lsn_ = 0;
  Instant saved_at_;
  Job running_ = Job::kNone;
  Instant job_started_at_;
  bool rewrite_wanted_ = false;
  bool save_wanted_ = false;
  bool heal_wanted_ = false;
  bool paused_ = false;
  bool stopping_ = false;
  Duration retry_after_{0};
  Instant not_before_{0};  // after a failure the keeper waits
  PersistenceStats stats_;
};

}  // namespace powercut::engine
