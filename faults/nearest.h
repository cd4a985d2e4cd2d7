// Of names that there are, the one that was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace powercut::faults {

// The one that takes the fewest letters added, left out, replaced or swapped with their neighbour,
// if it is near enough to be meant; empty: none is. Of equals, the first.
std::string nearest(std::string_view wrong, const std::vector<std::string>& names);

// "there is no persona "exf4"; did you mean ext4? `powercut list personas` names them all". `list` and
// `noun` may be empty: then nothing is said of a list, or of what it would have been.
std::string no_such(std::string_view wrong, const std::vector<std::string>& names,
                    std::string_view list, std::string_view noun = "");

}  // namespace powercut::faults
