// The structures that Redis keeps packed in one string and writes to RDB files as they are. We only
// read them.
//
//   listpack = total(u32) count(u16, or ffff: not known) item* FF
//   item     = 0nnnnnnn                    0..127
//            | 10llllll bytes              a string of up to 63 bytes
//            | 110nnnnn u8                 13 bits, two's complement, big-endian
//            | 1110llll u8 bytes           a string of up to 4095 bytes, big-endian length
//            | F0 u32 bytes | F1 i16 | F2 i24 | F3 i32 | F4 i64
//              then the size of all this in groups of 7 bits, high group first, 80 set in all but
//              the first
//   ziplist  = total(u32) tail(u32) count(u16, or ffff) item* FF
//   item     = size of the item before (u8, or FE u32), then
//              00llllll bytes | 01llllll u8 bytes | 80 u32 bytes    strings, big-endian lengths
//            | C0 i16 | D0 i32 | E0 i64 | F0 i24 | FE i8 | 1111nnnn n - 1, for n in 1..13
//   intset   = width(u32: 2, 4 or 8) count(u32) integer*            ascending
//   zipmap   = count(u8) (size field size free(u8) value free-bytes)* FF       size = u8, or FE u32
#pragma once

#include <functional>
#include <string_view>

namespace powercut::engine {

// Takes an item, which is valid during the call; nullptr to go on, or what is wrong with it.
using PackedSink = std::function<const char*(std::string_view item)>;

// Each calls the sink for every item in order, integers as decimal digits, and returns nullptr, or
// what is wrong with the blob. Those of a hash or sorted set come in pairs.
const char* walk_listpack(std::string_view blob, const PackedSink& sink);
const char* walk_ziplist(std::string_view blob, const PackedSink& sink);
const char* walk_intset(std::string_view blob, const PackedSink& sink);
const char* walk_zipmap(std::string_view blob, const PackedSink& sink);

}  // namespace powercut::engine
