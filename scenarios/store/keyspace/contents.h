// What a store holds, for people.
#pragma once

#include <string>
#include <vector>

#include "engine/store/keyspace.h"

namespace powercut::scenarios {

// A line a key: "database 1: s:8 = \"other\"", sorted; at most so many, then how many more. What has
// expired at `now_ms` is left out.
std::vector<std::string> contents_of(const engine::Keyspace& keyspace, int64_t now_ms, size_t most);

}  // namespace powercut::scenarios
