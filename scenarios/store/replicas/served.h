// An engine that is reached over the simulated network, as powercut-server is over sockets: who makes a link to it is a
// client, and its replicas are.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/os/net.h"

namespace powercut::scenarios {

inline constexpr int kNodePort = 6379;

// Serves whoever comes to `name`, in tasks of `os`, until the world ends. `engine`, `os` and `net` outlive them.
void serve_links(engine::Os& os, engine::Net& net, const std::string& name, engine::Engine& engine);

}  // namespace powercut::scenarios
