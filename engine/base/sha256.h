// SHA-256: how a password is shown to who may see that there is one, and how what is sent is signed for.
#pragma once

#include <string>
#include <string_view>

namespace powercut {

// In 64 lower-case digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace powercut
