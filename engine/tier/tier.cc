#include "engine/tier/tier.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace powercut::engine {

namespace {

constexpr size_t kSamples = 5;         // of which the one goes that was not used for longest
constexpr size_t kVainDraws = 64;      // in a row: then there are no more
constexpr uint64_t kMostRestless = 4;  // values
constexpr Duration kFirstRetry = milliseconds(500);
constexpr Duration kLongestRetry = seconds(8);

}  // namespace

Tier::Tier(Os& os, Keyspace& keyspace, ColdFolder& folder, const TierOptions& options,
           const TierSizes& sizes)
    : os_(os), keyspace_(keyspace), folder_(folder), options_(options), sizes_(sizes), wake_(os) {
  keyspace_.add_observer(this);
  folder_.set_on_unheld([this] { wake_.notify_all(); });
}

// Values that lie in a warm tier may outlive it, in the keyspace; nobody reads them any more.
Tier::~Tier() {
  if (warm_ != nullptr) warm_->set_on_free({});
  for (const auto& file : emptied_) file->set_on_free({});
  folder_.set_on_unheld({});
  keyspace_.remove_observer(this);
}

void Tier::set_options(const TierOptions& options) {
  const uint64_t warm_bytes = options_.warm_bytes;
  options_ = options;
  options_.warm_bytes = warm_bytes;
  wake_.notify_all();
}

// --- The task ---

uint64_t Tier::above(uint64_t mark) const {
  const uint64_t bytes = keyspace_.value_bytes();
  return options_.hot_bytes == 0 || bytes <= mark ? 0 : bytes - mark;
}

// Somewhat more than is too much goes at a time, or segments would have a value each.
uint64_t Tier::excess() const {
  return above(options_.hot_bytes) == 0 ? 0 : above(options_.hot_bytes - options_.hot_bytes / 8);
}

bool Tier::due() const { return restless_ || excess() != 0; }

void Tier::run() {
  while (!stopping_) {
    if (folder_.any_unheld()) {
      folder_.remove_unheld();
      if (on_change_) on_change_();
      continue;
    }
    std::erase_if(emptied_, [](const auto& file) { return !file->in_use(); });
    const bool empties = file_to_empty() != nullptr;
    if (os_.now() < not_before_) {
      wake_.rest(empties || due() || due_to_tidy() ? not_before_ : kForever);
    } else if (empties) {
      move_on();
    } else if (due()) {
      move_some_out();
    } else if (due_to_tidy()) {
      tidy();
    } else {
      wake_.rest(kForever);
    }
  }
}

// Each time as many bytes as a segment has went out; or the walk through all keys would be for little.
bool Tier::due_to_tidy() const {
  return folder_.mostly_dead() != nullptr && (sizes_.restless || stats_.left >= tidy_at_);
}

// What is alive in a segment that is mostly dead comes back, and leaves again with others: then nobody rests on it but
// bases of the log that did before.
void Tier::tidy() {
  constexpr uint64_t kFewValues = 10'000;
  tidy_at_ = stats_.left + kFewValues;
  const SegmentHold dead(folder_.mostly_dead());
  std::vector<std::pair<int, std::string>> found;
  for (int db = 0; db < keyspace_.databases(); ++db) {
    const Table& table = keyspace_.database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const Away* away = table.at(i).value.value.away();
      if (away != nullptr && away->segment().get() == dead.get())
        found.emplace_back(db, table.at(i).key);
    }
  }
  // None: who reads it holds it. An error: whoever asks for that key is told.
  if (found.empty() || !bring_back(found).ok()) not_before_ = os_.now() + kFirstRetry;
}

void Tier::stop() {
  stopping_ = true;
  wake_.notify_all();
}

// --- Leaving ---

// One of a few that were drawn, which was not used for longest; nullptr: none of them can go.
Table::Entry* Tier::choose(Fitting fitting, Database*& of) {
  size_t all = 0;
  for (int db = 0; db < keyspace_.databases(); ++db) all += keyspace_.size(db);
  Table::Entry* best = nullptr;
  for (size_t n = 0; n < kSamples && all != 0; ++n) {
    size_t at = os_.choose("cold.sample", all);
    int db = 0;
    while (at >= keyspace_.size(db)) at -= keyspace_.size(db++);
    Database& database = keyspace_.mutable_database(db);
    Table::Entry* entry = keyspace_.entry_of(database, database.table().at(at).key);
    const Object& object = entry->value;
    if (object.value.away() != nullptr || object.value.memory_bytes() < sizes_.least_bytes ||
        keyspace_.expired(object))
      continue;
    const bool is_long = object.value.memory_bytes() + entry->key.size() > longest_warm();
    if (fitting != Fitting::kAny && is_long != (fitting == Fitting::kLong)) continue;
    const KeyAt where{database.identity(), std::string(entry->key)};
    if (leaving_.contains(where) || wanted_.contains(where)) continue;
    const bool by_frequency = keyspace_.accesses().by_frequency();
    const auto& accesses = keyspace_.accesses();
    const auto colder = [&](const Object& a, const Object& b) {
      return by_frequency ? accesses.frequency(a.access) < accesses.frequency(b.access)
                          : accesses.idle_s(a.access) > accesses.idle_s(b.access);
    };
    if (best != nullptr && !colder(object, best->value)) continue;
    best = entry;
    of = &database;
  }
  return best;
}

// Puts values into the draft, a slice in each step; false: there are none to put in.
bool Tier::fill(ColdFolder::Draft& draft) {
  uint64_t slice = draft.size();
  uint64_t left = sizes_.restless ? 1 + os_.choose("cold.batch", kMostRestless) : UINT64_MAX;
  const uint64_t goal = excess();
  const Fitting fitting = warm_ != nullptr && !sizes_.restless ? Fitting::kLong : Fitting::kAny;
  size_t vain = 0;
  while (!stopping_ && left != 0 && vain < kVainDraws && draft.size() < sizes_.segment_bytes &&
         (sizes_.restless || goal > leaving_bytes_)) {
    Database* database = nullptr;
    Table::Entry* entry = choose(fitting, database);
    if (entry == nullptr || entry->value.value.memory_bytes() > Away::kLongest / 2) {
      ++vain;
      continue;
    }
    vain = 0;
    --left;
    const auto type = static_cast<uint8_t>(entry->value.value.type());
    const auto record = draft.add(entry->value.value, options_.compress);
    leaving_bytes_ += entry->value.value.memory_bytes();
    leaving_.emplace(KeyAt{database->identity(), std::string(entry->key)}, Leaving{record, type});
    if (draft.size() - slice < sizes_.slice_bytes) continue;
    slice = draft.size();
    os_.park(os_.now());
  }
  return !leaving_.empty();
}

void Tier::move_some_out() {
  CHECK(leaving_.empty());
  if (warm_ != nullptr && move_to_warm()) return;
  restless_ = false;
  leaving_bytes_ = 0;
  ColdFolder::Draft draft = folder_.begin();
  if (!fill(draft)) {
    // Small values, or those that are wanted: what is too much comes down when there are others.
    if (!stopping_ && excess() != 0) not_before_ = os_.now() + kFirstRetry;
    return;
  }
  const auto sealed = folder_.seal(std::move(draft));
  if (!sealed.ok()) {
    leaving_.clear();
    return fail(sealed.error());
  }
  retry_after_ = Duration{0};
  ++stats_.segments;
  stats_.left_bytes += (*sealed)->bytes;
  replace(*sealed);
  leaving_.clear();
  if (on_change_) on_change_();
}

// In one step. What has changed since it was written is not in leaving_ any more.
void Tier::replace(const SegmentHold& segment) {
  for (const auto& [at, leaving] : leaving_) {
    Database* database = database_of(at.database);
    Table::Entry* entry = keyspace_.entry_of(*database, at.key);
    CHECK(entry != nullptr);
    keyspace_.move_out(*database, *entry,
                       Away(segment, leaving.record.offset, leaving.record.length, leaving.type));
    ++stats_.left;
  }
}

void Tier::fail(const Error& error) {
  if (on_failure_) on_failure_(error);
  ++stats_.failures;
  stats_.last_error = error.message;
  const bool first = retry_after_.ns == 0;
  retry_after_ = std::clamp(retry_after_ * 2, kFirstRetry, kLongestRetry);
  not_before_ = os_.now() + retry_after_;
  if (first && say_)
    say_(fmt::format("the cold tier takes nothing at present, and values stay in memory: {}",
                     error.message));
}

Database* Tier::database_of(int identity) {
  for (int db = 0; db < keyspace_.databases(); ++db)
    if (keyspace_.database(db).identity() == identity) return &keyspace_.mutable_database(db);
  CHECK(false);
}

void Tier::before_change(Database& db, std::string_view key, Object*) {
  if (!leaving_.empty()) leaving_.erase({db.identity(), std::string(key)});
}

void Tier::before_flush(Database& db) {
  std::erase_if(leaving_, [&](const auto& item) { return item.first.database == db.identity(); });
}

// --- Coming back ---

Result<void> Tier::bring_back(std::span<const std::pair<int, std::string>> keys) {
  struct Wanted {
    Database* database;
    std::string_view key;
    Away away;
    std::optional<Value> value = {};
  };
  std::vector<Wanted> all;
  for (const auto& [db, key] : keys) {
    Database& database = keyspace_.mutable_database(db);
    auto* entry = keyspace_.entry_of(database, key);
    if (entry == nullptr || entry->value.value.away() == nullptr) continue;
    if (entry->value.value.away()->warm()) {
      TRY(bring_back_warm(*entry));
      continue;
    }
    all.push_back({&database, key, *entry->value.value.away()});
  }
  for (const Wanted& one : all) wanted_.insert({one.database->identity(), std::string(one.key)});
  const auto read = [&]() -> Result<void> {
    for (Wanted& one : all) {
      auto value = folder_.read(one.away, keyspace_.encoding_limits());
      if (value.ok()) {
        one.value = std::move(*value);
        continue;
      }
      if (one.away.segment()->archived) {
        ++stats_.not_had;
      } else {
        ++stats_.failures;
        stats_.last_error = value.error().message;
      }
      if (say_) say_(fmt::format("a value cannot be read: {}", value.error().message));
      return not_had(value.error(), one.key);
    }
    return {};
  }();
  for (Wanted& one : all) {
    wanted_.erase(wanted_.find({one.database->identity(), std::string(one.key)}));
    if (!read.ok()) continue;
    auto* entry = keyspace_.entry_of(*one.database, one.key);
    // It may have been changed, read by another or removed meanwhile.
    if (entry == nullptr || entry->value.value.away() == nullptr ||
        !(*entry->value.value.away() == one.away))
      continue;
    keyspace_.bring_back(*entry, std::move(*one.value));
    ++stats_.came;
    stats_.came_bytes += one.away.length();
    if (!one.away.segment()->archived) continue;
    ++stats_.archive_came;
    stats_.archive_came_bytes += one.away.length();
  }
  return read;
}

}  // namespace powercut::engine
