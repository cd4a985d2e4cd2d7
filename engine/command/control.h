// What server and persistence commands ask of the engine. The engine implements it; a fake does in tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/command/slow_log.h"

namespace powercut::engine {

class Control {
 public:
  virtual ~Control() = default;

  // --- Persistence. save() and shutdown() yield; the others only start something. ---
  virtual Result<void> save() = 0;  // SAVE: returns when the checkpoint is published
  virtual Result<std::string> background_save() = 0;  // BGSAVE: the reply's text
  virtual Result<std::string> rewrite_aof() = 0;      // BGREWRITEAOF: the reply's text
  virtual int64_t last_save_unix_s() = 0;             // LASTSAVE
  virtual Result<void> shutdown(bool save) = 0;       // SHUTDOWN: returns only on failure

  // --- Configuration ---
  // CONFIG GET: the parameters whose names match the glob, sorted by name.
  virtual std::vector<std::pair<std::string, std::string>> config_get(std::string_view pattern) = 0;
  // CONFIG SET: the error's message is what Redis answers after "ERR ". Yields.
  virtual Result<void> config_set(std::string_view name, std::string_view value) = 0;
  // CONFIG REWRITE
  virtual Result<void> config_rewrite() {
    return Error{Errc::kInvalid, "The server is running without a config file"};
  }
  // CONFIG RESETSTAT
  virtual void reset_stats() = 0;

  // --- SLOWLOG ---
  virtual const SlowLog* slow_log() { return nullptr; }
  virtual void reset_slow_log() {}

  // --- INFO ---
  // The "name:value" lines of a section ("server", "clients", "memory", "persistence", "stats", "keyspace",
  // ...), without its header; empty if unknown.
  virtual std::string info_section(std::string_view section) = 0;
};

}  // namespace powercut::engine
