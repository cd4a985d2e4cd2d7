#include "engine/command/command_table.h"

namespace powercut::engine {

std::span<const CommandSpec> transaction_commands() { return {}; }

}  // namespace powercut::engine
