#include "engine/base/mutant.h"

#ifdef POWERCUT_MUTANTS
namespace powercut {

namespace {
thread_local Mutant active = Mutant::kNone;
}

Mutant active_mutant() { return active; }
void set_active_mutant(Mutant mutant) { active = mutant; }

}  // namespace powercut
#endif
