// Memory of a file without a name, mapped (engine/os/scratch.h).
//
// A page that the device does not give, or has no space for, is a SIGBUS of whoever touches it: while bytes are copied it is
// taken as an error of that call; any other one is what it would be without this.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/result.h"
#include "engine/os/posix/descriptor.h"
#include "engine/os/scratch.h"

namespace powercut::engine {

// In the directory that is open as `directory`.
//   Errors: kNoSpace; kUnsupported: the filesystem sets no space aside; kRefused, kIo.
Result<std::unique_ptr<Scratch>> open_posix_scratch(int directory, uint64_t size);
// Of an open file that has so many bytes.
Result<std::unique_ptr<Scratch>> map_scratch(Descriptor file, uint64_t size);

}  // namespace powercut::engine
