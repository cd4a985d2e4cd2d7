// One rule of a user, applied.
#pragma once

#include <string_view>

#include "engine/command/user/user.h"

namespace powercut::engine {

// "" or, in Redis's words, why the rule is none; then the user may be half changed. `all_channels`: what a new selector
// may listen to.
std::string_view apply_rule(User& user, std::string_view rule, bool all_channels);
std::string_view apply_selector_rule(Selector& selector, std::string_view rule);

inline constexpr std::string_view kUnknownCommand = "Unknown command or category name in ACL";

}  // namespace powercut::engine
