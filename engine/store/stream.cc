#include "engine/store/stream.h"

#include <algorithm>
#include <optional>

#include "engine/base/check.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

namespace {

constexpr size_t kMostBlockBytes = size_t{1} << 30;
constexpr size_t kFrameBytes = 4 + 2 + 1;  // of a listpack: its size, its count, its end
constexpr uint64_t kCountUnknown = 0xffff;

constexpr int64_t kDeleted = 1;
constexpr int64_t kSameFields = 2;

size_t bytes_of(std::span<const std::string_view> words) {
  size_t bytes = 0;
  for (const std::string_view word : words) bytes += word.size();
  return bytes;
}

// A difference of IDs is kept as a signed number; it wraps.
uint64_t plus(uint64_t n, int64_t difference) { return n + static_cast<uint64_t>(difference); }

uint8_t byte_of(StreamId id, size_t i) {
  return static_cast<uint8_t>((i < 8 ? id.ms : id.seq) >> (8 * (7 - i % 8)));
}

constexpr size_t kIdBytes = 16;

}  // namespace

// --- A block ---

size_t StreamBlock::heap_bytes(const std::string& text) { return engine::heap_bytes(text); }

StreamBlock::StreamBlock(std::span<const std::string_view> fields_and_values) {
  const size_t fields = fields_and_values.size() / 2;
  append_listpack_number(items_, static_cast<int64_t>(fields));
  for (size_t i = 0; i < fields; ++i) append_listpack_item(items_, fields_and_values[2 * i]);
  append_listpack_number(items_, 0);
  count_ = 2 + 1 + fields + 1;
}

bool StreamBlock::has_fields(std::span<const std::string_view> fields_and_values) const {
  ListpackReader reader(items_);
  const auto fields = static_cast<size_t>(reader.number());
  if (fields * 2 != fields_and_values.size()) return false;
  for (size_t i = 0; i < fields; ++i)
    if (reader.text() != fields_and_values[2 * i]) return false;
  return true;
}

void StreamBlock::append(StreamId first, StreamId id,
                         std::span<const std::string_view> fields_and_values) {
  const bool same = has_fields(fields_and_values);
  const auto fields = static_cast<int64_t>(fields_and_values.size() / 2);
  append_listpack_number(items_, same ? kSameFields : 0);
  append_listpack_number(items_, static_cast<int64_t>(id.ms - first.ms));
  append_listpack_number(items_, static_cast<int64_t>(id.seq - first.seq));
  if (!same) append_listpack_number(items_, fields);
  for (size_t i = 0; i < fields_and_values.size(); ++i)
    if (!same || i % 2 == 1) append_listpack_item(items_, fields_and_values[i]);
  const int64_t items = same ? 3 + fields : 4 + 2 * fields;
  append_listpack_number(items_, items);  // to go back by
  count_ += static_cast<uint64_t>(items) + 1;
  last_ = id;
  ++live_;
}

StreamEntry StreamBlock::read(StreamId first, size_t names, size_t names_at,
                              ListpackReader& reader) const {
  StreamEntry entry;
  entry.items_ = items_;
  entry.flags_at_ = reader.position();
  const int64_t flags = reader.number();
  entry.deleted = (flags & kDeleted) != 0;
  entry.same_fields_ = (flags & kSameFields) != 0;
  entry.id.ms = plus(first.ms, reader.number());
  entry.id.seq = plus(first.seq, reader.number());
  entry.names_at_ = names_at;
  entry.fields = entry.same_fields_ ? names : static_cast<size_t>(reader.number());
  entry.at_ = reader.position();
  for (size_t left = entry.same_fields_ ? names : 2 * entry.fields; left > 0; --left) reader.skip();
  reader.skip();
  return entry;
}

void StreamBlock::mark_deleted(const StreamEntry& entry) {
  CHECK(!entry.deleted && live_ > 0);
  ListpackReader reader(items_, entry.flags_at_);
  const int64_t flags = reader.number();
  std::string marked;
  append_listpack_number(marked, flags | kDeleted);
  items_.replace(entry.flags_at_, reader.position() - entry.flags_at_, marked);
  --live_;
  ++deleted_;
}

size_t StreamBlock::listpack_bytes() const {
  return kFrameBytes + listpack_number_bytes(live_) + listpack_number_bytes(deleted_) +
         items_.size();
}

std::string StreamBlock::listpack() const {
  const uint64_t bytes = listpack_bytes();
  const uint64_t count = std::min(count_, kCountUnknown);
  std::string out;
  out.reserve(bytes);
  for (int i = 0; i < 4; ++i) out += static_cast<char>(bytes >> (8 * i) & 0xff);
  for (int i = 0; i < 2; ++i) out += static_cast<char>(count >> (8 * i) & 0xff);
  append_listpack_number(out, live_);
  append_listpack_number(out, deleted_);
  out += items_;
  out += '\xff';
  CHECK(out.size() == bytes);
  return out;
}

// --- Entries ---

Stream::Stream(const Stream& other)
    : blocks_(other.blocks_),
      groups_(other.groups_),
      size_(other.size_),
      last_id_(other.last_id_),
      first_id_(other.first_id_),
      max_deleted_id_(other.max_deleted_id_),
      entries_added_(other.entries_added_) {
  for (const auto& [id, block] : blocks_) block_bytes_ += block.memory_bytes();
}

void Stream::append(StreamId id, std::span<const std::string_view> fields_and_values,
                    const StreamLimits& limits) {
  CHECK(id > last_id_ && !fields_and_values.empty() && fields_and_values.size() % 2 == 0);
  const uint64_t most = limits.node_bytes == 0
                            ? kMostBlockBytes
                            : std::min<uint64_t>(limits.node_bytes, kMostBlockBytes);
  auto last = blocks_.empty() ? blocks_.end() : std::prev(blocks_.end());
  CHECK(last == blocks_.end() || last->first < id);  // XSETID goes back no further than what lives
  if (last != blocks_.end() &&
      (last->second.listpack_bytes() + bytes_of(fields_and_values) >= most ||
       (limits.node_entries != 0 && last->second.all() >= limits.node_entries))) {
    block_bytes_ -= last->second.memory_bytes();
    last->second.shrink();
    block_bytes_ += last->second.memory_bytes();
    last = blocks_.end();
  }
  if (last == blocks_.end()) {
    last = blocks_.emplace_hint(blocks_.end(), id, StreamBlock(fields_and_values));
  } else {
    block_bytes_ -= last->second.memory_bytes();
  }
  last->second.append(last->first, id, fields_and_values);
  block_bytes_ += last->second.memory_bytes();
  last_id_ = id;
  ++entries_added_;
  if (++size_ == 1) first_id_ = id;
}

void Stream::erase_block(Blocks::iterator block) {
  size_ -= block->second.live();
  block_bytes_ -= block->second.memory_bytes();
  blocks_.erase(block);
}

void Stream::mark_deleted(Blocks::iterator block, const StreamEntry& entry) {
  block_bytes_ -= block->second.memory_bytes();
  block->second.mark_deleted(entry);
  block_bytes_ += block->second.memory_bytes();
  --size_;
}

bool Stream::erase(StreamId id) {
  auto block = blocks_.upper_bound(id);
  if (block == blocks_.begin()) return false;
  --block;
  std::optional<StreamEntry> found;
  block->second.for_each(block->first, [&](const StreamEntry& entry) {
    if (entry.deleted) return true;
    if (entry.id == id) found = entry;
    return entry.id < id;
  });
  if (!found) return false;
  if (block->second.live() == 1) {
    erase_block(block);
  } else {
    mark_deleted(block, *found);
  }
  max_deleted_id_ = std::max(max_deleted_id_, id);
  if (id == first_id_) find_first();
  return true;
}

size_t Stream::trim(const StreamTrim& trim) {
  size_t taken = 0;
  while (!blocks_.empty()) {
    if (!trim.by_id && size_ <= trim.length) break;
    const auto block = blocks_.begin();
    const size_t entries = block->second.live();
    if (trim.limit != 0 && taken + entries > trim.limit) break;
    const bool whole = trim.by_id ? block->second.last() < trim.id : size_ - entries >= trim.length;
    if (whole) {
      erase_block(block);
      taken += entries;
      continue;
    }
    if (!trim.whole_blocks) taken += trim_within(block, trim);
    break;
  }
  if (taken > 0) find_first();
  return taken;
}

size_t Stream::trim_within(Blocks::iterator block, const StreamTrim& trim) {
  std::vector<StreamEntry> taken;
  block->second.for_each(block->first, [&](const StreamEntry& entry) {
    if (entry.deleted) return true;
    if (trim.by_id ? entry.id >= trim.id : size_ - taken.size() <= trim.length) return false;
    taken.push_back(entry);
    return true;
  });
  // From the last: a mark may take more room than what it replaces.
  for (auto entry = taken.rbegin(); entry != taken.rend(); ++entry) mark_deleted(block, *entry);
  return taken.size();
}

void Stream::find_first() {
  first_id_ = {};
  for_range({}, StreamId::most(), false, [&](const StreamEntry& entry) {
    first_id_ = entry.id;
    return false;
  });
}

bool Stream::contains(StreamId id) const {
  bool found = false;
  for_range(id, id, false, [&](const StreamEntry&) {
    found = true;
    return false;
  });
  return found;
}

bool Stream::has_behind(StreamId id) const {
  if (size_ == 0 || id >= last_id_) return false;
  bool found = false;
  for_range(*id.next(), StreamId::most(), false, [&](const StreamEntry&) {
    found = true;
    return false;
  });
  return found;
}

void Stream::add_block(StreamId first, StreamBlock block) {
  CHECK(blocks_.empty() || std::prev(blocks_.end())->first < first);
  if (block.live() == 0) return;  // as a block goes with its last entry
  size_ += block.live();
  block_bytes_ += block.memory_bytes();
  blocks_.emplace_hint(blocks_.end(), first, std::move(block));
  if (first_id_ == StreamId{}) find_first();
}

// --- What Redis tells of its tree ---

namespace {

// Of the keys in [from, to), which have their first `depth` bytes in common: a node for what all have in common, one
// where they part, and one for each key that ends.
size_t radix_nodes_of(std::span<const StreamId> keys, size_t depth) {
  if (keys.size() == 1) return depth < kIdBytes ? 2 : 1;
  size_t common = depth;
  while (byte_of(keys.front(), common) == byte_of(keys.back(), common)) ++common;
  size_t nodes = (common > depth ? 1 : 0) + 1;
  for (size_t begin = 0; begin < keys.size();) {
    size_t end = begin;
    while (end < keys.size() && byte_of(keys[end], common) == byte_of(keys[begin], common)) ++end;
    nodes += radix_nodes_of(keys.subspan(begin, end - begin), common + 1);
    begin = end;
  }
  return nodes;
}

}  // namespace

size_t Stream::radix_nodes() const {
  if (blocks_.empty()) return 1;
  std::vector<StreamId> keys;
  keys.reserve(blocks_.size());
  for (const auto& [id, block] : blocks_) keys.push_back(id);
  return radix_nodes_of(keys, 0);
}

// --- Groups ---

StreamGroup* Stream::find_group(std::string_view name) {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

const StreamGroup* Stream::find_group(std::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() ? nullptr : &found->second;
}

StreamGroup* Stream::add_group(std::string_view name, StreamId last_id, int64_t entries_read) {
  const auto [added, is_new] = groups_.try_emplace(std::string(name), last_id, entries_read);
  return is_new ? &added->second : nullptr;
}

bool Stream::erase_group(std::string_view name) {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return false;
  groups_.erase(found);
  return true;
}

bool Stream::may_have_gap_from(StreamId first) const {
  return size_ > 0 && max_deleted_id_ != StreamId{} && first_id_ <= max_deleted_id_ &&
         first <= max_deleted_id_;
}

int64_t Stream::added_up_to(StreamId id) const {
  const auto added = static_cast<int64_t>(entries_added_);
  if (entries_added_ == 0) return 0;
  if (id > last_id_) return StreamGroup::kUnknown;
  if (size_ == 0 || id == last_id_) return added;
  if (max_deleted_id_ != StreamId{} && max_deleted_id_ >= first_id_) return StreamGroup::kUnknown;
  if (id < first_id_) return added - static_cast<int64_t>(size_);
  if (id == first_id_) return added - static_cast<int64_t>(size_) + 1;
  return StreamGroup::kUnknown;
}

size_t Stream::memory_bytes() const {
  size_t bytes = heap_bytes(sizeof(Stream)) +
                 blocks_.size() * heap_bytes(kTreeNodeBytes + sizeof(Blocks::value_type)) +
                 block_bytes_;
  for (const auto& [name, group] : groups_)
    bytes += heap_bytes(kTreeNodeBytes + sizeof(Groups::value_type)) + heap_bytes(name) +
             group.memory_bytes();
  return bytes;
}

}  // namespace powercut::engine
