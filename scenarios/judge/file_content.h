// A file of a simulated disk, as a process would read it, or have written it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/disk.h"

namespace powercut::scenarios {

// None: there is no such file, or it cannot be read.
std::optional<std::string> file_content(const sim::Disk& disk, std::string_view path);
// It is there with these bytes, which are durable; its name, where it is new, is not.
void put_file(sim::Disk& disk, const std::string& path, std::string_view bytes);

}  // namespace powercut::scenarios
