#include "engine/store/keyspace.h"

#include <algorithm>

namespace powercut::engine {

Table Database::take_table() {
  Table taken = std::move(table_);
  table_ = Table();
  due_.clear();
  expires_count_ = 0;
  return taken;
}

Keyspace::Keyspace() {
  for (int i = 0; i < kDatabases; ++i) databases_[i] = std::make_unique<Database>(i);
}

Keyspace::~Keyspace() = default;

void Keyspace::remove_observer(KeyspaceObserver* observer) { std::erase(observers_, observer); }

void Keyspace::before_change(Database& db, std::string_view key, Object* object) {
  for (KeyspaceObserver* observer : observers_) observer->before_change(db, key, object);
}

// --- Reading ---

const Object* Keyspace::peek(int db, std::string_view key) const {
  const auto* entry = databases_[db]->table_.find(key);
  return entry == nullptr || expired(entry->value) ? nullptr : &entry->value;
}

const Object* Keyspace::find(int db, std::string_view key) {
  auto* entry = databases_[db]->table_.find(key);
  if (entry == nullptr) return nullptr;
  if (expired(entry->value)) {
    expire(db, key);
    return nullptr;
  }
  return &entry->value;
}

// --- Changing ---

void Keyspace::check_out(Database& db, std::string_view key, Object& object) {
  if (object.measured) {
    value_bytes_ -= object.value.memory_bytes();
    object.measured = false;
    touched_.push_back({&db, key});
  }
}

Object* Keyspace::find_for_write(int db, std::string_view key) {
  auto* object = const_cast<Object*>(find(db, key));
  if (object == nullptr) return nullptr;
  before_change(*databases_[db], key, object);
  check_out(*databases_[db], key, *object);
  return object;
}

Object* Keyspace::put(int db, std::string_view key, Value value) {
  Database& database = *databases_[db];
  auto* entry = database.table_.find(key);
  if (entry != nullptr && expired(entry->value)) {
    expire(db, key);
    entry = nullptr;
  }
  before_change(database, key, entry == nullptr ? nullptr : &entry->value);
  if (entry == nullptr) {
    entry = database.table_.insert(key).first;
    touched_.push_back({&database, key});
  } else {
    check_out(database, key, entry->value);
    if (entry->value.expires()) --database.expires_count_;
  }
  entry->value.value = std::move(value);
  entry->value.expire_at_ms = Object::kNoExpiry;
  entry->value.epoch = epoch_;
  return &entry->value;
}

void Keyspace::erase_entry(Database& db, Table::Entry& entry) {
  if (entry.value.measured) value_bytes_ -= entry.value.value.memory_bytes();
  if (entry.value.expires()) --db.expires_count_;
  db.table_.erase(entry.key);
}

bool Keyspace::remove(int db, std::string_view key) {
  if (find(db, key) == nullptr) return false;
  Database& database = *databases_[db];
  auto* entry = database.table_.find(key);
  before_change(database, key, &entry->value);
  erase_entry(database, *database.table_.find(key));
  return true;
}

void Keyspace::set_expiry(int db, std::string_view key, Object* object, int64_t expire_at_ms) {
  Database& database = *databases_[db];
  if (object->expires()) --database.expires_count_;
  object->expire_at_ms = expire_at_ms;
  if (!object->expires()) return;
  ++database.expires_count_;
  auto& due = database.due_;
  if (due.size() > 64 && due.size() > 4 * database.expires_count_) {
    // Stale entries outnumber live ones: rebuild from the table.
    due.clear();
    for (size_t i = 0; i < database.table_.size(); ++i) {
      const auto& entry = database.table_.at(i);
      if (entry.value.expires() && entry.key != key) {
        due.push_back({entry.value.expire_at_ms, entry.key});
      }
    }
    std::make_heap(due.begin(), due.end());
  }
  due.push_back({expire_at_ms, std::string(key)});
  std::push_heap(due.begin(), due.end());
}

Object Keyspace::take(int db, std::string_view key) {
  Database& database = *databases_[db];
  auto* entry = database.table_.find(key);
  CHECK(entry != nullptr);
  before_change(database, key, &entry->value);
  check_out(database, key, entry->value);
  Object taken = std::move(entry->value);
  entry->value = Object();
  if (taken.expires()) --database.expires_count_;
  erase_entry(database, *entry);
  return taken;
}

void Keyspace::flush(int db) {
  Database& database = *databases_[db];
  for (KeyspaceObserver* observer : observers_) observer->before_flush(database);
  for (size_t i = 0; i < database.table_.size(); ++i) {
    const Object& object = database.table_.at(i).value;
    if (object.measured) value_bytes_ -= object.value.memory_bytes();
  }
  database.take_table();
}

void Keyspace::swap(int a, int b) {
  for (KeyspaceObserver* observer : observers_) observer->before_swap(a, b);
  std::swap(databases_[a], databases_[b]);
}

// --- Expiry ---

void Keyspace::expire(int db, std::string_view key) {
  Database& database = *databases_[db];
  auto* entry = database.table_.find(key);
  before_change(database, key, &entry->value);
  const std::string name = entry->key;  // `key` may be a view into the entry itself
  erase_entry(database, *entry);
  if (expiry_listener_ != nullptr) expiry_listener_->on_expired(db, name);
}

size_t Keyspace::remove_expired(size_t limit) {
  size_t removed = 0;
  for (int db = 0; db < kDatabases && removed < limit; ++db) {
    auto& due = databases_[db]->due_;
    while (!due.empty() && due.front().at_ms <= now_.unix_ms && removed < limit) {
      std::pop_heap(due.begin(), due.end());
      const std::string key = std::move(due.back().key);
      due.pop_back();
      const auto* entry = databases_[db]->table_.find(key);
      if (entry == nullptr || !expired(entry->value)) continue;
      expire(db, key);
      ++removed;
    }
  }
  return removed;
}

int64_t Keyspace::next_expiry_ms() const {
  int64_t next = INT64_MAX;
  for (const auto& database : databases_) {
    if (!database->due_.empty()) next = std::min(next, database->due_.front().at_ms);
  }
  return next;
}

// --- Memory ---

void Keyspace::settle() {
  for (const Touched& touched : touched_) {
    auto* entry = touched.db->table_.find(touched.key);
    if (entry == nullptr || entry->value.measured) continue;
    value_bytes_ += entry->value.value.memory_bytes();
    entry->value.measured = true;
  }
  touched_.clear();
}

size_t Keyspace::memory_bytes() const {
  size_t bytes = value_bytes_;
  for (const auto& database : databases_) bytes += database->table_.memory_bytes();
  return bytes;
}

}  // namespace powercut::engine
