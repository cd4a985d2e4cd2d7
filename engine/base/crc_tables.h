// A reflected CRC of any width by tables, eight bytes at a time ("slicing by eight", Kounavis and Berry, 2008).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace powercut {

template <class Register, Register kReflectedPolynomial>
struct CrcTables {
  static_assert(std::endian::native == std::endian::little);

  // Table k holds the effect of a byte that k more bytes follow.
  using Tables = std::array<std::array<Register, 256>, 8>;

  static constexpr Tables make() {
    Tables tables{};
    for (Register byte = 0; byte < 256; ++byte) {
      Register crc = byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * kReflectedPolynomial);
      tables[0][byte] = crc;
    }
    for (size_t k = 1; k < 8; ++k) {
      for (size_t byte = 0; byte < 256; ++byte) {
        const Register shorter = tables[k - 1][byte];
        tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xff];
      }
    }
    return tables;
  }
  static constexpr Tables kTables = make();

  // The register after these bytes; what it starts from and how it is told is the caller's.
  static Register advance(std::string_view bytes, Register crc) {
    const char* p = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      word ^= crc;
      crc = 0;
      for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
    }
    for (; left > 0; --left, ++p) {
      crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
    }
    return crc;
  }
};

}  // namespace powercut
