#include "engine/aof/format.h"

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/base/crc32c.h"
#include "engine/base/decimal.h"

namespace powercut::engine {

namespace {

constexpr std::string_view kCrcField = " crc=";
constexpr std::string_view kClosedPrefix = "#pc closed lsn=";
constexpr std::string_view kOpenedPrefix = "#pc opened lsn=";

// Writes through a pointer: every batch passes here.
char* put(char* at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }
char* put(char* at, uint64_t value) { return write_digits(at, value); }
char* put_hex(char* at, uint64_t value, size_t width) {
  for (size_t i = width; i-- > 0; value >>= 4) at[i] = "0123456789abcdef"[value & 15];
  return at + width;
}

// Covers the place as well: a batch that lies elsewhere, or in an older file, does not verify.
uint32_t crc_of(std::string_view bytes, uint64_t nonce, uint64_t offset) {
  char place[16];
  std::memcpy(place, &nonce, 8);
  std::memcpy(place + 8, &offset, 8);
  return crc32c(bytes, crc32c({place, sizeof place}));
}

// Of a checked line, `text` being what stands before its CRC.
uint32_t line_crc(std::string_view batch, std::string_view text, uint64_t nonce, uint64_t offset) {
  return crc32c(text, crc_of(batch, nonce, offset));
}

// Reads `prefix` from the front of `text`, and the number behind it. Inline, and with memcmp, so that the prefixes
// are compared as the constants they are: starts_with() is not inlined here.
template <class Read>
[[gnu::always_inline]] inline bool take(std::string_view& text, std::string_view prefix,
                                        uint64_t& value, const Read& read) {
  if (text.size() < prefix.size() || std::memcmp(text.data(), prefix.data(), prefix.size()) != 0)
    return false;
  const char* begin = text.data() + prefix.size();
  const char* end = read(begin, text.data() + text.size(), value);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return end != begin;
}
[[gnu::always_inline]] inline bool take(std::string_view& text, std::string_view prefix,
                                        uint64_t& value) {
  return take(text, prefix, value, read_digits);
}
[[gnu::always_inline]] inline bool take_hex(std::string_view& text, std::string_view prefix,
                                            uint64_t& value) {
  return take(text, prefix, value, read_hex_digits);
}

// The end of a checked line: " crc=" HEX8 CRLF.
constexpr size_t kCrcEnd = kCrcField.size() + 8 + 2;
[[gnu::always_inline]] inline bool at_line_end(std::string_view text) {
  return text.size() >= 2 && text[0] == '\r' && text[1] == '\n';
}
std::string_view before_crc(std::string_view line) {
  CHECK(line.size() >= kCrcEnd);
  return line.substr(0, line.size() - kCrcEnd);
}
[[gnu::always_inline]] inline bool take_crc(std::string_view& text, uint32_t& crc) {
  if (text.size() < kCrcEnd || std::memcmp(text.data(), kCrcField.data(), kCrcField.size()) != 0)
    return false;
  if (!read_hex8(text.data() + kCrcField.size(), crc)) return false;
  text.remove_prefix(kCrcEnd - 2);
  return at_line_end(text);
}

}  // namespace

std::string encode_header(const SegmentHeader& header) {
  char line[kLongestLine];
  char* at = put(put(line, kHeaderPrefix), header.sequence);
  at = put(put_hex(put(at, " nonce="), header.nonce, 16), "\r\n");
  const std::string text(line, at);
  size_t length = 0;
  CHECK(parse_header(text, length) == header && length == text.size());
  return text;
}

std::optional<SegmentHeader> parse_header(std::string_view bytes, size_t& length) {
  SegmentHeader header;
  std::string_view rest = bytes.substr(0, kLongestLine);
  if (!take(rest, kHeaderPrefix, header.sequence) || !take_hex(rest, " nonce=", header.nonce) ||
      !at_line_end(rest)) {
    return std::nullopt;
  }
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return header;
}

uint32_t batch_crc(std::string_view batch, std::string_view line, uint64_t nonce, uint64_t offset) {
  return line_crc(batch, before_crc(line), nonce, offset);
}

uint64_t batch_origin(std::string_view batch, std::string_view line, uint64_t nonce, uint32_t crc,
                      uint64_t near) {
  char bytes[8];
  const uint64_t high = near >> 32 << 32;
  std::memcpy(bytes, &high, 8);
  const std::string_view upper(bytes + 4, 4);
  const uint32_t after =
      crc32c_before(upper, crc32c_before(batch, crc32c_before(before_crc(line), crc)));
  std::memcpy(bytes, &nonce, 8);
  return high | crc32c_between(crc32c({bytes, 8}), after);
}

void append_annotation(std::string& batch, const Annotation& fields, uint64_t nonce,
                       uint64_t offset) {
  CHECK(fields.first_lsn > 0 && fields.entries > 0);
  CHECK(fields.length == batch.size() && fields.synced_offset <= offset);
  char line[kLongestLine];
  char* at = put(put(line, kAnnotationPrefix), fields.first_lsn);
  at = put(put(at, " n="), fields.entries);
  at = put(put(at, " len="), batch.size());
  at = put(put(at, " synced="), fields.synced_offset);
  const uint32_t crc = line_crc(batch, {line, at}, nonce, offset);
  at = put(put_hex(put(at, kCrcField), crc, 8), "\r\n");
  CHECK(at <= line + kLongestLine);
  batch.append(line, static_cast<size_t>(at - line));
}

std::string encode_mark(MarkKind kind, uint64_t next_lsn, uint64_t nonce, uint64_t offset) {
  char line[kLongestLine];
  char* at = put(put(line, kind == MarkKind::kClosed ? kClosedPrefix : kOpenedPrefix), next_lsn);
  const uint32_t crc = line_crc({}, {line, at}, nonce, offset);
  at = put(put_hex(put(at, kCrcField), crc, 8), "\r\n");
  const std::string text(line, at);
  size_t length = 0;
  CHECK((parse_mark(text, length) == Mark{kind, next_lsn, crc}) && length == text.size());
  return text;
}

std::optional<Mark> parse_mark(std::string_view bytes, size_t& length) {
  Mark mark;
  std::string_view rest = bytes.substr(0, kLongestLine);
  mark.kind = rest.starts_with(kOpenedPrefix) ? MarkKind::kOpened : MarkKind::kClosed;
  if (!take(rest, mark.kind == MarkKind::kOpened ? kOpenedPrefix : kClosedPrefix, mark.next_lsn) ||
      !take_crc(rest, mark.crc)) {
    return std::nullopt;
  }
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return mark;
}

std::optional<Annotation> parse_annotation(std::string_view bytes, size_t& length) {
  Annotation fields;
  std::string_view rest = bytes.substr(0, kLongestLine);
  if (!take(rest, kAnnotationPrefix, fields.first_lsn) || !take(rest, " n=", fields.entries) ||
      !take(rest, " len=", fields.length) || !take(rest, " synced=", fields.synced_offset) ||
      !take_crc(rest, fields.crc)) {
    return std::nullopt;
  }
  length = static_cast<size_t>(rest.data() + 2 - bytes.data());
  return fields;
}

}  // namespace powercut::engine
