#include "engine/command/command_table.h"

namespace powercut::engine {

std::span<const CommandSpec> sorted_set_commands() { return {}; }

}  // namespace powercut::engine
