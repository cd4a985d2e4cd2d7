#include "engine/store/fetch_ahead.h"

#include "engine/base/check.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

namespace {

void fetch(const Text& text) {
  if (text.on_heap()) __builtin_prefetch(text.data());
}

void fetch_value(const Value& value) {
  if (const String* string = value.string()) fetch(*string);
  if (const Hash* hash = value.hash()) __builtin_prefetch(hash->entries().block());
  if (const Set* set = value.set()) __builtin_prefetch(set->block());
}

// Of a large hash or set, the way to its member, as to a key.
class Member {
 public:
  static bool has(const Value& value) { return value.hash() != nullptr || value.set() != nullptr; }
  void fetch_cell(const Value& value, std::string_view member) {
    if (const Hash* hash = value.hash()) fields_ = hash->entries().map();
    if (const Set* set = value.set()) members_ = set->map();
    hash_ = hash_bytes(member);
    if (fields_ != nullptr) fields_->fetch_cell(hash_);
    if (members_ != nullptr) members_->fetch_cell(hash_);
  }
  void fetch_entry() {
    if (fields_ != nullptr) field_ = fields_->fetch_entry(hash_);
    if (members_ != nullptr) member_ = members_->fetch_entry(hash_);
  }
  void fetch_bytes() const {
    if (field_ != nullptr) {
      fetch(field_->key);
      fetch(field_->value);
    }
    if (member_ != nullptr) fetch(member_->key);
  }

 private:
  const SlabMap<Text>* fields_ = nullptr;
  const SlabMap<Nothing>* members_ = nullptr;
  uint64_t hash_ = 0;
  const SlabMap<Text>::Entry* field_ = nullptr;
  const SlabMap<Nothing>::Entry* member_ = nullptr;
};

}  // namespace

bool pays_to_fetch(const Keyspace& keyspace, int db) {
  return keyspace.size(db) >= 1000 || keyspace.value_bytes() >= 64 * 1024;
}

void fetch_ahead(const Keyspace& keyspace, int db, std::span<const Sought> sought) {
  CHECK(sought.size() <= kFetchedAtOnce);
  const Table& table = keyspace.database(db).table();
  uint64_t hashes[kFetchedAtOnce];
  const Table::Entry* entries[kFetchedAtOnce];
  Member members[kFetchedAtOnce];
  for (size_t i = 0; i < sought.size(); ++i) {
    hashes[i] = Table::hash_of(sought[i].key);
    table.fetch_cell(hashes[i]);
  }
  for (size_t i = 0; i < sought.size(); ++i) entries[i] = table.fetch_entry(hashes[i]);
  bool any_member = false;
  for (size_t i = 0; i < sought.size(); ++i) {
    if (entries[i] == nullptr) continue;
    fetch(entries[i]->key);
    fetch_value(entries[i]->value.value);
    any_member |= Member::has(entries[i]->value.value);
  }
  if (!any_member) return;
  for (size_t i = 0; i < sought.size(); ++i)
    if (entries[i] != nullptr) members[i].fetch_cell(entries[i]->value.value, sought[i].member);
  for (size_t i = 0; i < sought.size(); ++i) members[i].fetch_entry();
  for (size_t i = 0; i < sought.size(); ++i) members[i].fetch_bytes();
}

}  // namespace powercut::engine
