// Before a start that finds nothing: does the directory hold what looks like a store all the same?
//
// A log or a checkpoint under another name, a single log as of Redis 6, or a log's directory of another name would be
// passed over in silence, and written over in time. So it is refused by name.
#pragma once

#include <string_view>

#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

// A checkpoint of any server, ours too, or the log of another one: commands, or a second in front of them
// (aof-timestamp-enabled).
bool begins_as_others_do(std::string_view bytes);

// The log's own directory was looked at already. True if there is a file named `wanted`: it is not passed over.
//   Errors: kInvalid, with the name and what to do. Others as the seam's.
Result<bool> check_nothing_passed_over(Os& os, std::string_view wanted);

}  // namespace powercut::engine
