// The set family's handlers that do not stand in set.cc.
#pragma once

#include "engine/command/call.h"

namespace powercut::engine {

// random.cc
void spop_command(Call& call);
void srandmember_command(Call& call);

// algebra.cc
void sinter_command(Call& call);
void sintercard_command(Call& call);
void sinterstore_command(Call& call);
void sunion_command(Call& call);
void sunionstore_command(Call& call);
void sdiff_command(Call& call);
void sdiffstore_command(Call& call);

}  // namespace powercut::engine
