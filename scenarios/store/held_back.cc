#include "scenarios/store/held_back.h"

#include <fmt/format.h>

#include "engine/engine.h"

namespace powercut::scenarios {

using engine::SyncPolicy;

// While the log is healed, replies wait for that. What is behind a cut is not written before the next segment is named.
std::string held_back(engine::Engine& engine) {
  const engine::AofLog& log = engine.aof();
  if (!log.active() || log.poisoned() || engine.stopped()) return {};
  const engine::AofOptions& options = log.options();
  const bool always = options.policy == SyncPolicy::kAlways;
  const uint64_t reached = always ? log.synced_lsn() : log.written_lsn();
  if (log.released_lsn() >= reached) return {};
  const bool full = log.unsynced_for() > options.window;
  if (options.policy == SyncPolicy::kEverysec && full) return {};
  return fmt::format("operations are {} up to {}, and replies wait for those behind {}",
                     always ? "synced" : "written", reached, log.released_lsn());
}

}  // namespace powercut::scenarios
