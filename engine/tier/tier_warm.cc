// The warm tier's part of a Tier.
#include <fmt/format.h>

#include <algorithm>

#include "engine/tier/tier.h"

namespace powercut::engine {

namespace {
constexpr size_t kVainWarmDraws = 64;  // in a row: then there are no more
constexpr uint64_t kMostRestlessWarm = 4;
constexpr Duration kWarmRetry = milliseconds(500);
constexpr size_t kKeysAtOnce = 10'000;  // keys, in one step
}  // namespace

uint64_t Tier::warm_region_bytes(uint64_t bytes) const {
  return std::min(bytes / sizes_.warm_regions, sizes_.segment_bytes);
}

Result<void> Tier::set_warm_bytes(uint64_t bytes) {
  if (bytes == (warm_ == nullptr ? 0 : warm_->bytes())) return {};
  const uint64_t first = warm_ == nullptr ? 0 : warm_->next_sequence();
  std::unique_ptr<WarmFile> next;
  if (bytes != 0) {
    auto opened = WarmFile::open(os_, bytes, warm_region_bytes(bytes), std::max(first, warm_next_));
    if (!opened.ok())
      return Error{
          opened.error().code,
          fmt::format("a warm tier of {} bytes cannot be made in dir: {} (make space there, "
                      "or a smaller warm-tier-size)",
                      bytes, opened.error().message)};
    next = std::move(*opened);
    next->set_on_free([this] { wake_.notify_all(); });
  }
  warm_next_ = std::max(first, warm_next_);
  if (warm_ != nullptr) emptied_.push_back(std::move(warm_));
  warm_ = std::move(next);
  options_.warm_bytes = bytes;
  wake_.notify_all();
  return {};
}

uint64_t Tier::longest_warm() const {
  return warm_ == nullptr ? 0 : std::min(sizes_.longest_warm, warm_->longest() / 2);
}

uint64_t Tier::warm_values() const {
  uint64_t values = warm_ == nullptr ? 0 : warm_->values();
  for (const auto& file : emptied_) values += file->values();
  return values;
}

uint64_t Tier::warm_used() const {
  uint64_t bytes = warm_ == nullptr ? 0 : warm_->live_bytes();
  for (const auto& file : emptied_) bytes += file->live_bytes();
  return bytes;
}

// --- To it ---

// False: nothing went, or not all that is too much can go there.
bool Tier::move_to_warm() {
  const uint64_t before = stats_.warm_left;
  uint64_t slice = 0;
  uint64_t left = UINT64_MAX;
  if (sizes_.restless) {
    constexpr uint64_t kCold = 4;  // one time of so many values leave for the cold tier
    if (os_.choose("warm.cold", kCold) == 0) return false;
    left = 1 + os_.choose("warm.batch", kMostRestlessWarm);
  }
  size_t vain = 0;
  while (!stopping_ && warm_ != nullptr && left != 0 && vain < kVainWarmDraws &&
         (sizes_.restless || above(options_.hot_bytes - options_.hot_bytes / 8) != 0)) {
    Database* database = nullptr;
    Table::Entry* entry = choose(Fitting::kWarm, database);
    const uint64_t size = entry == nullptr ? 0 : entry->value.value.memory_bytes();
    const auto put = entry == nullptr ? Result<void>() : put_warm(*database, *entry);
    if (entry == nullptr || (!put.ok() && put.error().code == Errc::kInvalid)) {
      ++vain;
      continue;
    }
    if (!put.ok()) break;
    vain = 0;
    --left;
    slice += size;
    if (slice < sizes_.slice_bytes) continue;
    slice = 0;
    os_.park(os_.now());
  }
  if (stats_.warm_left == before) return file_to_empty() != nullptr || os_.now() < not_before_;
  restless_ = false;
  return true;
}

Result<void> Tier::put_warm(Database& database, Table::Entry& entry) {
  auto put = warm_->put(database.identity(), entry.key, entry.value.value);
  if (put.ok()) {
    ++stats_.warm_left;
    stats_.warm_left_bytes += put->length();
    keyspace_.move_out(database, entry, std::move(*put));
    return {};
  }
  if (put.error().code == Errc::kIo) {
    ++stats_.warm_failures;
    stats_.last_error = put.error().message;
    not_before_ = os_.now() + kWarmRetry;
  }
  return put.error();
}

// --- From it to the cold tier ---

// One that has to have a free region, or is not the warm tier any more; nullptr: none.
WarmFile* Tier::file_to_empty() const {
  for (const auto& file : emptied_)
    if (file->oldest(true) != nullptr) return file.get();
  const bool full = warm_ != nullptr && !warm_->any_free() && warm_->oldest(false) != nullptr;
  return full ? warm_.get() : nullptr;
}

// The entry whose value lies there; nullptr: it has changed, or come back, or has another key by now.
Table::Entry* Tier::lies_at(const ColdSegment& region, const KeyAt& at, uint64_t offset) {
  Table::Entry* entry = keyspace_.entry_of(*database_of(at.database), at.key);
  const Away* away = entry == nullptr ? nullptr : entry->value.value.away();
  const bool is = away != nullptr && away->segment().get() == &region && away->offset() == offset;
  return is ? entry : nullptr;
}

// Puts what is alive in a region into the draft, a slice in each step; false: there is nothing that can be read.
bool Tier::fill_from(const WarmFile& file, const ColdSegment& region, ColdFolder::Draft& draft,
                     std::vector<Moving>& moving) {
  uint64_t slice = draft.size();
  uint64_t next = 0;
  WarmFile::Place place;
  while (!stopping_ && file.next_place(region, next, place)) {
    const KeyAt at{place.database, place.key};
    const Table::Entry* entry = lies_at(region, at, place.offset);
    if (entry == nullptr) continue;
    const Away& away = *entry->value.value.away();
    const auto value = read_warm(away, keyspace_.encoding_limits());
    if (!value.ok()) continue;
    moving.push_back({at, place.offset, {draft.add(*value, options_.compress), away.type()}});
    if (draft.size() - slice < sizes_.slice_bytes) continue;
    slice = draft.size();
    os_.park(os_.now());
  }
  return !moving.empty();
}

// In one step.
void Tier::replace_moved(const ColdSegment& region, const std::vector<Moving>& moving,
                         const SegmentHold& segment) {
  for (const auto& [at, offset, leaving] : moving) {
    Table::Entry* entry = lies_at(region, at, offset);
    if (entry == nullptr) continue;
    keyspace_.move_out(*database_of(at.database), *entry,
                       Away(segment, leaving.record.offset, leaving.record.length, leaving.type));
    ++stats_.left;
    ++stats_.warm_moved_on;
  }
}

// Those of keys that were renamed since, which nothing in the file tells. A walk goes from a table's end down, as that of a
// checkpoint does.
void Tier::bring_all_back_from(const ColdSegment& region) {
  for (int identity = 0; identity < keyspace_.databases(); ++identity) {
    Database& database = *database_of(identity);
    size_t position = database.table().size();
    for (size_t looked_at = 1; !stopping_ && region.values != 0; ++looked_at) {
      position = std::min(position, database.table().size());
      if (position == 0) break;
      Table::Entry* entry = keyspace_.entry_of(database, database.table().at(--position).key);
      const Away* away = entry->value.value.away();
      if (away != nullptr && away->segment().get() == &region) (void)bring_back_warm(*entry);
      if (looked_at % kKeysAtOnce == 0) os_.park(os_.now());
    }
  }
}

// The oldest region's values go into a segment; when that is sealed, each that has not changed since is replaced by where it
// lies there, and the region is free.
void Tier::move_on() {
  WarmFile& file = *file_to_empty();
  const SegmentHold region(file.oldest(&file != warm_.get()));
  ColdFolder::Draft draft = folder_.begin();
  std::vector<Moving> moving;
  if (fill_from(file, *region, draft, moving)) {
    const auto sealed = folder_.seal(std::move(draft));
    if (!sealed.ok()) return fail(sealed.error());
    retry_after_ = Duration{0};
    ++stats_.segments;
    stats_.left_bytes += (*sealed)->bytes;
    replace_moved(*region, moving, *sealed);
    if (on_change_) on_change_();
  }
  // What is left then is a checkpoint's, of a database that was flushed, or cannot be read.
  if (region->values != 0 && !stopping_) bring_all_back_from(*region);
  if (region->values != 0) not_before_ = os_.now() + kWarmRetry;
}

// --- From it to memory ---

Result<void> Tier::bring_back_warm(Table::Entry& entry) {
  const Away& away = *entry.value.value.away();
  const uint64_t length = away.length();
  auto value = read_warm(away, keyspace_.encoding_limits());
  if (!value.ok()) {
    ++stats_.warm_failures;
    stats_.last_error = value.error().message;
    if (say_) say_(fmt::format("a value cannot be read: {}", value.error().message));
    return not_had(value.error(), entry.key);
  }
  keyspace_.bring_back(entry, std::move(*value));
  ++stats_.warm_came;
  stats_.warm_came_bytes += length;
  return {};
}

}  // namespace powercut::engine
