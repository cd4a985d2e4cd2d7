#include "engine/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace powercut {

thread_local CheckWitness* check_witness = nullptr;

void check_failed(const char* file, int line, const char* expression) {
  if (check_witness != nullptr)
    check_witness->on_check_failed(file, std::string("CHECK failed: ") + expression);
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, expression);
  std::abort();
}

}  // namespace powercut

// libstdc++ prints and aborts; this one takes its place, since an executable's symbols come first. It is called by the judged
// copies of the store's sources (CMakeLists.txt: precompiled_judged), so the store is what is said to have failed.
namespace std {
[[noreturn]] void __glibcxx_assert_fail(const char* file, int line, const char* /*function*/,
                                        const char* condition) noexcept;
void __glibcxx_assert_fail(const char* file, int line, const char* /*function*/,
                           const char* condition) noexcept {
  const std::string_view path = file;
  const std::string text = std::string(condition) + " (of the standard library: " +
                           std::string(path.substr(path.rfind('/') + 1)) + ":" +
                           std::to_string(line) + ")";
  powercut::check_failed(__FILE__, __LINE__, text.c_str());
}
}  // namespace std
