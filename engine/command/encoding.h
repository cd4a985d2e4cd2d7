// OBJECT ENCODING: how Redis 7.0 would hold a value. Nothing here depends on it.
#pragma once

#include <string_view>

#include "engine/store/value.h"

namespace powercut::engine {

std::string_view encoding_of(const Value& value, const EncodingLimits& limits);

}  // namespace powercut::engine
