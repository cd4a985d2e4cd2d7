// The cold tier and the archive behind it: how it comes into a start, and what INFO says of it.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "engine/engine.h"

namespace powercut::engine {

Result<void> check_tier(const EngineConfig& config) {
  const TierOptions& tier = config.tier;
  if (tier.path.empty() && !tier.archive_url.empty())
    return Error{Errc::kInvalid, "archive-url needs a cold tier: cold-tier-path"};
  if (tier.archive_url.empty() && tier.cold_bytes != 0)
    return Error{Errc::kInvalid, "cold-tier-size needs an archive: archive-url"};
  if (tier.path.empty() && tier.warm_bytes != 0)
    return Error{Errc::kInvalid,
                 "warm-tier-size needs a cold tier, for what falls out of it: cold-tier-path"};
  if (config.tier.path.empty()) return {};
  if (!config.recovery.append_only)
    return Error{Errc::kInvalid, "cold-tier-path needs the log: appendonly yes"};
  if (config.sink.wanted())
    return Error{Errc::kInvalid,
                 fmt::format("cold-tier-path and {} do not go together yet: leave one of them out",
                             config.sink.url.empty() ? "sink-file" : "sink-url")};
  // A start has all that the log says in memory before values leave it: eviction would take keys that had room.
  if (config.max_memory_bytes != 0 && config.eviction != EvictionPolicy::kNoEviction)
    return Error{Errc::kInvalid,
                 "beside cold-tier-path nothing is evicted: maxmemory-policy noeviction, or no "
                 "maxmemory"};
  return {};
}

Result<void> Engine::look_at_tier(RecoveryOptions& options) {
  if (const auto fits = check_tier(config_); !fits.ok()) return fits;
  if (config_.tier.path.empty()) return {};
  cold_ = std::make_unique<ColdFolder>(os_, config_.tier.path);
  tier_ = std::make_unique<Tier>(os_, keyspace_, *cold_, config_.tier, config_.sizes.tier);
  tier_->set_log_line([this](std::string_view text) { log_line(text); });
  tier_->set_on_failure([this](const Error& error) { aof_.distrust(error); });
  TRY(tier_->set_warm_bytes(config_.tier.warm_bytes));
  if (!config_.tier.archive_url.empty()) TRY(look_at_archive());
  options.cold = cold_.get();
  generations_.set_cold(cold_.get(), [this](const Away& away) {
    return cold_->read(away, keyspace_.encoding_limits());
  });
  executor_.set_bring_back([this](std::span<const std::pair<int, std::string>> keys) {
    const auto brought = tier_->bring_back(keys);
    tier_->look();
    return brought;
  });
  return {};
}

namespace {
constexpr Duration kArchivePatience = seconds(2);

struct ArchiveCheck {
  explicit ArchiveCheck(Os& os) : ended(os) {}
  std::optional<Result<void>> outcome;
  WaitQueue ended;
};
}  // namespace

// What no later call would have is said now; one that cannot be reached may be later, and what lies there is not had
// until then. A start does not wait long for it.
Result<void> Engine::look_at_archive() {
  if (object_store_ == nullptr)
    return Error{Errc::kUnsupported, "archive-url: this program has no way to an object store"};
  cold_->set_archive(*object_store_, config_.tier.archive_url);
  const auto check = std::make_shared<ArchiveCheck>(os_);
  os_.spawn("archive.check", [check, archive = cold_->archive()] {
    check->outcome = archive->check();
    check->ended.notify_all();
  });
  const Instant deadline = os_.now() + kArchivePatience;
  while (!check->outcome && check->ended.wait(deadline)) {
  }
  const Result<void> checked =
      check->outcome.value_or(Error{Errc::kTimeout, config_.tier.archive_url + ": no answer yet"});
  if (!checked.ok() && checked.error().code != Errc::kIo && checked.error().code != Errc::kTimeout)
    return checked;
  if (!checked.ok())
    log_line("the archive is not reached, and values in it are not had: " +
             checked.error().message);
  archiver_ = std::make_unique<Archiver>(os_, *cold_, config_.tier, config_.sizes.tier.restless);
  archiver_->set_log_line([this](std::string_view text) { log_line(text); });
  archiver_->set_on_failure([this](const Error& error) { aof_.distrust(error); });
  tier_->set_on_change([this] { archiver_->look(); });
  return {};
}

Result<void> Engine::begin_tier() {
  TRY(cold_->settle());
  os_.spawn("tier", [this] { tier_->run(); });
  if (archiver_ != nullptr) os_.spawn("archiver", [this] { archiver_->run(); });
  return {};
}

std::string Engine::info_tier() const {
  if (tier_ == nullptr) return {};
  const TierStats& stats = tier_->stats();
  std::string archive;
  if (archiver_ != nullptr) {
    const ArchiverStats& told = archiver_->stats();
    archive = fmt::format(
        "archive_segments:{}\r\narchive_bytes:{}\r\narchive_sent:{}\r\narchive_removed:{}\r\n"
        "archive_not_had:{}\r\narchive_failures:{}\r\narchive_last_status:{}\r\n"
        "archive_last_error:{}\r\narchive_came_back:{}\r\narchive_bytes_written:{}\r\n"
        "archive_bytes_read:{}\r\n",
        cold_->count_archived(), cold_->bytes() - cold_->bytes_here(), told.sent, told.removed,
        stats.not_had, told.failures, told.reached ? "ok" : "err", told.last_error,
        stats.archive_came, told.sent_bytes, stats.archive_came_bytes);
  }
  const std::string cold = fmt::format(
      "cold_values:{}\r\ncold_segments:{}\r\ncold_bytes:{}\r\ncold_left:{}\r\n"
      "cold_came_back:{}\r\ncold_failures:{}\r\ncold_last_error:{}\r\n"
      "cold_bytes_written:{}\r\ncold_bytes_read:{}\r\n",
      cold_->values(), cold_->count(), cold_->bytes(), stats.left, stats.came, stats.failures,
      stats.last_error, stats.left_bytes, stats.came_bytes);
  return archive + cold +
         fmt::format(
             "warm_tier_size:{}\r\nwarm_tier_used:{}\r\nwarm_values:{}\r\nwarm_left:{}\r\n"
             "warm_came_back:{}\r\nwarm_moved_on:{}\r\nwarm_failures:{}\r\n"
             "warm_bytes_written:{}\r\nwarm_bytes_read:{}\r\n",
             tier_->options().warm_bytes, tier_->warm_used(), tier_->warm_values(), stats.warm_left,
             stats.warm_came, stats.warm_moved_on, stats.warm_failures, stats.warm_left_bytes,
             stats.warm_came_bytes);
}

}  // namespace powercut::engine
