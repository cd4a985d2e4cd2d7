// One process a data directory.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

// Holds the directory until the descriptor is closed or the process ends.
//   Errors: kRefused: another process holds it. kUnsupported: the filesystem has no locks. kNotFound, kInvalid, kIo.
Result<Descriptor> lock_directory(const std::string& directory);

}  // namespace powercut::engine
