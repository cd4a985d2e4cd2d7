// CHECK: a bug in powercut itself. Stays on in every build; operating errors are Result<T> instead.
#pragma once

namespace powercut {

// Prints "file:line: CHECK failed: expression" to standard error and aborts.
[[noreturn, gnu::cold]] void check_failed(const char* file, int line, const char* expression);

}  // namespace powercut

#define CHECK(expression)                                        \
  do {                                                           \
    if (!(expression)) [[unlikely]]                              \
      ::powercut::check_failed(__FILE__, __LINE__, #expression); \
  } while (false)
