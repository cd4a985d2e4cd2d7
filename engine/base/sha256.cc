#include "engine/base/sha256.h"

#include <openssl/sha.h>

namespace powercut {

Sha256 sha256(std::string_view bytes) {
  Sha256 digest{};
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace powercut
