#include "engine/command/scan.h"

namespace powercut::engine {

namespace {

// An unsigned 64-bit number; leading zeros are fine, and so is a plus sign.
bool parse_cursor(std::string_view text, uint64_t& cursor) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return false;
  cursor = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9 || __builtin_mul_overflow(cursor, uint64_t{10}, &cursor) ||
        __builtin_add_overflow(cursor, uint64_t{digit}, &cursor)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool parse_scan(Call& call, size_t cursor_arg, bool allow_type, uint64_t& cursor,
                ScanOptions& options) {
  if (!parse_cursor(call.arg(cursor_arg), cursor)) {
    call.fail("ERR invalid cursor");
    return false;
  }
  for (size_t i = cursor_arg + 1; i < call.argc(); i += 2) {
    const bool has_value = i + 1 < call.argc();
    if (has_value && call.is(i, "COUNT")) {
      int64_t count = 0;
      if (!call.integer_arg(i + 1, count)) return false;
      if (count < 1) {
        call.fail(kSyntaxError);
        return false;
      }
      options.count = static_cast<size_t>(count);
    } else if (has_value && call.is(i, "MATCH")) {
      options.match = call.arg(i + 1);
      if (*options.match == "*") options.match.reset();
    } else if (has_value && allow_type && call.is(i, "TYPE")) {
      options.type = call.arg(i + 1);
    } else {
      call.fail(kSyntaxError);
      return false;
    }
  }
  return true;
}

}  // namespace powercut::engine
