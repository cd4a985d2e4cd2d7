// A manifest: what is read is what would be written.
#include "engine/aof/manifest.h"

#include <string>

#include "engine/base/check.h"
#include "engine/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace powercut::engine;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto manifest = parse_manifest(bytes);
  if (!manifest.ok() || !is_our_manifest(bytes)) return 0;
  const auto again = parse_manifest(encode_manifest(*manifest));
  CHECK(again.ok() && *again == *manifest);
  return 0;
}
