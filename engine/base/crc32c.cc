#include "engine/base/crc32c.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace powercut {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr uint32_t kReflectedPolynomial = 0x82f63b78u;

// Table k holds the effect of a byte that k more bytes follow ("slicing by eight").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * kReflectedPolynomial);
    tables[0][byte] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

template <class Word>
Word load(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_from_instruction(std::string_view bytes,
                                                                   uint32_t crc) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t state = static_cast<uint32_t>(~crc);
  for (; left >= 8; left -= 8, p += 8) state = _mm_crc32_u64(state, load<uint64_t>(p));
  auto narrow = static_cast<uint32_t>(state);
  if (left & 4) {
    narrow = _mm_crc32_u32(narrow, load<uint32_t>(p));
    p += 4;
  }
  if (left & 2) {
    narrow = _mm_crc32_u16(narrow, load<uint16_t>(p));
    p += 2;
  }
  if (left & 1) narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*p));
  return ~narrow;
}
#endif

}  // namespace

uint32_t crc32c_from_tables(std::string_view bytes, uint32_t crc) {
  const char* p = bytes.data();
  size_t left = bytes.size();
  crc = ~crc;
  for (; left >= 8; left -= 8, p += 8) {
    const uint64_t word = load<uint64_t>(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; left > 0; --left, ++p) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
  }
  return ~crc;
}

namespace {

// Each row of the first table has a top byte of its own: which row has this one?
constexpr std::array<uint8_t, 256> make_rows() {
  std::array<uint8_t, 256> rows{};
  for (size_t row = 0; row < 256; ++row) rows[kTables[0][row] >> 24] = static_cast<uint8_t>(row);
  return rows;
}

constexpr std::array<uint8_t, 256> kRows = make_rows();

}  // namespace

uint32_t crc32c_before(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  for (size_t i = bytes.size(); i-- > 0;) {
    const uint32_t row = kRows[crc >> 24];
    crc = (crc ^ kTables[0][row]) << 8 | (row ^ static_cast<unsigned char>(bytes[i]));
  }
  return ~crc;
}

uint32_t crc32c_between(uint32_t before, uint32_t after) {
  // Bytes are added to the register before it turns: so they are what it lacks of one that meets zeros.
  constexpr std::string_view kZeros("\0\0\0\0", 4);
  return before ^ crc32c_before(kZeros, after);
}

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) [[likely]]
    return crc32c_from_instruction(bytes, crc);
#endif
  return crc32c_from_tables(bytes, crc);
}

}  // namespace powercut
