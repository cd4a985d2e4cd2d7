// The parameters of CONFIG GET, CONFIG SET and powercut-server's command line: each a view of a field of
// EngineConfig, under Redis's name and with Redis's texts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/config.h"

namespace powercut::engine {

enum class Settable : unsigned char {
  kRunTime,  // CONFIG SET, and at the start
  kStart,    // only at the start
  kSame,     // only at the start here, or Redis changes it at run time: CONFIG SET takes what it is
  kProtected,  // as kStart; Redis has another text for it
  kNever,      // part of how the store is made
};

struct Parameter {
  std::string_view name;
  Settable settable;
  std::string (*get)(const EngineConfig& config);
  // kInvalid, with Redis's text for a value that does not fit. nullptr if kNever.
  Result<void> (*set)(EngineConfig& config, std::string_view value);
  std::string_view help;
};

// Sorted by name.
std::span<const Parameter> parameters();
// Of these, those of the process around the store (service_parameters.cc), in no order.
std::span<const Parameter> service_parameters();
// Of these, those of the database behind the store (sink_parameters.cc), in no order.
std::span<const Parameter> sink_parameters();
// Of these, those of the cold tier (tier_parameters.cc), in no order.
std::span<const Parameter> tier_parameters();
// nullptr if there is none.
const Parameter* find_parameter(std::string_view name);

// "64mb", "1k": Redis's memory units, k = 1000 and kb = 1024.
std::optional<uint64_t> parse_bytes(std::string_view text);

}  // namespace powercut::engine
