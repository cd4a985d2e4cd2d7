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

namespace powercut::engine {

struct RedisParameter {
  enum class Kind : unsigned char {
    kBool,
    kNumber,
    kBytes,
    kShare,
    kWord,
    kText,
    kPercentiles,
    kMaster
  };
  std::string_view name;
  Kind kind;
  std::string_view standard;  // Redis's own default
  // kShare: bytes, or so many per cent. kPercentiles: numbers from 0 to 100.
  // kWord: the words there are, separated by '|'. kNumber: the least and the most, as "0|100". Else nothing.
  std::string_view values = "";
  // If any other value than the default is refused: why.
  std::string_view refusal = "";
  bool at_run_time = true;  // CONFIG SET may change it
};

// Sorted by name.
std::span<const RedisParameter> redis_parameters();
const RedisParameter* find_redis_parameter(std::string_view name);
// Valid until the configuration changes.
std::string_view redis_parameter_value(const EngineConfig& config, const RedisParameter& parameter);
// The same of one that must be there; as a number.
std::string_view redis_text(const EngineConfig& config, std::string_view name);
int64_t redis_number(const EngineConfig& config, std::string_view name);
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
