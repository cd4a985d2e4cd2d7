#include "engine/base/sha256.h"

#include <openssl/sha.h>

#include <array>
#include <cstdint>

namespace powercut {

std::string sha256_hex(std::string_view bytes) {
  std::array<uint8_t, 32> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data());
  std::string digits;
  for (const uint8_t byte : digest) {
    digits += "0123456789abcdef"[byte >> 4];
    digits += "0123456789abcdef"[byte & 15];
  }
  return digits;
}

}  // namespace powercut
