// Reads the value of an RDB entry or DUMP payload.
#pragma once

#include <cstdint>

#include "engine/checkpoint/rdb_reader.h"
#include "engine/store/value.h"

namespace powercut::engine {

// Whether a type byte means anything at all.
bool rdb_type_known(uint8_t type);
// Why values of this type byte are refused ("values of modules are not supported"), or nullptr.
const char* rdb_type_refused(uint8_t type);

// Reads a value of any type that is not refused; false if the reader failed. An item that comes
// twice in a hash, set or sorted set is an error. A collection may turn out empty: old versions of
// Redis wrote such. `limits` say up to where it is packed, whatever it was in the file.
bool read_rdb_value(RdbReader& reader, uint8_t type, Value& out, const EncodingLimits& limits);

}  // namespace powercut::engine
