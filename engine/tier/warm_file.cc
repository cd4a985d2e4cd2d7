#include "engine/tier/warm_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/crc32c.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/tier/cold_record.h"

namespace powercut::engine {

namespace {
constexpr uint64_t kHeadBytes = 4 + 4 + 4;
}  // namespace

Result<std::unique_ptr<WarmFile>> WarmFile::open(Os& os, uint64_t bytes, uint64_t region_bytes,
                                                 uint64_t first_sequence) {
  CHECK(region_bytes > 0 && bytes / region_bytes >= 2);
  TRY_ASSIGN(auto file, os.open_scratch(bytes));
  return std::unique_ptr<WarmFile>(new WarmFile(os, std::move(file), region_bytes, first_sequence));
}

WarmFile::WarmFile(Os& os, std::unique_ptr<Scratch> file, uint64_t region_bytes,
                   uint64_t first_sequence)
    : os_(os),
      file_(std::move(file)),
      region_bytes_(std::min<uint64_t>(region_bytes, Away::kLongest)),
      regions_(file_->size() / region_bytes_),
      next_(first_sequence) {}

WarmFile::~WarmFile() {
  for (Region& region : regions_)
    if (region.segment.get() != nullptr) region.segment->shelf = nullptr;
}

// --- Regions ---

size_t WarmFile::free_regions() const {
  return static_cast<size_t>(std::count_if(regions_.begin(), regions_.end(), [](const Region& r) {
    return r.segment.get() == nullptr;
  }));
}

size_t WarmFile::index_of(const ColdSegment& segment) const {
  for (size_t i = 0; i < regions_.size(); ++i)
    if (regions_[i].segment.get() == &segment) return i;
  CHECK(false);
}

void WarmFile::free(Region& region) {
  region.segment->shelf = nullptr;
  region = {};
}

// The one that is being filled goes on; it may be free when the next one is begun.
void WarmFile::unheld(ColdSegment& segment) {
  const size_t index = index_of(segment);
  if (index != filling_) free(regions_[index]);
  if (on_free_) on_free_();
}

bool WarmFile::in_use() const {
  return std::any_of(regions_.begin(), regions_.end(), [](const Region& region) {
    return region.segment.get() != nullptr && region.segment->holders > 1;
  });
}

bool WarmFile::begin_region() {
  const size_t before = std::exchange(filling_, SIZE_MAX);
  if (before != SIZE_MAX && regions_[before].segment->holders == 1) free(regions_[before]);
  for (size_t i = 0; i < regions_.size(); ++i) {
    if (regions_[i].segment.get() != nullptr) continue;
    auto* segment = new ColdSegment{.sequence = ColdSegment::kWarm | next_++,
                                    .nonce = os_.choose("warm.nonce", UINT64_MAX),
                                    .bytes = region_bytes_};
    regions_[i] = {SegmentHold(segment), 0};
    segment->shelf = this;
    filling_ = i;
    return true;
  }
  return false;
}

ColdSegment* WarmFile::oldest(bool filling) const {
  ColdSegment* oldest = nullptr;
  for (size_t i = 0; i < regions_.size(); ++i) {
    ColdSegment* segment = regions_[i].segment.get();
    if (segment == nullptr || segment->values == 0 || (i == filling_ && !filling)) continue;
    if (oldest == nullptr || segment->sequence < oldest->sequence) oldest = segment;
  }
  return oldest;
}

// --- Values ---

Result<Away> WarmFile::put(int database, std::string_view key, const Value& value) {
  std::string record = little(static_cast<uint64_t>(database), 4) + little(key.size(), 4);
  record += key;
  record += static_cast<char>(rdb_type_of(value));
  append_rdb_value(record, value, RdbText::kPlain);
  const uint64_t length = 4 + record.size();
  if (length + 4 > region_bytes_) return Error{Errc::kInvalid, "it is longer than a region"};
  if ((filling_ == SIZE_MAX || regions_[filling_].filled + 4 + length > region_bytes_) &&
      !begin_region())
    return Error{Errc::kNoSpace, "no region of the warm tier is free"};
  Region& region = regions_[filling_];
  const uint64_t offset = region.filled;
  const uint64_t nonce = region.segment->nonce;
  record = little(length, 4) + record;
  record = little(crc32c(record, bound(nonce, offset)), 4) + record;
  TRY(file_->write(filling_ * region_bytes_ + offset, record));
  region.filled += record.size();
  return Away(region.segment, offset, record.size(), static_cast<uint8_t>(value.type()));
}

Result<std::string> WarmFile::read_whole(const ColdSegment& segment, uint64_t offset,
                                         uint64_t length) const {
  const auto damaged = [&](std::string_view what) {
    return Error{Errc::kCorrupt, fmt::format("warm tier offset {}: {}; a start has it from the log",
                                             index_of(segment) * region_bytes_ + offset, what)};
  };
  std::string record(length, '\0');
  const auto read =
      file_->read(index_of(segment) * region_bytes_ + offset, record.data(), record.size());
  if (!read.ok()) return damaged(read.error().message);
  const std::string_view body = std::string_view(record).substr(4);
  if (from_little(record.substr(0, 4)) != crc32c(body, bound(segment.nonce, offset)))
    return damaged("its checksum does not fit");
  return record.substr(4);
}

Result<Value> WarmFile::read_now(const Away& away, const EncodingLimits& limits) {
  TRY_ASSIGN(const std::string record, read_whole(*away.segment(), away.offset(), away.length()));
  const std::string_view view(record);
  const uint64_t key_size = from_little(view.substr(8, 4));
  CHECK(key_size <= view.size() - kHeadBytes);  // its checksum fits
  return decode_value(view.substr(kHeadBytes + key_size), limits);
}

bool WarmFile::next_place(const ColdSegment& region, uint64_t& offset, Place& place) const {
  const size_t index = index_of(region);
  if (offset + 8 > regions_[index].filled) return false;
  std::string head(8, '\0');
  if (!file_->read(index * region_bytes_ + offset, head.data(), head.size()).ok()) return false;
  const uint64_t length = 4 + from_little(std::string_view(head).substr(4));
  if (length > regions_[index].filled - offset || length < 4 + kHeadBytes) return false;
  const auto record = read_whole(region, offset, length);
  if (!record.ok()) return false;
  const std::string_view view(*record);
  const auto key_size = from_little(view.substr(8, 4));
  place = {static_cast<int>(from_little(view.substr(4, 4))),
           std::string(view.substr(kHeadBytes, key_size)), offset};
  offset += length;
  return true;
}

uint64_t WarmFile::values() const {
  uint64_t values = 0;
  for (const Region& region : regions_)
    if (region.segment.get() != nullptr) values += region.segment->values;
  return values;
}

uint64_t WarmFile::live_bytes() const {
  uint64_t bytes = 0;
  for (const Region& region : regions_)
    if (region.segment.get() != nullptr) bytes += region.segment->live_bytes;
  return bytes;
}

}  // namespace powercut::engine
