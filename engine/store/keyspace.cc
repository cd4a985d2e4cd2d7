#include "engine/store/keyspace.h"

#include <algorithm>
#include <utility>

namespace powercut::engine {

namespace {
constexpr size_t kLibraryBytes = 112;  // of a node of Libraries
}  // namespace

Table Database::take_table() {
  Table taken = std::move(table_);
  table_ = Table();
  due_ = std::vector<Due>();
  due_key_bytes_ = 0;
  expires_count_ = 0;
  expiries_ms_ = 0;
  return taken;
}

int64_t Database::average_ttl_ms(int64_t now_ms) const {
  if (expires_count_ == 0) return 0;
  return std::max<int64_t>(0, static_cast<int64_t>(expiries_ms_ / expires_count_) - now_ms);
}

void Database::push_due(int64_t at_ms, std::string_view key) {
  due_.push_back({at_ms, Text(key)});
  due_key_bytes_ += heap_bytes(due_.back().key);
  std::push_heap(due_.begin(), due_.end());
}

Database::Due Database::pop_due() {
  CHECK(!due_.empty());
  std::pop_heap(due_.begin(), due_.end());
  Due due = std::move(due_.back());
  due_.pop_back();
  due_key_bytes_ -= heap_bytes(due.key);
  CHECK(!due_.empty() || due_key_bytes_ == 0);
  return due;
}

const Table::Entry& Database::expiring_at(size_t place) const {
  CHECK(expires_count_ > 0 && place < due_.size());
  for (size_t looked = 0;; ++looked, place = (place + 1) % due_.size()) {
    CHECK(looked < due_.size());
    const auto* entry = table_.find(due_[place].key);
    if (entry != nullptr && entry->value.expire_at_ms == due_[place].at_ms) return *entry;
  }
}

void Database::drop_stale_due() {
  std::sort(due_.begin(), due_.end(), [](const Due& a, const Due& b) {
    return a.at_ms != b.at_ms ? a.at_ms < b.at_ms : a.key < b.key;
  });
  std::vector<Due> kept;
  kept.reserve(expires_count_ + 1);
  due_key_bytes_ = 0;
  for (Due& due : due_) {
    const auto* entry = table_.find(due.key);
    if (entry == nullptr || entry->value.expire_at_ms != due.at_ms) continue;
    if (!kept.empty() && kept.back().at_ms == due.at_ms && kept.back().key == due.key) continue;
    kept.push_back(std::move(due));
    due_key_bytes_ += heap_bytes(kept.back().key);
  }
  due_ = std::move(kept);  // in ascending order, which is a heap
  // The one that is being set may be missing yet, or be there from before.
  CHECK(due_.size() == expires_count_ || due_.size() + 1 == expires_count_);
}

Keyspace::Keyspace(int databases) {
  CHECK(databases > 0);
  all_.reserve(static_cast<size_t>(databases));
  databases_.reserve(static_cast<size_t>(databases));
  for (int i = 0; i < databases; ++i) databases_.push_back(&all_.emplace_back(i));
}

Keyspace::~Keyspace() = default;

void Keyspace::add_observer(KeyspaceObserver* observer) {
  CHECK(std::find(observers_.begin(), observers_.end(), observer) == observers_.end());
  observers_.push_back(observer);
}

void Keyspace::remove_observer(KeyspaceObserver* observer) { std::erase(observers_, observer); }

void Keyspace::before_change(Database& db, std::string_view key, Object* object) {
  CHECK(object == nullptr || object->epoch <= epoch_);
  if (object != nullptr && object->lent) {
    adopt(db, key, *object);
    object = nullptr;  // of what is stored it is new
  }
  for (KeyspaceObserver* observer : observers_) observer->before_change(db, key, object);
}

// --- Reading ---

const Object* Keyspace::peek(int db, std::string_view key) const {
  const auto* entry = numbered(db).table_.find(key);
  return entry == nullptr || expired(entry->value) ? nullptr : &entry->value;
}

Object* Keyspace::look_up(int db, std::string_view key) {
  auto* entry = find_live(db, key, Table::hash_of(key));
  return entry == nullptr ? nullptr : &entry->value;
}

const Object* Keyspace::find(int db, std::string_view key) {
  Object* object = look_up(db, key);
  if (object != nullptr) object->access = accesses_.used(object->access) & Accesses::kMask;
  return object;
}

Table::Entry* Keyspace::find_live(int db, std::string_view key, uint64_t hash) {
  auto* entry = numbered(db).table_.find(key, hash);
  if (entry == nullptr || !expired(entry->value)) return entry;
  if (!keep_expired_) expire(db, key);
  return nullptr;
}

int Keyspace::number_of(const Database& db) const {
  int number = 0;
  while (&numbered(number) != &db) ++number;
  return number;
}

// --- Changing ---

void Keyspace::forget_bytes(const Object& object) {
  const size_t bytes = object.value.memory_bytes();
  CHECK(bytes <= value_bytes_);
  value_bytes_ -= bytes;
}

void Keyspace::check_out(Database& db, std::string_view key, uint64_t hash, Table::Entry& entry) {
  if (!entry.value.measured) return;
  forget_bytes(entry.value);
  entry.value.measured = 0;
  touched_.push_back({&db, key, hash, &entry});
}

Object* Keyspace::find_for_write(int db, std::string_view key) {
  const uint64_t hash = Table::hash_of(key);
  auto* entry = find_live(db, key, hash);
  if (entry == nullptr) return nullptr;
  before_change(numbered(db), key, &entry->value);
  check_out(numbered(db), key, hash, *entry);
  return &entry->value;
}

Object* Keyspace::find_for_write_beside(int db, std::string_view key) {
  changes_beside_ = true;
  Object* const object = find_for_write(db, key);
  changes_beside_ = false;
  return object;
}

Object* Keyspace::put(int db, std::string_view key, Value value) {
  Object& object = claim(db, key);
  object.value = std::move(value);
  return &object;
}

Object* Keyspace::put(int db, std::string_view key, std::string_view string) {
  Object& object = claim(db, key);
  object.value.set(string);
  return &object;
}

// The object to put a value into; what it held goes with that.
Object& Keyspace::claim(int db, std::string_view key) {
  CHECK(!keep_expired_);
  Database& database = numbered(db);
  const uint64_t hash = Table::hash_of(key);
  auto* entry = find_live(db, key, hash);
  before_change(database, key, entry == nullptr ? nullptr : &entry->value);
  if (entry == nullptr) {
    entry = &database.table_.insert_new(key, hash);
    touched_.push_back({&database, key, hash, entry});
    entry->value.access = accesses_.first() & Accesses::kMask;
  } else {
    check_out(database, key, hash, *entry);
    entry->value.access = accesses_.replaced(entry->value.access) & Accesses::kMask;
    if (entry->value.expires()) database.expires_no_more(entry->value.expire_at_ms);
  }
  entry->value.expire_at_ms = Object::kNoExpiry;
  entry->value.epoch = epoch_;
  return entry->value;
}

void Keyspace::erase_entry(Database& db, Table::Entry& entry) {
  if (entry.value.measured) forget_bytes(entry.value);
  if (entry.value.expires()) db.expires_no_more(entry.value.expire_at_ms);
  const bool erased = db.table_.erase(entry.key);
  CHECK(erased && db.expires_count_ <= db.table_.size());
  removed_ = true;
}

bool Keyspace::remove(int db, std::string_view key) {
  if (find(db, key) == nullptr) return false;
  Database& database = numbered(db);
  auto* entry = database.table_.find(key);
  before_change(database, key, &entry->value);
  erase_entry(database, *database.table_.find(key));
  return true;
}

void Keyspace::set_expiry(int db, std::string_view key, Object* object, int64_t expire_at_ms) {
  CHECK(!object->measured);  // it was checked out
  Database& database = numbered(db);
  if (object->expires()) database.expires_no_more(object->expire_at_ms);
  object->expire_at_ms = expire_at_ms;
  if (!object->expires()) return;
  database.expires_then(expire_at_ms);
  if (database.due_.size() > 64 && database.due_.size() > 4 * database.expires_count_) {
    database.drop_stale_due();
    find_next_expiry();
  }
  database.push_due(expire_at_ms, key);
  CHECK(database.due_.size() >= database.expires_count_);
  next_expiry_ms_ = std::min(next_expiry_ms_, expire_at_ms);
}

Object Keyspace::take(int db, std::string_view key) {
  Database& database = numbered(db);
  auto* entry = database.table_.find(key);
  CHECK(entry != nullptr);
  before_change(database, key, &entry->value);
  check_out(database, key, Table::hash_of(key), *entry);
  Object taken = std::move(entry->value);
  entry->value = Object();
  if (taken.expires()) database.expires_no_more(taken.expire_at_ms);
  erase_entry(database, *entry);
  return taken;
}

void Keyspace::flush(int db) {
  Database& database = numbered(db);
  for (size_t i = 0; i < database.table_.size(); ++i) {
    const Object& object = database.table_.at(i).value;
    if (object.measured) forget_bytes(object);
  }
  for (KeyspaceObserver* observer : observers_) observer->before_flush(database);
  database.take_table();
  removed_ = true;
  find_next_expiry();
}

void Keyspace::swap(int a, int b) {
  CHECK(a >= 0 && a < databases() && b >= 0 && b < databases());
  for (KeyspaceObserver* observer : observers_) observer->before_swap(a, b);
  std::swap(databases_[static_cast<size_t>(a)], databases_[static_cast<size_t>(b)]);
}

void Keyspace::take_over(Keyspace& other) {
  CHECK(databases() == other.databases() && touched_.empty() && other.touched_.empty());
  CHECK(other.observers_.empty() && other.epoch_ <= epoch_);
  for (int db = 0; db < databases(); ++db) {
    flush(db);
    Database& from = other.numbered(db);
    Database& to = numbered(db);
    to.due_ = std::exchange(from.due_, {});
    to.due_key_bytes_ = std::exchange(from.due_key_bytes_, 0);
    to.expires_count_ = std::exchange(from.expires_count_, 0);
    to.expiries_ms_ = std::exchange(from.expiries_ms_, 0);
    to.table_ = from.take_table();
  }
  CHECK(value_bytes_ == 0);
  value_bytes_ = std::exchange(other.value_bytes_, 0);
  while (!libraries_.empty()) remove_library(std::string(libraries_.begin()->first));
  for (const auto& [name, text] : other.libraries_) put_library(name, text);
  other.libraries_.clear();
  removed_ = false;
  find_next_expiry();
}

// --- Libraries ---

void Keyspace::put_library(std::string_view name, std::string_view text) {
  for (KeyspaceObserver* observer : observers_) observer->before_library(name);
  ++libraries_version_;
  libraries_.insert_or_assign(std::string(name), std::string(text));
}

bool Keyspace::remove_library(std::string_view name) {
  const auto found = libraries_.find(name);
  if (found == libraries_.end()) return false;
  for (KeyspaceObserver* observer : observers_) observer->before_library(name);
  ++libraries_version_;
  libraries_.erase(found);
  return true;
}

// --- Expiry ---

void Keyspace::expire(int db, std::string_view key) {
  Database& database = numbered(db);
  auto* entry = database.table_.find(key);
  CHECK(entry != nullptr);
  before_change(database, key, &entry->value);
  const std::string name(entry->key);  // `key` may be a view into the entry itself
  erase_entry(database, *entry);
  if (expiry_listener_ != nullptr) expiry_listener_->on_expired(db, name);
}

size_t Keyspace::remove_expired(size_t limit) {
  CHECK(!keep_expired_);
  if (loading_) return 0;  // nothing expires, and what is due must stay in the queue
  size_t removed = 0;
  for (int db = 0; db < databases() && removed < limit; ++db) {
    const auto& due = numbered(db).due_;
    while (!due.empty() && due.front().at_ms <= now_.unix_ms && removed < limit) {
      const Text key = numbered(db).pop_due().key;
      const auto* entry = numbered(db).table_.find(key);
      if (entry == nullptr || !expired(entry->value)) continue;
      expire(db, key);
      ++removed;
    }
  }
  find_next_expiry();
  CHECK(removed == limit || next_expiry_ms_ > now_.unix_ms);
  return removed;
}

void Keyspace::find_next_expiry() {
  next_expiry_ms_ = INT64_MAX;
  for (const Database& database : all_) {
    if (!database.due_.empty())
      next_expiry_ms_ = std::min(next_expiry_ms_, database.due_.front().at_ms);
  }
}

// --- The cold tier ---

void Keyspace::move_out(Database& db, Table::Entry& entry, Away away) {
  CHECK(touched_.empty() && entry.value.measured);
  CHECK(entry.value.value.away() == nullptr || entry.value.value.away()->warm());
  for (KeyspaceObserver* observer : observers_)
    observer->before_leave(db, entry.key, entry.value, away);
  forget_bytes(entry.value);
  entry.value.value = Value(std::move(away));
}

void Keyspace::bring_back(Table::Entry& entry, Value value) {
  CHECK(entry.value.value.away() != nullptr);
  CHECK(value.away() == nullptr && !value.is_empty_collection());
  entry.value.value = std::move(value);
  // Where a command has it in hand already, it is measured behind that.
  if (entry.value.measured) value_bytes_ += entry.value.value.memory_bytes();
}

// --- Copies ---

void Keyspace::lend(int db, std::string_view key, Value value, int64_t expire_at_ms) {
  CHECK(touched_.empty() && !value.is_empty_collection());
  Database& database = numbered(db);
  for (KeyspaceObserver* observer : observers_) observer->before_lend(database);
  auto& entry = database.table_.insert_new(key, Table::hash_of(key));
  Object& object = entry.value;
  object.value = std::move(value);
  object.expire_at_ms = expire_at_ms;
  object.epoch = epoch_;
  object.access = accesses_.first() & Accesses::kMask;
  object.measured = object.lent = 1;
  value_bytes_ += object.value.memory_bytes();
  lent_.push_back({db, std::string(key)});
}

std::optional<Value> Keyspace::take_back(bool keep) {
  CHECK(!lent_.empty() && touched_.empty());
  const Lent lent = std::move(lent_.back());
  lent_.pop_back();
  Database& database = numbered(lent.db);
  auto* entry = database.table_.find(lent.key);
  if (entry == nullptr || !entry->value.lent) return std::nullopt;
  if (keep) {
    before_change(database, lent.key, &entry->value);
    return std::nullopt;
  }
  for (KeyspaceObserver* observer : observers_) observer->before_lend(database);
  forget_bytes(entry->value);
  Value value = std::move(entry->value.value);
  entry->value = Object();
  CHECK(database.table_.erase(lent.key));
  return value;
}

void Keyspace::adopt(Database& db, std::string_view key, Object& object) {
  object.lent = 0;
  if (object.expires()) {
    db.expires_then(object.expire_at_ms);
    db.push_due(object.expire_at_ms, key);
    next_expiry_ms_ = std::min(next_expiry_ms_, object.expire_at_ms);
  }
  if (adopter_ != nullptr) adopter_->on_adopted(number_of(db), key, object);
}

// --- Memory ---

void Keyspace::settle() {
  for (const Touched& touched : touched_) {
    auto* entry = removed_ ? touched.db->table_.find(touched.key, touched.hash) : touched.entry;
    if (entry == nullptr || entry->value.measured) continue;
    const Value& value = entry->value.value;
    CHECK(value.type() == Type::kString || !value.is_empty_collection());
    value_bytes_ += value.memory_bytes();
    entry->value.measured = 1;
  }
  touched_.clear();
  removed_ = false;
}

size_t Keyspace::used_bytes() const {
  size_t bytes = value_bytes_;
  for (const Database& database : all_)
    bytes += database.table_.used_bytes() + database.expires_count_ * sizeof(Database::Due);
  return bytes;
}

size_t Keyspace::memory_bytes() const {
  size_t bytes = value_bytes_;
  for (const Database& database : all_) {
    bytes += database.table_.memory_bytes() + database.due_bytes();
  }
  return bytes + library_bytes();
}

size_t Keyspace::library_bytes() const {
  size_t bytes = 0;
  for (const auto& [name, text] : libraries_)
    bytes += kLibraryBytes + heap_bytes(name) + heap_bytes(text);
  return bytes;
}

}  // namespace powercut::engine
