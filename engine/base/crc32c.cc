#include "engine/base/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#include "engine/base/crc_tables.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace powercut {

namespace {

using Castagnoli = CrcTables<uint32_t, 0x82f63b78u>;

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
  return ~Castagnoli::advance(bytes, ~crc);
}

namespace {

// Each row of the first table has a top byte of its own: which row has this one?
constexpr std::array<uint8_t, 256> make_rows() {
  std::array<uint8_t, 256> rows{};
  for (size_t row = 0; row < 256; ++row)
    rows[Castagnoli::kTables[0][row] >> 24] = static_cast<uint8_t>(row);
  return rows;
}

constexpr std::array<uint8_t, 256> kRows = make_rows();

}  // namespace

uint32_t crc32c_before(std::string_view bytes, uint32_t crc) {
  crc = ~crc;
  for (size_t i = bytes.size(); i-- > 0;) {
    const uint32_t row = kRows[crc >> 24];
    crc = (crc ^ Castagnoli::kTables[0][row]) << 8 | (row ^ static_cast<unsigned char>(bytes[i]));
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
