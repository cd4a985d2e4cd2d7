#include "engine/keeper.h"

#include <algorithm>

namespace powercut::engine {

namespace {

// Doubled with each failure in a row, so that a device that stays broken is not kept busy.
constexpr Duration kFirstRetry = milliseconds(500);
constexpr Duration kLongestWait = seconds(8);

}  // namespace

Keeper::Keeper(Os& os, AofLog& log, Generations& generations, EngineConfig& config)
    : os_(os), log_(log), generations_(generations), config_(config), wake_(os), done_(os) {
  log_.set_on_poison([this] {
    heal_wanted_ = true;
    wake_.notify_all();
  });
}

// --- The task ---

void Keeper::run() {
  while (!stopping_) {
    const Instant now = os_.now();
    if (paused_ || held_ || running_ != Job::kNone) {
      done_.wait();
    } else if (heal_wanted_) {
      if (now < not_before_) {
        wake_.rest(not_before_);
      } else {
        heal();
      }
    } else if ((rewrite_wanted_ || rewrite_due()) && now >= not_before_) {
      rewrite();
    } else if ((save_wanted_ || save_due() <= now) && now >= not_before_) {
      save_wanted_ = false;
      (void)save_now();  // INFO says how it went
    } else if (send_wanted_) {
      send();
    } else {
      const bool work = rewrite_wanted_ || save_wanted_ || rewrite_due();
      wake_.rest(work ? not_before_ : std::max(not_before_, save_due()));
    }
  }
}

void Keeper::stop() {
  stopping_ = true;
  wake_.notify_all();
  done_.notify_all();
}

void Keeper::pause() {
  wait_for_job();
  paused_ = true;
}

void Keeper::resume() {
  paused_ = false;
  done_.notify_all();
}

void Keeper::hold(bool hold) {
  if (held_ == hold) return;
  held_ = hold;
  if (!hold) done_.notify_all();
}

// --- What is due ---

bool Keeper::rewrite_due() const {
  if (!config_.recovery.append_only || config_.rewrite_percentage == 0 || log_.poisoned())
    return false;
  const uint64_t bytes = generations_.log_bytes() + log_.buffered_bytes();
  if (bytes < config_.rewrite_min_bytes) return false;
  const uint64_t base = std::max<uint64_t>(generations_.bytes_after_rewrite(), 1);
  return (bytes - std::min(bytes, base)) * 100 / base >= config_.rewrite_percentage;
}

Instant Keeper::save_due() const {
  Instant due = kForever;
  // Writes are refused until one succeeds, so no rule would ever be met.
  if (!stats_.last_save_ok && config_.refuse_after_failed_save && !config_.save.empty())
    due = not_before_;
  for (const SaveRule& rule : config_.save) {
    if (generations_.changes_since_save() >= rule.changes)
      due = std::min(due, generations_.saved_at() + seconds(rule.seconds));
  }
  return due;
}

void Keeper::on_entry() {
  if (running_ != Job::kNone || wake_.empty()) return;
  if (rewrite_due()) {
    wake_.notify_all();
    return;
  }
  for (const SaveRule& rule : config_.save) {
    if (generations_.changes_since_save() == rule.changes) wake_.notify_all();
  }
}

// --- Jobs ---

bool Keeper::request(Job job) {
  CHECK(job != Job::kNone);
  bool& wanted = job == Job::kRewrite ? rewrite_wanted_ : save_wanted_;
  if (wanted || running_ == job) return false;
  wanted = true;
  wake_.notify_all();
  return true;
}

void Keeper::begin_job(Job job) {
  CHECK(running_ == Job::kNone && job != Job::kNone);
  running_ = job;
  job_started_at_ = os_.now();
}

void Keeper::end_job(const Result<void>& outcome) {
  CHECK(running_ != Job::kNone);
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

void Keeper::wait_for_job() {
  while (running_ != Job::kNone) done_.wait();
}

void Keeper::heal() {
  begin_job(Job::kRewrite);
  CHECK(log_.poisoned());
  heal_wanted_ = false;
  const auto outcome = generations_.heal();
  CHECK(log_.poisoned() != outcome.ok());
  ++(outcome.ok() ? stats_.heals : stats_.failed_heals);
  heal_wanted_ = !outcome.ok();  // whatever was reported meanwhile, nothing of it is left
  end_job(outcome);
}

void Keeper::rewrite() {
  begin_job(Job::kRewrite);
  rewrite_wanted_ = false;
  const auto outcome = generations_.rewrite();
  ++(outcome.ok() ? stats_.rewrites : stats_.failed_rewrites);
  stats_.failed_rewrites_in_a_row = outcome.ok() ? 0 : stats_.failed_rewrites_in_a_row + 1;
  if (outcome.ok()) stats_.last_rewrite_took = os_.now() - job_started_at_;
  end_job(outcome);
}

// Nothing of the store depends on how it goes: who did not get it asks again.
void Keeper::send() {
  begin_job(Job::kSend);
  send_wanted_ = false;
  send_();
  running_ = Job::kNone;
  done_.notify_all();
}

Result<void> Keeper::save_now() {
  while (held_ || running_ != Job::kNone) done_.wait();
  begin_job(Job::kSave);
  const auto outcome = generations_.save();
  ++(outcome.ok() ? stats_.saves : stats_.failed_saves);
  stats_.last_save_ok = outcome.ok();
  if (outcome.ok()) stats_.last_save_took = os_.now() - job_started_at_;
  end_job(outcome);
  return outcome;
}

Result<void> Keeper::run_backup(const std::function<Result<void>()>& work) {
  while (paused_ || held_ || running_ != Job::kNone) done_.wait();
  begin_job(Job::kBackup);
  const auto outcome = work();
  const bool asked_wrongly = !outcome.ok() && outcome.error().code == Errc::kInvalid;
  end_job(asked_wrongly ? Result<void>() : outcome);
  return outcome;
}

Result<void> Keeper::replace(const std::function<Result<void>()>& work) {
  while (paused_ || held_ || running_ != Job::kNone) done_.wait();
  begin_job(Job::kReplace);
  const auto outcome = work();
  if (!outcome.ok()) log_.blame(outcome.error());
  heal_wanted_ = log_.poisoned();
  end_job(outcome);
  return outcome;
}

Result<void> Keeper::set_append_only(bool on) {
  // A shutdown that began meanwhile ends the log as well: one at a time, and only one that fails lets
  // anybody go on.
  while (paused_ || running_ != Job::kNone) done_.wait();
  if (on == config_.recovery.append_only) return {};
  begin_job(Job::kRewrite);
  const auto outcome = on ? generations_.turn_on() : generations_.turn_off();
  CHECK(log_.active() == (outcome.ok() ? on : !on));
  if (outcome.ok()) config_.recovery.append_only = on;
  if (!log_.active()) rewrite_wanted_ = false;  // there is nothing to rewrite any more
  end_job(outcome);
  return outcome;
}

}  // namespace powercut::engine
