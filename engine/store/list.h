// A list of byte strings, quick at both ends and by index.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "engine/store/slab_map.h"

namespace powercut::engine {

class List {
 public:
  size_t size() const { return items_.size(); }
  const std::string& at(size_t index) const { return items_[index]; }

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

  size_t memory_bytes() const;

 private:
  std::deque<std::string> items_;
  size_t item_bytes_ = 0;
};

}  // namespace powercut::engine
