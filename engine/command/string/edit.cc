// Strings changed in place: as bytes and as numbers.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/command/number.h"
#include "engine/command/string/string_commands.h"

namespace powercut::engine::strings {

bool length_allowed(Call& call, uint64_t length) {
  if (length <= kLongestString) return true;
  call.fail("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return false;
}

bool text_of(const Call& call, const String* found, std::string_view& text) {
  if (call.failed()) return false;
  text = found == nullptr ? std::string_view() : std::string_view(*found);
  return true;
}

void append(Call& call) {
  const std::string_view key = call.arg(1);
  const std::string_view more = call.arg(2);
  std::string_view text;
  if (!text_of(call, call.held<String>(key), text) ||
      !length_allowed(call, text.size() + more.size()))
    return;
  String* value = call.write_or_create<String>(key);
  value->append(more);
  CHECK(value->size() <= kLongestString);
  call.changed();
  call.reply.integer(static_cast<int64_t>(value->size()));
}

void strlen(Call& call) {
  std::string_view text;
  if (text_of(call, call.read<String>(call.arg(1)), text))
    call.reply.integer(static_cast<int64_t>(text.size()));
}

void getrange(Call& call) {
  int64_t first = 0;
  int64_t last = 0;
  if (!call.integer_arg(2, first) || !call.integer_arg(3, last)) return;
  std::string_view text;
  if (!text_of(call, call.read<String>(call.arg(1)), text)) return;
  const auto length = static_cast<int64_t>(text.size());
  const bool inverted = first < 0 && last < 0 && first > last;
  if (first < 0) first = std::max<int64_t>(first + length, 0);
  if (last < 0) last = std::max<int64_t>(last + length, 0);
  last = std::min(last, length - 1);
  if (inverted || first > last) return call.reply.bulk("");
  call.reply.bulk(text.substr(static_cast<size_t>(first), static_cast<size_t>(last - first + 1)));
}

void setrange(Call& call) {
  int64_t offset = 0;
  if (!call.integer_arg(2, offset)) return;
  if (offset < 0) return call.fail("ERR offset is out of range");
  const std::string_view key = call.arg(1);
  const std::string_view part = call.arg(3);
  std::string_view text;
  if (!text_of(call, call.held<String>(key), text)) return;
  if (part.empty()) return call.reply.integer(static_cast<int64_t>(text.size()));
  const uint64_t end = static_cast<uint64_t>(offset) + part.size();
  if (!length_allowed(call, end)) return;
  String* value = call.write_or_create<String>(key);
  if (value->size() < end) value->resize(end);
  CHECK(end <= value->size());
  std::memcpy(value->data() + offset, part.data(), part.size());
  call.changed();
  call.reply.integer(static_cast<int64_t>(value->size()));
}

// --- Numbers ---

namespace {

// An absent key counts as 0.
void add(Call& call, int64_t increment) {
  const std::string_view key = call.arg(1);
  const String* old = call.held<String>(key);
  if (call.failed()) return;
  const auto number = old == nullptr ? 0 : parse_integer(*old);
  if (!number) return call.fail(kNotInteger);
  int64_t sum = 0;
  if (__builtin_add_overflow(*number, increment, &sum)) {
    return call.fail("ERR increment or decrement would overflow");
  }
  *call.write_or_create<String>(key) = format_integer(sum);
  call.changed();
  call.reply.integer(sum);
}

}  // namespace

void incr(Call& call) { add(call, 1); }
void decr(Call& call) { add(call, -1); }

void incrby(Call& call) {
  int64_t increment = 0;
  if (call.integer_arg(2, increment)) add(call, increment);
}

void decrby(Call& call) {
  int64_t decrement = 0;
  if (!call.integer_arg(2, decrement)) return;
  if (decrement == INT64_MIN) return call.fail("ERR decrement would overflow");
  add(call, -decrement);
}

// Logged as its result: how a long double rounds is the machine's business.
void incrbyfloat(Call& call) {
  const std::string_view key = call.arg(1);
  const String* old = call.held<String>(key);
  if (call.failed()) return;
  const auto number = old == nullptr ? 0.0L : parse_long_double(*old);
  const auto increment = parse_long_double(call.arg(2));
  if (!number || !increment) return call.fail(kNotFloat);
  const long double sum = *number + *increment;
  if (!std::isfinite(sum)) return call.fail("ERR increment would produce NaN or Infinity");
  String* value = call.write_or_create<String>(key);
  *value = format_long_double(sum);
  call.log({"SET", key, *value, "KEEPTTL"});
  call.reply.bulk(*value);
}

}  // namespace powercut::engine::strings
