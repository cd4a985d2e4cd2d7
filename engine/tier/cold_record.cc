#include "engine/tier/cold_record.h"

#include <lz4.h>

#include <algorithm>

#include "engine/base/crc32c.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_reader.h"
#include "engine/checkpoint/rdb_value.h"

namespace powercut::engine {

std::string little(uint64_t n, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i) & 0xff);
  return out;
}

uint64_t from_little(std::string_view bytes) {
  uint64_t out = 0;
  for (size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

uint32_t bound(uint64_t nonce, uint64_t offset) {
  return crc32c(little(nonce, 8) + little(offset, 8));
}

std::string encode_record(const Value& value, bool compress) {
  std::string raw(1, static_cast<char>(rdb_type_of(value)));
  append_rdb_value(raw, value);
  std::string small;
  if (compress && raw.size() <= LZ4_MAX_INPUT_SIZE) {
    small.resize(raw.size());
    const int count = LZ4_compress_default(raw.data(), small.data(), static_cast<int>(raw.size()),
                                           static_cast<int>(raw.size()) - 1);
    small.resize(static_cast<size_t>(std::max(count, 0)));
  }
  return little(raw.size(), kRecordHead) + (small.empty() ? raw : small);
}

Result<Value> decode_value(std::string_view bytes, const EncodingLimits& limits) {
  RdbReader reader(bytes, "a value");
  uint8_t type = 0;
  Value value;
  if (!reader.read_byte(type) || !rdb_type_known(type) || rdb_type_refused(type) != nullptr ||
      !read_rdb_value(reader, type, value, limits) || reader.remaining() != 0 ||
      value.is_empty_collection())
    return Error{Errc::kCorrupt, "it is no value"};
  return value;
}

Result<Value> decode_record(std::string_view record, const EncodingLimits& limits) {
  const uint64_t size = from_little(record.substr(0, kRecordHead));
  const std::string_view stored = record.substr(kRecordHead);
  std::string expanded;
  if (stored.size() != size) {
    constexpr uint64_t kMostExpansion = 255;  // of LZ4: a byte of it stands for no more
    if (size > stored.size() * kMostExpansion)
      return Error{Errc::kCorrupt, "it cannot expand to its size"};
    expanded.resize(size);
    const int count = LZ4_decompress_safe(stored.data(), expanded.data(),
                                          static_cast<int>(stored.size()), static_cast<int>(size));
    if (count < 0 || static_cast<uint64_t>(count) != size)
      return Error{Errc::kCorrupt, "it does not expand to its size"};
  }
  return decode_value(stored.size() != size ? std::string_view(expanded) : stored, limits);
}

}  // namespace powercut::engine
