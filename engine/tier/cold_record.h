// A value as it lies in a segment of the cold tier, without its checksum: size(u32) bytes, which are the type and the value
// as RDB has them, in the LZ4 block format where they are fewer than `size`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/store/value.h"

namespace powercut::engine {

inline constexpr size_t kRecordHead = 4;

std::string encode_record(const Value& value, bool compress);
// Error: kCorrupt.
Result<Value> decode_record(std::string_view record, const EncodingLimits& limits);

// The type and the value alone, as RDB has them. Error: kCorrupt.
Result<Value> decode_value(std::string_view bytes, const EncodingLimits& limits);

// Little-endian numbers.
std::string little(uint64_t n, size_t bytes);
uint64_t from_little(std::string_view bytes);
// What binds a checksum to a file and a place in it: the CRC-32C that it goes on from.
uint32_t bound(uint64_t nonce, uint64_t offset);

}  // namespace powercut::engine
