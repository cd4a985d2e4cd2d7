// What a run seldom comes to, beside what it should be: a value among items at the edges of their encodings, in each form that an
// older server may have written; scores that are infinite, united; an expiry at the very time that is there. Each in one line,
// and empty where they agree.
#pragma once

#include <string>

#include "engine/store/keyspace.h"
#include "scenarios/store/keyspace/other_ways.h"

namespace powercut::scenarios {

std::string read_from_older_words(const engine::Value& value, const Drawn& draw);
std::string united_at_edges(const Drawn& draw);
// Members of which some are said twice, to a set that is there or not.
std::string added_twice(const Drawn& draw);
std::string expires_at_edges(const Drawn& draw);

}  // namespace powercut::scenarios
