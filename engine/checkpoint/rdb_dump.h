// DUMP payloads: one value by itself, with a version and a checksum
// (engine/checkpoint/rdb_format.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/store/library.h"
#include "engine/store/value.h"

namespace powercut::engine {

std::string dump_payload(const Value& value);

// True if the footer is there, the version not newer than ours and the checksum right.
bool dump_footer_fits(std::string_view payload);

// The value. kUnsupported when the footer does not fit; kCorrupt when what it covers is no value.
Result<Value> restore_payload(std::string_view payload, const EncodingLimits& limits = {});

// All libraries of functions as one payload, and their texts back. The error is what Redis answers, without "ERR ".
std::string dump_libraries(const Libraries& libraries);
Result<std::vector<std::string>> restore_libraries(std::string_view payload);

}  // namespace powercut::engine
