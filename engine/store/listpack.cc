#include "engine/store/listpack.h"

#include <charconv>
#include <limits>
#include <optional>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

constexpr size_t kDigitsMost = 20;  // -9223372036854775808

// The number that prints as exactly this text.
std::optional<int64_t> as_number(std::string_view text) {
  if (text.empty() || text.size() > kDigitsMost) return std::nullopt;
  const std::string_view digits = text.substr(text[0] == '-' ? 1 : 0);
  if (digits.empty() || (digits[0] == '0' && text.size() > 1)) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void append_byte(std::string& out, uint64_t byte) { out += static_cast<char>(byte & 0xff); }

void append_little(std::string& out, uint64_t n, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) append_byte(out, n >> (8 * i));
}

// Groups of seven bits of the size behind an item. Redis takes one more than it needs for the largest number of each.
size_t groups_of(uint64_t size) {
  return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

void append_size(std::string& out, uint64_t size) {
  const size_t groups = groups_of(size);
  for (size_t i = groups; i-- > 0;)
    append_byte(out, (size >> (7 * i) & 0x7f) | (i + 1 == groups ? 0 : 0x80));
}

// Of a number without the size behind it.
size_t number_width(int64_t n) {
  if (n >= 0 && n <= 127) return 1;
  if (n >= -4096 && n <= 4095) return 2;
  if (n >= INT16_MIN && n <= INT16_MAX) return 3;
  if (n >= -(1 << 23) && n < 1 << 23) return 4;
  return n >= INT32_MIN && n <= INT32_MAX ? 5 : 9;
}

int64_t signed_of(uint64_t bits, int width) {
  return static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
}

uint64_t little_at(std::string_view items, size_t at, size_t bytes) {
  CHECK(at + bytes <= items.size());
  uint64_t n = 0;
  for (size_t i = bytes; i-- > 0;) n = n << 8 | static_cast<uint8_t>(items[at + i]);
  return n;
}

}  // namespace

void append_listpack_number(std::string& items, int64_t number) {
  const auto bits = static_cast<uint64_t>(number);
  const size_t width = number_width(number);
  switch (width) {
    case 1:
      append_byte(items, bits);
      break;
    case 2:
      append_byte(items, 0xc0 | (bits >> 8 & 0x1f));
      append_byte(items, bits);
      break;
    case 9:
      append_byte(items, 0xf4);
      append_little(items, bits, 8);
      break;
    default:  // f1 to f3: 16, 24 and 32 bits
      append_byte(items, 0xf1 + (width - 3));
      append_little(items, bits, width - 1);
      break;
  }
  append_size(items, width);
}

size_t listpack_number_bytes(int64_t number) { return number_width(number) + 1; }

void append_listpack_item(std::string& items, std::string_view text) {
  if (const auto number = as_number(text)) return append_listpack_number(items, *number);
  const size_t begin = items.size();
  if (text.size() < 64) {
    append_byte(items, 0x80 | text.size());
  } else if (text.size() < 4096) {
    append_byte(items, 0xe0 | text.size() >> 8);
    append_byte(items, text.size());
  } else {
    CHECK(text.size() <= std::numeric_limits<uint32_t>::max());
    append_byte(items, 0xf0);
    append_little(items, text.size(), 4);
  }
  items += text;
  append_size(items, items.size() - begin);
}

ListpackReader::Item ListpackReader::next() {
  const size_t begin = at_;
  const auto first = static_cast<uint8_t>(little_at(items_, begin, 1));
  Item item{true, 0, {}};
  size_t head = 1;  // in front of a string, or all of a number
  size_t length = 0;
  if (first < 0x80) {
    item.number = first;
  } else if (first < 0xc0) {
    item.is_number = false;
    length = first & 0x3f;
  } else if (first < 0xe0) {
    head = 2;
    item.number = signed_of((first & 0x1f) << 8 | little_at(items_, begin + 1, 1), 13);
  } else if (first < 0xf0) {
    item.is_number = false;
    head = 2;
    length = (first & 0x0fu) << 8 | little_at(items_, begin + 1, 1);
  } else if (first == 0xf0) {
    item.is_number = false;
    head = 5;
    length = little_at(items_, begin + 1, 4);
  } else {
    CHECK(first <= 0xf4);
    const size_t width = first == 0xf4 ? 8 : first - 0xefu;
    head = 1 + width;
    item.number = signed_of(little_at(items_, begin + 1, width), static_cast<int>(8 * width));
  }
  item.text = items_.substr(begin + head, length);
  CHECK(item.text.size() == length);
  at_ = begin + head + length + groups_of(head + length);
  CHECK(at_ <= items_.size());
  return item;
}

std::string_view ListpackReader::text() {
  const Item item = next();
  if (!item.is_number) return item.text;
  const char* end = std::to_chars(digits_, digits_ + sizeof digits_, item.number).ptr;
  return {digits_, static_cast<size_t>(end - digits_)};
}

int64_t ListpackReader::number() {
  const Item item = next();
  if (item.is_number) return item.number;
  const auto number = as_number(item.text);
  CHECK(number.has_value());
  return *number;
}

void ListpackReader::skip() { (void)next(); }

}  // namespace powercut::engine
