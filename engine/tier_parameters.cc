// The parameters of the cold tier (engine/tier/tier.h).
#include <algorithm>

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

// What it would be in a note (engine/tier/archive.h).
Result<void> set_archive_url(EngineConfig& config, std::string_view value) {
  if (value.empty()) {
    config.tier.archive_url.clear();
    return {};
  }
  const auto url = parse_archive_url(value);
  if (!url.ok()) return invalid(url.error().message);
  config.tier.archive_url = "s3://" + url->bucket + (url->prefix.empty() ? "" : "/" + url->prefix);
  return {};
}

Result<void> set_after(EngineConfig& config, std::string_view value) {
  constexpr int64_t kTenYears = 315'360'000;
  TRY_ASSIGN(config.tier.archive_after_s, integer(value, 0, kTenYears));
  return {};
}

Result<void> set_archive_endpoint(EngineConfig& config, std::string_view value) {
  if (!value.empty() && !value.starts_with("http://") && !value.starts_with("https://"))
    return invalid("it must begin with http:// or https://");
  while (value.ends_with('/')) value.remove_suffix(1);
  config.tier.archive_endpoint = value;
  return {};
}

Result<void> set_archive_region(EngineConfig& config, std::string_view value) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (value.empty() || !plain) return invalid("it must be the name of a region, as us-east-1");
  config.tier.archive_region = value;
  return {};
}

Result<void> set_warm_size(EngineConfig& config, std::string_view value) {
  constexpr uint64_t kLeast = 1 << 20;
  constexpr uint64_t kMost = uint64_t{1} << 46;
  uint64_t bytes = 0;
  TRY(set_bytes(bytes, value));
  if (bytes != 0 && (bytes < kLeast || bytes > kMost))
    return invalid("it must be 0, or from 1mb to 64tb");
  config.tier.warm_bytes = bytes;
  return {};
}

constexpr Parameter kTierParameters[] = {
    {"archive-after", Settable::kRunTime,
     [](Config c) { return std::to_string(c.tier.archive_after_s); },
     [](EngineConfig& c, std::string_view value) { return set_after(c, value); },
     "seconds without a read after which a segment goes to the archive; 0: never for that"},
    {"archive-endpoint", Settable::kSame, [](Config c) { return c.tier.archive_endpoint; },
     set_archive_endpoint,
     "where the archive's S3 API is, as https://HOST:PORT; empty: Amazon's of the region"},
    {"archive-region", Settable::kSame, [](Config c) { return c.tier.archive_region; },
     set_archive_region, "the region that requests to the archive are signed for"},
    {"archive-url", Settable::kSame, [](Config c) { return c.tier.archive_url; }, set_archive_url,
     "s3://BUCKET/PREFIX for segments of the cold tier that are seldom read; empty: all stay on "
     "the "
     "disk"},
    {"cold-tier-compression", Settable::kRunTime,
     [](Config c) -> std::string { return c.tier.compress ? "lz4" : "none"; }, set_compression,
     "lz4 or none: how values lie in the cold tier"},
    {"cold-tier-path", Settable::kSame, [](Config c) { return c.tier.path; }, set_cold_path,
     "a folder in dir for values that are seldom used; empty: all are in memory"},
    {"cold-tier-size", Settable::kRunTime,
     [](Config c) { return std::to_string(c.tier.cold_bytes); },
     [](EngineConfig& c, std::string_view value) { return set_bytes(c.tier.cold_bytes, value); },
     "bytes of segments on the disk, beyond which the coldest go to the archive; 0: any"},
    {"hot-tier-size", Settable::kRunTime, [](Config c) { return std::to_string(c.tier.hot_bytes); },
     [](EngineConfig& c, std::string_view value) { return set_bytes(c.tier.hot_bytes, value); },
     "bytes of values that stay in memory beside a cold tier; 0: any"},
    {"warm-tier-size", Settable::kRunTime,
     [](Config c) { return std::to_string(c.tier.warm_bytes); }, set_warm_size,
     "bytes of a mapped file for values between memory and the cold tier; 0: none"},
};

}  // namespace

std::span<const Parameter> tier_parameters() { return kTierParameters; }

}  // namespace powercut::engine
