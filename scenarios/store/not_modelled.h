// What clients may say to the store, and the judge has no model of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace powercut::scenarios {

// Why no run is judged in which a client says this; empty: the judge knows what it does, or the store
// answers it with an error and does nothing.
std::string not_modelled_of_store(const std::vector<std::string_view>& words);

}  // namespace powercut::scenarios
