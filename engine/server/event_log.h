// What the store did by itself, or met, as lines of the process's log: saves, rewrites, heals, refusals, slow syncs.
#pragma once

#include <cstdint>
#include <string>

#include "engine/engine.h"
#include "engine/server/server_log.h"

namespace powercut::engine {

class EventLog {
 public:
  EventLog(const Engine& engine, ServerLog& log) : engine_(engine), log_(log) {}

  // Logs what has happened since the last call.
  void look();

 private:
  const Engine& engine_;
  ServerLog& log_;
  KeeperStats before_;
  uint64_t delayed_ = 0;
  std::string blocked_;
};

}  // namespace powercut::engine
