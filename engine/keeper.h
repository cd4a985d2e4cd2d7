// The keeper: one task that has the log rewritten, checkpoints written or sent, and the log healed after a
// failed sync. It decides what is due, waits, and tries again; how it is done stands in
// engine/generations.h. One job at a time, so they cannot race each other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "engine/config.h"
#include "engine/generations.h"

namespace powercut::engine {

struct KeeperStats {
  uint64_t rewrites = 0;
  uint64_t failed_rewrites = 0;
  uint64_t failed_rewrites_in_a_row = 0;
  uint64_t saves = 0;
  uint64_t failed_saves = 0;
  bool last_save_ok = true;
  uint64_t heals = 0;
  uint64_t failed_heals = 0;
  std::string last_error;
  Duration last_rewrite_took{-1};
  Duration last_save_took{-1};
};

class Keeper {
 public:
  Keeper(Os& os, AofLog& log, Generations& generations, EngineConfig& config);

  // The keeper's task.
  void run();
  // Ends run() after the work in hand.
  void stop();
  // Waits for the work in hand and keeps the keeper from beginning more, until resume(). Yields.
  void pause();
  void resume();
  // While `hold`, no job begins, nor does save_now().
  void hold(bool hold);

  // --- Requests; the waiting forms return when the work is done ---
  enum class Job : unsigned char { kNone, kRewrite, kSave, kSend, kBackup, kReplace };
  // False if one is already under way or waiting.
  bool request(Job job);
  bool busy(Job job) const { return running_ == job; }
  Instant job_started_at() const { return job_started_at_; }
  bool waiting(Job job) const { return job == Job::kRewrite ? rewrite_wanted_ : save_wanted_; }
  // Waits for the running checkpoint to end and has one of its own written. Yields.
  Result<void> save_now();
  // Has a checkpoint sent to who waits for one: calls `send`, once for all that asked before it began. Never yields.
  void request_send() {
    send_wanted_ = true;
    wake_.notify_all();
  }
  void set_send(std::function<void()> send) { send_ = std::move(send); }
  // Waits for the work in hand and runs `work`, a step of a backup, as a job of its own. Its error is returned. Yields.
  Result<void> run_backup(const std::function<Result<void>()>& work);
  // Waits for the work in hand and runs `work`, which replaces the data set (Generations::replace). Where its new
  // generation fails the log is healed like any. Yields.
  Result<void> replace(const std::function<Result<void>()>& work);
  // Turns the log on or off at run time. On: returns when the first base is published. Yields.
  Result<void> set_append_only(bool on);

  // Called after each entry: looks whether a rule or a size is reached. Never yields.
  void on_entry();
  // The configuration has changed: looks again.
  void config_changed() { wake_.notify_all(); }

  const KeeperStats& stats() const { return stats_; }

 private:
  void begin_job(Job job);
  void end_job(const Result<void>& outcome);
  void wait_for_job();
  void heal();
  void rewrite();
  void send();
  bool rewrite_due() const;
  Instant save_due() const;

  Os& os_;
  AofLog& log_;
  Generations& generations_;
  EngineConfig& config_;
  WaitQueue wake_;
  WaitQueue done_;
  Job running_ = Job::kNone;
  Instant job_started_at_;
  bool rewrite_wanted_ = false;
  bool save_wanted_ = false;
  bool heal_wanted_ = false;
  bool send_wanted_ = false;
  std::function<void()> send_;
  bool paused_ = false;
  bool held_ = false;
  bool stopping_ = false;
  Duration retry_after_{0};
  Instant not_before_{0};  // after a failure the keeper waits
  KeeperStats stats_;
};

}  // namespace powercut::engine
