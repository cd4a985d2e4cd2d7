#include "engine/base/sha1.h"

#include <openssl/sha.h>

namespace powercut {

Sha1 sha1(std::string_view bytes) {
  Sha1 digest{};
  SHA1(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace powercut
