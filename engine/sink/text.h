// What a database takes as text.
#pragma once

#include <string_view>

namespace powercut::engine {

// UTF-8 as Unicode has it, and no NUL.
bool is_text(std::string_view bytes);

}  // namespace powercut::engine
