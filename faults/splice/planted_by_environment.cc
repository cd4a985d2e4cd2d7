// Linked into the tests of the automatic build: POWERCUT_MUTANT names the one that the store has in
// this process, on its first thread.
#include <cstdlib>

#include "faults/splice/planted.h"

namespace powercut {
namespace {

[[maybe_unused]] const bool planted = [] {
  const char* name = std::getenv("POWERCUT_MUTANT");
  if (name != nullptr) active_mutant = Mutant::named(Site::named(name));
  return name != nullptr;
}();

}  // namespace
}  // namespace powercut
