// The parameters of the cold tier (engine/tier/tier.h).
#include "engine/parameter_values.h"
#include "engine/parameters.h"

namespace powercut::engine {

namespace {

using Config = const EngineConfig&;

// Beside the log: a name that nothing else of the store has.
Result<void> set_cold_path(EngineConfig& config, std::string_view value) {
  if (!is_cold_path(value)) return invalid("it must be the name of a folder in dir, not a path");
  const ServiceConfig& service = config.service;
  if (!value.empty() && (value == service.checkpoint_name || value == service.log_name ||
                         value == service.log_directory || value == kBackupsDirectory ||
                         value.find(' ') != value.npos))
    return invalid("something of the store has that name, or it has a blank");
  config.tier.path = value;
  return {};
}

Result<void> set_compression(EngineConfig& config, std::string_view value) {
  TRY_ASSIGN(const size_t which, word(value, {"lz4", "none"}));
  config.tier.compress = which == 0;
  return {};
}

Result<void> set_warm_size(EngineConfig&, std::string_view value) {
  uint64_t bytes = 0;
  TRY(set_bytes(bytes, value));
  if (bytes == 0) return {};
  return invalid("there is no warm tier yet: hot-tier-size and cold-tier-path are there");
}

constexpr Parameter kTierParameters[] = {
    {"cold-tier-compression", Settable::kRunTime,
     [](Config c) -> std::string { return c.tier.compress ? "lz4" : "none"; }, set_compression,
     "lz4 or none: how values lie in the cold tier"},
    {"cold-tier-path", Settable::kSame, [](Config c) { return c.tier.path; }, set_cold_path,
     "a folder in dir for values that are seldom used; empty: all are in memory"},
    {"hot-tier-size", Settable::kRunTime, [](Config c) { return std::to_string(c.tier.hot_bytes); },
     [](EngineConfig& c, std::string_view value) { return set_bytes(c.tier.hot_bytes, value); },
     "bytes of values that stay in memory beside a cold tier; 0: any"},
    {"warm-tier-size", Settable::kSame, [](Config) -> std::string { return "0"; }, set_warm_size,
     "0: there is no warm tier yet"},
};

}  // namespace

std::span<const Parameter> tier_parameters() { return kTierParameters; }

}  // namespace powercut::engine
