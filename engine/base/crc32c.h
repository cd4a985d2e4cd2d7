// CRC-32C (Castagnoli, RFC 3720): polynomial 1edc6f41, bits reflected, inverted at both ends.
// crc32c("123456789") = e3069283.
#pragma once

#include <cstdint>
#include <string_view>

namespace powercut {

// Incremental: crc32c(b, crc32c(a)) is the checksum of a followed by b. Uses SSE4.2 where the
// processor has it; the result is the same everywhere.
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

// The same from tables alone, for processors without the instruction.
uint32_t crc32c_from_tables(std::string_view bytes, uint32_t crc = 0);

// Backwards: the checksum that `bytes` turned into `crc`. crc32c(bytes, crc32c_before(bytes, crc)) == crc.
uint32_t crc32c_before(std::string_view bytes, uint32_t crc);

// The four bytes, as a little-endian number, that turn the checksum `before` into `after`.
uint32_t crc32c_between(uint32_t before, uint32_t after);

}  // namespace powercut
