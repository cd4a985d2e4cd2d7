// Addresses of a host, while other tasks run.
#pragma once

#include <string>
#include <vector>

#include "engine/os/posix/posix_os.h"

namespace powercut::engine::postgres {

// At least one, in the order to try them.
//   Errors: kNotFound: there is no such host. kTimeout: nobody has said until `deadline`. kIo: any other.
//   Yields: yes.
Result<std::vector<std::string>> addresses_of(Os& os, const std::string& host, Instant deadline);

}  // namespace powercut::engine::postgres
