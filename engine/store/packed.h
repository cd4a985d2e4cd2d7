// Bytes in one piece of the heap, of exactly their size: what a small collection is while it is small. A hundred short
// strings cost their bytes, where a map would cost a node each (the idea of Redis's listpacks).
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "engine/base/check.h"

namespace powercut::engine {

// Up to where a collection stays packed, as Redis's defaults have it: a look walks through all of it.
inline constexpr size_t kMostPacked = 128;    // entries
inline constexpr size_t kLongestPacked = 64;  // bytes of a string in it

class Packed {
 public:
  Packed() = default;
  Packed(Packed&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Packed& operator=(Packed&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Packed() { std::free(data_); }

  size_t size() const { return size_; }
  const char* at(size_t offset) const { return data_ + offset; }
  char* at(size_t offset) { return data_ + offset; }

  // The string whose length stands at `offset`, and where it ends.
  std::string_view string_at(size_t offset) const {
    CHECK(offset < size_);
    const size_t length = length_at(offset);
    return {data_ + offset + (length < kLong ? 1 : kLongLength), length};
  }
  size_t behind(size_t offset) const {
    const size_t length = length_at(offset);
    return offset + (length < kLong ? 1 : kLongLength) + length;
  }

  // Makes room for `bytes` in front of `offset`; what they are is not said.
  char* open(size_t offset, size_t bytes) {
    CHECK(offset <= size_);
    resize(size_ + bytes);
    std::memmove(data_ + offset + bytes, data_ + offset, size_ - bytes - offset);
    return data_ + offset;
  }
  void close(size_t offset, size_t bytes) {
    CHECK(offset + bytes <= size_);
    std::memmove(data_ + offset, data_ + offset + bytes, size_ - bytes - offset);
    resize(size_ - bytes);
  }
  // Writes a string with its length; where it ends. REQUIRES: room, and `text` is none of this.
  static char* put(char* to, std::string_view text) {
    if (text.size() < kLong) {
      *to++ = static_cast<char>(text.size());
    } else {
      CHECK(text.size() <= UINT32_MAX);
      const auto length = static_cast<uint32_t>(text.size());
      *to++ = static_cast<char>(kLong);
      std::memcpy(to, &length, sizeof length);
      to += sizeof length;
    }
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    return to + text.size();
  }
  static size_t bytes_of(std::string_view text) {
    return (text.size() < kLong ? 1 : kLongLength) + text.size();
  }

 private:
  // A length takes a byte; from here on that byte says that four more have it.
  static constexpr size_t kLong = 255;
  static constexpr size_t kLongLength = 5;

  size_t length_at(size_t offset) const {
    const auto length = static_cast<uint8_t>(data_[offset]);
    if (length < kLong) return length;
    uint32_t longer = 0;
    std::memcpy(&longer, data_ + offset + 1, sizeof longer);
    return longer;
  }
  void resize(size_t size) {
    if (size == 0) {
      std::free(std::exchange(data_, nullptr));
    } else {
      void* data = std::realloc(data_, size);
      if (data == nullptr) throw std::bad_alloc();
      data_ = static_cast<char*>(data);
    }
    size_ = static_cast<uint32_t>(size);
  }

  char* data_ = nullptr;
  uint32_t size_ = 0;
};

}  // namespace powercut::engine
