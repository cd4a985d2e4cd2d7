// Strings as arrays of bits; bit 0 is the highest of the first byte.
#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/command/number.h"
#include "engine/command/string/string_commands.h"

namespace powercut::engine::strings {

namespace {

bool offset_arg(Call& call, size_t i, uint64_t& offset) {
  const auto given = parse_integer(call.arg(i));
  if (!given || *given < 0 || static_cast<uint64_t>(*given) / 8 >= kLongestString) {
    call.fail("ERR bit offset is not an integer or out of range");
    return false;
  }
  offset = static_cast<uint64_t>(*given);
  return true;
}

unsigned char mask_of(uint64_t bit) { return static_cast<unsigned char>(0x80u >> (bit % 8)); }

bool bit_at(std::string_view text, uint64_t bit) {
  return bit / 8 < text.size() && (static_cast<unsigned char>(text[bit / 8]) & mask_of(bit)) != 0;
}

// Bits [first, end), from BITCOUNT's and BITPOS's arguments at `i`: [start [end [BYTE|BIT]]].
struct BitRange {
  int64_t first = 0;
  int64_t end = 0;
  bool within(std::string_view text) const {
    return 0 <= first && first <= end && end <= 8 * static_cast<int64_t>(text.size());
  }
};

bool parse_range(Call& call, size_t i, std::string_view text, BitRange& range) {
  const auto bytes = static_cast<int64_t>(text.size());
  int64_t first = 0;
  int64_t last = -1;
  bool in_bits = false;
  if (call.argc() > i && !call.integer_arg(i, first)) return false;
  if (call.argc() == i + 3) {
    in_bits = call.is(i + 2, "BIT");
    if (!in_bits && !call.is(i + 2, "BYTE")) {
      call.fail(kSyntaxError);
      return false;
    }
  }
  if (call.argc() > i + 1 && !call.integer_arg(i + 1, last)) return false;
  const int64_t total = in_bits ? bytes * 8 : bytes;
  if (first < 0) first = std::max<int64_t>(first + total, 0);
  if (last < 0) last = std::max<int64_t>(last + total, 0);
  last = std::min(last, total - 1);
  if (first > last) return true;
  const int64_t unit = in_bits ? 1 : 8;
  range = {first * unit, (last + 1) * unit};
  return true;
}

int64_t count_bytes(std::string_view text) {
  int64_t count = 0;
  while (text.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    count += std::popcount(word);
    text.remove_prefix(8);
  }
  for (const char c : text) count += std::popcount(static_cast<unsigned char>(c));
  return count;
}

// REQUIRES, here and below: the range is within the text.
int64_t count_bits(std::string_view text, BitRange range) {
  CHECK(range.within(text));
  int64_t count = 0;
  int64_t bit = range.first;
  for (; bit < range.end && bit % 8 != 0; ++bit) count += bit_at(text, static_cast<uint64_t>(bit));
  if (bit < range.end) {
    const auto bytes = static_cast<size_t>((range.end - bit) / 8);
    count += count_bytes(text.substr(static_cast<size_t>(bit / 8), bytes));
    bit += static_cast<int64_t>(bytes) * 8;
  }
  for (; bit < range.end; ++bit) count += bit_at(text, static_cast<uint64_t>(bit));
  return count;
}

// The first such bit of a range, or -1.
int64_t find_bit(std::string_view text, BitRange range, bool wanted) {
  CHECK(range.within(text));
  const char skipped = wanted ? '\0' : '\xff';
  for (int64_t bit = range.first; bit < range.end;) {
    if (bit % 8 == 0 && text[static_cast<size_t>(bit / 8)] == skipped) {
      bit += 8;
    } else if (bit_at(text, static_cast<uint64_t>(bit)) == wanted) {
      return bit;
    } else {
      ++bit;
    }
  }
  return -1;
}

}  // namespace

void setbit(Call& call) {
  uint64_t offset = 0;
  if (!offset_arg(call, 2, offset)) return;
  const std::string_view bit = call.arg(3);
  if (bit != "0" && bit != "1") return call.fail("ERR bit is not an integer or out of range");
  std::string_view text;
  if (!text_of(call, call.held<String>(call.arg(1)), text)) return;
  const bool old = bit_at(text, offset);
  call.reply.integer(old ? 1 : 0);
  const bool flips = old != (bit == "1");
  if (!flips && offset / 8 < text.size()) return;
  String* value = call.write_or_create<String>(call.arg(1));
  if (value->size() <= offset / 8) value->resize(offset / 8 + 1);
  CHECK(offset / 8 < value->size());
  char& byte = (*value)[offset / 8];
  if (flips) byte = static_cast<char>(static_cast<unsigned char>(byte) ^ mask_of(offset));
  call.changed();
}

void getbit(Call& call) {
  uint64_t offset = 0;
  std::string_view text;
  if (!offset_arg(call, 2, offset) || !text_of(call, call.read<String>(call.arg(1)), text)) return;
  call.reply.integer(bit_at(text, offset) ? 1 : 0);
}

void bitcount(Call& call) {
  const String* text = call.read<String>(call.arg(1));
  if (call.failed()) return;
  if (text == nullptr) return call.reply.integer(0);
  if (call.argc() == 3 || call.argc() > 5) return call.fail(kSyntaxError);
  int64_t first = 0;
  int64_t last = -1;
  if (call.argc() > 3 && (!call.integer_arg(2, first) || !call.integer_arg(3, last))) return;
  BitRange range;
  if (!parse_range(call, 2, *text, range)) return;
  // BITCOUNT alone takes an inverted range before the string for what it is.
  if (first < 0 && last < 0 && first > last) range = {};
  call.reply.integer(count_bits(*text, range));
}

void bitpos(Call& call) {
  int64_t bit = 0;
  if (!call.integer_arg(2, bit)) return;
  if (bit != 0 && bit != 1) return call.fail("ERR The bit argument must be 1 or 0.");
  const String* text = call.read<String>(call.arg(1));
  if (call.failed()) return;
  if (text == nullptr) return call.reply.integer(bit == 1 ? -1 : 0);
  if (call.argc() > 6) return call.fail(kSyntaxError);
  BitRange range;
  if (!parse_range(call, 3, *text, range)) return;
  int64_t found = find_bit(*text, range, bit == 1);
  // Without an explicit end, zeros follow the string.
  if (found < 0 && bit == 0 && call.argc() < 5 && range.first < range.end) found = range.end;
  call.reply.integer(found);
}

void bitop(Call& call) {
  const bool is_and = call.is(1, "AND");
  const bool is_or = call.is(1, "OR");
  const bool is_not = call.is(1, "NOT");
  if (!is_and && !is_or && !is_not && !call.is(1, "XOR")) return call.fail(kSyntaxError);
  if (is_not && call.argc() != 4) {
    return call.fail("ERR BITOP NOT must be called with a single source key.");
  }
  size_t longest = 0;
  std::string_view text;
  for (size_t i = 3; i < call.argc(); ++i) {
    if (!text_of(call, call.read<String>(call.arg(i)), text)) return;
    longest = std::max(longest, text.size());
  }
  const std::string_view target = call.arg(2);
  if (longest == 0) {
    if (call.keyspace.remove(call.db, target)) call.changed();
    return call.reply.integer(0);
  }
  text_of(call, call.held<String>(call.arg(3)), text);
  String result(text);
  result.resize(longest);
  for (size_t i = 4; i < call.argc(); ++i) {
    text_of(call, call.held<String>(call.arg(i)), text);
    for (size_t k = 0; k < text.size(); ++k) {
      const int joined = is_and  ? result[k] & text[k]
                         : is_or ? result[k] | text[k]
                                 : result[k] ^ text[k];
      result[k] = static_cast<char>(joined);
    }
    CHECK(text.size() <= longest);
    if (is_and) std::fill(result.begin() + static_cast<ptrdiff_t>(text.size()), result.end(), '\0');
  }
  if (is_not) {
    for (char& c : result) c = static_cast<char>(~c);
  }
  call.keyspace.put(call.db, target, Value(std::move(result)));
  call.changed();
  call.reply.integer(static_cast<int64_t>(longest));
}

}  // namespace powercut::engine::strings
