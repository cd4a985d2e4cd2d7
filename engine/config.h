// What an engine is told when it opens. Redis's names stand beside each field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

struct SaveRule {
  int64_t seconds;
  uint64_t changes;
};

// How large the engine's own steps are. No client sets them; the judge draws them, so that a run of some hundred
// operations meets what else takes gigabytes.
struct EngineSizes {
  CheckpointSizes checkpoint;
  Duration expire_lag{0};    // how long a key that has expired may stay before the expirer looks
  size_t expire_batch = 64;  // keys that it removes in one step
};

struct EngineConfig {
  RecoveryOptions recovery;               // appendonly, on-corruption, recovery-time-limit
  AofOptions aof;                         // appendfsync, aof-loss-window-ms
  std::vector<SaveRule> save;             // save
  uint64_t rewrite_percentage = 100;      // auto-aof-rewrite-percentage; 0: never by itself
  uint64_t rewrite_min_bytes = 64 << 20;  // auto-aof-rewrite-min-size
  uint64_t max_memory_bytes = 0;          // maxmemory; 0: no limit
  EngineSizes sizes;
  std::string directory = ".";  // dir: where the Os's root is, for CONFIG GET alone
};

}  // namespace powercut::engine
