// A byte string in 16 bytes: up to 15 of its own stand in them, more on the heap, in a piece of just their size. Keys and
// values are these: a std::string takes twice the room and rounds its buffers up.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/check.h"

namespace powercut::engine {

class Text {
 public:
  static constexpr size_t kInline = 15;

  Text() { become_inline(0); }
  Text(std::string_view text) : Text() { assign(text); }  // NOLINT: as a std::string is made of one
  Text(const char* text) : Text(std::string_view(text)) {}         // NOLINT
  Text(const std::string& text) : Text(std::string_view(text)) {}  // NOLINT
  Text(size_t count, char c) : Text() { resize(count, c); }
  Text(const Text& other) : Text(std::string_view(other)) {}
  Text(Text&& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    other.become_inline(0);
  }
  Text& operator=(const Text& other) {
    if (this != &other) assign(other);
    return *this;
  }
  Text& operator=(Text&& other) noexcept {
    char held[sizeof bytes_];
    std::memcpy(held, bytes_, sizeof bytes_);
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    std::memcpy(other.bytes_, held, sizeof bytes_);
    return *this;
  }
  ~Text() {
    if (on_heap()) std::free(pointer());
  }

  size_t size() const { return on_heap() ? heap_size() : static_cast<uint8_t>(bytes_[kInline]); }
  bool empty() const { return size() == 0; }
  // Are its bytes on the heap? Then they are as many there as size() says.
  bool on_heap() const { return static_cast<uint8_t>(bytes_[kInline]) == kOnHeap; }
  const char* data() const { return on_heap() ? pointer() : bytes_; }
  char* data() { return on_heap() ? pointer() : bytes_; }
  char* begin() { return data(); }
  char* end() { return data() + size(); }
  const char* begin() const { return data(); }
  const char* end() const { return data() + size(); }
  char& operator[](size_t i) { return data()[i]; }
  char operator[](size_t i) const { return data()[i]; }
  operator std::string_view() const { return {data(), size()}; }  // NOLINT: it is one
  Text substr(size_t from, size_t count = std::string_view::npos) const {
    return std::string_view(*this).substr(from, count);
  }
  // One for each that may stand on the other side: none of them is to become a Text first.
  friend bool operator==(const Text& a, const Text& b) { return a == std::string_view(b); }
  friend bool operator==(const Text& a, const std::string& b) { return a == std::string_view(b); }
  friend bool operator==(const Text& a, const char* b) { return a == std::string_view(b); }
  friend bool operator==(const Text& a, std::string_view b) { return std::string_view(a) == b; }
  friend auto operator<=>(const Text& a, const Text& b) {
    return std::string_view(a) <=> std::string_view(b);
  }

  // Here and below: `text` is no view into this.
  void assign(std::string_view text) {
    make_size(text.size(), 0);
    if (!text.empty()) std::memcpy(data(), text.data(), text.size());
  }
  void append(std::string_view text) {
    const size_t before = size();
    make_size(before + text.size(), before);
    if (!text.empty()) std::memcpy(data() + before, text.data(), text.size());
  }
  Text& operator+=(char c) {
    append({&c, 1});
    return *this;
  }
  void resize(size_t count, char c = '\0') {
    const size_t before = size();
    make_size(count, std::min(count, before));
    if (count > before) std::memset(data() + before, c, count - before);
  }
  void replace(size_t from, size_t count, std::string_view with) {
    const size_t before = size();
    CHECK(from + count <= before);
    const size_t behind = before - from - count;
    const size_t after = before - count + with.size();
    if (after > before) make_size(after, before);
    std::memmove(data() + from + with.size(), data() + from + count, behind);
    if (!with.empty()) std::memcpy(data() + from, with.data(), with.size());
    if (after < before) make_size(after, after);
  }

 private:
  static constexpr uint8_t kOnHeap = 0xff;

  // Inline: the bytes, and the last says how many. On the heap: where, how many, and kOnHeap.
  char* pointer() const {
    char* at = nullptr;
    std::memcpy(&at, bytes_, sizeof at);
    return at;
  }
  size_t heap_size() const {
    uint32_t size = 0;
    std::memcpy(&size, bytes_ + 8, sizeof size);
    return size;
  }
  void become_inline(size_t size) { bytes_[kInline] = static_cast<char>(size); }
  void become_heap(char* at, size_t size) {
    CHECK(size <= UINT32_MAX);
    const auto bytes = static_cast<uint32_t>(size);
    std::memcpy(bytes_, &at, sizeof at);
    std::memcpy(bytes_ + 8, &bytes, sizeof bytes);
    bytes_[kInline] = static_cast<char>(kOnHeap);
  }
  static char* allocated(void* at) {
    if (at == nullptr) throw std::bad_alloc();
    return static_cast<char*>(at);
  }
  // Has room for `count` bytes, of which the first `kept` stay.
  void make_size(size_t count, size_t kept) {
    if (!on_heap() && count <= kInline) return become_inline(count);
    if (!on_heap()) {
      char* at = allocated(std::malloc(count));
      std::memcpy(at, bytes_, kept);
      return become_heap(at, count);
    }
    if (count > kInline) {
      if (count != heap_size()) become_heap(allocated(std::realloc(pointer(), count)), count);
      return;
    }
    char* at = pointer();
    std::memcpy(bytes_, at, kept);
    become_inline(count);
    std::free(at);
  }

  alignas(8) char bytes_[16];
};

}  // namespace powercut::engine
