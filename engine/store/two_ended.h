// A vector that grows at its front as well: when no place is free there, as many again as it has items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace powercut::engine {

// T{}: what holds nothing.
template <class T>
class TwoEnded {
 public:
  size_t size() const { return items_.size() - free_; }
  bool empty() const { return size() == 0; }
  size_t capacity() const { return items_.capacity(); }
  T& operator[](size_t i) { return items_[free_ + i]; }
  const T& operator[](size_t i) const { return items_[free_ + i]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return items_.back(); }
  const T& back() const { return items_.back(); }

  T& emplace_front() {
    if (free_ == 0) make_room();
    return items_[--free_] = T{};
  }
  T& emplace_back() {
    // Of a queue, whose items go in front, the places are used again.
    if (items_.size() == items_.capacity() && free_ > size()) close_up();
    return items_.emplace_back();
  }
  // Before item `i`; REQUIRES: i <= size().
  void insert(size_t i, T item) {
    CHECK(i <= size());
    if (i == 0) {
      emplace_front() = std::move(item);
    } else {
      items_.insert(at(i), std::move(item));
    }
  }
  // Those of [begin, end).
  void erase(size_t begin, size_t end) {
    CHECK(begin <= end && end <= size());
    if (begin > 0) {
      items_.erase(at(begin), at(end));
      return;
    }
    for (size_t i = 0; i < end; ++i) (*this)[i] = T{};
    free_ += static_cast<uint32_t>(end);
  }
  void shrink_to_fit() {
    close_up();
    items_.shrink_to_fit();
  }

 private:
  auto at(size_t i) { return items_.begin() + static_cast<std::ptrdiff_t>(free_ + i); }
  void make_room() {
    const size_t room = items_.empty() ? 1 : items_.size();
    CHECK(room <= UINT32_MAX);
    std::vector<T> roomy;
    roomy.reserve(room + items_.size());
    roomy.resize(room);
    for (T& item : items_) roomy.push_back(std::move(item));
    items_ = std::move(roomy);
    free_ = static_cast<uint32_t>(room);
  }
  void close_up() {
    items_.erase(items_.begin(), at(0));
    free_ = 0;
  }

  std::vector<T> items_;
  uint32_t free_ = 0;  // of items_, in front of the first
};

}  // namespace powercut::engine
