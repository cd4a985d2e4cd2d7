// SHA-1, for digests that other programs compute as well. Nothing here rests on its strength.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace powercut {

using Sha1 = std::array<uint8_t, 20>;
Sha1 sha1(std::string_view bytes);

}  // namespace powercut
