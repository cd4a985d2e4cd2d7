// What is said of a name that there is none of: one line, with the name that was probably meant.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace powercut::scenarios {

enum class Named : uint8_t { kPolicy, kPersona, kMutant, kTarget, kWorkload };

// "there is no "evrysec"; did you mean everysec? `powercut list policies` names them all".
// `says_what`: "there is no policy "evrysec"; ...".
std::string no_such(Named what, std::string_view name, bool says_what = false);

}  // namespace powercut::scenarios
