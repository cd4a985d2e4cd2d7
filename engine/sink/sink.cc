#include "engine/sink/sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/sink/sqlite_database.h"

namespace powercut::engine {

namespace {

constexpr size_t kKeysMost = 4096;  // a batch of so many does not wait for more
constexpr Duration kFirstRetry = milliseconds(50);
constexpr Duration kLongestWait = seconds(2);
constexpr Duration kLongestEnd = seconds(5);  // of a store whose database may be silent

std::unique_ptr<SinkDatabase> make_database(Os& os, const SinkOptions& options) {
  if (!options.url.empty()) return options.connect(options);
  return std::make_unique<SqliteDatabase>(os, options.file, options.tables);
}

}  // namespace

Sink::Sink(Os& os, Keyspace& keyspace, AofLog& log, SinkOptions options)
    : os_(os),
      keyspace_(keyspace),
      log_(log),
      options_(std::move(options)),
      database_(make_database(os, options_)),
      wake_(os) {
  keyspace_.add_observer(this);
  database_->set_on_slow([this](const std::string& text) { say(trouble_ = text); });
}

Sink::~Sink() { keyspace_.remove_observer(this); }

void Sink::say(const std::string& text) {
  if (say_) say_(text);
}

// --- The start ---

void Sink::look() { (void)connect(); }

void Sink::replaying(uint64_t lsn) {
  const uint64_t has = looked_ ? found_.lsn : 0;
  noting_ = lsn > has;
}

void Sink::begin(uint64_t base, uint64_t last, bool renumbered) {
  noting_ = true;
  base_ = base;
  last_ = last;
  everything_ |= renumbered;
  taken_ = last;
  since_ = os_.now();
  loaded_ms_ = os_.wall_now().unix_ms;
  os_.spawn("sink", [this] { run(); });
}

// What it found after a failure is what it was at before it, or has the batch that failed: the queue has that as well.
bool Sink::connect() {
  auto found = database_->open();
  if (!found.ok()) {
    fail(found.error());
    return false;
  }
  if (looked_ && found->lsn < std::max(committed_, found_.lsn)) {
    older_than_ = std::max(committed_, found_.lsn);
    settled_ = cleared_ = false;
  }
  if (!looked_ || !settled_) found_ = std::move(found).value();
  looked_ = true;
  return true;
}

// What does the database lack that no queue has?
bool Sink::settle() {
  std::string why;
  const uint64_t was_at = std::exchange(older_than_, 0);
  if (!found_.missing.empty()) {
    why = fmt::format("{}: there is no {} any more", database_->name(), found_.missing);
  } else if (was_at != 0) {
    why = fmt::format("{} is at operation {}, and was at operation {}", database_->name(),
                      found_.lsn, was_at);
  } else if (!found_.fresh && found_.lsn < base_) {
    why = fmt::format("{} is at operation {}, and the log begins behind operation {}",
                      database_->name(), found_.lsn, base_);
  } else if (found_.lsn > last_) {
    why = fmt::format("{} is at operation {}, and the log ends with operation {}",
                      database_->name(), found_.lsn, last_);
  }
  everything_ |= !why.empty() || found_.fresh;
  gap_ = !why.empty() && !options_.resync;
  if (gap_) {
    trouble_ = why + ": CONFIG SET sink-resync yes writes its tables anew";
    say(trouble_);
  } else if (!why.empty()) {
    ++stats_.resyncs;
    say(why + ": its tables are written anew");
  }
  settled_ = true;
  return !gap_;
}

// A checkpoint that was loaded has dropped what had expired, and no operation says so.
bool Sink::note_expired() {
  const auto keys = database_->expired_keys(std::max(loaded_ms_, os_.wall_now().unix_ms));
  if (!keys.ok()) {
    database_->close();
    fail(keys.error());
    return false;
  }
  for (const auto& [db, key] : *keys)
    if (db < keyspace_.databases()) noted_.insert({keyspace_.database(db).identity(), key});
  return cleared_ = true;
}

// --- The queue ---

void Sink::before_change(Database& db, std::string_view key, Object*) {
  if (!noting_ || everything_ || !sink_table_of(options_.tables, key)) return;
  noted_.insert({db.identity(), std::string(key)});
}

// A checkpoint may have moved out already what it held.
void Sink::before_flush(Database&) {
  const bool counts = noting_;
  everything_ |= counts;
}

void Sink::before_swap(int, int) { everything_ |= noting_; }

void Sink::on_entry() {
  const bool first = since_ == kForever;
  if (first) since_ = os_.now();
  if (first || noted_.size() >= kKeysMost) wake_.notify_all();
}

void Sink::hold(bool hold) {
  held_ = hold;
  if (!hold) wake_.notify_all();
}

void Sink::set_resync(bool resync) {
  options_.resync = resync;
  if (!gap_ || !resync) return;
  gap_ = false;
  trouble_.clear();
  ++stats_.resyncs;
  wake_.notify_all();
}

Duration Sink::queued_for() const {
  const Instant oldest = std::min(since_, taken_since_);
  return oldest == kForever ? Duration{0} : os_.now() - oldest;
}

bool Sink::behind() const { return first_ || everything_ || log_.applied_lsn() > taken_; }

Instant Sink::due_at() const {
  const bool now = first_ || ending_ || options_.mode == SinkMode::kThrough ||
                   noted_.size() >= kKeysMost || since_ == kForever;
  return std::max(retry_at_, now ? Instant{0} : since_ + options_.interval);
}

uint64_t Sink::released(uint64_t by_log) const {
  return options_.mode == SinkMode::kThrough ? std::min(by_log, committed_) : by_log;
}

// --- The task ---

void Sink::run() {
  while (!stopping_) {
    if (held_ || gap_ || !behind()) {
      wake_.rest();
    } else if (const Instant due = due_at(); os_.now() < due) {
      wake_.rest(due);
    } else if (damaged_ && options_.resync) {
      replace_damaged();
    } else if (!database_->is_open() && !connect()) {
      continue;
    } else if ((settled_ || settle()) && (cleared_ || note_expired())) {
      flush();
    }
  }
}

void Sink::flush() {
  const SinkBatch batch = take();
  while (log_.active() && log_.synced_lsn() < batch.lsn && !stopping_) log_.progress().wait();
  if (stopping_) return;
  const auto written = database_->write(batch);
  in_flight_ = 0;
  if (!written.ok()) give_back(batch);
  taken_since_ = kForever;
  if (!written.ok()) return fail(written.error());
  committed_ = batch.lsn;
  first_ = false;
  retry_after_ = Duration{0};
  trouble_.clear();
  ++stats_.batches;
  stats_.keys += batch.keys.size();
  log_.progress().notify_all();
}

// In one step: what the keys hold is what they held behind that operation.
SinkBatch Sink::take() {
  SinkBatch batch;
  batch.lsn = log_.applied_lsn();
  batch.everything = std::exchange(everything_, false);
  std::vector<int> numbers(static_cast<size_t>(keyspace_.databases()));
  for (int db = 0; db < keyspace_.databases(); ++db) {
    numbers[static_cast<size_t>(keyspace_.database(db).identity())] = db;
    const Table& table = keyspace_.database(db).table();
    for (size_t i = 0; batch.everything && i < table.size(); ++i) {
      const std::string_view key = table.at(i).key;
      if (const auto to = sink_table_of(options_.tables, key))
        batch.keys.push_back(rows_of(db, key, *to));
    }
  }
  for (const Key& key : noted_)
    if (const auto to = sink_table_of(options_.tables, key.name); to && !batch.everything)
      batch.keys.push_back(rows_of(numbers[static_cast<size_t>(key.database)], key.name, *to));
  noted_.clear();
  in_flight_ = batch.keys.size();
  taken_ = batch.lsn;
  taken_since_ = std::exchange(since_, kForever);
  return batch;
}

SinkRows Sink::rows_of(int db, std::string_view key, size_t table) const {
  SinkRows rows{db, std::string(key), table};
  const auto* entry = keyspace_.database(db).table().find(key);
  if (entry == nullptr) return rows;
  const Object& object = entry->value;
  if (object.expires()) rows.expires_ms = object.expire_at_ms;
  if (const String* string = object.value.string()) {
    rows.kind = SinkRows::Kind::kString;
    rows.value = std::string_view(*string);
  } else if (const Hash* hash = object.value.hash()) {
    rows.kind = SinkRows::Kind::kHash;
    for (size_t i = 0; i < hash->entries().size(); ++i) {
      const auto item = hash->entries().at(i);
      rows.fields.emplace_back(item.key, item.value);
    }
  } else {
    rows.kind = SinkRows::Kind::kOther;
    rows.value = type_name(object.value.type());
  }
  return rows;
}

// Its keys are written with what they hold by then.
void Sink::give_back(const SinkBatch& batch) {
  everything_ |= batch.everything;
  for (const SinkRows& rows : batch.keys)
    noted_.insert({keyspace_.database(rows.db).identity(), rows.key});
  taken_ = committed_;
  since_ = taken_since_;
}

void Sink::fail(const Error& error) {
  ++stats_.failures;
  stats_.last_error = error.message;
  if (trouble_ != error.message) say(error.message);
  trouble_ = error.message;
  damaged_ = error.code == Errc::kCorrupt;
  retry_after_ = std::clamp(retry_after_ * 2, kFirstRetry, kLongestWait);
  retry_at_ = os_.now() + retry_after_;
  log_.progress().notify_all();
}

// All that it held is in the store.
void Sink::replace_damaged() {
  const auto away = database_->put_away();
  if (!away.ok() && away.error().code != Errc::kNotFound) return fail(away.error());
  if (away.ok()) say(fmt::format("{} is kept as {}, and written anew", database_->name(), *away));
  damaged_ = settled_ = cleared_ = false;
  ++stats_.resyncs;
}

// --- The end ---

Result<void> Sink::finish() {
  const uint64_t last = log_.applied_lsn();
  const uint64_t failures = stats_.failures;
  const Instant patience = options_.url.empty() ? kForever : os_.now() + kLongestEnd;
  ending_ = true;
  retry_at_ = Instant{0};
  wake_.notify_all();
  while (first_ || committed_ < last) {
    if (gap_ || held_ || stats_.failures != failures || !log_.blocked().empty()) {
      ending_ = false;
      return Error{Errc::kIo, "the database behind the store waits"};
    }
    if (!log_.progress().wait(patience))
      return Error{Errc::kTimeout, "the database behind the store does not answer"};
  }
  return {};
}

void Sink::stop() {
  stopping_ = true;
  wake_.notify_all();
  log_.progress().notify_all();
}

}  // namespace powercut::engine
