// A list of byte strings, quick at both ends and by index: one packed piece while it is short, then a LongList.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/store/long_list.h"
#include "engine/store/packed.h"

namespace powercut::engine {

class List {
 public:
  size_t size() const { return small_.is_large() ? small_.large().size() : small_.count(); }
  // Valid until the list changes. From index to index it is a step. REQUIRES: index < size().
  std::string_view at(size_t index) const {
    return small_.is_large() ? small_.large().at(index)
                             : small_.bytes().string_at(offset_of(index));
  }

  // Here and below: `item` is no view into this list.
  void push_front(std::string_view item) { insert(0, item); }
  void push_back(std::string_view item) { insert(size(), item); }
  // REQUIRES: size() > 0.
  std::string pop_front() { return pop(0); }
  std::string pop_back() { return pop(size() - 1); }
  // REQUIRES: index < size().
  void set(size_t index, std::string_view item);
  // Inserts before `index`; REQUIRES: index <= size().
  void insert(size_t index, std::string_view item);
  void erase(size_t index);
  // Keeps [first, last]; REQUIRES: first <= last < size().
  void trim(size_t first, size_t last);
  // Removes the first (from_back: the last) `limit` items equal to `item`; how many there were.
  size_t remove_equal(std::string_view item, size_t limit, bool from_back);

  List clone() const;
  size_t memory_bytes() const {
    const size_t piece = heap_bytes(small_.bytes().size());
    return small_.is_large() ? piece + small_.large().memory_bytes() : piece;
  }

 private:
  size_t offset_of(size_t index) const {
    CHECK(index < small_.count());
    return small_.offset_of(index, [this](size_t at) { return small_.bytes().behind(at); });
  }
  std::string pop(size_t index) {
    std::string item(at(index));
    erase(index);
    return item;
  }
  // Where there is no room for `bytes` more it becomes long. True if it is.
  bool is_long_with(size_t bytes);
  // One of which nothing is left begins anew.
  void forget_if_empty() {
    if (size() == 0) small_ = {};
  }

  Small<LongList> small_;
};

}  // namespace powercut::engine
