#include "engine/checkpoint/rdb_dump.h"

#include "engine/base/crc64.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/checkpoint/rdb_reader.h"
#include "engine/checkpoint/rdb_value.h"

namespace powercut::engine {

namespace {

constexpr size_t kVersionBytes = 2;
constexpr size_t kChecksumBytes = 8;
static_assert(kVersionBytes + kChecksumBytes == kDumpFooterBytes);

uint64_t little(std::string_view bytes) {
  uint64_t out = 0;
  for (size_t i = bytes.size(); i-- > 0;) out = out << 8 | static_cast<uint8_t>(bytes[i]);
  return out;
}

void append_little(std::string& out, uint64_t n, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(n >> (8 * i) & 0xff);
}

void append_footer(std::string& out) {
  append_little(out, kRdbVersion, kVersionBytes);
  append_little(out, crc64(out), kChecksumBytes);
}

}  // namespace

std::string dump_payload(const Value& value) {
  std::string out(1, static_cast<char>(rdb_type_of(value)));
  append_rdb_value(out, value);
  append_footer(out);
  return out;
}

std::string dump_libraries(const Libraries& libraries) {
  std::string out;
  for (const auto& [name, text] : libraries) append_rdb_library(out, text);
  append_footer(out);
  return out;
}

Result<std::vector<std::string>> restore_libraries(std::string_view payload) {
  if (!dump_footer_fits(payload))
    return Error{Errc::kUnsupported, "DUMP payload version or checksum are wrong"};
  RdbReader reader(payload.substr(0, payload.size() - kDumpFooterBytes), "payload");
  std::vector<std::string> texts;
  while (reader.remaining() > 0) {
    uint8_t code = 0;
    if (!reader.read_byte(code)) break;
    if (code != kRdbFunction2) return Error{Errc::kCorrupt, "given type is not a function"};
    if (!reader.read_string(texts.emplace_back())) break;
  }
  if (reader.failed()) return Error{Errc::kCorrupt, "failed loading the given functions payload"};
  return texts;
}

bool dump_footer_fits(std::string_view payload) {
  if (payload.size() < kDumpFooterBytes) return false;
  const size_t covered = payload.size() - kChecksumBytes;
  if (little(payload.substr(covered - kVersionBytes, kVersionBytes)) > kRdbVersion) return false;
  return little(payload.substr(covered)) == crc64(payload.substr(0, covered));
}

Result<Value> restore_payload(std::string_view payload, const EncodingLimits& limits) {
  if (!dump_footer_fits(payload)) {
    return Error{Errc::kUnsupported, "DUMP payload version or checksum are wrong"};
  }
  RdbReader reader(payload.substr(0, payload.size() - kDumpFooterBytes), "DUMP payload");
  uint8_t type;
  Value value;
  if (!reader.read_byte(type) || !read_rdb_value(reader, type, value, limits)) {
    return Error{Errc::kCorrupt, reader.error().message};
  }
  if (reader.remaining() > 0 || value.is_empty_collection()) {
    return Error{Errc::kCorrupt, "DUMP payload: bytes follow the value, or it is empty"};
  }
  return value;
}

}  // namespace powercut::engine
