#include "engine/sink/copies.h"

#include <utility>

namespace powercut::engine {

namespace {

constexpr size_t kCopyBytes = 256;  // beside its name, twice, and its value

}  // namespace

Copies::Copies(Os& os, Keyspace& keyspace, Sink& sink, Duration time_to_live)
    : os_(os), keyspace_(keyspace), sink_(sink), time_to_live_(time_to_live), wake_(os) {
  keyspace_.add_observer(this);
  keyspace_.set_adopter(this);
}

Copies::~Copies() {
  keyspace_.set_adopter(nullptr);
  keyspace_.remove_observer(this);
}

// --- What is known of a key ---

bool Copies::is_here(int db, std::string_view key) const {
  return keyspace_.database(db).table().find(key) != nullptr || sink_.has_word(db, key);
}

bool Copies::lacks(int db, std::string_view key, Instant since) {
  if (!sink_.has_table(key) || is_here(db, key)) return false;
  const auto copy = copies_.find(Name(db, key));
  if (copy == copies_.end()) return true;
  if (copy->second.kept_for != command_ && copy->second.read_at < since && !fresh(copy->second))
    return true;
  copy->second.kept_for = command_;
  return false;
}

Result<void> Copies::read(std::span<const std::pair<int, std::string>> keys, Instant deadline) {
  std::vector<SinkDatabase::KeyAt> wanted;
  for (const auto& [db, key] : keys) wanted.push_back({db, key, *sink_.table_of(key)});
  return sink_.read_rows(std::move(wanted), deadline,
                         [this](SinkRows&& rows, Instant at) { take(std::move(rows), at); });
}

// What the store has done meanwhile is newer.
void Copies::take(SinkRows&& rows, Instant read_at) {
  ++reads_;
  if (is_here(rows.db, rows.key)) return;
  const Name name(rows.db, rows.key);
  if (const auto before = copies_.find(name); before != copies_.end()) drop(before);
  Copy& copy = copies_[name];
  copy.absent = rows.kind == SinkRows::Kind::kAbsent;
  if (rows.kind == SinkRows::Kind::kHash) {
    Hash hash;
    for (const auto& [field, value] : rows.fields)
      hash.set(field, value, keyspace_.encoding_limits());
    copy.value = Value(std::move(hash));
  } else if (!copy.absent) {
    copy.value.set(rows.value);
  }
  if (rows.expires_ms >= 0) copy.expires_ms = rows.expires_ms;
  copy.read_at = read_at;
  copy.number = ++numbers_;
  copy.bytes = kCopyBytes + 2 * rows.key.size() + copy.value.memory_bytes();
  bytes_ += copy.bytes;
  const bool first = in_order_.empty();
  in_order_.emplace(copy.number, name);
  if (first) wake_.notify_all();
}

// --- While a command runs ---

void Copies::lend(int db, std::string_view key) {
  if (is_here(db, key)) return;
  const Name name(db, key);
  const auto copy = copies_.find(name);
  if (copy == copies_.end() || copy->second.absent) return;
  const int64_t expires_ms = copy->second.expires_ms;
  if (expires_ms != Object::kNoExpiry && expires_ms <= keyspace_.now().unix_ms) return;
  lent_.push_back(name);
  keyspace_.lend(db, key, std::move(copy->second.value), expires_ms);
}

void Copies::take_back(bool wrote, Effects& adopted) {
  while (!lent_.empty()) {
    const Name name = std::move(lent_.back());
    lent_.pop_back();
    if (auto value = keyspace_.take_back(wrote)) copies_.at(name).value = std::move(*value);
  }
  adopted = std::exchange(adopted_, {});
}

void Copies::on_adopted(int db, std::string_view key, const Object& copy) {
  ++adopted_count_;
  if (const String* string = copy.value.string()) {
    adopted_.add(db, {"SET", key, std::string_view(*string)});
  } else {
    const Entries<Text>& fields = copy.value.hash()->entries();
    std::vector<std::string_view> words{"HSET", key};
    for (size_t i = 0; i < fields.size(); ++i)
      words.insert(words.end(), {fields.at(i).key, fields.at(i).value});
    adopted_.add(db, words);
  }
  if (copy.expires()) adopted_.add(db, {"PEXPIREAT", key, std::to_string(copy.expire_at_ms)});
  if (const auto held = copies_.find(Name(db, key)); held != copies_.end()) drop(held);
}

// A key that is here is no copy, and of what it was nothing is known once it is gone.
void Copies::before_change(Database& db, std::string_view key, Object*) {
  if (copies_.empty()) return;
  const auto copy = copies_.find(Name(keyspace_.number_of(db), key));
  if (copy != copies_.end()) drop(copy);
}

// --- Their end ---

void Copies::drop(Held::iterator copy) {
  bytes_ -= copy->second.bytes;
  in_order_.erase(copy->second.number);
  const std::string key = copy->first.second;
  copies_.erase(copy);
  if (on_leave_) on_leave_(key);
}

bool Copies::drop_oldest() {
  if (in_order_.empty()) return false;
  const auto copy = copies_.find(in_order_.begin()->second);
  if (copy->second.kept_for == command_) return false;
  drop(copy);
  return true;
}

void Copies::drop_old() {
  while (!in_order_.empty()) {
    const auto oldest = copies_.find(in_order_.begin()->second);
    if (fresh(oldest->second)) return;
    drop(oldest);
  }
}

void Copies::run() {
  while (!stopping_) {
    drop_old();
    if (in_order_.empty())
      wake_.rest();
    else
      wake_.rest(copies_.at(in_order_.begin()->second).read_at + time_to_live_);
  }
}

void Copies::stop() {
  stopping_ = true;
  wake_.notify_all();
}

}  // namespace powercut::engine
