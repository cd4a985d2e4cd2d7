// CRC-64 of RDB files and DUMP payloads: the Jones polynomial ad93d23594c935a9, bits reflected,
// starting from 0, not inverted at the end. crc64("123456789") = e9c6d914c4b8d9ca.
#pragma once

#include <cstdint>
#include <string_view>

namespace powercut {

// Incremental: crc64(b, crc64(a)) is the checksum of a followed by b.
uint64_t crc64(std::string_view bytes, uint64_t crc = 0);

}  // namespace powercut
