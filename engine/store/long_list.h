// A list that is long, or has long items: packed pieces of some dozen items, one behind the other (Redis's quicklist).
// Quick at both ends and by index. See engine/store/list.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/store/packed.h"
#include "engine/store/slab_map.h"
#include "engine/store/two_ended.h"

namespace powercut::engine {

class LongList {
 public:
  static constexpr size_t kMostItems = 64;    // of a piece: to find its last is a walk
  static constexpr size_t kMostBytes = 8192;  // unless it has one item alone

  // Below 2^32.
  size_t size() const { return size_; }
  // Valid until the list changes. From index to index it is a step. REQUIRES: index < size().
  std::string_view at(size_t index) const {
    const Place place = locate(index);
    return pieces_[place.piece].items.string_at(place.offset);
  }

  // Here and below: `item` is no view into this list.
  void push_front(std::string_view item);
  void push_back(std::string_view item);
  // REQUIRES: index < size().
  void set(size_t index, std::string_view item);
  // Inserts before `index`; REQUIRES: index <= size().
  void insert(size_t index, std::string_view item);
  void erase(size_t index);
  // Keeps [first, last]; REQUIRES: first <= last < size().
  void trim(size_t first, size_t last);
  // Removes the first (from_back: the last) `limit` items equal to `item`; how many there were.
  size_t remove_equal(std::string_view item, size_t limit, bool from_back);

  size_t memory_bytes() const {
    return heap_bytes(pieces_.capacity() * sizeof(Piece)) + item_bytes_;
  }

 private:
  struct Piece {
    Packed items;
    uint32_t count = 0;
  };
  // An item: its piece, how many stand before that, which of it, and at what offset.
  struct Place {
    uint32_t piece = 0;
    uint32_t before = 0;
    uint16_t item = 0;
    uint16_t offset = 0;
  };

  Place locate(size_t index) const;
  static bool has_room(const Piece& piece, std::string_view item);
  void put(size_t piece, size_t offset, std::string_view item);
  // Takes `count` items at `offset` out of a piece, which may then be empty.
  void cut(Piece& piece, size_t offset, size_t count);
  void split(const Place& place);
  // Joins a piece with the next, if both are small.
  void join(size_t piece);
  void erase_at(const Place& place);
  void drop(size_t begin, size_t end);
  void resized(size_t before, size_t after) {
    CHECK(item_bytes_ + heap_bytes(after) >= heap_bytes(before));
    item_bytes_ += heap_bytes(after);
    item_bytes_ -= heap_bytes(before);
  }
  void forget_place() const { place_ = {}; }

  TwoEnded<Piece> pieces_;  // none is empty
  size_t item_bytes_ = 0;   // of the heap, owned by pieces
  uint32_t size_ = 0;
  mutable Place place_;  // where an item was looked for last
};

}  // namespace powercut::engine
