#include "engine/sink/sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/command/number.h"
#include "engine/sink/sqlite_database.h"

namespace powercut::engine {

namespace {

constexpr size_t kKeysMost = 4096;  // a batch of so many does not wait for more
constexpr Duration kFirstRetry = milliseconds(50);
constexpr Duration kLongestWait = seconds(2);
constexpr Duration kBusyPause =
    milliseconds(10);  // until a row that another process keeps is tried again
constexpr Duration kStartPatience = seconds(30);  // alone: for one on another machine
constexpr Duration kStartPause = milliseconds(500);
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
      wake_(os),
      read_ended_(os) {
  keyspace_.add_observer(this);
  database_->set_on_slow([this](const std::string& text) { say(trouble_ = text); });
}

Sink::~Sink() { keyspace_.remove_observer(this); }

void Sink::say(const std::string& text) {
  if (say_) say_(text);
}

// --- The start ---

void Sink::look() { (void)connect(); }

// Who starts a store may start it a moment before its database, or before that has noticed the end of the last one.
Result<std::optional<uint64_t>> Sink::open_alone() {
  CHECK(options_.alone);
  const Instant patience = options_.url.empty() ? os_.now() : os_.now() + kStartPatience;
  database_->keep_as_found(true);
  auto found = database_->open();
  // What a crash left half made may be taken back while it is looked at, and then another look finds it whole.
  if (!found.ok()) found = database_->open();
  while (!found.ok() && found.error().code != Errc::kUnsupported && os_.now() < patience) {
    if (std::exchange(trouble_, found.error().message) != found.error().message)
      say(found.error().message + ": it is waited for");
    os_.park(os_.now() + kStartPause);
    found = database_->open();
  }
  database_->keep_as_found(false);
  if (!found.ok()) return found.error();
  if (database_->set_aside() != 0)
    return Error{Errc::kUnsupported,
                 fmt::format("{}: {} keys have no row, by powercut_set_aside, and a start without "
                             "a log would lose them: start with appendonly yes, and DEL or change "
                             "them, or empty that table",
                             database_->name(), database_->set_aside())};
  trouble_.clear();
  found_ = std::move(found).value();
  looked_ = true;
  if (found_.fresh) return std::optional<uint64_t>();
  return std::optional(found_.lsn);
}

Result<uint64_t> Sink::load() {
  uint64_t keys = 0;
  keyspace_.set_now(os_.wall_now());
  keyspace_.set_loading(true);
  const auto read = database_->read([&](SinkRows&& rows) {
    ++keys;
    return take_in(std::move(rows));
  });
  keyspace_.set_loading(false);
  if (read.ok()) return keys;
  return Error{read.error().code,
               read.error().message + "; nothing was changed, and nothing is served"};
}

Result<void> Sink::take_in(SinkRows&& rows) {
  const auto wrong = [&](std::string_view why) {
    return Error{Errc::kUnsupported, fmt::format("{}: key '{}' of database {}: {}",
                                                 database_->name(), shown(rows.key), rows.db, why)};
  };
  if (rows.db >= keyspace_.databases()) return wrong("there are not so many databases");
  if (sink_table_of(options_.tables, rows.key) != rows.table)
    return wrong(fmt::format("it stands in table {}, where sink-tables does not put it",
                             options_.tables[rows.table].name));
  if (keyspace_.database(rows.db).table().find(rows.key) != nullptr)
    return wrong("it has a string, and fields as well");
  Object* object = nullptr;
  if (rows.kind == SinkRows::Kind::kHash) {
    Hash hash;
    for (const auto& [field, value] : rows.fields)
      hash.set(field, value, keyspace_.encoding_limits());
    object = keyspace_.put(rows.db, rows.key, Value(std::move(hash)));
  } else {
    object = keyspace_.put(rows.db, rows.key, rows.value);
  }
  if (rows.expires_ms >= 0) keyspace_.set_expiry(rows.db, rows.key, object, rows.expires_ms);
  keyspace_.settle();
  return {};
}

// What was read may stand in the page cache alone, and be gone with the power after it was served: a commit forces it.
Result<void> Sink::settle_alone(uint64_t last) {
  everything_ = found_.fresh;
  settled_ = cleared_ = true;
  base_ = last_ = last;
  const SinkBatch batch = take();
  if (const auto written = database_->write(batch); !written.ok()) return written.error();
  end_batch(batch, true);
  committed_ = released_ = last;
  note_commit(batch);
  return {};
}

void Sink::replaying(uint64_t lsn) {
  const uint64_t has = looked_ ? found_.lsn : 0;
  noting_ = lsn > has;
}

void Sink::begin(uint64_t base, uint64_t last, bool renumbered) {
  noting_ = true;
  if (!options_.read_through) base_ = base;
  last_ = last;
  everything_ |= renumbered;
  taken_ = last;
  if (!options_.alone) since_ = os_.now();
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
  if (options_.alone && (found->fresh || !found->missing.empty())) settled_ = false;
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
  if (const std::string other = why_not_behind(last_); !other.empty()) {
    say(trouble_ = other);
    settled_ = gap_ = true;
    return false;
  }
  everything_ |= !why.empty() || found_.fresh;
  gap_ = !why.empty() && !options_.resync;
  if (gap_) {
    trouble_ =
        why + (options_.read_through ? ": CONFIG SET sink-resync yes goes on with it"
                                     : ": CONFIG SET sink-resync yes writes its tables anew");
    say(trouble_);
  } else if (!why.empty()) {
    ++stats_.resyncs;
    say(why + (options_.read_through
                   ? ": what the store holds is written again; no other row is touched, and one of "
                     "a key that was deleted meanwhile is back"
                   : ": its tables are written anew"));
  }
  settled_ = true;
  return !gap_;
}

// A checkpoint that was loaded has dropped what had expired, and no operation says so.
bool Sink::note_expired() {
  // What has expired in a row of others is theirs.
  if (options_.read_through) return cleared_ = true;
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
  if (noting_ && (!everything_ || options_.read_through)) note(db, key);
}

void Sink::note(const Database& db, std::string_view key) {
  if (has_table(key)) noted_.insert({db.identity(), std::string(key)});
}

void Sink::note_all(const Database& db) {
  for (size_t i = 0; i < db.table().size(); ++i) note(db, db.table().at(i).key);
}

// A checkpoint may have moved out already what it held.
void Sink::before_flush(Database& db) {
  if (options_.read_through && noting_) return note_all(db);
  const bool counts = noting_;
  everything_ |= counts;
}

// What either holds has a row under the number of the other by then.
void Sink::before_swap(int a, int b) {
  if (!options_.read_through || !noting_) {
    everything_ |= noting_;
    return;
  }
  const Database& one = keyspace_.database(a);
  const Database& other = keyspace_.database(b);
  note_all(one);
  note_all(other);
  std::set<Key> both;
  for (const auto* keys : {&noted_, &writing_})
    for (const Key& key : *keys) {
      if (key.database == one.identity()) both.insert({other.identity(), key.name});
      if (key.database == other.identity()) both.insert({one.identity(), key.name});
    }
  noted_.merge(both);
}

void Sink::on_entry() {
  const bool first = since_ == kForever;
  if (first) since_ = os_.now();
  if (options_.alone && options_.mode == SinkMode::kBehind && queued_for() > options_.window)
    ++stats_.delayed_replies;
  release();
  if (first || noted_.size() >= kKeysMost) wake_.notify_all();
}

void Sink::hold(bool hold) {
  held_ = hold;
  if (!hold) wake_.notify_all();
}

void Sink::set_resync(bool resync) {
  options_.resync = resync;
  if (!gap_ || !resync || !why_not_behind(last_).empty()) return;
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
  const Duration most = options_.alone ? options_.window : options_.interval;
  return std::max(retry_at_, now ? Instant{0} : since_ + std::min(options_.interval, most));
}

// What is released and not committed spans the window at most, counted from the oldest operation: while the database is
// away, or a batch takes long, the mark stands still.
void Sink::release() {
  if (!options_.alone || options_.mode == SinkMode::kThrough) return;
  if (queued_for() <= options_.window) released_ = log_.applied_lsn();
}

uint64_t Sink::released(uint64_t by_log) const {
  if (options_.alone) return std::min(by_log, std::max(released_, committed_));
  return options_.mode == SinkMode::kThrough ? std::min(by_log, committed_) : by_log;
}

// --- The task ---

void Sink::run() {
  while (!stopping_) {
    const bool reads = !readings_.empty();
    if (!reads && (held_ || gap_ || !behind())) {
      wake_.rest();
    } else if (const Instant due = reads ? retry_at_ : due_at(); os_.now() < due) {
      wake_.rest(due);
    } else if (damaged_ && options_.resync && !options_.alone && !options_.read_through) {
      replace_damaged();
    } else if (!database_->is_open() && !connect()) {
      continue;
    } else if ((settled_ || settle()) && (cleared_ || note_expired())) {
      if (reads && !serve_readings()) continue;
      if (!reads || (!held_ && !gap_ && behind() && due_at() <= os_.now())) flush();
    } else {
      for (const auto& reading : std::exchange(readings_, {}))
        end_reading(*reading, Error{Errc::kRefused, trouble_});
    }
  }
}

void Sink::flush() {
  const SinkBatch batch = take();
  const Instant since = taken_since_;
  while (log_.active() && log_.synced_lsn() < batch.lsn && !stopping_)
    if (readings_.empty() || os_.now() < retry_at_ || !database_->is_open() || !serve_readings())
      log_.progress().wait();
  if (stopping_) return;
  if (!database_->is_open()) return end_batch(batch, false);  // a read has closed it meanwhile
  const auto written = database_->write(batch);
  end_batch(batch, written.ok());
  if (!written.ok()) return fail(written.error());
  committed_ = batch.lsn;
  if (since != kForever) stats_.worst = std::max(stats_.worst, os_.now() - since);
  note_commit(batch);
}

void Sink::end_batch(const SinkBatch& batch, bool written) {
  writing_.clear();
  writing_everything_ = false;
  in_flight_ = 0;
  if (!written) give_back(batch);
  taken_since_ = kForever;
}

void Sink::note_commit(const SinkBatch& batch) {
  first_ = false;
  retry_after_ = Duration{0};
  trouble_.clear();
  if (!troubled_.empty() && troubled_.back().second == kForever)
    troubled_.back().second = os_.now();
  ++stats_.batches;
  stats_.keys += batch.keys.size();
  release();
  log_.progress().notify_all();
}

std::vector<int> Sink::numbers_by_identity() const {
  std::vector<int> numbers(static_cast<size_t>(keyspace_.databases()));
  for (int db = 0; db < keyspace_.databases(); ++db)
    numbers[static_cast<size_t>(keyspace_.database(db).identity())] = db;
  return numbers;
}

// In one step: what the keys hold is what they held behind that operation.
SinkBatch Sink::take() {
  SinkBatch batch;
  batch.lsn = log_.applied_lsn();
  batch.alone = options_.alone;
  batch.everything = std::exchange(everything_, false);
  batch.keeps = options_.read_through;
  const std::vector<int> numbers = numbers_by_identity();
  for (int db = 0; db < keyspace_.databases(); ++db) {
    const Table& table = keyspace_.database(db).table();
    for (size_t i = 0; batch.everything && i < table.size(); ++i) {
      const std::string_view key = table.at(i).key;
      if (const auto to = sink_table_of(options_.tables, key))
        batch.keys.push_back(rows_of(db, key, *to));
    }
  }
  for (const Key& key : noted_) {
    const int db = numbers[static_cast<size_t>(key.database)];
    const auto to = sink_table_of(options_.tables, key.name);
    if (!to || (batch.everything && !batch.keeps)) continue;
    if (batch.everything && keyspace_.database(db).table().find(key.name) != nullptr) continue;
    batch.keys.push_back(rows_of(db, key.name, *to));
  }
  if (options_.read_through) {
    writing_ = std::move(noted_);
    writing_everything_ = batch.everything;
  }
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

// --- Read-through ---

bool Sink::has_word(int db, std::string_view key) const {
  const Key name{keyspace_.database(db).identity(), std::string(key)};
  return noted_.contains(name) || writing_.contains(name);
}

Result<void> Sink::read_rows(std::vector<SinkDatabase::KeyAt> keys, Instant deadline,
                             TakeRow take) {
  CHECK(options_.read_through && !keys.empty());
  if (stopping_) return Error{Errc::kRefused, "the store ends"};
  if (gap_) return Error{Errc::kRefused, trouble_};
  const auto reading = std::make_shared<Reading>(Reading{std::move(keys), std::move(take)});
  readings_.push_back(reading);
  wake_.notify_all();
  log_.progress().notify_all();
  while (!reading->done && read_ended_.wait(deadline)) {
  }
  if (reading->done) return reading->outcome;
  std::erase(readings_, reading);
  reading->done = true;
  const std::string why = trouble_.empty() ? std::string("it does not answer") : trouble_;
  return Error{Errc::kTimeout,
               fmt::format("the row of key '{}' is not had: {}", shown(reading->keys[0].key), why)};
}

// In the sink's task, where no batch is half written: what is read has all that was committed, and the queue has the rest.
// False: they are to be tried again.
bool Sink::serve_readings() {
  while (!readings_.empty() && !stopping_) {
    const auto reading = readings_.front();
    const Instant began = os_.now();
    auto rows = database_->read_keys(reading->keys);
    if (!rows.ok() && rows.error().code != Errc::kUnsupported) {
      if (rows.error().code != Errc::kRefused) {
        database_->close();
        fail(rows.error());
      } else {
        trouble_ = rows.error().message;
        retry_at_ = os_.now() + kBusyPause;
      }
      return false;
    }
    std::erase(readings_, reading);
    for (size_t i = 0; rows.ok() && i < rows->size(); ++i)
      reading->take(std::move((*rows)[i]), began);
    if (rows.ok()) trouble_.clear();
    end_reading(*reading, rows.ok() ? Result<void>() : rows.error());
  }
  return true;
}

void Sink::end_reading(Reading& reading, Result<void> outcome) {
  reading.outcome = std::move(outcome);
  reading.done = true;
  read_ended_.notify_all();
}

// The queue has all that was done behind this operation.
uint64_t Sink::complete_from() const {
  return first_ ? std::max(base_, looked_ ? found_.lsn : 0) : committed_;
}

std::string Sink::queue_in_words() const {
  const std::vector<int> numbers = numbers_by_identity();
  std::string words =
      fmt::format("{} {}", complete_from(), everything_ || writing_everything_ ? 1 : 0);
  for (const auto* keys : {&writing_, &noted_})
    for (const Key& key : *keys)
      words += fmt::format(" {} {} {}", numbers[static_cast<size_t>(key.database)], key.name.size(),
                           key.name);
  return words;
}

void Sink::take_queue(uint64_t base, std::string_view words) {
  base_ = base;
  const auto number = [&]() -> uint64_t {
    const size_t end = std::min(words.find(' '), words.size());
    const auto found = parse_integer(words.substr(0, end));
    words.remove_prefix(std::min(end + 1, words.size()));
    return found && *found >= 0 ? static_cast<uint64_t>(*found) : 0;
  };
  if (words.empty()) return;
  base_ = std::min(base, number());
  everything_ |= number() != 0;
  while (!words.empty()) {
    const auto db = static_cast<int>(number());  // as it was loaded, each has its own number
    const uint64_t size = std::min<uint64_t>(number(), words.size());
    noted_.insert({db, std::string(words.substr(0, size))});
    words.remove_prefix(std::min<size_t>(size + 1, words.size()));
  }
}

// Its keys are written with what they hold by then.
void Sink::give_back(const SinkBatch& batch) {
  everything_ |= batch.everything;
  for (const SinkRows& rows : batch.keys)
    noted_.insert({keyspace_.database(rows.db).identity(), rows.key});
  taken_ = committed_;
  since_ = std::min(since_, taken_since_);
}

void Sink::fail(const Error& error) {
  ++stats_.failures;
  if (troubled_.empty() || troubled_.back().second != kForever)
    troubled_.emplace_back(os_.now(), kForever);
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

std::string Sink::why_not_behind(uint64_t last) const {
  if (options_.alone || !looked_ || !found_.alone || found_.lsn <= last) return {};
  return fmt::format(
      "{} is at operation {}, written by a store without a log, and what lies here "
      "ends with operation {}: start with appendonly no, end it with SHUTDOWN SAVE, "
      "and start with appendonly yes",
      database_->name(), found_.lsn, last);
}

Result<void> Sink::wait_for(uint64_t lsn) {
  while (committed_ < lsn) {
    if (stopping_) return Error{Errc::kRefused, "the store ends"};
    log_.progress().wait();
  }
  return {};
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
  for (const auto& reading : std::exchange(readings_, {}))
    end_reading(*reading, Error{Errc::kRefused, "the store ends"});
}

}  // namespace powercut::engine
