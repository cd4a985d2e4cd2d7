// The cold tier: how it comes into a start, and what INFO says of it.
#include <fmt/format.h>

#include "engine/engine.h"

namespace powercut::engine {

Result<void> check_tier(const EngineConfig& config) {
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
  if (config_.tier.path.empty()) return {};
  if (const auto fits = check_tier(config_); !fits.ok()) return fits;
  cold_ = std::make_unique<ColdFolder>(os_, config_.tier.path);
  tier_ = std::make_unique<Tier>(os_, keyspace_, *cold_, config_.tier, config_.sizes.tier);
  tier_->set_log_line([this](std::string_view text) { log_line(text); });
  tier_->set_on_failure([this](const Error& error) { aof_.distrust(error); });
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

Result<void> Engine::begin_tier() {
  TRY(cold_->settle());
  os_.spawn("tier", [this] { tier_->run(); });
  return {};
}

std::string Engine::info_tier() const {
  if (tier_ == nullptr) return {};
  const TierStats& stats = tier_->stats();
  return fmt::format(
      "cold_values:{}\r\ncold_segments:{}\r\ncold_bytes:{}\r\ncold_left:{}\r\n"
      "cold_came_back:{}\r\ncold_failures:{}\r\ncold_last_error:{}\r\n",
      cold_->values(), cold_->count(), cold_->bytes(), stats.left, stats.came, stats.failures,
      stats.last_error);
}

}  // namespace powercut::engine
