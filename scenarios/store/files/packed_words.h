// Structures that Redis keeps packed in one string and writes into its checkpoints as they are; the store only reads them
// (engine/checkpoint/rdb_packed.h has their formats). Written here for the judge, by nothing that reads them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace powercut::scenarios {

// Of `bytes` bytes, the least first; or the greatest first.
std::string little(uint64_t number, size_t bytes);
std::string big(uint64_t number, size_t bytes);

using Words = std::span<const std::string_view>;

// A number is packed as one, in the fewest bytes.
std::string listpack_of(Words words);
std::string ziplist_of(Words words);
// REQUIRES: an even number of words.
std::string zipmap_of(Words words);
// REQUIRES: each is a number.
std::string intset_of(Words words);
// LZF: bytes that repeat the one before become one reference. It may be longer than `bytes`.
std::string lzf_of(std::string_view bytes);

}  // namespace powercut::scenarios
