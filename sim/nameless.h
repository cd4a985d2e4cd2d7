// Files that no name leads to, as O_TMPFILE makes them, and names for files by their inodes. Outside the
// seam: for programs seen on real kernels.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "sim/disk_state.h"

namespace powercut::sim {

// Empty and open. It is gone once it is released, if it has no name by then.
InodeId add_nameless(DiskState& disk);

// One more name for a file. What survives of it, a cut decides as of any other.
//   Errors: kExists; those of resolving the path. REQUIRES: it is a file, and there.
Result<void> name_file(DiskState& disk, InodeId file, std::string_view path);

}  // namespace powercut::sim
