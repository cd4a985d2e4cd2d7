#include "engine/checkpoint/rdb_encode.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>

#include "engine/base/check.h"
#include "engine/base/crc64.h"
#include "engine/checkpoint/lzf.h"
#include "engine/store/list.h"
#include "engine/store/zset.h"

namespace powercut::engine {

namespace {

void append_byte(std::string& out, uint64_t byte) { out += static_cast<char>(byte & 0xff); }

void append_little(std::string& out, uint64_t n, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) append_byte(out, n >> (8 * i));
}

void append_big(std::string& out, uint64_t n, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) append_byte(out, n >> (8 * i));
}

// The integer whose decimal form is exactly `bytes`, if 32 bits hold it.
std::optional<int32_t> as_integer(std::string_view bytes) {
  constexpr size_t kDigitsMax = 11;  // -2147483648
  if (bytes.empty() || bytes.size() > kDigitsMax) return std::nullopt;
  const bool negative = bytes[0] == '-';
  const std::string_view digits = bytes.substr(negative ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && bytes.size() > 1)) return std::nullopt;
  int32_t n = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), n);
  if (error != std::errc() || end != bytes.data() + bytes.size()) return std::nullopt;
  return n;
}

template <class Int>
bool fits(int32_t n) {
  return n >= std::numeric_limits<Int>::min() && n <= std::numeric_limits<Int>::max();
}

void append_integer(std::string& out, int32_t n) {
  const auto bits = static_cast<uint32_t>(n);
  if (fits<int8_t>(n)) {
    append_byte(out, kRdbInt8);
    append_little(out, bits, 1);
  } else if (fits<int16_t>(n)) {
    append_byte(out, kRdbInt16);
    append_little(out, bits, 2);
  } else {
    append_byte(out, kRdbInt32);
    append_little(out, bits, 4);
  }
}

// False, and nothing appended, if compressing `bytes` does not pay.
bool append_compressed(std::string& out, std::string_view bytes) {
  CHECK(bytes.size() > kRdbCompressionSaves);
  const size_t capacity = bytes.size() - kRdbCompressionSaves;
  std::array<char, 2048> small;
  std::string large;
  char* buffer = small.data();
  if (capacity > small.size()) {
    large.resize(capacity);
    buffer = large.data();
  }
  const size_t size = lzf_compress(bytes, buffer, capacity);
  if (size == 0) return false;
  CHECK(size <= capacity);
  append_byte(out, kRdbLzf);
  append_rdb_length(out, size);
  append_rdb_length(out, bytes.size());
  out.append(buffer, size);
  return true;
}

size_t item_count(const Value& value) {
  switch (value.type()) {
    case Type::kString:
    case Type::kStream:
    case Type::kAway:
      return 0;
    case Type::kList:
      return value.list()->size();
    case Type::kHash:
      return value.hash()->size();
    case Type::kSet:
      return value.set()->size();
    case Type::kZset:
      return value.zset()->size();
  }
  return 0;
}

void append_item_of(std::string& out, const Value& value, size_t i, RdbText text) {
  switch (value.type()) {
    case Type::kString:
    case Type::kStream:
    case Type::kAway:
      break;
    case Type::kList:
      append_rdb_string(out, value.list()->at(i), text);
      break;
    case Type::kHash: {
      const auto& entry = value.hash()->entries().at(i);
      append_rdb_string(out, entry.key, text);
      append_rdb_string(out, entry.value, text);
      break;
    }
    case Type::kSet:
      append_rdb_string(out, value.set()->entries().at(i).key, text);
      break;
    case Type::kZset: {
      const auto& entry = value.zset()->entries().at(i);
      append_rdb_string(out, entry.key, text);
      append_little(out, std::bit_cast<uint64_t>(entry.value), 8);
      break;
    }
  }
}

// The string, or the number of items. Not of a stream, which has an encoder of its own.
void append_value_start(std::string& out, const Value& value, RdbText text) {
  if (const String* string = value.string()) {
    append_rdb_string(out, *string, text);
  } else if (const Away* away = value.away()) {
    append_rdb_length(out, away->segment()->sequence);
    append_rdb_length(out, away->offset());
    append_rdb_length(out, away->length());
    append_byte(out, away->type());
  } else {
    append_rdb_length(out, item_count(value));
  }
}

void append_aux(std::string& out, std::string_view name, std::string_view value) {
  append_byte(out, kRdbAux);
  append_rdb_string(out, name);
  append_rdb_string(out, value);
}

}  // namespace

// --- The parts ---

void append_rdb_length(std::string& out, uint64_t length) {
  if (length < 1u << 6) {
    append_byte(out, length);
  } else if (length < 1u << 14) {
    append_big(out, uint64_t{kRdbLength14} << 8 | length, 2);
  } else if (length <= std::numeric_limits<uint32_t>::max()) {
    append_byte(out, kRdbLength32);
    append_big(out, length, 4);
  } else {
    append_byte(out, kRdbLength64);
    append_big(out, length, 8);
  }
}

void append_rdb_string(std::string& out, std::string_view bytes, RdbText text) {
  if (const auto n = as_integer(bytes)) {
    append_integer(out, *n);
    return;
  }
  if (text == RdbText::kCompressed && bytes.size() > kRdbCompressAbove &&
      append_compressed(out, bytes))
    return;
  append_rdb_length(out, bytes.size());
  out += bytes;
}

RdbType rdb_type_of(const Value& value) {
  switch (value.type()) {
    case Type::kString:
      return RdbType::kString;
    case Type::kList:
      return RdbType::kList;
    case Type::kHash:
      return RdbType::kHash;
    case Type::kSet:
      return RdbType::kSet;
    case Type::kZset:
      return RdbType::kZset;
    case Type::kStream:
      return RdbType::kStream2;
    case Type::kAway:
      return RdbType::kAway;
  }
  return RdbType::kString;
}

bool RdbEntryEncoder::append(std::string& out, size_t budget) {
  const size_t begin = out.size();
  const Value& value = object_->value;
  if (!started_) {
    started_ = true;
    if (object_->expires()) {
      append_byte(out, kRdbExpireMs);
      append_little(out, static_cast<uint64_t>(object_->expire_at_ms), 8);
    }
    append_byte(out, static_cast<uint8_t>(rdb_type_of(value)));
    append_rdb_string(out, key_);
    if (value.stream() != nullptr) {
      stream_.emplace(*value.stream());
    } else {
      append_value_start(out, value, RdbText::kCompressed);
    }
    count_ = item_count(value);
    CHECK(!value.is_empty_collection());
  }
  CHECK(count_ == item_count(value));
  while (stream_ && out.size() - begin < budget)
    if (!stream_->append(out)) stream_.reset();
  while (next_ < count_ && out.size() - begin < budget)
    append_item_of(out, value, next_++, RdbText::kCompressed);
  return next_ == count_ && !stream_;
}

void append_rdb_entry(std::string& out, std::string_view key, const Object& object) {
  RdbEntryEncoder(key, object).append(out, SIZE_MAX);
}

void append_rdb_value(std::string& out, const Value& value, RdbText text) {
  if (value.stream() != nullptr) {
    RdbStreamEncoder stream(*value.stream());  // its blocks are packed, and compressed
    while (stream.append(out)) {
    }
    return;
  }
  append_value_start(out, value, text);
  const size_t count = item_count(value);
  for (size_t i = 0; i < count; ++i) append_item_of(out, value, i, text);
}

void append_rdb_library(std::string& out, std::string_view text) {
  append_byte(out, kRdbFunction2);
  append_rdb_string(out, text);
}

// --- A file ---

RdbWriter::RdbWriter(const RdbHeader& header) {
  buffer_ += kRdbMagic;
  buffer_ += fmt::format("{:0{}}", kRdbVersion, kRdbVersionDigits);
  append_aux(buffer_, "redis-ver", "7.0.15");
  append_aux(buffer_, "redis-bits", "64");
  append_aux(buffer_, "ctime", std::to_string(header.ctime_s));
  append_aux(buffer_, "used-mem", std::to_string(header.used_mem_bytes));
  append_aux(buffer_, "aof-base", header.aof_base ? "1" : "0");
  for (const auto& [name, value] : header.aux) append_aux(buffer_, name, value);
}

void RdbWriter::select(int db) {
  CHECK(!entry_ && !finished_);
  CHECK(db >= 0);
  if (db == db_) return;
  db_ = db;
  append_byte(buffer_, kRdbSelectDb);
  append_rdb_length(buffer_, static_cast<uint64_t>(db));
}

void RdbWriter::add_library(std::string_view text) {
  CHECK(db_ == -1 && !finished_);
  append_rdb_library(buffer_, text);
}

void RdbWriter::begin_database(int db, uint64_t keys, uint64_t expiring) {
  select(db);
  append_byte(buffer_, kRdbResizeDb);
  append_rdb_length(buffer_, keys);
  append_rdb_length(buffer_, expiring);
}

void RdbWriter::add(int db, std::string_view key, const Object& object) {
  select(db);
  append_rdb_entry(buffer_, key, object);
  ++keys_;
}

void RdbWriter::add_encoded(int db, std::string_view entry) {
  select(db);
  CHECK(!entry.empty());
  buffer_ += entry;
  ++keys_;
}

void RdbWriter::begin_entry(int db, std::string_view key, const Object& object) {
  select(db);
  entry_.emplace(key, object);
}

bool RdbWriter::slice(size_t budget) {
  CHECK(entry_.has_value() && budget > 0);
  if (!entry_->append(buffer_, budget)) return false;
  entry_.reset();
  ++keys_;
  return true;
}

void RdbWriter::finish() {
  CHECK(!entry_ && !finished_);
  finished_ = true;
  append_byte(buffer_, kRdbEof);
  crc_ = crc64(buffer_, crc_);
  append_little(buffer_, crc_, 8);
}

void RdbWriter::take(std::string& out) {
  if (!finished_) crc_ = crc64(buffer_, crc_);
  out.clear();
  out.swap(buffer_);
}

std::string encode_rdb(const Keyspace& keyspace, const RdbHeader& header) {
  RdbWriter writer(header);
  for (const auto& [name, text] : keyspace.libraries()) writer.add_library(text);
  for (int db = 0; db < keyspace.databases(); ++db) {
    const Table& table = keyspace.database(db).table();
    if (table.empty()) continue;
    writer.begin_database(db, table.size(), keyspace.database(db).expires_count());
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& entry = table.at(i);
      writer.add(db, entry.key, entry.value);
    }
  }
  writer.finish();
  std::string file;
  writer.take(file);
  return file;
}

}  // namespace powercut::engine
