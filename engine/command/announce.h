// Events of keys that a command's name says, so that its handler need not.
#pragma once

#include "engine/command/call.h"
#include "engine/command/command_table.h"

namespace powercut::engine {

// What a command that ran has to tell which announced nothing itself: what its row of the table says of its first key.
void announce_by_name(Call& call, const CommandSpec& spec);

}  // namespace powercut::engine
