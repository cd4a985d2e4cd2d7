// A list of byte strings, quick at both ends and by index: a ring of slots that doubles and halves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

class List {
 public:
  size_t size() const { return size_; }
  // REQUIRES: index < size().
  const std::string& at(size_t index) const {
    CHECK(index < size_);
    return slots_[slot_of(index)];
  }

  // `item` may view an item of this list.
  void push_front(std::string_view item);
  void push_back(std::string_view item);
  // REQUIRES: size() > 0.
  std::string pop_front();
  std::string pop_back();
  // REQUIRES: index < size().
  void set(size_t index, std::string_view item);
  // Inserts before `index`; REQUIRES: index <= size().
  void insert(size_t index, std::string_view item);
  void erase(size_t index);
  // Keeps [first, last]; REQUIRES: first <= last < size().
  void trim(size_t first, size_t last);
  // Removes the first (from_back: the last) `limit` items equal to `item` in one pass; how many
  // there were.
  size_t remove_equal(std::string_view item, size_t limit, bool from_back);

  size_t memory_bytes() const {
    return heap_bytes(sizeof(List)) + heap_bytes(slots_.capacity() * sizeof(std::string)) +
           item_bytes_;
  }

 private:
  size_t slot_of(size_t index) const { return (head_ + index) & (slots_.size() - 1); }
  std::string& slot(size_t index) { return slots_[slot_of(index)]; }
  void rebuild(size_t capacity);
  void make_room();
  void release_room();
  std::string take(std::string& slot);
  void fill(std::string& slot, std::string item);

  // A power of two in size, or none. A slot that holds no item is an empty string without heap.
  std::vector<std::string> slots_;
  size_t head_ = 0;
  size_t size_ = 0;
  size_t item_bytes_ = 0;
};

}  // namespace powercut::engine
