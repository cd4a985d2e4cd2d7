// Bytes in one piece of the heap, of exactly their size: what a small collection is while it is small. A hundred short
// strings cost their bytes, where a map would cost a node each (the idea of Redis's listpacks).
//
// Small is such a collection in 16 bytes, so that it can stand in the table itself, without a piece of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "engine/base/check.h"

namespace powercut::engine {

// Up to where a collection stays packed: a look walks through all of it.
struct PackedLimits {
  uint64_t entries = 128;
  uint64_t bytes = 64;  // of a string in it
};

// The same by type, under the names of Redis's directives and with its defaults.
struct EncodingLimits {
  uint64_t hash_entries = 512;    // hash-max-listpack-entries
  uint64_t hash_value = 64;       // hash-max-listpack-value
  uint64_t zset_entries = 128;    // zset-max-listpack-entries
  uint64_t zset_value = 64;       // zset-max-listpack-value
  uint64_t intset_entries = 512;  // set-max-intset-entries

  PackedLimits hash() const { return {hash_entries, hash_value}; }
  PackedLimits zset() const { return {zset_entries, zset_value}; }
};

// Size: what holds the number of bytes.
template <class Size>
class BasicPacked {
 public:
  static constexpr size_t kMostBytes = std::numeric_limits<Size>::max();

  BasicPacked() = default;
  BasicPacked(BasicPacked&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, Size{0})) {}
  BasicPacked& operator=(BasicPacked&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~BasicPacked() { std::free(data_); }

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
    CHECK(size <= kMostBytes);
    if (size == 0) {
      std::free(std::exchange(data_, nullptr));
    } else {
      void* data = std::realloc(data_, size);
      if (data == nullptr) throw std::bad_alloc();
      data_ = static_cast<char*>(data);
    }
    size_ = static_cast<Size>(size);
  }

  char* data_ = nullptr;
  Size size_ = 0;
};
using Packed = BasicPacked<uint32_t>;

// The last entry that was looked for by its position, and where it is: a look goes on from there, so that a walk from
// position to position is one.
struct LastLook {
  uint16_t position = 0;
  uint16_t offset = 0;
};

// A collection that is packed while it is small, in no more than 64 KiB, and then a Large, which takes the piece over.
template <class Large>
class Small {
 public:
  using Bytes = BasicPacked<uint16_t>;
  static constexpr size_t kMostEntries = (1u << 14) - 1;
  enum class Form : uint16_t { kEntries, kNumbers, kLarge };

  Small() = default;
  Small(Small&& other) noexcept { swap(other); }
  Small& operator=(Small&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Small() {
    if (is_large()) std::destroy_at(&large());
  }

  Form form() const { return static_cast<Form>(form_); }
  bool is_large() const { return form() == Form::kLarge; }
  // REQUIRES: it is one.
  Large& large() { return *std::launder(reinterpret_cast<Large*>(bytes_.at(0))); }
  const Large& large() const { return const_cast<Small*>(this)->large(); }
  // Becomes a large one, which is empty. REQUIRES: it is none.
  Large& become_large() {
    CHECK(!is_large());
    static_assert(alignof(Large) <= alignof(std::max_align_t) &&
                  sizeof(Large) <= Bytes::kMostBytes);
    bytes_ = Bytes();
    std::construct_at(reinterpret_cast<Large*>(bytes_.open(0, sizeof(Large))));
    form_ = static_cast<uint16_t>(Form::kLarge) & 3;
    count_ = 0;
    place_ = {};
    return large();
  }

  // --- While it is packed ---
  Bytes& bytes() { return bytes_; }
  const Bytes& bytes() const { return bytes_; }
  size_t count() const { return count_; }
  bool has_room(size_t more_bytes) const {
    return count_ < kMostEntries && bytes_.size() + more_bytes <= Bytes::kMostBytes;
  }
  // REQUIRES: it is empty, or has that form.
  void set_form(Form form) {
    CHECK(form != Form::kLarge && (count_ == 0 || form == this->form()));
    form_ = static_cast<uint16_t>(form) & 3;
  }
  // The bytes have changed, and with them so many entries have come, or gone.
  void changed(int entries) {
    count_ = static_cast<uint16_t>(count_ + entries) & kMostEntries;
    place_ = {};
  }
  // Becomes a copy. REQUIRES: this is empty, the other packed.
  void copy_packed(const Small& other) {
    CHECK(count_ == 0 && !is_large() && !other.is_large());
    const size_t size = other.bytes_.size();
    if (size > 0) std::memcpy(bytes_.open(0, size), other.bytes_.at(0), size);
    form_ = other.form_;
    count_ = other.count_;
  }
  // `end_of` says where the entry of an offset ends. REQUIRES: position < count().
  template <class End>
  size_t offset_of(size_t position, End&& end_of) const {
    if (position < place_.position) place_ = {};
    for (; place_.position < position; ++place_.position)
      place_.offset = static_cast<uint16_t>(end_of(place_.offset));
    return place_.offset;
  }

 private:
  void swap(Small& other) noexcept {
    std::swap(bytes_, other.bytes_);
    const uint16_t form = form_, count = count_;
    form_ = other.form_;
    count_ = other.count_;
    other.form_ = form & 3;
    other.count_ = count & kMostEntries;
    std::swap(place_, other.place_);
  }

  [[no_unique_address]] Bytes bytes_;  // its last bytes are the next members'
  uint16_t form_ : 2 = 0;
  uint16_t count_ : 14 = 0;
  mutable LastLook place_;
};

}  // namespace powercut::engine
