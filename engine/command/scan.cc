#include "engine/command/scan.h"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>

namespace powercut::engine {

namespace {

// As strtoul() takes one, which ends at a byte of zero and lets a number be negative; nothing is 0.
bool is_cursor(std::string_view text, uint64_t& cursor) {
  const std::string word(text.substr(0, text.find('\0')));
  if (!word.empty() && std::isspace(static_cast<unsigned char>(word[0]))) return false;
  char* end = nullptr;
  errno = 0;
  cursor = std::strtoul(word.c_str(), &end, 10);
  return *end == '\0' && errno != ERANGE;
}

}  // namespace

bool parse_cursor(Call& call, size_t at, uint64_t& cursor) {
  if (is_cursor(call.arg(at), cursor)) return true;
  call.fail("ERR invalid cursor");
  return false;
}

bool parse_scan_options(Call& call, size_t at, bool allow_type, ScanOptions& options) {
  for (size_t i = at; i < call.argc(); i += 2) {
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
