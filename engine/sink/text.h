// What a database takes as text, and what a line for people has of bytes.
#pragma once

#include <string>
#include <string_view>

namespace powercut::engine {

// UTF-8 as Unicode has it, and no NUL.
bool is_text(std::string_view bytes);
// The begin of them, on one line.
std::string shown(std::string_view bytes);

}  // namespace powercut::engine
