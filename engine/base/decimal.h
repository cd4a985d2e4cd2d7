// Unsigned decimal numbers, where every command of a log passes: a few digits, most of the time.
#pragma once

#include <cstdint>

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

}  // namespace powercut
