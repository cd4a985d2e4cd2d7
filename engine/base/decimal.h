// Whole numbers in text, where every command of a log passes: a few digits, most of the time.
#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace powercut {

// Reads digits from the front of [at, end), at most 19, so that nothing overflows; returns where it
// stopped. A twentieth digit is left standing, for the caller to find where it wants something
// else.
inline const char* read_digits(const char* at, const char* end, uint64_t& value) {
  value = 0;
  const char* const limit = end - at > 19 ? at + 19 : end;
  while (at < limit && *at >= '0' && *at <= '9')
    value = value * 10 + static_cast<uint64_t>(*at++ - '0');
  return at;
}

// Writes `value` at `at`, where there is room for 20 digits; returns the end.
inline char* write_digits(char* at, uint64_t value) {
  static constexpr char kPairs[] =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
      "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
      "8081828384858687888990919293949596979899";
  if (value >= 10'000) return std::to_chars(at, at + 20, value).ptr;
  const uint64_t high = value >= 100 ? value / 100 : value;
  if (high >= 10) {
    std::memcpy(at, kPairs + 2 * high, 2);
    at += 2;
  } else {
    *at++ = static_cast<char>('0' + high);
  }
  if (value < 100) return at;
  std::memcpy(at, kPairs + 2 * (value % 100), 2);
  return at + 2;
}

// Writes `value` at `at`, where there is room for that many; returns the end.
inline constexpr size_t kLongestInteger = 20;
inline char* write_integer(char* at, int64_t value) {
  return std::to_chars(at, at + kLongestInteger, value).ptr;
}

// A decimal 64-bit integer without spaces, leading zeros or a plus sign (Redis: string2ll).
constexpr std::optional<int64_t> parse_integer(std::string_view text) {
  const bool negative = !text.empty() && text[0] == '-';
  const size_t first = negative ? 1 : 0;
  const size_t digits = text.size() - first;
  if (digits == 0 || digits > 19) return std::nullopt;
  if (text[first] == '0' && (digits > 1 || negative)) return std::nullopt;
  uint64_t magnitude = 0;  // 19 digits always fit
  for (size_t i = first; i < text.size(); ++i) {
    const auto digit = static_cast<unsigned char>(text[i] - '0');
    if (digit > 9) return std::nullopt;
    magnitude = magnitude * 10 + digit;
  }
  constexpr uint64_t kMax = INT64_MAX;
  if (magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

// As read_digits, of a hexadecimal number of at most 16 digits.
inline const char* read_hex_digits(const char* at, const char* end, uint64_t& value) {
  value = 0;
  const char* const limit = end - at > 16 ? at + 16 : end;
  for (; at < limit; ++at) {
    const char lower = static_cast<char>(*at | 0x20);
    if (*at >= '0' && *at <= '9')
      value = value << 4 | static_cast<uint64_t>(*at - '0');
    else if (lower >= 'a' && lower <= 'f')
      value = value << 4 | static_cast<uint64_t>(lower - 'a' + 10);
    else
      break;
  }
  return at;
}

// Reads exactly eight hexadecimal digits at `at`, in lower case; false if they are none.
inline bool read_hex8(const char* at, uint32_t& value) {
  static_assert(std::endian::native == std::endian::little);
  constexpr uint64_t kEach = 0x0101010101010101u;
  uint64_t text;
  std::memcpy(&text, at, 8);
  // Per byte, in its top bit: from '0' to '9', or from 'a' to 'f'. No byte carries into the next.
  const auto from = [&](char c) { return (text & 0x7f * kEach) + (0x80 - c) * kEach; };
  const uint64_t decimal = from('0') & ~from('9' + 1);
  const uint64_t letter = from('a') & ~from('f' + 1);
  if (((decimal | letter) & ~text & 0x80 * kEach) != 0x80 * kEach) return false;
  uint64_t nibbles = (text & 0x0f * kEach) + 9 * (letter >> 7 & kEach);
  nibbles = __builtin_bswap64(nibbles);  // the first digit is the highest
  nibbles = (nibbles | nibbles >> 4) & 0x00ff00ff00ff00ffu;
  nibbles = (nibbles | nibbles >> 8) & 0x0000ffff0000ffffu;
  value = static_cast<uint32_t>(nibbles | nibbles >> 16);
  return true;
}

}  // namespace powercut
