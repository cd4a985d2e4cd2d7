// A file of a simulated disk, as a process would read it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/disk.h"

namespace powercut::scenarios {

// None: there is no such file, or it cannot be read.
std::optional<std::string> file_content(const sim::Disk& disk, std::string_view path);

}  // namespace powercut::scenarios
