#include "engine/command/command_table.h"

namespace powercut::engine {

std::span<const CommandSpec> key_commands() { return {}; }

}  // namespace powercut::engine
