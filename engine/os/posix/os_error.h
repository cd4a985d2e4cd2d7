// What errno means at the seam.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::engine {

Errc errc_of(int error_number);

// "open data/f: No such file or directory"
Error os_error(std::string_view what, std::string_view path, int error_number);

// Calls `call` until no signal interrupts it: its result, or -errno.
template <class Call>
int64_t retry_eintr(Call call) {
  for (;;) {
    const int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace powercut::engine
