#include "engine/checkpoint/rdb_stream.h"

#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/base/check.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_packed.h"

namespace powercut::engine {

namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kIdsAtOnce = 256;  // of what is pending, in one piece

void append_big(std::string& out, uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xff);
}

void append_raw_id(std::string& out, StreamId id) {
  append_big(out, id.ms);
  append_big(out, id.seq);
}

void append_id(std::string& out, StreamId id) {
  append_rdb_length(out, id.ms);
  append_rdb_length(out, id.seq);
}

void append_time(std::string& out, int64_t ms) {
  for (int shift = 0; shift < 64; shift += 8)
    out += static_cast<char>(static_cast<uint64_t>(ms) >> shift & 0xff);
}

}  // namespace

// --- Writing ---

void RdbStreamEncoder::append_ids(std::string& out) {
  append_rdb_length(out, stream_->size());
  append_id(out, stream_->last_id());
  append_id(out, stream_->first_id());
  append_id(out, stream_->max_deleted_id());
  append_rdb_length(out, stream_->entries_added());
  append_rdb_length(out, stream_->groups().size());
}

bool RdbStreamEncoder::append(std::string& out) {
  switch (part_) {
    case Part::kStart:
      append_rdb_length(out, stream_->blocks().size());
      block_ = stream_->blocks().begin();
      part_ = Part::kBlocks;
      return true;
    case Part::kBlocks:
      if (block_ != stream_->blocks().end()) {
        std::string first;
        append_raw_id(first, block_->first);
        append_rdb_string(out, first);
        append_rdb_string(out, block_->second.listpack());
        ++block_;
        return true;
      }
      append_ids(out);
      group_ = stream_->groups().begin();
      part_ = Part::kGroups;
      return true;
    case Part::kGroups:
      if (group_ == stream_->groups().end()) return false;
      append_rdb_string(out, group_->first);
      append_id(out, group_->second.last_id);
      append_rdb_length(out, static_cast<uint64_t>(group_->second.entries_read));
      append_rdb_length(out, group_->second.pending().size());
      pending_ = group_->second.pending().begin();
      part_ = Part::kPending;
      return true;
    case Part::kPending:
      for (size_t n = 0; n < kIdsAtOnce && pending_ != group_->second.pending().end(); ++n) {
        append_raw_id(out, pending_->first);
        append_time(out, pending_->second.delivered_ms);
        append_rdb_length(out, pending_->second.deliveries);
        ++pending_;
      }
      if (pending_ != group_->second.pending().end()) return true;
      append_rdb_length(out, group_->second.consumers().size());
      consumer_ = group_->second.consumers().begin();
      part_ = Part::kConsumers;
      return true;
    case Part::kConsumers:
      if (consumer_ == group_->second.consumers().end()) {
        ++group_;
        part_ = Part::kGroups;
        return true;
      }
      append_rdb_string(out, consumer_->first);
      append_time(out, consumer_->second.seen_ms);
      append_rdb_length(out, consumer_->second.pending.size());
      owned_ = consumer_->second.pending.begin();
      part_ = Part::kOwned;
      return true;
    case Part::kOwned:
      for (size_t n = 0; n < kIdsAtOnce && owned_ != consumer_->second.pending.end(); ++n)
        append_raw_id(out, *owned_++);
      if (owned_ != consumer_->second.pending.end()) return true;
      ++consumer_;
      part_ = Part::kConsumers;
      return true;
  }
  return false;
}

// --- Reading ---

namespace {

constexpr const char* kNoNumber = "a stream whose block has text where a number belongs";
constexpr const char* kDisorder = "a stream whose entries are out of order";

std::optional<int64_t> number_of(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

uint64_t big_at(std::string_view bytes, size_t at) {
  uint64_t n = 0;
  for (size_t i = 0; i < 8; ++i) n = n << 8 | static_cast<uint8_t>(bytes[at + i]);
  return n;
}

// Follows the items of a block's listpack, and says what is wrong with them. Only what is not deleted is in order.
class BlockChecker {
 public:
  // Its entries are to be behind `behind`.
  BlockChecker(StreamId first, StreamId behind) : first_(first), last_live_(behind) {}

  const char* take(std::string_view item);
  const char* finish() const {
    if (at_ != At::kFlags) return "a stream whose block ends within an entry";
    if (entries_ == 0) return "a stream with a block without entries";
    if (live_ != said_live_ || entries_ - live_ != said_deleted_)
      return "a stream whose block counts its entries wrongly";
    return nullptr;
  }
  StreamId last() const { return id_; }
  StreamId last_live() const { return last_live_; }
  uint32_t live() const { return static_cast<uint32_t>(live_); }
  uint32_t deleted() const { return static_cast<uint32_t>(entries_ - live_); }
  uint64_t items() const { return items_; }

 private:
  enum class At {
    kLive,
    kDeleted,
    kNames,
    kName,
    kZero,
    kFlags,
    kMs,
    kSeq,
    kFields,
    kText,
    kItems
  };

  const char* take_number(int64_t n);
  void begin_texts(int64_t texts) {
    texts_ = texts;
    at_ = texts > 0 ? At::kText : At::kItems;
  }
  const char* begin_entry();

  const StreamId first_;
  StreamId last_live_;
  At at_ = At::kLive;
  int64_t said_live_ = 0;
  int64_t said_deleted_ = 0;
  int64_t names_ = 0;
  int64_t texts_ = 0;  // names, fields and values that follow
  int64_t entry_items_ = 0;
  StreamId id_;
  bool is_live_ = false;
  bool same_fields_ = false;
  int64_t entries_ = 0;
  int64_t live_ = 0;
  uint64_t items_ = 0;
};

const char* BlockChecker::take(std::string_view item) {
  ++items_;
  if (at_ == At::kName) {
    if (--texts_ == 0) at_ = At::kZero;
    return nullptr;
  }
  if (at_ == At::kText) {
    if (--texts_ == 0) at_ = At::kItems;
    return nullptr;
  }
  const auto number = number_of(item);
  return number ? take_number(*number) : kNoNumber;
}

const char* BlockChecker::begin_entry() {
  ++entries_;
  if (!is_live_) return nullptr;
  ++live_;
  if (id_ < first_ || id_ <= last_live_) return kDisorder;
  last_live_ = id_;
  return nullptr;
}

const char* BlockChecker::take_number(int64_t n) {
  constexpr int64_t kMost = INT32_MAX;
  switch (at_) {
    case At::kLive:
      said_live_ = n;
      at_ = At::kDeleted;
      return nullptr;
    case At::kDeleted:
      said_deleted_ = n;
      at_ = At::kNames;
      return nullptr;
    case At::kNames:
      if (n < 1 || n > kMost) return "a stream whose block has a wrong number of fields";
      names_ = texts_ = n;
      at_ = At::kName;
      return nullptr;
    case At::kZero:
      at_ = At::kFlags;
      return n == 0 ? nullptr : "a stream whose block has no end of its fields";
    case At::kFlags:
      if (n < 0 || n > 3) return "a stream with an entry of an unknown kind";
      is_live_ = n % 2 == 0;
      same_fields_ = n >= 2;
      at_ = At::kMs;
      return nullptr;
    case At::kMs:
      id_.ms = first_.ms + static_cast<uint64_t>(n);
      at_ = At::kSeq;
      return nullptr;
    case At::kSeq:
      id_.seq = first_.seq + static_cast<uint64_t>(n);
      at_ = At::kFields;
      if (!same_fields_) return begin_entry();
      entry_items_ = 3 + names_;
      begin_texts(names_);
      return begin_entry();
    case At::kFields:
      if (n < 1 || n > kMost) return "a stream with an entry of a wrong number of fields";
      entry_items_ = 4 + 2 * n;
      begin_texts(2 * n);
      return nullptr;
    case At::kItems:
      at_ = At::kFlags;
      return n == entry_items_ ? nullptr : "a stream with an entry of a wrong number of items";
    default:
      break;
  }
  return kNoNumber;
}

class StreamReader {
 public:
  StreamReader(RdbReader& reader, RdbType type, Stream& stream)
      : reader_(reader), type_(type), stream_(stream) {}

  bool read() {
    uint64_t count;
    if (!reader_.read_count(count, 2)) return false;
    for (; count > 0; --count)
      if (!read_block()) return false;
    if (!read_ids() || !reader_.read_count(count, 5)) return false;
    for (; count > 0; --count)
      if (!read_group()) return false;
    return true;
  }

 private:
  bool read_id(StreamId& id) { return reader_.read_length(id.ms) && reader_.read_length(id.seq); }
  bool read_raw_id(StreamId& id) {
    uint64_t ms, seq;
    if (!reader_.read_little(ms, 8) || !reader_.read_little(seq, 8)) return false;
    id = {__builtin_bswap64(ms), __builtin_bswap64(seq)};
    return true;
  }
  bool read_time(int64_t& ms) {
    uint64_t bits;
    if (!reader_.read_little(bits, 8)) return false;
    ms = static_cast<int64_t>(bits);
    return true;
  }
  bool read_block();
  bool read_ids();
  bool read_group();
  bool read_consumer(StreamGroup& group, std::map<StreamId, StreamGroup::Pending>& unowned);

  RdbReader& reader_;
  const RdbType type_;
  Stream& stream_;
  StreamId last_live_;  // of all blocks
};

bool StreamReader::read_block() {
  const uint64_t at = reader_.offset();
  std::string_view bytes;
  if (!reader_.read_string_view(bytes)) return false;
  if (bytes.size() != kIdBytes) return reader_.fail_at(at, "a stream whose block has no ID");
  const StreamId first{big_at(bytes, 0), big_at(bytes, 8)};
  const auto& blocks = stream_.blocks();
  if (!blocks.empty() && first <= blocks.rbegin()->first) return reader_.fail_at(at, kDisorder);
  if (!reader_.read_string_view(bytes)) return false;
  BlockChecker checker(first, last_live_);
  const char* wrong =
      walk_listpack(bytes, [&](std::string_view item) { return checker.take(item); });
  if (wrong == nullptr) wrong = checker.finish();
  if (wrong != nullptr) return reader_.fail_at(at, wrong);
  last_live_ = checker.last_live();
  constexpr size_t kHead = 6;
  ListpackReader counts(bytes, kHead);
  counts.skip();
  counts.skip();
  std::string items(bytes.substr(counts.position(), bytes.size() - counts.position() - 1));
  stream_.add_block(first, StreamBlock(std::move(items), checker.last(), checker.live(),
                                       checker.deleted(), checker.items()));
  return true;
}

bool StreamReader::read_ids() {
  const uint64_t at = reader_.offset();
  uint64_t entries, added;
  StreamId last, first, max_deleted;
  if (!reader_.read_length(entries) || !read_id(last)) return false;
  if (entries != stream_.size())
    return reader_.fail_at(at, "a stream that counts its entries wrongly");
  if (last < last_live_)
    return reader_.fail_at(at, "a stream whose last ID is before its last entry");
  stream_.set_last_id(last);
  stream_.set_entries_added(entries);
  if (type_ == RdbType::kStream) return true;
  if (!read_id(first) || !read_id(max_deleted) || !reader_.read_length(added)) return false;
  stream_.set_max_deleted_id(max_deleted);
  stream_.set_entries_added(added);
  return true;
}

bool StreamReader::read_group() {
  const uint64_t at = reader_.offset();
  std::string name;
  StreamId last;
  uint64_t read, count;
  if (!reader_.read_string(name) || !read_id(last)) return false;
  int64_t entries_read = stream_.added_up_to(last);
  if (type_ != RdbType::kStream) {
    if (!reader_.read_length(read)) return false;
    entries_read = static_cast<int64_t>(read);
  }
  StreamGroup* group = stream_.add_group(name, last, entries_read);
  if (group == nullptr) return reader_.fail_at(at, "a stream with a group that comes twice");
  std::map<StreamId, StreamGroup::Pending> unowned;
  if (!reader_.read_count(count, kIdBytes + 9)) return false;
  for (; count > 0; --count) {
    StreamId id;
    StreamGroup::Pending pending;
    if (!read_raw_id(id) || !read_time(pending.delivered_ms) ||
        !reader_.read_length(pending.deliveries))
      return false;
    if (!unowned.emplace(id, pending).second)
      return reader_.fail_at(at, "a stream with an entry that is pending twice");
  }
  if (!reader_.read_count(count, 10)) return false;
  for (; count > 0; --count)
    if (!read_consumer(*group, unowned)) return false;
  return unowned.empty() ||
         reader_.fail_at(at, "a stream with an entry that is pending for nobody");
}

bool StreamReader::read_consumer(StreamGroup& group,
                                 std::map<StreamId, StreamGroup::Pending>& unowned) {
  const uint64_t at = reader_.offset();
  std::string name;
  int64_t seen_ms, active_ms;
  uint64_t count;
  if (!reader_.read_string(name) || !read_time(seen_ms)) return false;
  if (type_ == RdbType::kStream3 && !read_time(active_ms)) return false;
  if (group.find_consumer(name) != nullptr)
    return reader_.fail_at(at, "a stream with a consumer that comes twice");
  auto* consumer = group.add_consumer(name, seen_ms);
  if (!reader_.read_count(count, kIdBytes)) return false;
  for (; count > 0; --count) {
    StreamId id;
    if (!read_raw_id(id)) return false;
    const auto found = unowned.find(id);
    if (found == unowned.end())
      return reader_.fail_at(at, "a stream with an entry that is pending for its consumer alone");
    group.deliver(id, consumer, found->second.delivered_ms, found->second.deliveries);
    unowned.erase(found);
  }
  return true;
}

}  // namespace

bool read_rdb_stream(RdbReader& reader, RdbType type, Stream& stream) {
  return StreamReader(reader, type, stream).read();
}

}  // namespace powercut::engine
