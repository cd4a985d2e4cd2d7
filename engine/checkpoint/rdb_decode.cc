#include "engine/checkpoint/rdb_decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/words.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/checkpoint/rdb_reader.h"
#include "engine/checkpoint/rdb_value.h"
#include "engine/store/fetch_ahead.h"

namespace powercut::engine {

namespace {

// Of a module's number: nine characters of six bits each, then its version.
std::string module_name(uint64_t id) {
  constexpr std::string_view kCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string name;
  for (int shift = 58; shift >= 10; shift -= 6) name += kCharacters[(id >> shift) & 63];
  return name;
}

class Loader {
 public:
  Loader(RdbReader& reader, Keyspace* keyspace, const RdbLoadOptions& options)
      : reader_(reader), keyspace_(keyspace), options_(options) {}

  Result<RdbInfo> load() {
    if (!read_header() || !read_items() || !put_waiting() || !read_footer()) return reader_.error();
    CHECK(!reader_.failed());
    CHECK(info_.keys + info_.empty_skipped + info_.expired_dropped == entries_);
    return std::move(info_);
  }

  // Up to the first entry.
  Result<RdbInfo> peek() {
    if (!read_header()) return reader_.error();
    uint8_t code = 0;
    while (reader_.read_byte(code) && code == kRdbAux) {
      if (!read_aux()) break;
    }
    if (reader_.failed()) return reader_.error();
    info_.keys = code == kRdbEof ? 0 : 1;
    return std::move(info_);
  }

 private:
  bool read_header();
  bool read_items();  // up to and with kRdbEof
  bool read_aux();
  bool read_database_number();
  bool read_library(uint64_t at);
  bool take_in(const std::string& rests_on, uint64_t at);
  bool read_away(Value& value, uint64_t at);
  bool read_entry(uint8_t type, uint64_t at);
  bool read_footer();
  bool is_stray();
  bool keep(Value value, uint64_t at);
  bool put(std::string_view key, Value value, int64_t expire_at_ms, uint64_t at);
  bool put_waiting();

  RdbReader& reader_;
  Keyspace* keyspace_;
  const RdbLoadOptions& options_;
  RdbInfo info_;
  uint64_t entries_ = 0;
  int db_ = 0;
  std::string key_;
  int64_t expire_at_ms_ = Object::kNoExpiry;  // of the entry that comes next
  // Once there are many, entries are put in some at a time, so that the places where they go are fetched together.
  struct Waiting {
    std::string key;
    Value value;
    int64_t expire_at_ms = Object::kNoExpiry;
    uint64_t at = 0;  // where it begins in the file
  };
  // Of database db_; with room for kFetchedAtOnce once one has waited.
  std::vector<Waiting> waiting_;
  size_t waiting_count_ = 0;
};

bool Loader::read_header() {
  char header[kRdbMagic.size() + kRdbVersionDigits];
  for (char& c : header) {
    uint8_t byte;
    if (!reader_.read_byte(byte)) return false;
    c = static_cast<char>(byte);
  }
  const std::string_view magic(header, sizeof(header));
  const bool valkey = magic.starts_with(kValkeyMagic);
  if (!valkey && !magic.starts_with(kRdbMagic)) return reader_.fail_at(0, "not an RDB file");
  for (const char digit : magic.substr((valkey ? kValkeyMagic : kRdbMagic).size())) {
    if (digit < '0' || digit > '9') return reader_.fail_at(0, "not an RDB version");
    info_.version = info_.version * 10 + (digit - '0');
  }
  if (info_.version < (valkey ? kValkeyFirstVersion : 1))
    return reader_.fail_at(0, "not an RDB version");
  const int newest = valkey ? kValkeyNewestVersion : kRdbNewestVersion;
  if (info_.version <= newest) return true;
  return reader_.fail_at(
      0,
      fmt::format("RDB version {} is newer than {}, the newest supported", info_.version, newest),
      Errc::kUnsupported);
}

bool Loader::read_items() {
  for (;;) {
    const uint64_t at = reader_.offset();
    uint8_t code;
    uint64_t ignored;
    uint8_t ignored_byte;
    if (!reader_.read_byte(code)) return false;
    bool ok = true;
    switch (code) {
      case kRdbEof:
        return true;
      case kRdbAux:
        ok = read_aux();
        break;
      case kRdbSelectDb:
        ok = read_database_number();
        break;
      case kRdbResizeDb:
        ok = reader_.read_length(ignored) && reader_.read_length(ignored);
        break;
      case kRdbSlotInfo:
        ok = reader_.read_length(ignored) && reader_.read_length(ignored) &&
             reader_.read_length(ignored);
        break;
      case kRdbFunction2:
        ok = read_library(at);
        break;
      case kRdbExpireMs: {
        uint64_t ms;
        ok = reader_.read_little(ms, 8);
        if (ok) expire_at_ms_ = static_cast<int64_t>(ms);
        break;
      }
      case kRdbExpireS: {
        uint64_t s;
        ok = reader_.read_little(s, 4);
        if (ok) expire_at_ms_ = int64_t{static_cast<int32_t>(s)} * 1000;
        break;
      }
      case kRdbIdle:
        ok = reader_.read_length(ignored);
        break;
      case kRdbFreq:
        ok = reader_.read_byte(ignored_byte);
        break;
      case kRdbModuleAux:
        if (!reader_.read_length(ignored)) return false;
        return reader_.fail_at(at,
                               "data of the module " + module_name(ignored) + " are not supported",
                               Errc::kUnsupported);
      case kRdbFunctionPreview:
        return reader_.fail_at(at, "functions of a release candidate are not supported",
                               Errc::kUnsupported);
      default:
        ok = read_entry(code, at);
        break;
    }
    if (!ok) return false;
  }
}

bool Loader::read_aux() {
  const uint64_t at = reader_.offset();
  std::string name;
  std::string value;
  if (!reader_.read_string(name) || !reader_.read_string(value)) return false;
  if (name == kRdbAuxCold && keyspace_ != nullptr && !take_in(value, at)) return false;
  info_.aux.emplace_back(std::move(name), std::move(value));
  return true;
}

bool Loader::read_database_number() {
  const uint64_t at = reader_.offset();
  uint64_t db;
  if (!reader_.read_length(db)) return false;
  const int databases = keyspace_ != nullptr ? keyspace_->databases() : INT32_MAX;
  if (db >= static_cast<uint64_t>(databases)) {
    return reader_.fail_at(
        at, fmt::format("database {}, of {}: start with a higher --databases", db, databases),
        Errc::kUnsupported);
  }
  if (!put_waiting()) return false;
  db_ = static_cast<int>(db);
  return true;
}

bool Loader::read_library(uint64_t at) {
  std::string text;
  if (!reader_.read_string(text)) return false;
  const auto head = read_library_head(text);
  if (!head.ok()) return reader_.fail_at(at, "a library of functions: " + head.error().message);
  ++info_.libraries;
  if (keyspace_ == nullptr) return true;
  if (keyspace_->libraries().contains(head->name))
    return reader_.fail_at(at, fmt::format("a second library of functions {}", head->name));
  keyspace_->put_library(head->name, text);
  return true;
}

// Before any key is loaded.
bool Loader::take_in(const std::string& rests_on, uint64_t at) {
  if (!options_.take_in)
    return reader_.fail_at(at,
                           "values that it refers to lie in the cold tier: start with "
                           "cold-tier-path " +
                               rests_on.substr(0, rests_on.find(' ')),
                           Errc::kUnsupported);
  const auto taken = options_.take_in(rests_on);
  return taken.ok() || reader_.fail_at(at, taken.error().message, taken.error().code);
}

// Where a value lies. Who only looks on is told nothing of the segments.
bool Loader::read_away(Value& value, uint64_t at) {
  uint64_t sequence = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint8_t type = 0;
  if (!reader_.read_length(sequence) || !reader_.read_length(offset) ||
      !reader_.read_length(length) || !reader_.read_byte(type))
    return false;
  ++info_.away;
  if (keyspace_ == nullptr) return true;
  ColdSegment* segment = options_.segment_of ? options_.segment_of(sequence) : nullptr;
  const bool fits = segment != nullptr && offset <= Away::kFarthest && length <= Away::kLongest &&
                    offset + length <= segment->bytes && type < static_cast<uint8_t>(Type::kAway);
  if (!fits)
    return reader_.fail_at(
        at, fmt::format("key \"{}\" lies in no part of segment {}", shown(key_), sequence));
  value = Value(Away(SegmentHold(segment), offset, length, type));
  return true;
}

bool Loader::read_entry(uint8_t type, uint64_t at) {
  if (type != static_cast<uint8_t>(RdbType::kAway) && !rdb_type_known(type))
    return reader_.fail_at(at, fmt::format("unknown type {}", type));
  if (!reader_.read_string(key_)) return false;
  if (const char* refused = rdb_type_refused(type)) {
    uint64_t module = 0;
    if (type == static_cast<uint8_t>(RdbType::kModule2) && reader_.read_length(module)) {
      return reader_.fail_at(at,
                             fmt::format("{}: key \"{}\", of the module {}", refused, shown(key_),
                                         module_name(module)),
                             Errc::kUnsupported);
    }
    if (reader_.failed()) return false;
    return reader_.fail_at(at, fmt::format("{}: key \"{}\"", refused, shown(key_)),
                           Errc::kUnsupported);
  }
  Value value;
  const EncodingLimits limits =
      keyspace_ != nullptr ? keyspace_->encoding_limits() : EncodingLimits();
  if (type == static_cast<uint8_t>(RdbType::kAway)) {
    if (!read_away(value, at)) return false;
  } else if (!read_rdb_value(reader_, type, value, limits)) {
    if (reader_.error().code == Errc::kUnsupported)
      reader_.say_more(fmt::format(": key \"{}\"", shown(key_)));
    return false;
  }
  ++entries_;
  if (!keep(std::move(value), at)) return false;
  expire_at_ms_ = Object::kNoExpiry;
  return true;
}

bool Loader::keep(Value value, uint64_t at) {
  const bool expires = expire_at_ms_ != Object::kNoExpiry;
  if (value.is_empty_collection()) {
    ++info_.empty_skipped;
    return true;
  }
  if (options_.drop_expired && keyspace_ != nullptr && expires &&
      expire_at_ms_ <= keyspace_->now().unix_ms) {
    ++info_.expired_dropped;
    return true;
  }
  ++info_.keys;
  info_.expiring += expires ? 1 : 0;
  if (keyspace_ == nullptr) return true;
  if (!pays_to_fetch(*keyspace_, db_)) return put(key_, std::move(value), expire_at_ms_, at);
  waiting_.resize(kFetchedAtOnce);
  Waiting& waiting = waiting_[waiting_count_++];
  std::swap(waiting.key, key_);
  waiting.value = std::move(value);
  waiting.expire_at_ms = expire_at_ms_;
  waiting.at = at;
  return waiting_count_ < waiting_.size() || put_waiting();
}

bool Loader::put_waiting() {
  if (waiting_count_ == 0) return true;
  const std::span<Waiting> all(waiting_.data(), std::exchange(waiting_count_, 0));
  Sought sought[kFetchedAtOnce];
  for (size_t i = 0; i < all.size(); ++i) sought[i].key = all[i].key;
  fetch_ahead(*keyspace_, db_, {sought, all.size()});
  return std::all_of(all.begin(), all.end(), [this](Waiting& one) {
    return put(one.key, std::move(one.value), one.expire_at_ms, one.at);
  });
}

bool Loader::put(std::string_view key, Value value, int64_t expire_at_ms, uint64_t at) {
  CHECK(keyspace_->loading());  // or what has expired would be removed under our hands
  const size_t before = keyspace_->size(db_);
  Object* object = keyspace_->put(db_, key, std::move(value));
  if (expire_at_ms != Object::kNoExpiry) keyspace_->set_expiry(db_, key, object, expire_at_ms);
  keyspace_->settle();
  if (keyspace_->size(db_) > before) return true;
  return reader_.fail_at(at, fmt::format("duplicate key \"{}\"", shown(key)));
}

bool Loader::read_footer() {
  const bool ours = info_.find_aux(kRdbAuxLsn) != nullptr;
  if (info_.version >= kRdbFirstVersionWithChecksum) {
    const uint64_t at = reader_.offset();
    const uint64_t computed = reader_.crc();
    uint64_t stored;
    if (!reader_.read_little(stored, 8)) return false;
    info_.checksum_present = stored != 0 || computed == 0;
    // Redis may be told not to compute one; we always do, so its absence from our file is damage.
    if (stored != computed && (stored != 0 || ours)) {
      return reader_.fail_at(
          at, fmt::format("checksum {:016x}, but the content has {:016x}", stored, computed));
    }
  }
  info_.bytes = reader_.offset();
  // Behind the end of ours it tells of a sector that came from a shorter checkpoint.
  const bool stray = options_.allow_stray && !ours;
  if (reader_.remaining() > 0 && !options_.allow_tail && !(stray && is_stray())) {
    return reader_.fail(fmt::format("{} bytes follow the end", reader_.remaining()));
  }
  return true;
}

// Reads what follows the end: is it nothing that anybody could miss?
bool Loader::is_stray() {
  if (reader_.remaining() == 1) return true;
  uint8_t byte = 0;
  while (reader_.remaining() > 0) {
    if (!reader_.read_byte(byte)) return false;
    if (byte != 0 && byte != ' ' && (byte < '\t' || byte > '\r')) return false;
  }
  return true;
}

}  // namespace

const std::string* RdbInfo::find_aux(std::string_view name) const {
  const auto found = std::find_if(aux.begin(), aux.end(),
                                  [name](const auto& field) { return field.first == name; });
  return found == aux.end() ? nullptr : &found->second;
}

std::optional<uint64_t> RdbInfo::lsn() const {
  const std::string* text = find_aux(kRdbAuxLsn);
  uint64_t value = 0;
  if (text == nullptr ||
      std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value;
}

Result<RdbInfo> load_rdb(File& file, std::string_view name, Keyspace& keyspace,
                         const RdbLoadOptions& options) {
  TRY_ASSIGN(const uint64_t size, file.size());
  RdbReader reader(file, size, name);
  return Loader(reader, &keyspace, options).load();
}

Result<RdbInfo> load_rdb(std::string_view bytes, std::string_view name, Keyspace& keyspace,
                         const RdbLoadOptions& options) {
  RdbReader reader(bytes, name);
  return Loader(reader, &keyspace, options).load();
}

Result<RdbInfo> peek_rdb(File& file, std::string_view name) {
  TRY_ASSIGN(const uint64_t size, file.size());
  RdbReader reader(file, size, name, 4096);
  return Loader(reader, nullptr, {}).peek();
}

Result<RdbInfo> check_rdb(File& file, std::string_view name, const RdbLoadOptions& options) {
  TRY_ASSIGN(const uint64_t size, file.size());
  RdbReader reader(file, size, name);
  return Loader(reader, nullptr, options).load();
}

}  // namespace powercut::engine
