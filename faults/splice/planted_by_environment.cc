// Linked into the tests of the automatic build: POWERCUT_MUTANT names the one that the store has in
// this process, on every thread.
#include <dlfcn.h>
#include <pthread.h>

#include <cstdlib>
#include <memory>

#include "faults/splice/planted.h"

namespace powercut {
namespace {

const Mutant planted = [] {
  const char* name = std::getenv("POWERCUT_MUTANT");
  return active_mutant = name == nullptr ? Mutant() : Mutant::named(Site::named(name));
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
