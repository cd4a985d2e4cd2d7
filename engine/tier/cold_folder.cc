#include "engine/tier/cold_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/base/crc32c.h"
#include "engine/tier/cold_record.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kMagic = "PCCOLD1\n";
constexpr std::string_view kSeal = "PCSEAL1\n";
constexpr std::string_view kSuffix = ".cold";
constexpr std::string_view kNoteSuffix = ".archive";
constexpr std::string_view kFetchedSuffix =
    ".fetched";  // a file that comes back, and is not whole yet
constexpr std::string_view kBesideBase = "appendonlydir";  // engine/recovery/recovery.h
constexpr size_t kHeaderBytes = 8 + 8 + 4;
constexpr size_t kFooterBytes = 8 + 4 + 4;

// "12.cold" -> 12; nothing for other names.
std::optional<uint64_t> sequence_of(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  name.remove_suffix(suffix.size());
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), sequence);
  if (error != std::errc() || end != name.data() + name.size() || sequence > kHighestSequence)
    return std::nullopt;
  return sequence;
}

// Up to `size` bytes, taking short reads as they come: fewer at the file's end.
Result<std::string> read_some(File& file, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t have = 0;
  while (have < size) {
    TRY_ASSIGN(const size_t count, file.read_at(offset + have, bytes.data() + have, size - have));
    if (count == 0) break;
    have += count;
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

bool is_cold_path(std::string_view path) {
  return path.find('/') == path.npos && path != "." && path != "..";
}

ColdFolder::~ColdFolder() {
  for (const auto& [sequence, segment] : segments_) segment->shelf = nullptr;
}

std::string ColdFolder::file_of(uint64_t sequence) const {
  return fmt::format("{}/{}{}", path_, sequence, kSuffix);
}

SegmentHold ColdFolder::take_in(uint64_t sequence, uint64_t nonce, uint64_t bytes) {
  auto* segment =
      new ColdSegment{.sequence = sequence, .nonce = nonce, .bytes = bytes, .used = os_.now()};
  SegmentHold hold(segment);
  CHECK(segments_.emplace(sequence, hold).second);
  segment->shelf = this;
  next_ = std::max(next_, sequence + 1);
  return hold;
}

// --- A start ---

namespace {
Error not_sealed(std::string_view name, std::string_view what) {
  return {Errc::kCorrupt,
          fmt::format("{}: {}; values of the data set lie in it (is cold-tier-path right?)", name,
                      what)};
}
}  // namespace

// Is it in the archive? If not, it is here.
Result<bool> ColdFolder::check_found(uint64_t sequence, uint64_t nonce, uint64_t bytes) {
  const std::string name = file_of(sequence);
  auto file = os_.open(name, Open::kRead);
  if (!file.ok() && file.error().code == Errc::kNotFound) {
    TRY_ASSIGN(const bool noted, check_note(sequence, nonce, bytes));
    if (noted) return true;
    return not_sealed(name, "it is missing");
  }
  if (!file.ok()) return file.error();
  const auto sealed = check_sealed(**file, sequence, nonce, bytes);
  if (!sealed.ok() && sealed.error().code != Errc::kCorrupt) return sealed.error();
  std::optional<ArchiveNote> note;
  if (archive_) {
    TRY_ASSIGN(note, Archive::read_note(os_, path_, sequence));
  }
  if (!note || note->nonce != nonce || note->bytes != bytes) {
    if (!sealed.ok()) return sealed.error();
    return false;
  }
  if (sealed.ok()) {
    TRY_ASSIGN(const std::string whole, read_some(**file, 0, bytes));
    if (crc32c(whole) == note->crc) return false;
  }
  // It was removed, and has come back with others' bytes; or it was damaged before all was sent.
  TRY(check_note(sequence, nonce, bytes));
  disputed_.push_back({sequence, note->crc});
  return true;
}

Result<void> ColdFolder::check_sealed(File& file, uint64_t sequence, uint64_t nonce,
                                      uint64_t bytes) {
  const auto no = [&](std::string_view what) { return not_sealed(file_of(sequence), what); };
  TRY_ASSIGN(const uint64_t size, file.size());
  if (size != bytes || size < kHeaderBytes + kFooterBytes)
    return no(fmt::format("it has {} bytes, and {} were sealed", size, bytes));
  TRY_ASSIGN(const std::string head, read_some(file, 0, kHeaderBytes));
  TRY_ASSIGN(const std::string foot, read_some(file, size - kFooterBytes, kFooterBytes));
  const std::string_view header(head);
  const std::string_view footer(foot);
  if (!header.starts_with(kMagic) || from_little(header.substr(16)) != crc32c(header.substr(0, 16)))
    return no("it is no segment of the cold tier that this build knows");
  if (from_little(header.substr(8, 8)) != nonce) return no("it is another file of the same name");
  if (!footer.starts_with(kSeal) ||
      from_little(footer.substr(12)) !=
          crc32c(footer.substr(0, 12), bound(nonce, size - kFooterBytes)))
    return no("it is not sealed");
  return {};
}

// Is there a note of it? Then the segment is in the archive: its file goes when the object was read, and not before.
Result<bool> ColdFolder::check_note(uint64_t sequence, uint64_t nonce, uint64_t bytes) {
  TRY_ASSIGN(const auto note, Archive::read_note(os_, path_, sequence));
  if (!note || note->nonce != nonce || note->bytes != bytes) return false;
  const auto no = [&](const std::string& what) {
    return Error{Errc::kInvalid, fmt::format("{}: values of the data set lie in the archive {}: {}",
                                             file_of(sequence), note->url, what)};
  };
  if (!archive_) return no(fmt::format("start with archive-url {}", note->url));
  if (archive_->url() != note->url) return no(fmt::format("archive-url is {}", archive_->url()));
  return true;
}

Result<void> ColdFolder::check_standing(const std::vector<SegmentHold>& segments) {
  for (const SegmentHold& hold : segments) {
    const std::string name = file_of(hold->sequence);
    if (!hold->archived) {
      const auto file = os_.open(name, Open::kRead);
      if (file.ok()) {
        TRY(check_sealed(**file, hold->sequence, hold->nonce, hold->bytes));
        continue;
      }
      if (file.error().code != Errc::kNotFound) return file.error();
      if (!hold->archived) return not_sealed(name, "it is missing");
    }
    TRY_ASSIGN(const bool noted, check_note(hold->sequence, hold->nonce, hold->bytes));
    if (!noted) return not_sealed(name, "it is in the archive, and its note is missing");
  }
  return {};
}

// A backup has them beside its base.
void ColdFolder::find_folder(std::string_view said, uint64_t sequence) {
  if (!path_.empty()) return;
  path_ = kBesideBase;
  if (!os_.open(file_of(sequence), Open::kRead).ok()) path_ = said;
}

Result<std::vector<SegmentHold>> ColdFolder::adopt(std::string_view rests_on) {
  std::vector<SegmentHold> all;
  const std::string_view folder = rests_on.substr(0, rests_on.find(' '));
  rests_on.remove_prefix(folder.size());
  while (!rests_on.empty()) {
    rests_on.remove_prefix(1);  // the blank
    uint64_t numbers[3] = {};
    for (uint64_t& number : numbers) {
      const auto [end, error] =
          std::from_chars(rests_on.data(), rests_on.data() + rests_on.size(), number);
      if (error != std::errc())
        return Error{Errc::kCorrupt, "what it says of the cold tier cannot be read"};
      rests_on.remove_prefix(static_cast<size_t>(end - rests_on.data()));
      if (rests_on.starts_with(':')) rests_on.remove_prefix(1);
    }
    find_folder(folder, numbers[0]);
    if (find(numbers[0]) != nullptr)
      return Error{Errc::kCorrupt, fmt::format("it names segment {} twice", numbers[0])};
    const auto archived = check_found(numbers[0], numbers[1], numbers[2]);
    if (!archived.ok()) return archived.error();
    all.push_back(take_in(numbers[0], numbers[1], numbers[2]));
    all.back()->archived = all.back()->noted = *archived;
  }
  return all;
}

// One that stood empty is made anew: the sync of its name may have failed then, and one that succeeds now would prove
// nothing.
Result<void> ColdFolder::make_folder() {
  auto made = os_.make_directory(path_);
  if (!made.ok() && made.error().code != Errc::kExists) return made;
  if (!made.ok() && os_.remove(path_).ok()) TRY(os_.make_directory(path_));
  return os_.sync_directory("", "cold.root");
}

Result<void> ColdFolder::settle() {
  TRY(make_folder());
  TRY_ASSIGN(const auto names, os_.list(path_));
  for (const std::string& name : names) {
    if (sequence_of(name, kFetchedSuffix)) (void)os_.remove(fmt::format("{}/{}", path_, name));
    if (const auto noted = sequence_of(name, kNoteSuffix)) {
      next_ = std::max(next_, *noted + 1);
      TRY(settle_note(*noted));
    }
    const auto sequence = sequence_of(name, kSuffix);
    if (!sequence) continue;  // nobody's file of another name is removed
    next_ = std::max(next_, *sequence + 1);
    if (find(*sequence) == nullptr) (void)os_.remove(fmt::format("{}/{}", path_, name));
    if (find(*sequence) != nullptr && find(*sequence)->archived && !is_disputed(*sequence))
      (void)os_.remove(file_of(*sequence));
  }
  return {};
}

// Of a note that is not whole nothing was sent yet. One of another archive is left alone.
Result<void> ColdFolder::settle_note(uint64_t sequence) {
  TRY_ASSIGN(const auto note, Archive::read_note(os_, path_, sequence));
  ColdSegment* segment = find(sequence);
  if (!note && segment == nullptr) (void)os_.remove(Archive::note_file(path_, sequence));
  if (!note && segment != nullptr) segment->noted = archive_.has_value();
  if (!note || !archive_ || note->url != archive_->url()) return {};
  if (segment != nullptr && segment->nonce == note->nonce) {
    segment->noted = true;
  } else {
    doomed_.push_back({sequence, note->nonce});
  }
  return {};
}

// --- Segments ---

ColdFolder::Draft::Draft(uint64_t sequence, uint64_t nonce) : sequence_(sequence), nonce_(nonce) {
  bytes_ = std::string(kMagic) + little(nonce, 8);
  bytes_ += little(crc32c(bytes_), 4);
}

ColdFolder::Record ColdFolder::Draft::add(const Value& value, bool compress) {
  const std::string record = encode_record(value, compress);
  const uint64_t offset = bytes_.size();
  bytes_ += little(crc32c(record, bound(nonce_, offset)), 4);
  bytes_ += record;
  ++records_;
  return {offset, bytes_.size() - offset};
}

ColdFolder::Draft ColdFolder::begin() { return {next_++, os_.choose("cold.nonce", UINT64_MAX)}; }

Result<SegmentHold> ColdFolder::seal(Draft draft) {
  std::string footer = std::string(kSeal) + little(draft.records_, 4);
  footer += little(crc32c(footer, bound(draft.nonce_, draft.bytes_.size())), 4);
  draft.bytes_ += footer;
  const std::string name = file_of(draft.sequence_);
  const auto written = write_sealed(name, draft.bytes_);
  if (!written.ok()) {
    (void)os_.remove(name);  // the log may need its space
    return written.error();
  }
  return take_in(draft.sequence_, draft.nonce_, draft.bytes_.size());
}

Result<void> ColdFolder::write_sealed(const std::string& name, std::string_view bytes) {
  const uint64_t failed = failed_syncs_;
  TRY_ASSIGN(const auto file, create_fresh(os_, name));
  TRY(write_whole(*file, 0, bytes));
  TRY(file->sync("cold.segment"));
  return sync_names(failed, "cold.directory");
}

// A sync that failed may have taken other names with it than those that it was asked for, and one behind it that succeeds
// proves nothing of them.
Result<void> ColdFolder::sync_names(uint64_t failed_before, Site fence) {
  const auto synced = os_.sync_directory(path_, fence);
  if (!synced.ok()) ++failed_syncs_;
  TRY(synced);
  if (failed_syncs_ != failed_before)
    return Error{Errc::kIo, fmt::format("{}: a sync of it failed meanwhile", path_)};
  return {};
}

// A file may go to the archive between two looks.
Result<std::string> ColdFolder::read_record(const Away& away) {
  ColdSegment& segment = *away.segment();
  segment.used = os_.now();
  if (!segment.archived) {
    const auto file = os_.open(file_of(segment.sequence), Open::kRead);
    if (file.ok()) return read_some(**file, away.offset(), away.length());
    if (file.error().code != Errc::kNotFound || !segment.archived) return file.error();
  }
  CHECK(archive_);
  return archive_->read(segment.sequence, segment.nonce, away.offset(), away.length());
}

Result<Value> ColdFolder::read(Away away, const EncodingLimits& limits) {
  const ColdSegment& segment = *away.segment();
  TRY_ASSIGN(const std::string bytes, read_record(away));
  const std::string_view record(bytes);
  const auto damaged = [&](std::string_view what) {
    const std::string name = segment.archived ? archive_->object_of(segment.sequence, segment.nonce)
                                              : file_of(segment.sequence);
    return Error{Errc::kCorrupt, fmt::format("{} offset {}: {}", name, away.offset(), what)};
  };
  if (record.size() != away.length() || record.size() <= 4 + kRecordHead)
    return damaged("it ends early");
  if (from_little(record.substr(0, 4)) !=
      crc32c(record.substr(4), bound(segment.nonce, away.offset())))
    return damaged("its checksum does not fit");
  auto value = decode_record(record.substr(4), limits);
  if (!value.ok()) return damaged(value.error().message);
  if (static_cast<uint8_t>(value->type()) != away.type()) return damaged("it is of another type");
  return value;
}

Result<void> ColdFolder::bring_all_back(Keyspace& keyspace) {
  for (int db = 0; db < keyspace.databases(); ++db) {
    Database& database = keyspace.mutable_database(db);
    for (size_t i = 0; i < database.table().size(); ++i) {
      const auto& entry = database.table().at(i);
      if (entry.value.value.away() == nullptr) continue;
      TRY_ASSIGN(Value value, read(*entry.value.value.away(), keyspace.encoding_limits()));
      keyspace.bring_back(*keyspace.entry_of(database, entry.key), std::move(value));
    }
  }
  return {};
}

ColdSegment* ColdFolder::find(uint64_t sequence) const {
  const auto found = segments_.find(sequence);
  return found == segments_.end() ? nullptr : found->second.get();
}

ColdSegment* ColdFolder::mostly_dead() const {
  for (const auto& [sequence, segment] : segments_)
    if (segment->values != 0 && !segment->archived && segment->live_bytes < segment->bytes / 2)
      return segment.get();
  return nullptr;
}

std::vector<SegmentHold> ColdFolder::in_use() const {
  std::vector<SegmentHold> all;
  for (const auto& [sequence, segment] : segments_)
    if (segment->values != 0) all.push_back(segment);
  return all;
}

std::string ColdFolder::rests_on(const std::vector<SegmentHold>& segments) const {
  std::string text = path_;
  for (const SegmentHold& segment : segments)
    text += fmt::format(" {}:{}:{}", segment->sequence, segment->nonce, segment->bytes);
  return text;
}

// --- Removing ---

void ColdFolder::unheld(ColdSegment& segment) {
  unheld_.push_back(segment.sequence);
  if (on_unheld_) on_unheld_();
}

void ColdFolder::remove_unheld() {
  while (!unheld_.empty()) {
    const uint64_t sequence = unheld_.back();
    unheld_.pop_back();
    const auto found = segments_.find(sequence);
    if (found == segments_.end() || found->second->holders > 1) continue;
    const bool here = !found->second->archived;
    if (found->second->noted && archive_) doomed_.push_back({sequence, found->second->nonce});
    segments_.erase(found);
    if (here) (void)os_.remove(file_of(sequence));
  }
}

// --- The archive ---

bool ColdFolder::may_go(const ColdSegment& segment) const {
  const auto is_it = [&](const Doomed& doomed) { return doomed.sequence == segment.sequence; };
  return !segment.archived && !segment.stays && segment.holders > 1 &&
         std::none_of(doomed_.begin(), doomed_.end(), is_it);
}

ColdSegment* ColdFolder::coldest_here(Instant not_since) const {
  ColdSegment* coldest = nullptr;
  for (const auto& [sequence, segment] : segments_)
    if (may_go(*segment) && segment->used <= not_since &&
        (coldest == nullptr || segment->used < coldest->used))
      coldest = segment.get();
  return coldest;
}

ColdSegment* ColdFolder::any_here() const {
  std::vector<ColdSegment*> here;
  for (const auto& [sequence, segment] : segments_)
    if (may_go(*segment)) here.push_back(segment.get());
  return here.empty() ? nullptr : here[os_.choose("archive.pick", here.size())];
}

Result<void> ColdFolder::move_to_archive(ColdSegment& segment, bool& of_disk) {
  CHECK(archive_ && !segment.archived && !segment.moving);
  const SegmentHold hold(&segment);
  of_disk = true;
  const std::string name = file_of(segment.sequence);
  std::string bytes;
  {
    TRY_ASSIGN(const auto file, os_.open(name, Open::kRead));
    TRY_ASSIGN(bytes, read_some(*file, 0, segment.bytes + 1));
  }
  if (bytes.size() != segment.bytes)
    return Error{Errc::kCorrupt, fmt::format("{}: it has {} bytes, and {} were sealed", name,
                                             bytes.size(), segment.bytes)};
  segment.noted = true;
  const uint64_t failed = failed_syncs_;
  TRY(archive_->write_note(segment.sequence, segment.nonce, bytes));
  TRY(sync_names(failed, "cold.note"));
  of_disk = false;
  TRY(archive_->send(segment.sequence, segment.nonce, bytes));
  if (segment.stays) return {};
  of_disk = true;
  segment.archived = segment.moving = true;
  const auto removed = os_.remove(name);
  segment.moving = false;
  if (!removed.ok()) segment.archived = false;
  return removed;
}

Result<void> ColdFolder::keep_here(ColdSegment& segment) {
  const SegmentHold hold(&segment);
  segment.stays = true;
  while (segment.moving) os_.park(os_.now() + milliseconds(1));
  if (!segment.archived) return {};
  TRY_ASSIGN(const std::string bytes,
             archive_->read(segment.sequence, segment.nonce, 0, segment.bytes + 1));
  const std::string fetched = fmt::format("{}/{}{}", path_, segment.sequence, kFetchedSuffix);
  TRY(write_sealed(fetched, bytes));
  {
    TRY_ASSIGN(const auto file, os_.open(fetched, Open::kRead));
    TRY(check_sealed(*file, segment.sequence, segment.nonce, segment.bytes));
  }
  const uint64_t failed = failed_syncs_;
  TRY(os_.rename(fetched, file_of(segment.sequence)));
  TRY(sync_names(failed, "cold.directory"));
  segment.archived = false;
  return {};
}

bool ColdFolder::is_disputed(uint64_t sequence) const {
  return std::any_of(disputed_.begin(), disputed_.end(),
                     [&](const Disputed& one) { return one.sequence == sequence; });
}

Result<void> ColdFolder::settle_disputed() {
  CHECK(archive_ && any_disputed());
  const Disputed disputed = disputed_.front();
  ColdSegment* segment = find(disputed.sequence);
  const SegmentHold hold(segment);
  if (segment != nullptr && segment->archived) {
    const auto whole = archive_->read(segment->sequence, segment->nonce, 0, segment->bytes + 1);
    if (!whole.ok() && whole.error().code != Errc::kNotFound) return whole.error();
    const bool is_there = whole.ok() && crc32c(*whole) == disputed.crc;
    if (!is_there) segment->archived = false;
    // One that is to stay takes the file's place just now.
    if (segment->archived && !segment->stays) (void)os_.remove(file_of(segment->sequence));
  }
  disputed_.erase(disputed_.begin());
  return {};
}

Result<void> ColdFolder::remove_doomed() {
  CHECK(archive_ && any_doomed());
  const Doomed doomed = doomed_.front();
  TRY(archive_->remove(doomed.sequence, doomed.nonce));
  doomed_.erase(doomed_.begin());
  return {};
}

uint64_t ColdFolder::bytes_here() const {
  uint64_t bytes = 0;
  for (const auto& [sequence, segment] : segments_)
    if (!segment->archived) bytes += segment->bytes;
  return bytes;
}

size_t ColdFolder::count_archived() const {
  size_t count = 0;
  for (const auto& [sequence, segment] : segments_) count += segment->archived ? 1 : 0;
  return count;
}

uint64_t ColdFolder::bytes() const {
  uint64_t bytes = 0;
  for (const auto& [sequence, segment] : segments_) bytes += segment->bytes;
  return bytes;
}

uint64_t ColdFolder::values() const {
  uint64_t values = 0;
  for (const auto& [sequence, segment] : segments_) values += segment->values;
  return values;
}

}  // namespace powercut::engine
