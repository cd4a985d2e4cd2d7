#include "engine/aof/aof_log.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/aof/manifest.h"

namespace powercut::engine {

namespace {

Error name_is_gone() {
  return {Errc::kIo,
          "the log's file has no name any more: its directory was removed or moved away"};
}

}  // namespace

AofLog::AofLog(Os& os, const AofOptions& options)
    : os_(os), options_(options), wake_writer_(os), wake_syncer_(os), progress_(os) {}

void AofLog::start_at(uint64_t lsn) {
  CHECK(phase_ == Phase::kOff && applied_ == 0);
  applied_ = written_ = synced_ = released_ = lsn;
  buffer_first_ = lsn + 1;
}

void AofLog::use_segment(Segment segment) {
  CHECK(in_flight_.nothing());
  CHECK(!has_unwritten() && synced_ == applied_);  // no entry is in no file
  CHECK(segment.file != nullptr && segment.synced_offset <= segment.size);
  segment_ = std::move(segment);
  enter(Phase::kOpen);
}

void AofLog::start() {
  ending_ = Ending::kNone;
  os_.spawn("aof.writer", [this] { write_loop(); });
  if (syncer_runs_) return;
  syncer_runs_ = true;
  os_.spawn("aof.syncer", [this] { sync_loop(); });
}

void AofLog::set_options(const AofOptions& options) {
  options_ = options;
  wake_writer_.notify_all();
  wake_syncer_.notify_all();
  release();
}

void AofLog::enter(Phase next) {
  const auto to = [next](std::initializer_list<Phase> legal) {
    return std::find(legal.begin(), legal.end(), next) != legal.end();
  };
  bool legal = false;
  switch (phase_) {
    case Phase::kOff:
      legal = to({Phase::kOpen, Phase::kFounding});
      break;
    case Phase::kFounding:
      legal = to({Phase::kOpen, Phase::kOff});
      break;
    case Phase::kOpen:
      legal = to({Phase::kPoisoned, Phase::kHealing, Phase::kOff});
      break;
    case Phase::kPoisoned:
      legal = to({Phase::kHealing});
      break;
    case Phase::kHealing:
      legal = to({Phase::kOpen});
      break;
  }
  CHECK(legal);
  phase_ = next;
}

// --- Entries ---

bool AofLog::has_space(size_t bytes) {
  if (!can_write() || !can_reserve_) return true;
  // What is applied behind the cut of a rotation is written to the next segment.
  Segment& to = behind_cut_ != nullptr ? *behind_cut_ : segment_;
  const uint64_t before = behind_cut_ != nullptr ? 0 : unwritten_.size();
  const uint64_t needed = to.size + before + buffer_.size() + 2 * bytes + kSlack;
  if (needed <= to.reserved) {
    if (std::exchange(out_of_space_, false)) unblock();
    return true;
  }
  auto reserved = to.file->reserve(needed + kReserve);
  if (reserved.ok()) {
    to.reserved = needed + kReserve;
  } else if (reserved.error().code == Errc::kNoSpace) {
    reserved = to.file->reserve(needed);  // the last of it
    if (reserved.ok()) to.reserved = needed;
  }
  const bool full = !reserved.ok() && reserved.error().code == Errc::kNoSpace;
  can_reserve_ = reserved.ok() || full;
  if (full) {
    out_of_space_ = true;
    block(reserved.error().message);
  } else if (std::exchange(out_of_space_, false)) {
    unblock();
  }
  return !full;
}

void AofLog::begin_entry(size_t commands) {
  CHECK(open_commands_ == 0 && commands > 0);
  open_commands_ = commands;
  if (!keeps_entries()) return;
  if (options_.timestamps) {
    const int64_t second = os_.wall_now().unix_ms / 1000;
    if (second != last_timestamp_s_) {
      last_timestamp_s_ = second;
      char digits[24];
      buffer_ += kTimestampPrefix;
      buffer_.append(digits, std::to_chars(digits, digits + sizeof digits, second).ptr);
      buffer_ += "\r\n";
    }
  }
  if (commands > 1) buffer_ += "*1\r\n$5\r\nMULTI\r\n";
}

void AofLog::add_command(int db, std::string_view resp) {
  CHECK(open_commands_ > 0);
  if (!keeps_entries()) return;
  if (db != selected_db_) {
    selected_db_ = db;
    char digits[9];
    const std::string_view number(digits,
                                  std::to_chars(digits, digits + sizeof digits, db).ptr - digits);
    buffer_ += "*2\r\n$6\r\nSELECT\r\n$";
    buffer_ += static_cast<char>('0' + number.size());  // a number of one digit, too
    buffer_ += "\r\n";
    buffer_ += number;
    buffer_ += "\r\n";
  }
  buffer_ += resp;
}

uint64_t AofLog::end_entry() {
  CHECK(open_commands_ > 0);
  ++applied_;
  const bool transaction = open_commands_ > 1;
  open_commands_ = 0;
  if (!keeps_entries()) {
    written_ = synced_ = released_ = applied_;
    buffer_first_ = applied_ + 1;
    return applied_;
  }
  if (transaction) buffer_ += "*1\r\n$4\r\nEXEC\r\n";
  wake_writer_.notify_all();
  return applied_;
}

// --- Marks ---

void AofLog::check_marks() const {
  CHECK(synced_ <= written_);
  CHECK(written_ <= applied_);
  CHECK(released_ <= written_);
}

void AofLog::release() {
  uint64_t target = options_.policy == SyncPolicy::kAlways ? synced_ : written_;
  while (!unsynced_releases_.empty() && unsynced_releases_.front().lsn <= synced_) {
    unsynced_releases_.pop_front();
  }
  if (options_.policy == SyncPolicy::kEverysec && target > released_) {
    const Instant now = os_.now();
    if (!unsynced_releases_.empty() && now - unsynced_releases_.front().at > options_.window) {
      ++delayed_replies_;
      target = released_;
    } else if (target > synced_) {
      unsynced_releases_.push_back({target, now});
    }
  }
  if (target > released_) released_ = target;
  check_marks();
  progress_.notify_all();
}

Duration AofLog::unsynced_for() const {
  return unsynced_releases_.empty() ? Duration{0} : os_.now() - unsynced_releases_.front().at;
}

void AofLog::block(std::string why) {
  if (blocked_.empty()) blocked_spans_.push_back({os_.now(), kForever});
  blocked_ = std::move(why);
}

void AofLog::unblock() {
  if (!blocked_.empty()) blocked_spans_.back().end = os_.now();
  blocked_.clear();
}

void AofLog::poison(const Error& error) {
  if (can_write()) enter(Phase::kPoisoned);  // else it is, or is being replaced
  block(error.message);
  progress_.notify_all();
  wake_writer_.notify_all();
  if (on_poison_) on_poison_();
}

void AofLog::distrust(const Error& error) {
  if (can_write() && synced_ < written_ && error.code != Errc::kNoSpace) poison(error);
}

void AofLog::check_name() {
  if (can_write() && !segment_.file->named()) poison(name_is_gone());
}

// --- Writing ---

// What was set aside behind the end goes with it, as ftruncate(2) has it on ext4 and XFS.
Result<void> AofLog::cut_back() {
  TRY(segment_.file->truncate(segment_.size));
  segment_.reserved = segment_.size;
  return {};
}

Result<void> AofLog::write_batch() {
  CHECK(can_write() && !in_flight_.write);
  CHECK(open_commands_ == 0);  // entries are written whole
  if (unwritten_.empty()) {
    unwritten_.swap(buffer_);
    unwritten_first_ = buffer_first_;
    unwritten_last_ = applied_;
    buffer_first_ = applied_ + 1;
  }
  // The reader refuses a batch that does not continue the numbers.
  CHECK(unwritten_first_ == written_ + 1 && unwritten_last_ >= unwritten_first_);
  CHECK(unwritten_last_ <= applied_);
  const size_t body = unwritten_.size();
  const uint64_t entries = unwritten_last_ - unwritten_first_ + 1;
  append_annotation(unwritten_, {unwritten_first_, entries, body, segment_.synced_offset, 0},
                    segment_.nonce, segment_.size);
  in_flight_.write = true;
  size_t done = 0;
  Result<void> outcome;
  while (done < unwritten_.size()) {
    const auto written =
        segment_.file->write_at(segment_.size + done, std::string_view(unwritten_).substr(done));
    if (!written.ok()) {
      outcome = written.error();
      break;
    }
    CHECK(*written > 0 && *written <= unwritten_.size() - done);
    done += *written;
  }
  if (outcome.ok() && !segment_.file->named()) outcome = name_is_gone();
  if (!outcome.ok()) {
    // The record is partial: cut it off before anything is written behind it.
    unwritten_.resize(body);
    block(outcome.error().message);
    if (const auto cut = cut_back(); !cut.ok()) {
      poison(cut.error());
    } else if (outcome.error().code != Errc::kNoSpace) {
      poison(outcome.error());
    }
    in_flight_.write = false;
    progress_.notify_all();
    return outcome;
  }
  in_flight_.write = false;
  // Whoever heals has waited for this write.
  if (poisoned()) progress_.notify_all();
  if (!poisoned()) unblock();  // else what poisoned it came meanwhile
  segment_.size += unwritten_.size();
  written_ = unwritten_last_;
  unwritten_.clear();
  if (unwritten_.capacity() > kKeptBuffer) std::string().swap(unwritten_);
  if (options_.policy == SyncPolicy::kEverysec) wake_syncer_.notify_all();
  return {};
}

Result<void> AofLog::sync_segment(Site fence) {
  while (in_flight_.sync) progress_.wait();
  if (poisoned()) return Error{Errc::kIo, blocked_};
  in_flight_.sync = true;
  const uint64_t covered = written_;
  const uint64_t offset = segment_.size;
  last_sync_start_ = os_.now();
  ++syncs_;
  const auto outcome = segment_.file->sync(fence);
  in_flight_.sync = false;
  if (!outcome.ok()) {
    poison(outcome.error());
    return outcome;
  }
  CHECK(covered >= synced_ && offset >= segment_.synced_offset);
  synced_ = covered;
  segment_.synced_offset = offset;
  release();
  return {};
}

void AofLog::write_loop() {
  for (;;) {
    if (rotation_ != nullptr) {
      do_rotation();
    } else if (ending_ != Ending::kNone && (poisoned() || !active() || written_ >= finish_lsn_)) {
      break;
    } else if (can_write() && has_unwritten()) {
      if (!write_batch().ok()) {
        if (ending_ != Ending::kNone) break;
        if (can_write()) os_.park(os_.now() + options_.retry_interval);
        continue;
      }
      if (options_.policy == SyncPolicy::kAlways) {
        (void)sync_segment("segment.commit");  // a failure poisons the segment, and the owner heals
      } else {
        release();
      }
    } else if (can_write() && options_.policy == SyncPolicy::kAlways && written_ > synced_) {
      (void)sync_segment(
          "segment.commit");  // written under another policy, which set_options() ended
    } else {
      wake_writer_.rest();
    }
  }
  CHECK(ending_ == Ending::kAsked);
  ending_ = Ending::kOver;
  if (rotation_ != nullptr) {
    rotation_ = nullptr;
    rotation_outcome_ = Result<void>(Error{Errc::kInvalid, "the log is closing"});
  }
  progress_.notify_all();
}

void AofLog::sync_loop() {
  while (ending_ == Ending::kNone) {
    if (options_.policy != SyncPolicy::kEverysec || !can_write() || written_ == synced_) {
      wake_syncer_.rest();
      continue;
    }
    const Instant due = last_sync_start_ + options_.sync_interval;
    if (os_.now() < due) {
      wake_syncer_.rest(due);
      continue;
    }
    // The rotation syncs the old segment itself; a sync that fails poisons, and the owner heals.
    if (rotation_ == nullptr) {
      (void)sync_segment("segment.everysec");
    } else {
      progress_.wait();
    }
  }
  syncer_runs_ = false;
}

// --- Rotation ---

Result<void> AofLog::rotate(Rotation rotation) {
  CHECK(rotation_ == nullptr);
  if (ending_ != Ending::kNone) return Error{Errc::kInvalid, "the log is closing"};
  rotation_ = &rotation;
  rotation_outcome_.reset();
  wake_writer_.notify_all();
  while (!rotation_outcome_) progress_.wait();
  return *rotation_outcome_;
}

void AofLog::do_rotation() {
  Rotation& rotation = *rotation_;
  CHECK(rotation.next.file != nullptr && rotation.next.sequence > segment_.sequence);
  Result<void> outcome;
  if (!can_write()) {
    outcome = Error{Errc::kIo, blocked_.empty() ? "the log is not active" : blocked_};
  } else if (!unwritten_.empty()) {
    // A failed batch must reach the old segment first, on its own.
    outcome = write_batch();
  }
  if (outcome.ok()) {
    behind_cut_ = &rotation.next;
    // One step: what is buffered belongs to the old segment, what comes now to the next, which says anew what second it is:
    // a base may take the place of the one that said so.
    last_timestamp_s_ = 0;
    rotation.at_cut();
    selected_db_ = -1;
    if (!buffer_.empty()) outcome = write_batch();
    if (outcome.ok()) release();  // what is written is, whatever becomes of the rotation
    if (outcome.ok()) outcome = sync_segment("segment.rotate");
    if (outcome.ok()) {
      CHECK(segment_.synced_offset == segment_.size);  // the manifest will say so
      outcome = rotation.publish(segment_.size);
      if (!outcome.ok()) poison(outcome.error());  // either manifest may be the durable one
    }
    // The syncer may have begun one that waited for ours.
    while (in_flight_.sync) progress_.wait();
    if (outcome.ok()) segment_ = std::move(rotation.next);
    behind_cut_ = nullptr;
  }
  rotation_ = nullptr;
  rotation_outcome_ = outcome;
  progress_.notify_all();
  wake_syncer_.notify_all();
}

uint64_t AofLog::begin_heal() {
  while (!in_flight_.nothing()) progress_.wait();
  CHECK(rotation_ == nullptr || !can_write());  // no writer is amid a rotation
  // A heal that failed is begun again.
  const Phase next = active() ? Phase::kHealing : Phase::kFounding;
  if (phase_ != next) enter(next);
  drop_buffer();
  return applied_;
}

uint64_t AofLog::count_without_entry() {
  CHECK(!can_write() && !has_unwritten() && open_commands_ == 0);
  ++applied_;
  buffer_first_ = applied_ + 1;
  if (!keeps_entries()) written_ = synced_ = released_ = applied_;
  return applied_;
}

void AofLog::drop_buffer() {
  buffer_.clear();
  unwritten_.clear();
  buffer_first_ = applied_ + 1;
  last_timestamp_s_ = 0;
  selected_db_ = -1;
}

void AofLog::abandon_heal() {
  CHECK(!active());
  if (phase_ == Phase::kFounding) enter(Phase::kOff);
  drop_buffer();
  written_ = synced_ = applied_;
  release();
}

void AofLog::replace_segment(Segment next, uint64_t cut) {
  CHECK(in_flight_.nothing());
  CHECK(next.file != nullptr && next.sequence > segment_.sequence);
  CHECK(cut <= applied_ && unwritten_.empty());
  CHECK(buffer_first_ == cut + 1);  // what waits begins where the base ends
  segment_ = std::move(next);
  out_of_space_ = false;
  written_ = std::max(written_, cut);
  synced_ = std::max(synced_, cut);
  enter(Phase::kOpen);
  unblock();
  release();
  wake_writer_.notify_all();
  wake_syncer_.notify_all();
}

Result<void> AofLog::finish() {
  finish_lsn_ = applied_;
  if (ending_ == Ending::kNone) ending_ = Ending::kAsked;
  wake_writer_.notify_all();
  wake_syncer_.notify_all();
  while (ending_ != Ending::kOver) progress_.wait();
  auto outcome = finish_segment();
  if (!outcome.ok()) start();  // the store stays up
  return outcome;
}

Result<void> AofLog::finish_segment() {
  if (!active()) return {};
  while (in_flight_.sync) progress_.wait();
  check_name();
  if (poisoned() || written_ < finish_lsn_) return Error{Errc::kIo, blocked_};
  // Before the mark, which says so: what then does not verify is damaged, not torn (evidence.h).
  if (synced_ < written_) TRY(sync_segment("segment.finish"));
  const std::string mark =
      encode_mark(MarkKind::kClosed, written_ + 1, segment_.nonce, segment_.size);
  if (const auto marked = write_whole(*segment_.file, segment_.size, mark); !marked.ok()) {
    if (const auto cut = cut_back(); !cut.ok()) poison(cut.error());
    return marked;
  }
  segment_.size += mark.size();
  TRY(sync_segment("segment.finish"));
  CHECK(synced_ >= finish_lsn_ && segment_.synced_offset == segment_.size);
  return {};
}

void AofLog::deactivate() {
  CHECK(ending_ == Ending::kOver && in_flight_.nothing());
  enter(Phase::kOff);
  segment_ = {};
  drop_buffer();
  written_ = synced_ = applied_;
  release();
  start();
}

}  // namespace powercut::engine
