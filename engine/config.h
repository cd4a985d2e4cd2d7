// What an engine is told when it opens. Redis's names stand beside each field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

struct SaveRule {
  int64_t seconds;
  uint64_t changes;
};

struct EngineConfig {
  RecoveryOptions recovery;               // appendonly, on-corruption, recovery-time-limit
  AofOptions aof;                         // appendfsync, aof-loss-window-ms
  std::vector<SaveRule> save;             // save
  uint64_t rewrite_percentage = 100;      // auto-aof-rewrite-percentage; 0: never by itself
  uint64_t rewrite_min_bytes = 64 << 20;  // auto-aof-rewrite-min-size
  uint64_t max_memory_bytes = 0;          // maxmemory; 0: no limit
  std::string directory = ".";            // dir: where the Os's root is, for CONFIG GET alone
};

}  // namespace powercut::engine
