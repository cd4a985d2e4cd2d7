// CONFIG REWRITE: the configuration file with what is in force now.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/config.h"

namespace powercut::engine {

// Lines of directives whose value has changed are replaced, comments and the rest stay; what differs from the default
// and has no line gets one at the end. `users` are the lines of those that an aclfile has not. A new file replaces the
// old one, once it is whole and synced.
//   Errors: kInvalid: the server was started without a file. Others: the old file is as it was, or the new one is there.
Result<void> rewrite_config(const EngineConfig& config, const std::vector<std::string>& users);

}  // namespace powercut::engine
