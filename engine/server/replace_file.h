// Files of the process itself, such as its configuration and its users.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::engine {

// Gives a file new content: after a kill and after a power cut it is the old one or the new one, and once this has
// returned the new one. Keeps its permissions. Blocks the thread for two syncs.
//   Errors: as the seam's. The old file is as it was; where the last sync fails, the new one is there, for now.
Result<void> replace_file(const std::string& path, std::string_view content);

Result<std::string> read_whole_file(const std::string& path);

}  // namespace powercut::engine
