#include "engine/generations.h"

#include <algorithm>
#include <utility>

#include "engine/aof/replace.h"

namespace powercut::engine {

namespace {

constexpr Duration kReadyStep = milliseconds(1);

bool is_in(const std::vector<ManifestFile>& files, const ManifestFile& file) {
  return std::find(files.begin(), files.end(), file) != files.end();
}

}  // namespace

Generations::Generations(Os& os, Keyspace& keyspace, AofLog& log, const EngineConfig& config)
    : os_(os),
      keyspace_(keyspace),
      log_(log),
      config_(config),
      checkpoint_(os, keyspace, config.sizes.checkpoint),
      backups_(os) {}

// --- Starting ---

Result<void> Generations::start(Recovered recovered) {
  CHECK(recovered.next_sequence > recovered.manifest.highest_sequence());
  manifest_ = std::move(recovered.manifest);
  const auto history = std::exchange(manifest_.history, {});
  if (recovered.foreign) {
    kept_ = all_files();
    kept_.insert(kept_.end(), history.begin(), history.end());
  }
  for (const ManifestFile& file : all_files()) standing_.push_back(file.name);
  if (manifest_.base) rests_on_[manifest_.base->name] = std::move(recovered.rests_on);
  next_sequence_ = recovered.next_sequence;
  orphans_ = std::move(recovered.orphans);
  saved_lsn_ = recovered.report.log_beside ? 0 : recovered.report.last_lsn;
  saved_at_ = os_.now();
  saved_unix_s_ = os_.wall_now().unix_ms / 1000;
  log_.start_at(recovered.report.last_lsn);
  // What was read of a log that nobody goes on with must be durable before it is served.
  if (recovered.report.log_beside) TRY(save());
  // Later entries get the numbers of those that the crash took. A start after the next clean end would then take it for
  // newer than the log, and refuse. Where there is no space it stays.
  if (recovered.report.checkpoint_ahead) (void)save();
  if (!config_.recovery.append_only) return {};
  if (recovered.segment) {
    const Segment& segment = *recovered.segment;
    CHECK(segment.sequence == manifest_.segments.back().sequence);
    for (auto& file : manifest_.segments) {
      if (file.sequence != segment.sequence) sealed_bytes_ += file.length.value_or(0);
    }
    if (manifest_.base) sealed_bytes_ += manifest_.base->length.value_or(0);
    bytes_after_rewrite_ = sealed_bytes_ + segment.size;
    log_.use_segment(std::move(*recovered.segment));
    return {};
  }
  if (recovered.single_log) TRY(take_in_single_log());
  return first_generation(recovered.marked || recovered.single_log);
}

// The log of a server before Redis 7 goes into the log's directory, as Redis 7 does it, and is history there once a
// generation of ours is published. The mark says that nothing else there was ever acknowledged. One of its names leads to
// it at each step: where the other comes back after a power cut, it is older than our log.
Result<void> Generations::take_in_single_log() {
  TRY(make_log_directory());
  const std::string inside = in_aof_directory(kSingleLog);
  const auto linked = os_.link(kSingleLog, inside);
  const Errc code = linked.ok() ? Errc::kExists : linked.error().code;
  if (code == Errc::kRefused || code == Errc::kUnsupported) {  // no hard links here
    TRY(os_.rename(kSingleLog, inside));
  } else if (code != Errc::kExists && code != Errc::kNotFound) {
    return linked;
  }
  TRY(make_mark(in_aof_directory(kFirstGenerationMark)));
  TRY(os_.sync_directory(kAofDirectory, "first_generation.mark"));
  remove_quietly(std::string(kSingleLog));
  kept_.push_back({std::string(kSingleLog), 1, {}, {}, {}, {}});
  return {};
}

Result<void> Generations::make_log_directory() {
  auto made = os_.make_directory(kAofDirectory);
  if (!made.ok() && made.error().code != Errc::kExists) return made;
  // Made before the restart, and its sync may have failed then: a sync now would prove nothing.
  // Made anew, it counts anew; one that holds files was synced before they came.
  if (!made.ok() && os_.remove(kAofDirectory).ok()) TRY(os_.make_directory(kAofDirectory));
  return os_.sync_directory("", "root.aof_directory");
}

// REQUIRES: no session yet. What were applied meanwhile would be in no file.
Result<void> Generations::first_generation(bool marked) {
  CHECK(!log_.active() && log_.synced_lsn() == log_.applied_lsn());
  TRY(make_log_directory());
  const bool empty =
      log_.applied_lsn() == 0 && manifest_.segments.empty() && keyspace_.memory_bytes() == 0;
  if (!empty) return first_base();
  const uint64_t sequence = next_sequence_++;
  TRY_ASSIGN(Segment segment, create_segment(sequence));
  TRY(os_.sync_directory(kAofDirectory, "segment.directory"));
  Manifest manifest;
  manifest.segments.push_back(
      {segment_name(sequence), sequence, log_.applied_lsn() + 1, {}, {}, segment.nonce});
  Replaced left = Replaced::kNo;
  TRY(publish(manifest, left));
  take_over(std::move(manifest));
  log_.use_segment(std::move(segment));
  if (marked) remove_quietly(in_aof_directory(kFirstGenerationMark));
  return {};
}

Result<void> Generations::first_base() {
  const std::string mark = in_aof_directory(kFirstGenerationMark);
  const bool unpublished = !manifest_.base && manifest_.segments.empty();
  if (unpublished) {
    TRY(make_mark(mark));
    TRY(os_.sync_directory(kAofDirectory, "first_generation.mark"));
  }
  TRY(heal());
  if (unpublished) remove_quietly(mark);
  return {};
}

// One of an earlier start may be all that says of its pieces that they are no data, so it must not be
// gone for a moment; and its sync may have failed then, so it is replaced.
Result<void> Generations::make_mark(const std::string& mark) {
  if (os_.open(mark, Open::kCreateNew).ok()) return {};
  const std::string next = mark + ".next";
  TRY_ASSIGN(const auto file, create_fresh(os_, next));
  return os_.rename(next, mark);
}

// A file of the log, under a name that none had before it in this life.
Result<std::unique_ptr<File>> Generations::create_log_file(const std::string& name,
                                                           uint64_t sequence) {
  CHECK(!stands(name) && sequence < next_sequence_);
  TRY_ASSIGN(auto file, create_fresh(os_, in_aof_directory(name)));
  standing_.push_back(name);
  return file;
}

Result<Segment> Generations::create_segment(uint64_t sequence) {
  CHECK(sequence > manifest_.highest_sequence());
  TRY_ASSIGN(auto file, create_log_file(segment_name(sequence), sequence));
  const uint64_t nonce = os_.choose("segment.nonce", UINT64_MAX);
  const std::string text = encode_header({sequence, nonce});
  TRY(write_whole(*file, 0, text));
  TRY(file->sync("segment.create"));
  return Segment{std::move(file), sequence, nonce, text.size(), text.size()};
}

RdbHeader Generations::header(bool aof_base) {
  RdbHeader header;
  header.ctime_s = os_.wall_now().unix_ms / 1000;
  header.used_mem_bytes = keyspace_.memory_bytes();
  header.aof_base = aof_base;
  header.aux.emplace_back(kRdbAuxLsn, std::to_string(log_.applied_lsn()));
  if (aof_base && queue_) header.aux.emplace_back(kRdbAuxQueue, queue_());
  captured_rests_on_.clear();
  if (aof_base && cold_ != nullptr) captured_rests_on_ = cold_->in_use();
  if (!captured_rests_on_.empty())
    header.aux.emplace_back(kRdbAuxCold, cold_->rests_on(captured_rests_on_));
  return header;
}

// The cut of a checkpoint, of any kind.
void Generations::capture(bool aof_base) {
  captured_lsn_ = log_.applied_lsn();
  checkpoint_.begin(header(aof_base));
}

// Writes what checkpoint_ captured at the cut; durable, with its name, when this returns.
Result<ManifestFile> Generations::write_base(uint64_t sequence, uint64_t cut) {
  CHECK(checkpoint_.running() && cut <= log_.applied_lsn());
  CHECK(captured_lsn_ == cut);  // what the file says of itself
  const std::string name = base_name(sequence);
  rests_on_[name] = std::move(captured_rests_on_);
  TRY_ASSIGN(const auto file, create_log_file(name, sequence));
  if (cold_ != nullptr) TRY(cold_->check_standing(rests_on_[name]));
  TRY_ASSIGN(const CheckpointInfo info, checkpoint_.write(*file));
  TRY(file->sync("base.sync"));
  TRY(os_.sync_directory(kAofDirectory, "base.directory"));
  return ManifestFile{name, sequence, cut, info.bytes, info.keys, info.crc};
}

Result<void> Generations::publish(const Manifest& manifest, Replaced& left) {
  CHECK(!manifest.segments.empty() && !manifest.segments.back().length);
  for (const ManifestFile& file : manifest.segments) CHECK(stands(file.name));
  if (manifest.base) CHECK(stands(manifest.base->name));
  const bool our_base = manifest.base && manifest.base->name == base_name(manifest.base->sequence);
  const auto& first = manifest.segments.front();
  if (our_base && manifest.base->lsn && first.lsn) CHECK(*manifest.base->lsn + 1 == *first.lsn);
  Manifest named = manifest;
  for (const ManifestFile& file : kept_)
    if (!named.names(file.name) && !is_in(named.history, file)) named.history.push_back(file);
  const auto published = publish_manifest(os_, std::string(kAofDirectory), named, left);
  if (!published.ok() && left == Replaced::kMayStand) doubtful_.push_back(manifest);
  return published;
}

// `manifest` is published: it is the store, and what it replaces goes.
void Generations::take_over(Manifest manifest) {
  const auto replaced = std::exchange(manifest.history, {});
  if (!replaced.empty()) keep_for_backup();
  manifest_ = std::move(manifest);
  doubtful_.clear();
  for (const ManifestFile& file : replaced)
    if (!is_in(kept_, file)) remove_log_file(file.name);
}

std::vector<ManifestFile> Generations::all_files() const {
  std::vector<ManifestFile> files = manifest_.segments;
  if (manifest_.base) files.push_back(*manifest_.base);
  return files;
}

bool Generations::stands(std::string_view name) const {
  return std::find(standing_.begin(), standing_.end(), name) != standing_.end();
}

// Never what the durable manifest names, nor one that may be the durable one.
void Generations::remove_log_file(const std::string& name) {
  CHECK(!manifest_.names(name));
  for (const Manifest& manifest : doubtful_) CHECK(!manifest.names(name));
  std::erase(standing_, name);
  rests_on_.erase(name);
  remove_quietly(in_aof_directory(name));
}

// What cannot be removed now is set aside or removed by the next recovery.
void Generations::remove_quietly(const std::string& name) { (void)os_.remove(name); }

// --- Rewriting ---

// A new segment for what comes from now on; its number. The log before it is synced, and named with its length.
// `at_cut` runs in one step with the cut. Yields.
Result<uint64_t> Generations::begin_segment(const std::function<void()>& at_cut) {
  log_.check_name();
  if (log_.poisoned()) return Error{Errc::kIo, log_.blocked()};  // to be healed first
  const uint64_t sequence = next_sequence_++;
  auto created = [&]() -> Result<Segment> {
    TRY_ASSIGN(Segment segment, create_segment(sequence));
    TRY(os_.sync_directory(kAofDirectory, "segment.directory"));
    return segment;
  }();
  if (!created.ok()) {
    log_.distrust(created.error());
    return created.error();
  }
  Segment next = std::move(created).value();

  uint64_t cut = 0;
  Replaced left = Replaced::kNo;
  AofLog::Rotation rotation;
  const uint64_t nonce = next.nonce;
  rotation.next = std::move(next);
  rotation.at_cut = [&] {
    cut = log_.applied_lsn();
    at_cut();
  };
  rotation.publish = [&](uint64_t old_length) -> Result<void> {
    Manifest manifest = manifest_;
    manifest.segments.back().length = old_length;
    manifest.segments.push_back({segment_name(sequence), sequence, cut + 1, {}, {}, nonce});
    TRY(publish(manifest, left));
    sealed_bytes_ += old_length;
    take_over(std::move(manifest));
    return {};
  };
  if (auto rotated = log_.rotate(std::move(rotation)); !rotated.ok()) {
    checkpoint_.abandon();
    if (left == Replaced::kNo) remove_log_file(segment_name(sequence));
    return rotated.error();
  }
  CHECK(log_.segment_sequence() == sequence);
  return sequence;
}

Result<void> Generations::rewrite() {
  uint64_t cut = 0;
  const auto begun = begin_segment([&] {
    cut = log_.applied_lsn();
    capture(true);
  });
  if (!begun.ok()) return begun.error();
  const uint64_t sequence = *begun;
  const auto base = write_base(sequence, cut);
  checkpoint_.abandon();
  if (!base.ok()) {
    log_.distrust(base.error());
    remove_log_file(base_name(sequence));
    return base.error();
  }
  Manifest manifest;
  manifest.base = *base;
  for (const ManifestFile& file : manifest_.segments) {
    (file.sequence >= sequence ? manifest.segments : manifest.history).push_back(file);
  }
  if (manifest_.base) manifest.history.push_back(*manifest_.base);
  Replaced left = Replaced::kNo;
  const auto published = publish(manifest, left);
  if (!published.ok()) {
    log_.distrust(published.error());
    // Else either manifest may be the durable one; both are complete, so both keep their
    // files.
    if (left == Replaced::kNo) remove_log_file(base_name(sequence));
    return published;
  }
  take_over(std::move(manifest));
  sealed_bytes_ = base->length.value_or(0);
  bytes_after_rewrite_ = log_bytes();
  for (const std::string& name : std::exchange(orphans_, {}))
    remove_quietly(in_aof_directory(name));
  return {};
}

// --- Healing ---

// Somebody may have removed it under the running store.
Result<void> Generations::restore_log_directory() {
  if (log_.named()) return {};
  const auto made = os_.make_directory(kAofDirectory);
  if (!made.ok() && made.error().code != Errc::kExists) return made;
  return os_.sync_directory("", "root.aof_directory");
}

Result<void> Generations::heal() {
  const uint64_t sequence = next_sequence_++;
  const uint64_t cut = log_.begin_heal();
  capture(true);  // in one step with the cut
  return publish_anew(sequence, cut);
}

Result<void> Generations::replace(const std::function<bool()>& is_ready,
                                  const std::function<void()>& replace) {
  while (!is_ready()) os_.park(os_.now() + kReadyStep);
  if (!log_.active()) {
    replace();
    return {};
  }
  const uint64_t sequence = next_sequence_++;
  for (;;) {
    (void)log_.begin_heal();
    if (is_ready()) break;
    os_.park(os_.now() + kReadyStep);
  }
  replace();
  const uint64_t cut = log_.applied_lsn();
  capture(true);
  return publish_anew(sequence, cut);
}

// A base of what was captured at `cut`, and a segment behind it, in the place of all that there was.
Result<void> Generations::publish_anew(uint64_t sequence, uint64_t cut) {
  const auto made = [&]() -> Result<Segment> {
    TRY(restore_log_directory());
    TRY_ASSIGN(Segment next, create_segment(sequence));
    TRY_ASSIGN(const ManifestFile base, write_base(sequence, cut));  // syncs the directory for both
    Manifest manifest;
    manifest.base = base;
    manifest.segments.push_back({segment_name(sequence), sequence, cut + 1, {}, {}, next.nonce});
    manifest.history = all_files();
    Replaced left = Replaced::kNo;
    const auto published = publish(manifest, left);
    if (!published.ok()) {
      // Perhaps the new one: keep the files of both.
      if (left == Replaced::kMayStand)
        doubtful_.push_back(std::exchange(manifest_, std::move(manifest)));
      return published.error();
    }
    take_over(std::move(manifest));
    sealed_bytes_ = base.length.value_or(0);
    return next;
  };
  auto next = made();
  checkpoint_.abandon();
  if (!next.ok()) {
    if (!manifest_.names(base_name(sequence))) {
      remove_log_file(base_name(sequence));
      remove_log_file(segment_name(sequence));
    }
    return next.error();
  }
  log_.replace_segment(std::move(next).value(), cut);
  CHECK(log_.segment_sequence() == manifest_.segments.back().sequence);
  bytes_after_rewrite_ = log_bytes();
  return {};
}

// --- Backups ---

Result<void> Generations::start_backup(const std::string& id) {
  if (!log_.active())
    return Error{Errc::kInvalid,
                 "there is no append only file: CONFIG SET appendonly yes starts one"};
  TRY(backups_.check_start(id));
  const auto started = backups_.start(id, manifest_);
  if (!started.ok()) {
    log_.distrust(started.error());
    backups_.give_up(started.error());
  }
  return started;
}

Result<void> Generations::check_backup_under_way() const {
  if (backups_.open()) return {};
  return Error{Errc::kInvalid,
               backups_.given_up().empty() ? "no backup is under way" : backups_.given_up()};
}

Result<BackupFacts> Generations::seal_backup() {
  TRY(check_backup_under_way());
  if (!log_.active()) {
    backups_.give_up({Errc::kInvalid, "the append only file was turned off"});
    return check_backup_under_way().error();
  }
  uint64_t cut = 0;
  TRY(begin_segment([&] { cut = log_.applied_lsn(); }));
  const auto sealed = backups_.seal(manifest_, cut, os_.wall_now().unix_ms / 1000);
  if (!sealed.ok()) {
    log_.distrust(sealed.error());
    backups_.give_up(sealed.error());
  }
  return sealed;
}

Result<void> Generations::abort_backup() {
  TRY(check_backup_under_way());
  backups_.discard();
  return {};
}

// A call of the seam did, not who asked for what cannot be.
void Generations::distrust_if_failed(const Result<void>& outcome) {
  if (!outcome.ok() && outcome.error().code != Errc::kInvalid) log_.distrust(outcome.error());
}

Result<void> Generations::remove_backup(const std::string& id) {
  if (!log_.active())
    return Error{Errc::kInvalid, "there is no append only file: remove the backup's folder"};
  const auto removed = backups_.remove(id);
  distrust_if_failed(removed);
  return removed;
}

Result<void> Generations::retain_backups(const Retention& retention, const std::string& newest) {
  const auto retained = backups_.retain(retention, newest, os_.wall_now().unix_ms / 1000);
  distrust_if_failed(retained);
  return retained;
}

// What a publication has replaced, before it is removed.
void Generations::keep_for_backup() {
  if (!backups_.open()) return;
  if (const auto kept = backups_.follow(manifest_); !kept.ok()) {
    log_.distrust(kept.error());
    backups_.give_up(kept.error());
  }
}

// --- Checkpoints of their own ---

Result<void> Generations::save() {
  const std::string temporary(kCheckpointTemporary);
  const uint64_t cut = log_.applied_lsn();
  CHECK(cut >= saved_lsn_);
  capture(false);
  const auto written = [&]() -> Result<void> {
    TRY_ASSIGN(const auto file, create_fresh(os_, temporary));
    TRY_ASSIGN(const CheckpointInfo info, checkpoint_.write(*file));
    (void)info;
    if (before_save_) TRY(before_save_(cut));
    return publish_checkpoint(os_, *file);
  }();
  checkpoint_.abandon();
  if (!written.ok()) {
    log_.distrust(written.error());
    remove_quietly(temporary);
    return written;
  }
  CHECK(captured_lsn_ == cut);
  saved_lsn_ = cut;
  saved_at_ = os_.now();
  saved_unix_s_ = os_.wall_now().unix_ms / 1000;
  return {};
}

Result<void> Generations::send(File& out, int stream_db, const std::function<void()>& at_cut) {
  captured_lsn_ = log_.applied_lsn();
  RdbHeader sent = header(false);
  if (stream_db >= 0) sent.aux.emplace_back(kRdbAuxStreamDb, std::to_string(stream_db));
  checkpoint_.begin(sent, Checkpoint::For::kSending);
  at_cut();
  const auto written = checkpoint_.write(out);
  checkpoint_.abandon();
  if (!written.ok()) return written.error();
  return {};
}

bool Generations::make_room() {
  if (!checkpoint_.full()) return false;
  checkpoint_.room().wait();
  return true;
}

// --- Turning the log on and off ---

Result<void> Generations::turn_on() {
  auto outcome = make_log_directory();
  if (outcome.ok()) outcome = first_base();
  if (!outcome.ok() && !log_.active()) log_.abandon_heal();
  return outcome;
}

Result<void> Generations::turn_off() {
  if (log_.poisoned()) return Error{Errc::kIo, log_.blocked()};
  TRY(log_.finish());
  log_.deactivate();
  return {};
}

}  // namespace powercut::engine
