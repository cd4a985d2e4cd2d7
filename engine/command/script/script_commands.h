// What the two families of scripts share: EVAL in eval.cc, FUNCTION in functions.cc.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/command/call.h"
#include "engine/command/script/scripts.h"

namespace powercut::engine::script {

// As EVAL and FCALL have them: their number in the third word, and then they.
void keys_behind_their_number(std::span<const std::string_view> args,
                              std::vector<size_t>& positions);
// nullptr: a log is replayed, and it was answered that this is no place for scripts.
Scripts* scripts_of(Call& call);

}  // namespace powercut::engine::script
