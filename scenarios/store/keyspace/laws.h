// What the store's commands say of each other: that LIMIT shows a part of what is shown without it, that an element has the index
// under which it is found, that a merge counts what was counted together. Keys of their own, in a room of their own. In one line,
// and empty where the law that is drawn holds.
#pragma once

#include <cstdint>
#include <string>

#include "scenarios/store/keyspace/other_ways.h"

namespace powercut::scenarios {

std::string broken_law(int64_t now_ms, const Drawn& draw);

}  // namespace powercut::scenarios
