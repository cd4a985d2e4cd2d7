// The handlers of the hash family that its table takes from other files.
#pragma once

namespace powercut::engine {

class Call;

// walk.cc
void hrandfield_command(Call& call);
void hscan_command(Call& call);

}  // namespace powercut::engine
