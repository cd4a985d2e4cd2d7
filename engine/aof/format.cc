#include "engine/aof/format.h"

#include <charconv>
#include <cstring>

#include "engine/base/crc32c.h"
#include "engine/base/mutant.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kCrcField = " crc=";
constexpr std::string_view kClosedPrefix = "#pc closed lsn=";
constexpr std::string_view kOpenedPrefix = "#pc opened lsn=";

void append_number(std::string& out, uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_hex(std::string& out, uint64_t value, size_t width) {
  char digits[16];
  for (size_t i = width; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  out.append(digits, width);
}

// Covers the place as well: a batch that lies elsewhere, or in an older file, does not verify.
uint32_t crc_of(std::string_view bytes, uint64_t nonce, uint64_t offset) {
  if (mutant(Mutant::kChecksumNotBound)) nonce = offset = 0;
  char place[16];
  std::memcpy(place, &nonce, 8);
  std::memcpy(place + 8, &offset, 8);
  return crc32c(bytes, crc32c({place, sizeof place}));
}

// Reads `prefix` and a number from the front of `text`.
bool take(std::string_view& text, std::string_view prefix, uint64_t& value, int base = 10) {
  if (!text.starts_with(prefix)) return false;
  const char* begin = text.data() + prefix.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value, base);
  if (error != std::errc() || end == begin) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string encode_header(const SegmentHeader& header) {
  std::string line(kHeaderPrefix);
  append_number(line, header.sequence);
  line += " nonce=";
  append_hex(line, header.nonce, 16);
  line += "\r\n";
  return line;
}

std::optional<SegmentHeader> parse_header(std::string_view bytes, size_t& length) {
  SegmentHeader header;
  std::string_view rest = bytes.substr(0, kLongestLine);
  if (!take(rest, kHeaderPrefix, header.sequence) || !take(rest, " nonce=", header.nonce, 16) ||
      !rest.starts_with("\r\n")) {
    return std::nullopt;
  }
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return header;
}

uint32_t batch_crc(std::string_view batch, std::string_view line, uint64_t nonce, uint64_t offset) {
  return crc32c(line.substr(0, line.rfind(kCrcField)), crc_of(batch, nonce, offset));
}

void append_annotation(std::string& batch, const Annotation& fields, uint64_t nonce,
                       uint64_t offset) {
  const size_t begin = batch.size();
  batch += kAnnotationPrefix;
  append_number(batch, fields.first_lsn);
  batch += " n=";
  append_number(batch, fields.entries);
  batch += " len=";
  append_number(batch, begin);
  batch += " synced=";
  append_number(batch, fields.synced_offset);
  const uint32_t crc = crc_of(batch, nonce, offset);
  batch += kCrcField;
  append_hex(batch, crc, 8);
  batch += "\r\n";
}

std::string encode_mark(MarkKind kind, uint64_t next_lsn, uint64_t nonce, uint64_t offset) {
  std::string line(kind == MarkKind::kClosed ? kClosedPrefix : kOpenedPrefix);
  append_number(line, next_lsn);
  const uint32_t crc = batch_crc({}, line, nonce, offset);
  line += kCrcField;
  append_hex(line, crc, 8);
  return line + "\r\n";
}

std::optional<Mark> parse_mark(std::string_view bytes, size_t& length) {
  Mark mark;
  uint64_t crc = 0;
  std::string_view rest = bytes.substr(0, kLongestLine);
  mark.kind = rest.starts_with(kOpenedPrefix) ? MarkKind::kOpened : MarkKind::kClosed;
  if (!take(rest, mark.kind == MarkKind::kOpened ? kOpenedPrefix : kClosedPrefix, mark.next_lsn) ||
      !take(rest, kCrcField, crc, 16) || !rest.starts_with("\r\n") || crc > UINT32_MAX) {
    return std::nullopt;
  }
  mark.crc = static_cast<uint32_t>(crc);
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return mark;
}

std::optional<Annotation> parse_annotation(std::string_view bytes, size_t& length) {
  Annotation fields;
  uint64_t crc = 0;
  std::string_view rest = bytes.substr(0, kLongestLine);
  if (!take(rest, kAnnotationPrefix, fields.first_lsn) || !take(rest, " n=", fields.entries) ||
      !take(rest, " len=", fields.length) || !take(rest, " synced=", fields.synced_offset) ||
      !take(rest, kCrcField, crc, 16) || !rest.starts_with("\r\n") || crc > UINT32_MAX) {
    return std::nullopt;
  }
  fields.crc = static_cast<uint32_t>(crc);
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return fields;
}

}  // namespace powercut::engine
