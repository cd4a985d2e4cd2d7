// The keeper's loop, what it is asked for, and when something is due.
#include <algorithm>

#include "engine/persistence.h"

namespace powercut::engine {

namespace {

// Doubled with each failure in a row, so that a device that stays broken is not kept busy.
constexpr Duration kFirstRetry = milliseconds(500);
constexpr Duration kLongestWait = seconds(8);

}  // namespace

// --- The keeper ---

bool Persistence::request(Job job) {
  bool& wanted = job == Job::kRewrite ? rewrite_wanted_ : save_wanted_;
  if (wanted || running_ == job) return false;
  wanted = true;
  wake_.notify_all();
  return true;
}

void Persistence::begin_job(Job job) {
  running_ = job;
  job_started_at_ = os_.now();
}

void Persistence::end_job(const Result<void>& outcome) {
  running_ = Job::kNone;
  if (outcome.ok()) {
    retry_after_ = Duration{0};
  } else {
    stats_.last_error = outcome.error().message;
    retry_after_ = std::clamp(retry_after_ * 2, kFirstRetry, kLongestWait);
    not_before_ = os_.now() + retry_after_;
  }
  done_.notify_all();
  wake_.notify_all();
}

void Persistence::wait_for_job() {
  while (running_ != Job::kNone) done_.wait();
}

void Persistence::run() {
  while (!stopping_) {
    const Instant now = os_.now();
    if (paused_ || running_ != Job::kNone) {
      done_.wait();
    } else if (heal_wanted_) {
      if (now < not_before_) {
        wake_.rest(not_before_);
        continue;
      }
      begin_job(Job::kRewrite);
      heal_wanted_ = false;
      const auto outcome = heal();
      ++(outcome.ok() ? stats_.heals : stats_.failed_heals);
      if (!outcome.ok()) heal_wanted_ = true;
      end_job(outcome);
    } else if ((rewrite_wanted_ || rewrite_due()) && now >= not_before_) {
      begin_job(Job::kRewrite);
      rewrite_wanted_ = false;
      const auto outcome = rewrite();
      ++(outcome.ok() ? stats_.rewrites : stats_.failed_rewrites);
      stats_.failed_rewrites_in_a_row = outcome.ok() ? 0 : stats_.failed_rewrites_in_a_row + 1;
      end_job(outcome);
    } else if ((save_wanted_ || save_due() <= now) && now >= not_before_) {
      save_wanted_ = false;
      (void)save_now();  // INFO says how it went
    } else {
      const bool work = rewrite_wanted_ || save_wanted_ || rewrite_due();
      wake_.rest(work ? not_before_ : std::max(not_before_, save_due()));
    }
  }
}

void Persistence::pause() {
  wait_for_job();
  paused_ = true;
}

void Persistence::resume() {
  paused_ = false;
  done_.notify_all();
}

void Persistence::stop() {
  stopping_ = true;
  wake_.notify_all();
  done_.notify_all();
}

uint64_t Persistence::log_bytes() const { return sealed_bytes_ + log_.segment_size(); }

bool Persistence::rewrite_due() const {
  if (!config_.recovery.append_only || config_.rewrite_percentage == 0 || log_.poisoned())
    return false;
  const uint64_t bytes = log_bytes();
  if (bytes < config_.rewrite_min_bytes) return false;
  const uint64_t base = std::max<uint64_t>(bytes_after_rewrite_, 1);
  return (bytes - std::min(bytes, base)) * 100 / base >= config_.rewrite_percentage;
}

Instant Persistence::save_due() const {
  Instant due = kForever;
  for (const SaveRule& rule : config_.save) {
    if (changes_since_save() >= rule.changes)
      due = std::min(due, saved_at_ + seconds(rule.seconds));
  }
  return due;
}

void Persistence::on_entry() {
  if (running_ != Job::kNone || wake_.empty()) return;
  if (rewrite_due()) {
    wake_.notify_all();
    return;
  }
  for (const SaveRule& rule : config_.save) {
    if (changes_since_save() == rule.changes) wake_.notify_all();
  }
}

bool Persistence::make_room() {
  if (!checkpoint_.full()) return false;
  checkpoint_.room().wait();
  return true;
}

}  // namespace powercut::engine
