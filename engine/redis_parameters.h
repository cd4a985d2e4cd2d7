// The directives of Redis 7.0 that no part of the store is made of: known, checked, and kept for CONFIG GET. What shows
// to a client alone (OBJECT ENCODING, LATENCY, DEBUG) goes by them; most cannot matter here; others are refused with the
// reason, where ignoring one would break what it asks for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/config.h"
#include "engine/redis_parameter_table.h"

namespace powercut::engine {

// Sorted by name.
std::span<const RedisParameter> redis_parameters();
const RedisParameter* find_redis_parameter(std::string_view name);
// Valid until the configuration changes.
std::string_view redis_parameter_value(const EngineConfig& config, const RedisParameter& parameter);
// The same of one that the store goes by; as a number.
std::string_view redis_text(const EngineConfig& config, KnownParameter known);
int64_t redis_number(const EngineConfig& config, KnownParameter known);
// kInvalid, with Redis's text for a value that does not fit; kUnsupported with the reason of a refusal.
Result<void> set_redis_parameter(EngineConfig& config, const RedisParameter& parameter,
                                 std::string_view value);

// Directives that only a configuration file has; why this one is refused, or nothing.
std::string_view why_refused_directive(std::string_view name);

// The newer name of a directive that has two ("slave-read-only"), or the name itself.
std::string_view newer_name(std::string_view name);
// The older name of one that has two, or nothing.
std::string_view older_name(std::string_view name);

}  // namespace powercut::engine
