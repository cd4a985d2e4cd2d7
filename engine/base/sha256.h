// SHA-256: how a password is shown to who may see that there is one.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace powercut {

using Sha256 = std::array<uint8_t, 32>;
Sha256 sha256(std::string_view bytes);

}  // namespace powercut
