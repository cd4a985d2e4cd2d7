#include "scenarios/store/store_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/command/command_table.h"
#include "engine/os/tasks.h"
#include "scenarios/store/keyspace/digest.h"
#include "sim/request.h"

namespace powercut::scenarios {

using engine::Database;
using engine::Object;

namespace {
constexpr size_t kOperationsExpected = 256;  // most runs have fewer
constexpr uint64_t kAnyKey = 0;

uint64_t mark_of(const Database& db, std::string_view key) {
  // XXH3 of a short text meets that of a near text under a near seed: so the seeds are far from each other.
  constexpr uint64_t kFar = 0x9e3779b97f4a7c15u;
  return hash_bytes(key, (static_cast<uint64_t>(db.identity()) + 1) * kFar) | 1;
}
}  // namespace

StoreHistory::StoreHistory() {
  changes_.reserve(kOperationsExpected);
  digests_.reserve(kOperationsExpected);
  changes_end_.reserve(kOperationsExpected);
  digests_.push_back(0);
  changes_end_.push_back(0);
}

void StoreHistory::on_attach(sim::Target& target, uint64_t lsn) {
  auto& holds = dynamic_cast<HoldsKeyspace&>(target);
  holds_ = &holds;
  engine::Keyspace& keyspace = holds.keyspace();
  keyspace_ = &keyspace;
  digests_.resize(lsn + 1);
  changes_end_.resize(lsn + 1);
  changes_.resize(changes_end_[lsn]);
  while (!marks_.empty() && marks_.back().lsn > lsn) marks_.pop_back();
  touched_.clear();
  begin_sums();
  note_dropped(lsn);
  keyspace.add_observer(this);
}

// Of the keyspace as it was loaded: S(lsn), which the judge has just found it to be, unless the clock had a say.
void StoreHistory::begin_sums() {
  std::copy(std::begin(first_sums_), std::end(first_sums_), sums_);
  if (soonest_expiry_ms_ > os().wall_now().unix_ms && loaded_without_.empty()) {
    for (const Change& change : changes_) apply(change, INT64_MIN, sums_);
  } else {
    for (int db = 0; db < kDatabases; ++db) {
      sums_[db] = 0;
      const auto& table = keyspace_->database(db).table();
      for (size_t i = 0; i < table.size(); ++i)
        sums_[db] += entry_hash(table.at(i).key, table.at(i).value, holds_->cold());
    }
    sums_[kLibraries] = 0;
    for (const auto& [name, text] : keyspace_->libraries())
      sums_[kLibraries] += library_hash(name, text);
  }
  digest_ = total();
}

// Loading a checkpoint drops what has expired, without a word. S(lsn) still has it, for a recovery
// under another clock; what comes after has not.
void StoreHistory::note_dropped(uint64_t lsn) {
  dropped_.clear();
  // The life before may have saved what it had loaded.
  const bool dropped_before = !std::exchange(loaded_without_, {}).empty();
  if (soonest_expiry_ms_ > os().wall_now().unix_ms && !dropped_before) return;
  std::multimap<uint64_t, int64_t> alive[kPlaces];  // by hash: the expiry
  for (size_t i = 0; i < changes_end_[lsn]; ++i) {
    const Change& change = changes_[i];
    if (change.db < 0) {
      std::swap(alive[change.before], alive[change.after]);
      continue;
    }
    if (const auto it = alive[change.db].find(change.before);
        change.before != 0 && it != alive[change.db].end()) {
      alive[change.db].erase(it);
    }
    if (change.after != 0) alive[change.db].emplace(change.after, change.after_expires);
  }
  for (int db = 0; db < kDatabases; ++db) {
    const auto& table = keyspace_->database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto it =
          alive[db].find(entry_hash(table.at(i).key, table.at(i).value, holds_->cold()));
      if (it != alive[db].end()) alive[db].erase(it);
    }
    for (const auto& [hash, expires] : alive[db]) {
      if (expires != Object::kNoExpiry)
        dropped_.push_back({static_cast<int16_t>(db), hash, 0, expires, Object::kNoExpiry});
    }
  }
  loaded_lsn_ = lsn;
  loaded_without_ = dropped_;
}

void StoreHistory::on_detach() {
  keyspace_->remove_observer(this);
  keyspace_ = nullptr;
  holds_ = nullptr;
}

// --- The store's door ---

void StoreHistory::touch(Database& db, std::string_view key, const Object* object) {
  for (const Touched& touched : touched_) {
    if (touched.db == &db && touched.key == key) return;
  }
  Touched& touched = touched_.emplace_back(Touched{&db, std::string(key)});
  if (object == nullptr) return;
  touched.hash = entry_hash(key, *object, holds_->cold());
  touched.expire_at_ms = object->expire_at_ms;
}

void StoreHistory::before_change(Database& db, std::string_view key, Object* object) {
  touch(db, key, object);
}

void StoreHistory::before_flush(Database& db) {
  for (size_t i = 0; i < db.table().size(); ++i) {
    const auto& entry = db.table().at(i);
    touch(db, entry.key, &entry.value);
  }
}

void StoreHistory::before_library(std::string_view name) {
  for (const Touched& touched : touched_)
    if (touched.db == nullptr && touched.key == name) return;
  Touched& touched = touched_.emplace_back();
  touched.key.assign(name);
  touched.hash = hash_of_library(name);
}

uint64_t StoreHistory::hash_of_library(std::string_view name) const {
  const auto found = keyspace_->libraries().find(name);
  return found == keyspace_->libraries().end() ? 0 : library_hash(name, found->second);
}

void StoreHistory::before_swap(int a, int b) {
  settle();
  changes_.push_back({-1, static_cast<uint64_t>(a), static_cast<uint64_t>(b), 0, 0});
  std::swap(sums_[a], sums_[b]);
  digest_ = total();
  marks_.push_back({kAnyKey, last_lsn() + 1});
}

// Turns what was touched into changes.
void StoreHistory::settle() {
  for (const Touched& touched : touched_) {
    if (touched.db == nullptr) {
      const uint64_t after = hash_of_library(touched.key);
      if (after == touched.hash) continue;
      add_to_sum(kLibraries, after - touched.hash);
      changes_.push_back({static_cast<int16_t>(kLibraries), touched.hash, after, Object::kNoExpiry,
                          Object::kNoExpiry});
      continue;
    }
    const int db = keyspace_->number_of(*touched.db);
    const auto* entry = touched.db->table().find(touched.key);
    const uint64_t after =
        entry == nullptr ? 0 : entry_hash(entry->key, entry->value, holds_->cold());
    if (after == touched.hash) continue;
    const int64_t expires = entry == nullptr ? Object::kNoExpiry : entry->value.expire_at_ms;
    add_to_sum(db, after - touched.hash);
    marks_.push_back({mark_of(*touched.db, touched.key), last_lsn() + 1});
    if (expires != Object::kNoExpiry) soonest_expiry_ms_ = std::min(soonest_expiry_ms_, expires);
    changes_.push_back(
        {static_cast<int16_t>(db), touched.hash, after, touched.expire_at_ms, expires});
  }
  touched_.clear();
}

void StoreHistory::add_to_sum(int db, uint64_t difference) {
  digest_ -= database_hash(db, sums_[db]);
  sums_[db] += difference;
  digest_ += database_hash(db, sums_[db]);
}

uint64_t StoreHistory::total() const { return digest_of(sums_); }

void StoreHistory::on_operation(uint64_t lsn) {
  CHECK(lsn == last_lsn() + 1);
  settle();
  const int64_t now_ms = keyspace_->now().unix_ms;
  const bool expiry_only =
      std::all_of(changes_.begin() + static_cast<ptrdiff_t>(changes_end_.back()), changes_.end(),
                  [&](const Change& c) {
                    return c.db >= 0 && c.after == 0 && c.before_expires != Object::kNoExpiry &&
                           c.before_expires <= now_ms;
                  });
  if (untrue_.empty()) untrue_ = unasked(expiry_only);
  if (untrue_.empty()) untrue_ = holds_->amiss();
  // First: the operation may swap databases.
  if (!dropped_.empty()) {
    changes_.insert(changes_.begin() + static_cast<ptrdiff_t>(changes_end_.back()),
                    dropped_.begin(), dropped_.end());
    dropped_.clear();
  }
  append(expiry_only, holds_->evicts());
  digests_.push_back(digest_);
  changes_end_.push_back(changes_.size());
}

// What it does for no client: it gives up a key that may go, or removes one whose time has come.
std::string StoreHistory::unasked(bool expiry_only) const {
  const bool expirer = os().current() != nullptr && os().current()->name() == "expirer";
  if (expirer && !expiry_only) return "a key that nobody removed went before its time";
  if (!holds_->evicts()) return {};
  for (size_t i = changes_end_.back(); i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    if (change.db < 0 || change.before == 0 || change.after != 0) continue;
    const bool expires = change.before_expires != Object::kNoExpiry;
    if (std::string why = holds_->may_not_go(expires); !why.empty())
      return "a key was given up for want of memory, though " + why;
  }
  return {};
}

bool StoreHistory::unlogged_change() {
  if (holds_->amid_script()) return false;  // who runs it looks when it is over
  settle();
  return changes_.size() != changes_end_.back();
}

bool StoreHistory::split_request(uint64_t after) const {
  if (last_lsn() <= after + 1) return false;
  size_t count = 0;
  for (uint64_t lsn = after + 1; lsn <= last_lsn(); ++lsn)
    if (operation(lsn).task == os().current() && !operation(lsn).expiry_only) ++count;
  return count > 1;
}

// --- What a reply shows ---

// A transaction's answer shows what the answers of all that it ran show; of what it ran behind a SELECT, another
// database.
uint64_t StoreHistory::shown_by(std::span<const std::string> requests, int db,
                                uint64_t made) const {
  const std::vector<std::string_view> words = sim::words_of(requests.back());
  if (words.empty()) return 0;
  if (sim::same_word(words[0], "EXEC")) {
    uint64_t shown = 0;
    for (size_t i = 0; i + 1 < requests.size(); ++i) {
      if (sim::same_word(sim::words_of(requests[i])[0], "SELECT")) break;
      shown = std::max(shown, shown_by(requests.subspan(i, 1), db, made));
    }
    return shown;
  }
  const engine::CommandSpec* spec = engine::resolve(words);
  if (spec == nullptr || !engine::arity_fits(*spec, words.size())) return 0;
  if ((spec->flags & engine::kImmediate) != 0)
    return 0;  // WATCH names keys and shows nothing of them
  if ((spec->flags & engine::kWholeKeyspace) != 0) return made;
  std::vector<size_t> positions;
  engine::key_positions(*spec, words, positions);
  std::vector<uint64_t> keys;
  for (const size_t i : positions)
    if (i < words.size()) keys.push_back(mark_of(keyspace_->database(db), words[i]));
  return keys.empty() ? 0 : last_change(keys, made);
}

// The last one, up to operation `made`, of one of these keys. None is known behind which databases were swapped: a
// number leads to other keys since.
uint64_t StoreHistory::last_change(const std::vector<uint64_t>& keys, uint64_t made) const {
  for (auto mark = marks_.rbegin(); mark != marks_.rend(); ++mark) {
    const bool later = std::min(mark->lsn, last_lsn()) > made;
    if (later && mark->key == kAnyKey) return 0;
    if (later) continue;
    if (mark->key == kAnyKey || std::find(keys.begin(), keys.end(), mark->key) != keys.end())
      return std::min(mark->lsn, last_lsn());
  }
  return 0;
}

// --- Digests ---

void StoreHistory::apply(const Change& change, int64_t now_ms, Sums& sums) {
  if (change.db < 0) {
    std::swap(sums[change.before], sums[change.after]);
    return;
  }
  const auto counts = [&](int64_t expires) {
    return expires == Object::kNoExpiry || expires > now_ms;
  };
  if (counts(change.before_expires)) sums[change.db] -= change.before;
  if (counts(change.after_expires)) sums[change.db] += change.after;
}

uint64_t StoreHistory::digest_of(const Sums& sums) {
  uint64_t digest = 0;
  for (int db = 0; db < kPlaces; ++db) digest += database_hash(db, sums[db]);
  return digest;
}

const std::vector<uint64_t>& StoreHistory::digests_at(int64_t now_ms) {
  if (soonest_expiry_ms_ > now_ms) return digests_;
  Sums sums;
  std::copy(std::begin(first_sums_), std::end(first_sums_), sums);
  clocked_.clear();
  size_t next = 0;
  for (uint64_t lsn = 0; lsn <= last_lsn(); ++lsn) {
    for (; next < changes_end_[lsn]; ++next) apply(changes_[next], now_ms, sums);
    clocked_.push_back(digest_of(sums));
  }
  return clocked_;
}

std::optional<History::AsLoaded> StoreHistory::as_loaded_at(int64_t now_ms) const {
  if (loaded_without_.empty()) return std::nullopt;
  Sums sums;
  std::copy(std::begin(first_sums_), std::end(first_sums_), sums);
  for (size_t i = 0; i < changes_end_[loaded_lsn_]; ++i) apply(changes_[i], now_ms, sums);
  for (const Change& change : loaded_without_) apply(change, now_ms, sums);
  return AsLoaded{loaded_lsn_, digest_of(sums)};
}

std::string StoreHistory::miscounted() const {
  for (int db = 0; db < kDatabases; ++db) {
    const Database& database = keyspace_->database(db);
    size_t expiring = 0;
    for (size_t i = 0; i < database.table().size(); ++i)
      expiring += database.table().at(i).value.expires() ? 1 : 0;
    if (expiring != database.expires_count())
      return fmt::format("{} keys of database {} expire, and {} are counted", expiring, db,
                         database.expires_count());
  }
  return {};
}

std::string StoreHistory::self_check() {
  if (keyspace_ == nullptr || !touched_.empty()) return {};
  const uint64_t actual = keyspace_digest(*keyspace_, INT64_MIN, holds_->cold());
  if (actual == total()) return miscounted();
  return fmt::format("after operation {} the keyspace differs from the sum of its changes",
                     last_lsn());
}

}  // namespace powercut::scenarios
