// What decides the results of something, by name: two of them can be compared, and the difference named.
#pragma once

#include <map>
#include <string>

namespace powercut::scenarios {

using NamedValues = std::map<std::string, std::string>;

// "seeds: 100 and 200", of the first name whose values differ; empty if none does.
std::string difference(const NamedValues& a, const NamedValues& b);

}  // namespace powercut::scenarios
