// A checkpoint: whoever reads it to look at it and whoever loads it agree.
#include <string>

#include "engine/base/check.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/fuzz/target.h"
#include "engine/os/memory_file_testing.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace powercut::engine;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto loaded = load_rdb(bytes, "dump.rdb", keyspace);
  MemoryFile file(bytes, 13);
  const auto looked_at = check_rdb(file, "dump.rdb");
  if (loaded.ok()) CHECK(looked_at.ok() && looked_at->keys == loaded->keys);
  return 0;
}
