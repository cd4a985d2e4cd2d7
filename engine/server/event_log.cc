#include "engine/server/event_log.h"

#include <fmt/format.h>

#include <utility>

namespace powercut::engine {

void EventLog::look() {
  const KeeperStats now = engine_.keeper().stats();
  const auto more = [&](uint64_t KeeperStats::*count) { return now.*count > before_.*count; };
  if (more(&KeeperStats::saves)) log_.notice("DB saved on disk");
  if (more(&KeeperStats::failed_saves)) log_.warning("Background saving error: " + now.last_error);
  if (more(&KeeperStats::rewrites)) log_.notice("Background AOF rewrite finished successfully");
  if (more(&KeeperStats::failed_rewrites))
    log_.warning("Background AOF rewrite error: " + now.last_error);
  if (more(&KeeperStats::heals))
    log_.warning("the log was healed: all that is applied is in a new generation of files");
  if (more(&KeeperStats::failed_heals))
    log_.warning(
        fmt::format("the log could not be healed, and is tried again: {}", now.last_error));
  before_ = now;

  const std::string& blocked = engine_.aof().blocked();
  if (blocked != blocked_) {
    if (blocked.empty()) {
      log_.notice("writes are taken again");
    } else {
      log_.warning("writes are refused: " + blocked);
    }
    blocked_ = blocked;
  }
  const uint64_t delayed = engine_.aof().delayed_replies();
  if (delayed > delayed_)
    log_.notice(
        fmt::format("a sync is taking too long: {} replies waited for it, so that no more "
                    "than the window can be lost",
                    delayed - delayed_));
  delayed_ = delayed;
}

}  // namespace powercut::engine
