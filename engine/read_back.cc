// DEBUG RELOAD and LOADAOF: what was written is read back into another keyspace, and compared to the one that is served,
// while no write runs. Nothing is replaced: an answer is OK only if a start from these files would serve the same.
#include <fmt/format.h>

#include "engine/checkpoint/rdb_decode.h"
#include "engine/engine.h"
#include "engine/os/read_only_os.h"
#include "engine/recovery/checkpoint_file.h"
#include "engine/redis_parameters.h"
#include "engine/store/digest.h"

namespace powercut::engine {

namespace {

// No write runs, and nothing expires, while it lives.
class NoWrites {
 public:
  explicit NoWrites(Clients& clients) : clients_(clients) { clients_.close_writes(true); }
  ~NoWrites() { clients_.close_writes(false); }
  NoWrites(const NoWrites&) = delete;
  NoWrites& operator=(const NoWrites&) = delete;

 private:
  Clients& clients_;
};

}  // namespace

// What lies in the cold tier is not read for a comparison.
Result<void> Engine::check_all_in_memory() const {
  if (cold_ == nullptr || cold_->values() == 0) return {};
  return Error{Errc::kUnsupported,
               fmt::format("{} values are in the cold tier, and not compared", cold_->values())};
}

Result<void> Engine::compare(Keyspace& found, std::string_view what) {
  const WallTime now = os_.wall_now();
  keyspace_.set_now(now);
  found.set_now(now);
  found.set_loading(false);
  if (digest_of(found) == digest_of(keyspace_) && found.libraries() == keyspace_.libraries())
    return {};
  return Error{Errc::kCorrupt, fmt::format("{} does not hold what is stored", what)};
}

Result<void> Engine::check_checkpoint() {
  while (shutting_down_) shutdown_over_.wait();
  if (executor_.clients().writes_closed())
    return Error{Errc::kInvalid, "another DEBUG RELOAD or LOADAOF is under way"};
  TRY(check_all_in_memory());
  const NoWrites guard(executor_.clients());
  TRY(keeper_.save_now());
  TRY_ASSIGN(const auto file, os_.open(kCheckpointName, Open::kRead));
  Keyspace found(config_.databases);
  found.set_loading(true);
  TRY(load_rdb(*file, kCheckpointName, found));
  return compare(found, "the checkpoint");
}

Result<void> Engine::check_log() {
  while (shutting_down_) shutdown_over_.wait();
  if (!aof_.active()) return Error{Errc::kInvalid, "there is no log: appendonly is no"};
  if (tier_ != nullptr)
    return Error{Errc::kUnsupported, "the log of a store with a cold tier is not compared yet"};
  if (executor_.clients().writes_closed())
    return Error{Errc::kInvalid, "another DEBUG RELOAD or LOADAOF is under way"};
  const NoWrites guard(executor_.clients());
  while (aof_.written_lsn() < aof_.applied_lsn()) {
    if (!aof_.blocked().empty()) return Error{Errc::kIo, aof_.blocked()};
    aof_.progress().wait();
  }
  ReadOnlyOs files(os_);
  Keyspace found(config_.databases);
  RecoveryOptions options = config_.recovery;
  options.on_corruption = OnCorruption::kAbort;
  options.progress = nullptr;
  TRY_ASSIGN(const Recovered recovered, recover(files, found, options));
  (void)recovered;
  return compare(found, "the log");
}

bool Engine::debug_allowed(const Client& client) {
  const std::string_view allowed = redis_text(config_, "enable-debug-command");
  const std::string& from = client.address;
  const bool local = from.starts_with("127.") || from.starts_with("[::1]") || from.starts_with('/');
  return allowed == "yes" || (allowed == "local" && local);
}

Result<void> Engine::stall(Duration duration) {
  if (!process_.stall) return Control::stall(duration);
  process_.stall(duration);
  return {};
}

void Engine::set_active_expire(bool on) {
  active_expire_ = on;
  wake_expirer_.notify_all();
}

}  // namespace powercut::engine
