#include "engine/checkpoint/lzf.h"

#include <liblzf/lzf.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "engine/base/check.h"

namespace powercut::engine {

namespace {

constexpr size_t kLiteralRun = 32;
constexpr size_t kWindow = 8192;
constexpr size_t kMatchMax = 264;
constexpr size_t kTableMax = 8192;  // entries; 32 KiB of stack

static_assert(std::endian::native == std::endian::little);

// The first three of the four bytes at p.
uint32_t three_bytes(const char* p) {
  uint32_t four;
  std::memcpy(&four, p, sizeof(four));
  return four & 0xffffff;
}

class Output {
 public:
  Output(char* out, size_t capacity) : out_(out), capacity_(capacity) {}

  bool literals(std::string_view bytes) {
    const size_t runs = (bytes.size() + kLiteralRun - 1) / kLiteralRun;
    if (bytes.size() + runs > capacity_ - size_) return false;
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), kLiteralRun);
      put(n - 1);
      std::memcpy(out_ + size_, bytes.data(), n);
      size_ += n;
      bytes.remove_prefix(n);
    }
    return true;
  }
  // REQUIRES: 1 <= distance <= kWindow, 3 <= length <= kMatchMax.
  bool match(size_t distance, size_t length) {
    CHECK(distance >= 1 && distance <= kWindow && length >= 3 && length <= kMatchMax);
    if (capacity_ - size_ < 3) return false;
    const size_t offset = distance - 1;
    const size_t code = length - 2;
    put(std::min<size_t>(code, 7) << 5 | offset >> 8);
    if (code >= 7) put(code - 7);
    put(offset);
    return true;
  }
  size_t size() const {
    CHECK(size_ <= capacity_);
    return size_;
  }

 private:
  void put(size_t byte) { out_[size_++] = static_cast<char>(byte & 0xff); }

  char* out_;
  size_t capacity_;
  size_t size_ = 0;
};

}  // namespace

size_t lzf_compress(std::string_view in, char* out, size_t capacity) {
  if (in.size() < 4 || in.size() > std::numeric_limits<uint32_t>::max()) return 0;
  // Where each hash of three bytes was last seen; 0 is as good a guess as any where none was. A
  // short input gets a small table: it must be cleared for each, or the output would depend on what
  // came before.
  uint32_t table[kTableMax];
  const int bits = std::bit_width(std::min(in.size(), kTableMax) - 1);
  std::fill_n(table, size_t{1} << bits, 0);

  Output output(out, capacity);
  const char* const bytes = in.data();
  size_t literal = 0;  // not written yet from here
  size_t i = 0;
  while (i + 4 <= in.size()) {
    const uint32_t three = three_bytes(bytes + i);
    uint32_t& seen = table[(three * 0x9e3779b1u) >> (32 - bits)];
    const size_t from = seen;
    seen = static_cast<uint32_t>(i);
    // One branch that is seldom taken; i == from == 0 is out of the window.
    const bool in_window = i - from - 1 < kWindow;
    if (!(in_window & (three_bytes(bytes + from) == three))) {
      ++i;
      continue;
    }
    const size_t limit = std::min(kMatchMax, in.size() - i);
    size_t length = 3;
    while (length < limit && bytes[from + length] == bytes[i + length]) ++length;
    if (!output.literals(in.substr(literal, i - literal)) || !output.match(i - from, length))
      return 0;
    i += length;
    literal = i;
  }
  return output.literals(in.substr(literal)) ? output.size() : 0;
}

bool lzf_expand(std::string_view in, char* out, size_t size) {
  constexpr size_t kMax = std::numeric_limits<unsigned int>::max();
  if (in.empty() || in.size() > kMax || size > kMax) return false;
  return ::lzf_decompress(in.data(), static_cast<unsigned int>(in.size()), out,
                          static_cast<unsigned int>(size)) == size;
}

}  // namespace powercut::engine
