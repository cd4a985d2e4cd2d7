// What the store's files are, by their names.
#pragma once

#include <string_view>

#include "faults/plan.h"

namespace powercut::scenarios {

faults::FileRole role_of_store_file(std::string_view path);

}  // namespace powercut::scenarios
