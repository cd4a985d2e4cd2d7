// What the two families of scripts share: EVAL in eval.cc, FUNCTION in functions.cc.
#pragma once

#include "engine/command/call.h"
#include "engine/command/script/scripts.h"

namespace powercut::engine::script {

// nullptr: a log is replayed, and it was answered that this is no place for scripts.
Scripts* scripts_of(Call& call);

}  // namespace powercut::engine::script
