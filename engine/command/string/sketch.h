// HyperLogLog: how many different elements were added, from the hashes of them alone (Flajolet, Fusy, Gandouet,
// Meunier 2007). 16,384 registers; each holds the highest rank of the hashes that fell to it. It is kept in a string,
// byte for byte as Redis keeps it:
//
//     "HYLL", form, three NULs, count     a header of 16 bytes; the count in 8, little endian, with its top bit set when
//                                         registers have changed since
//     form 0, dense                       registers of 6 bits, from the lowest bit of the first byte on
//     form 1, sparse                      runs of equal registers: 00llllll a run of zeros, as does 01llllll llllllll;
//                                         1rrrrrll a run of registers that hold a rank. Lengths and ranks less one
//
// A string is changed by anyone (SETRANGE, RESTORE), so whatever reads runs finds out that they do not add up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/store/value.h"

namespace powercut::engine::sketch {

inline constexpr size_t kRegisters = 16'384;
using Registers = std::array<uint8_t, kRegisters>;

// hll-sparse-max-bytes, unless it is set.
inline constexpr uint64_t kSparseMost = 3'000;

// Where an element's hash falls, and its rank: 1 and the zeros it ends in.
struct Place {
  size_t index;
  uint8_t rank;
};
Place place_of(std::string_view element);

String empty();
// What its header and length say; of what is behind them, nothing. The others REQUIRE it.
bool is_sketch(std::string_view text);
bool is_sparse(std::string_view sketch);

enum class Outcome { kSame, kRaised, kCorrupt };
// Raises a register to a rank, if it is lower. A sparse sketch that would grow beyond `sparse_most` bytes, or cannot
// hold the rank, becomes dense. One that is found corrupt is left as it was.
Outcome raise(String& sketch, Place place, uint64_t sparse_most);
// Raises each register to its rank, in their order. False: corrupt.  REQUIRES: none is higher.
bool raise_all(String& sketch, const Registers& ranks, uint64_t sparse_most);
// Would raise() change it?  REQUIRES: it is dense.
bool is_below(std::string_view sketch, Place place);
// False: it is corrupt, and left as it was. Keeps the count.
bool make_dense(String& sketch);
// Each of `most` becomes the higher of it and the sketch's. False: corrupt.
bool merge(Registers& most, std::string_view sketch);

// How many elements (Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches", with the constant for
// infinitely many registers). nullopt: corrupt.
std::optional<uint64_t> count(std::string_view sketch);
uint64_t count(const Registers& registers);

// The count in the header, unless registers have changed since.
std::optional<uint64_t> kept_count(std::string_view sketch);
void keep_count(String& sketch, uint64_t count);
void outdate_count(String& sketch);

// "Z:16383 v:2,1": the runs of a sparse sketch, as PFDEBUG DECODE shows them.
std::string shown(std::string_view sketch);

}  // namespace powercut::engine::sketch
