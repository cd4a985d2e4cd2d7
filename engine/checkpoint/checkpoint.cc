#include "engine/checkpoint/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/base/crc64.h"

namespace powercut::engine {

Checkpoint::Checkpoint(Os& os, Keyspace& keyspace, const CheckpointSizes& sizes)
    : keyspace_(keyspace), sizes_(sizes), room_(os) {
  CHECK(sizes.slice_bytes > 0 && sizes.slice_bytes <= sizes.buffer_bytes);
}

Checkpoint::~Checkpoint() { abandon(); }

void Checkpoint::begin(const RdbHeader& header, For what) {
  CHECK(!running());
  for_ = what;
  refers_ = header.aof_base;
  CHECK(away_.empty());
  not_had_.reset();
  CHECK(taken_.empty() && side_.empty() && slicing_db_ == nullptr);
  writer_.emplace(header);
  for (const auto& [name, text] : keyspace_.libraries()) writer_->add_library(text);
  epoch_ = keyspace_.epoch() + 1;
  keyspace_.set_epoch(epoch_);
  keyspace_.add_observer(this);
  expected_keys_ = 0;
  offset_ = 0;
  numbers_.resize(static_cast<size_t>(keyspace_.databases()));
  for (int db = 0; db < keyspace_.databases(); ++db) {
    const Database& database = keyspace_.database(db);
    numbers_[static_cast<size_t>(database.identity())] = db;
    expected_keys_ += database.table().size();
  }
}

void Checkpoint::abandon() {
  if (!running()) return;
  keyspace_.remove_observer(this);
  writer_.reset();
  taken_.clear();
  away_.clear();
  side_.clear();
  side_bytes_ = 0;
  slicing_db_ = nullptr;
  room_.notify_all();
}

size_t Checkpoint::extra_bytes() const {
  if (!running()) return 0;
  size_t bytes = writer_->pending() + side_bytes_ + out_.capacity();
  for (const Taken& taken : taken_) bytes += taken.table.memory_bytes();
  return bytes;
}

// --- Handing over ---

void Checkpoint::capture(int db, std::string_view key, const Object& object) {
  if (object.value.away() != nullptr && object.value.away()->warm())
    return capture_warm(db, key, object);
  if (object.value.away() != nullptr && !refers_) {
    Object kept;
    kept.value = object.value.clone();
    kept.expire_at_ms = object.expire_at_ms;
    away_.push_back({db, std::string(key), std::move(kept)});
    return;
  }
  if (slicing_db_ == nullptr) {
    writer_->add(db, key, object);
    return;
  }
  std::string entry;
  append_rdb_entry(entry, key, object);
  side_bytes_ += entry.size();
  side_.push_back({db, std::move(entry)});
}

void Checkpoint::capture_warm(int db, std::string_view key, const Object& object) {
  auto value = read_warm(*object.value.away(), keyspace_.encoding_limits());
  if (!value.ok()) {
    not_had_ = not_had(value.error(), key);
    return;
  }
  Object whole;
  whole.value = std::move(*value);
  whole.expire_at_ms = object.expire_at_ms;
  capture(db, key, whole);
}

void Checkpoint::before_change(Database& db, std::string_view key, Object* object) {
  if (&db == slicing_db_) {
    // The entry being sliced must stay as it is and where it is: whoever would change or move it
    // serialises the rest of it first.
    const auto& entry = db.table().at(slicing_position_);
    CHECK(entry.value.epoch == epoch_);  // stamped before its first slice
    if (&entry.value == object || slicing_position_ + 1 == db.table().size()) finish_slicing();
  }
  if (object == nullptr || object->epoch >= epoch_) return;
  object->epoch = epoch_;
  capture(number_of(db), key, *object);
}

// In the warm tier it is as in memory: the walk comes to it there.
void Checkpoint::before_leave(Database& db, std::string_view key, Object& object,
                              const Away& away) {
  if (away.warm() && object.epoch < epoch_) return;
  before_change(db, key, &object);
}

void Checkpoint::before_flush(Database& db) {
  if (&db == slicing_db_) finish_slicing();
  if (db.table().empty()) return;
  CHECK(running());
  taken_.push_back({number_of(db), db.take_table()});
}

void Checkpoint::finish_slicing() {
  if (slicing_db_ == nullptr) return;
  while (!writer_->slice(sizes_.slice_bytes)) {
  }
  slicing_db_ = nullptr;
}

// --- The walk ---

Result<CheckpointInfo> Checkpoint::write(File& file) {
  CHECK(running());
  for (int identity = 0; identity < keyspace_.databases(); ++identity) TRY(walk(identity, file));
  while (!taken_.empty() || !away_.empty()) {  // each may add to the other
    TRY(walk_taken(file));
    TRY(write_away(file));
  }
  if (not_had_) return *not_had_;
  CHECK(taken_.empty() && side_.empty() && slicing_db_ == nullptr);
  CHECK(keyspace_.epoch() == epoch_);  // no other cut was taken meanwhile
  if (writer_->keys() != expected_keys_) {
    return Error{Errc::kCorrupt, fmt::format("the checkpoint has {} keys instead of {}",
                                             writer_->keys(), expected_keys_)};
  }
  const uint64_t keys = writer_->keys();
  writer_->finish();
  keyspace_.remove_observer(this);  // nothing is left to hand over
  TRY(write_out(file));
  TRY_ASSIGN(const uint64_t crc, verify(file));
  writer_.reset();
  room_.notify_all();
  return CheckpointInfo{offset_, keys, crc};
}

Result<void> Checkpoint::walk(int identity, File& file) {
  Database* db = nullptr;
  for (int i = 0; i < keyspace_.databases(); ++i) {
    if (keyspace_.database(i).identity() == identity) db = &keyspace_.mutable_database(i);
  }
  CHECK(db != nullptr && slicing_db_ == nullptr);
  size_t position = db->table().size();
  for (;;) {
    position = std::min(position, db->table().size());
    if (position == 0) return {};
    --position;
    const auto& entry = db->table().at(position);
    if (entry.value.epoch >= epoch_) continue;
    db->stamp(position, epoch_);
    if (entry.value.value.away() != nullptr) {
      capture(number_of(*db), entry.key, entry.value);
      if (not_had_) return *not_had_;
      TRY(write_away(file));
      if (writer_->pending() >= sizes_.slice_bytes) TRY(write_out(file));
      continue;
    }
    writer_->begin_entry(number_of(*db), entry.key, entry.value);
    slicing_db_ = db;
    slicing_position_ = position;
    while (slicing_db_ != nullptr && !writer_->slice(sizes_.slice_bytes)) TRY(write_out(file));
    slicing_db_ = nullptr;
    for (const Handed& handed : side_) {
      CHECK(side_bytes_ >= handed.entry.size());
      side_bytes_ -= handed.entry.size();
      writer_->add_encoded(handed.db, handed.entry);
    }
    side_.clear();
    CHECK(side_bytes_ == 0);
    if (writer_->pending() >= sizes_.slice_bytes) TRY(write_out(file));
  }
}

Result<void> Checkpoint::walk_taken(File& file) {
  // A flush during a write below may add more.
  while (!taken_.empty()) {
    const Taken taken = std::move(taken_.back());
    taken_.pop_back();
    for (size_t i = 0; i < taken.table.size(); ++i) {
      const auto& entry = taken.table.at(i);
      if (entry.value.epoch >= epoch_) continue;
      capture(taken.db, entry.key, entry.value);
      if (writer_->pending() >= sizes_.slice_bytes) TRY(write_out(file));
    }
  }
  return {};
}

Result<void> Checkpoint::write_away(File& file) {
  while (!away_.empty()) {
    KeptAway kept = std::move(away_.back());
    away_.pop_back();
    CHECK(read_away_ != nullptr);
    auto value = read_away_(*kept.object.value.away());
    if (!value.ok()) return not_had(value.error(), kept.key);
    kept.object.value = std::move(*value);
    writer_->add(kept.db, kept.key, kept.object);
    if (writer_->pending() >= sizes_.slice_bytes) TRY(write_out(file));
  }
  return {};
}

Result<void> Checkpoint::write_out(File& file) {
  writer_->take(out_);
  std::string_view left = out_;
  while (!left.empty()) {
    TRY_ASSIGN(const size_t written, file.write_at(offset_, left));
    CHECK(written > 0 && written <= left.size());
    offset_ += written;
    left.remove_prefix(written);
  }
  room_.notify_all();
  return {};
}

Result<uint64_t> Checkpoint::verify(File& file) {
  constexpr size_t kChecksumBytes = 8;
  CHECK(offset_ > kChecksumBytes);
  if (for_ == For::kSending) return uint64_t{0};
  uint64_t crc = 0;
  const auto piece = std::make_unique_for_overwrite<char[]>(sizes_.slice_bytes);
  uint64_t at = 0;
  char stored[kChecksumBytes] = {};
  while (at < offset_) {
    TRY_ASSIGN(const size_t count, file.read_at(at, piece.get(), sizes_.slice_bytes));
    if (count == 0 || count > offset_ - at) break;
    const uint64_t body = offset_ - kChecksumBytes;
    const size_t covered =
        at >= body ? 0 : static_cast<size_t>(std::min<uint64_t>(count, body - at));
    crc = crc64({piece.get(), covered}, crc);
    for (size_t i = covered; i < count; ++i) stored[at + i - body] = piece[i];
    at += count;
  }
  char computed[kChecksumBytes];
  for (size_t i = 0; i < kChecksumBytes; ++i) computed[i] = static_cast<char>(crc >> (8 * i));
  if (at != offset_ || std::memcmp(stored, computed, kChecksumBytes) != 0) {
    return Error{Errc::kCorrupt, "the checkpoint reads back differently from what was written"};
  }
  return crc;
}

}  // namespace powercut::engine
