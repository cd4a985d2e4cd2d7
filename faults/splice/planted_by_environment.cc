// Linked into the tests of the automatic build: POWERCUT_MUTANT names the one that the store has in
// this process, on every thread. POWERCUT_ASKED names a file for where each test came to: a line a test, its name and
// the places of asked_mutants.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "faults/splice/planted.h"

namespace powercut {
namespace {

const Mutant planted = [] {
  const char* name = std::getenv("POWERCUT_MUTANT");
  return active_mutant = name == nullptr ? Mutant() : Mutant::named(Site::named(name));
}();

// A test may plant one of its own, and leaves none behind it.
class Planting : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { active_mutant = planted; }
};

const bool planting = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Planting);
  return true;
}();

// The places lie in memory that the children of a test share: what a death test comes to counts.
class Notes : public testing::EmptyTestEventListener {
 public:
  explicit Notes(const char* path)
      : file_(std::fopen(path, "we")),
        asked_(static_cast<uint8_t*>(mmap(nullptr, kAskedBytes, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (file_ == nullptr || asked_ == MAP_FAILED) std::abort();
    asked_mutants = asked_;
  }

 private:
  void OnTestEnd(const testing::TestInfo& test) override {
    std::fprintf(file_, "%s.%s", test.test_suite_name(), test.name());
    uint8_t* const end = asked_ + kAskedBytes;
    for (uint8_t* at = asked_;; *at++ = 0) {
      at = static_cast<uint8_t*>(std::memchr(at, 1, static_cast<size_t>(end - at)));
      if (at == nullptr) break;
      std::fprintf(file_, " %td", at - asked_);
    }
    std::fputc('\n', file_);
    std::fflush(file_);
  }

  std::FILE* file_;
  uint8_t* asked_;
};

const bool noting = [] {
  const char* path = std::getenv("POWERCUT_ASKED");
  if (path == nullptr) return false;
  testing::UnitTest::GetInstance()->listeners().Append(new Notes(path));
  return true;
}();

struct Start {
  void* (*body)(void*);
  void* argument;
};

void* begin(void* start) {
  const std::unique_ptr<Start> own(static_cast<Start*>(start));
  active_mutant = planted;
  return own->body(own->argument);
}

}  // namespace
}  // namespace powercut

// The store without io_uring has a helper thread.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*body)(void*), void* argument) noexcept {
  static const auto next =
      reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  auto start = std::make_unique<powercut::Start>(powercut::Start{body, argument});
  const int error = next(thread, attributes, powercut::begin, start.get());
  if (error == 0) start.release();
  return error;
}
