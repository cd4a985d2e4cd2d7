// Requests and replies as a person reads them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace powercut::scenarios {

// The words of a request, and a reply, in one line of at most `most` characters.
std::string request_text(std::string_view request, size_t most);
std::string reply_text(std::string_view reply, size_t most);

}  // namespace powercut::scenarios
