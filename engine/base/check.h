// CHECK: a bug in powercut itself. Stays on in every build; operating errors are Result<T> instead.
#pragma once

#include <string>

namespace powercut {

// Tells the witness of this thread, if there is one; prints "file:line: CHECK failed: expression" to standard
// error and aborts. Assertions of the standard library come here too, where a source is compiled with them
// (_GLIBCXX_ASSERTIONS).
[[noreturn, gnu::cold]] void check_failed(const char* file, int line, const char* expression);

// May keep the process alive by never returning to the code that failed, as the end of a simulated world does.
class CheckWitness {
 public:
  virtual ~CheckWitness() = default;
  // `text`: "CHECK failed: expression". Returns if it cannot help.
  virtual void on_check_failed(const char* file, const std::string& text) = 0;
};
// Of the running thread; null: nobody.
extern thread_local CheckWitness* check_witness;

}  // namespace powercut

#define CHECK(expression)                                        \
  do {                                                           \
    if (!(expression)) [[unlikely]]                              \
      ::powercut::check_failed(__FILE__, __LINE__, #expression); \
  } while (false)
