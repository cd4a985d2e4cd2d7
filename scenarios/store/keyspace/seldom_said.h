// What clients seldom say, said to a value in a room of its own: what is logged of it must come to the same on a copy that was
// written, read, and is packed otherwise, as a start has it. And what is done and undone again and again must count for as much
// memory as it did the first times. Each in one line, and empty where all is well.
#pragma once

#include <cstdint>
#include <string>

#include "engine/store/keyspace.h"
#include "scenarios/store/keyspace/other_ways.h"

namespace powercut::scenarios {

std::string logged_otherwise(const engine::Object& object, int64_t now_ms, const Drawn& draw);
std::string counted_again(int64_t now_ms, const Drawn& draw);

}  // namespace powercut::scenarios
