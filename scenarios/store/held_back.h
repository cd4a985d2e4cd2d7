// Replies that wait though nothing says that they must (engine/DURABILITY.md, "When a reply may leave").
#pragma once

#include <string>

namespace powercut::engine {
class Engine;
}

namespace powercut::scenarios {

// In one line; empty: each that may leave may leave. Holds between any two steps.
std::string held_back(engine::Engine& engine);

}  // namespace powercut::scenarios
