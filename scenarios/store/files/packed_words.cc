#include "scenarios/store/files/packed_words.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/decimal.h"

namespace powercut::scenarios {

namespace {

template <class T>
bool fits(int64_t number) {
  return number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max();
}
bool fits24(int64_t number) { return number >= -(1 << 23) && number < 1 << 23; }

std::string byte(uint64_t value) { return little(value, 1); }

std::string listpack_item(std::string_view word) {
  if (const auto number = parse_integer(word)) {
    const auto bits = static_cast<uint64_t>(*number);
    if (*number >= 0 && *number < 128) return byte(bits);
    if (*number >= -4096 && *number < 4096) return big(0xc000 | (bits & 0x1fff), 2);
    if (fits<int16_t>(*number)) return '\xf1' + little(bits, 2);
    if (fits24(*number)) return '\xf2' + little(bits, 3);
    if (fits<int32_t>(*number)) return '\xf3' + little(bits, 4);
    return '\xf4' + little(bits, 8);
  }
  std::string item = '\xf0' + little(word.size(), 4);
  if (word.size() < 64) item = byte(0x80 | word.size());
  if (word.size() >= 64 && word.size() < 4096) item = big(0xe000 | word.size(), 2);
  return item.append(word);
}

// The size of an item behind it, to be read from its end: groups of seven bits, and one more than it needs where the
// largest number of several would just fit.
std::string size_backwards(size_t size) {
  std::string digits;
  for (size_t left = size > 127 ? size + 1 : size; left > 0; left >>= 7) {
    digits += static_cast<char>((size & 127) | 128);
    size >>= 7;
  }
  std::reverse(digits.begin(), digits.end());
  digits[0] = static_cast<char>(digits[0] & 127);
  return digits;
}

std::string ziplist_item(std::string_view word) {
  if (const auto number = parse_integer(word); number && word.size() < 32) {
    const auto bits = static_cast<uint64_t>(*number);
    if (*number >= 0 && *number <= 12) return byte(0xf1 + bits);
    if (fits<int8_t>(*number)) return '\xfe' + little(bits, 1);
    if (fits<int16_t>(*number)) return '\xc0' + little(bits, 2);
    if (fits24(*number)) return '\xf0' + little(bits, 3);
    if (fits<int32_t>(*number)) return '\xd0' + little(bits, 4);
    return '\xe0' + little(bits, 8);
  }
  std::string item = '\x80' + big(word.size(), 4);
  if (word.size() < 64) item = byte(word.size());
  if (word.size() >= 64 && word.size() < 16384) item = big(0x4000 | word.size(), 2);
  return item.append(word);
}

std::string zipmap_size(size_t size) { return size < 254 ? byte(size) : '\xfe' + little(size, 4); }

constexpr uint64_t kNotCounted = 0xffff;

}  // namespace

std::string little(uint64_t number, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i));
  return out;
}

std::string big(uint64_t number, size_t bytes) {
  std::string out = little(number, bytes);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string listpack_of(Words words) {
  std::string items;
  for (const std::string_view word : words) {
    const std::string item = listpack_item(word);
    items += item + size_backwards(item.size());
  }
  constexpr size_t kFrame = 7;
  return little(items.size() + kFrame, 4) + little(std::min(words.size(), kNotCounted), 2) + items +
         '\xff';
}

std::string ziplist_of(Words words) {
  constexpr size_t kHead = 10;
  std::string items;
  size_t before = 0;
  size_t last = 0;
  for (const std::string_view word : words) {
    last = items.size();
    items += before < 254 ? byte(before) : '\xfe' + little(before, 4);
    items += ziplist_item(word);
    before = items.size() - last;
  }
  return little(kHead + items.size() + 1, 4) + little(kHead + last, 4) +
         little(std::min(words.size(), kNotCounted), 2) + items + '\xff';
}

std::string zipmap_of(Words words) {
  CHECK(words.size() % 2 == 0);
  std::string out = byte(std::min<size_t>(words.size() / 2, 254));
  for (size_t i = 0; i < words.size(); i += 2) {
    const size_t spare = (i / 2 + 1) % 4;  // bytes that a longer value left behind it
    out += zipmap_size(words[i].size()).append(words[i]);
    out += zipmap_size(words[i + 1].size()) + byte(spare);
    out.append(words[i + 1]).append(spare, 'f');
  }
  return out + '\xff';
}

std::string intset_of(Words words) {
  std::vector<int64_t> numbers;
  for (const std::string_view word : words) numbers.push_back(*parse_integer(word));
  std::sort(numbers.begin(), numbers.end());
  size_t width = 2;
  for (const int64_t number : numbers)
    width = std::max<size_t>(width, fits<int16_t>(number) ? 2 : fits<int32_t>(number) ? 4 : 8);
  std::string out = little(width, 4) + little(numbers.size(), 4);
  for (const int64_t number : numbers) out += little(static_cast<uint64_t>(number), width);
  return out;
}

std::string lzf_of(std::string_view bytes) {
  constexpr size_t kMostLiteral = 32, kLeastRun = 3, kMostRun = 264;
  std::string out;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) out += byte(literal.size() - 1) + literal;
    literal.clear();
  };
  for (size_t i = 0; i < bytes.size();) {
    size_t run = 0;
    while (i > 0 && i + run < bytes.size() && run < kMostRun && bytes[i + run] == bytes[i - 1])
      ++run;
    if (run >= kLeastRun) {
      flush();
      const size_t length = run - 2;
      out += length < 7 ? byte(length << 5) : byte(7 << 5) + byte(length - 7);
      out += byte(0);  // one byte back
      i += run;
      continue;
    }
    literal += bytes[i++];
    if (literal.size() == kMostLiteral) flush();
  }
  flush();
  return out;
}

}  // namespace powercut::scenarios
