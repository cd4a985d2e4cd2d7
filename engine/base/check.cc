#include "engine/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace powercut {

thread_local CheckWitness* check_witness = nullptr;

void check_failed(const char* file, int line, const char* expression) {
  if (check_witness != nullptr)
    check_witness->on_check_failed(file, std::string("CHECK failed: ") + expression);
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace powercut
