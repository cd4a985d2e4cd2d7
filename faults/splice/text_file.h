// Whole files, for the generators.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace powercut::faults {

// Errors: kNotFound: it cannot be read.
Result<std::string> contents(const std::string& path);
// Errors: kIo: it cannot be written, or not to its end.
Result<void> write(const std::string& path, const std::string& text);

}  // namespace powercut::faults
