// Numbers as Redis reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/decimal.h"

namespace powercut::engine {

// A finite or infinite double; not NaN, no surrounding spaces (Redis: string2d /
// getDoubleFromObject).
std::optional<double> parse_double(std::string_view text);
// As parse_double for INCRBYFLOAT, which computes in long double.
std::optional<long double> parse_long_double(std::string_view text);
// %.17g with the shortest form for whole numbers; "inf", "-inf" (Redis: addReplyDouble in RESP2).
std::string format_double(double value);
// %.17Lf without trailing zeros (Redis: ld2string, LD_STR_HUMAN).
std::string format_long_double(long double value);
std::string format_integer(int64_t value);
bool equals_ignoring_case(std::string_view text, std::string_view upper_word);
// glob-style matching of KEYS and SCAN (Redis: stringmatchlen).
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace powercut::engine
