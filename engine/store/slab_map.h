// A hash map from byte strings to V whose entries lie dense in insertion order.
//
// Key: what holds the string, or knows where it is: then assign() is nothing, and who inserts says it before the next look.
//
// Entries stand at positions [0, size()). Removing one moves the last entry into the hole, so a walk from the
// highest position down to 0 meets every entry that is there throughout, whatever is inserted or removed
// meanwhile (a moved entry may be met twice). SCAN cursors and the fork-less checkpoint rest on this.
// A uniform random entry is at(choose(size())). Order never depends on hashes or addresses.
//
// A pointer to an entry is valid until any entry is erased; inserting moves none.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "engine/store/text.h"

namespace powercut::engine {

// Of a std::map, beside what it holds.
inline constexpr size_t kTreeNodeBytes = 32;
// What malloc takes for `size` bytes, near enough: 8 bytes of header, rounded up to 16, at least 32.
inline size_t heap_bytes(size_t size) {
  if (size == 0) return 0;
  const size_t rounded = (size + 8 + 15) & ~size_t{15};
  return rounded < 32 ? 32 : rounded;
}
// The heap part of a string; none while it fits the string object itself.
inline size_t heap_bytes(const std::string& s) {
  return s.capacity() <= 15 ? 0 : heap_bytes(s.capacity() + 1);
}
inline size_t heap_bytes(const Text& text) { return text.on_heap() ? heap_bytes(text.size()) : 0; }

template <class V, class Key = Text>
class SlabMap {
 public:
  struct Entry {
    Key key;
    [[no_unique_address]] V value{};
  };

  SlabMap() = default;
  // The map moved from is empty.
  SlabMap(SlabMap&& other) noexcept { swap(other); }
  SlabMap& operator=(SlabMap&& other) noexcept {
    SlabMap taken(std::move(other));
    swap(taken);
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // What is looked for more than once is hashed once, and `hash` handed on.
  static uint64_t hash_of(std::string_view key) { return hash_bytes(key); }

  Entry* find(std::string_view key) { return empty() ? nullptr : find(key, hash_of(key)); }
  Entry* find(std::string_view key, uint64_t hash) {
    if (empty()) return nullptr;
    const size_t cell = find_cell(key, hash);
    return cell == kNoCell ? nullptr : slot(position_of(index_[cell]));
  }
  const Entry* find(std::string_view key) const { return const_cast<SlabMap*>(this)->find(key); }
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  // Ahead of a find(): brings what it looks at first into the cache. See engine/store/fetch_ahead.h.
  void fetch_cell(uint64_t hash) const {
    if (!empty()) __builtin_prefetch(&index_[home_of(hash)]);
  }
  // Some time behind that, the entry that it will most likely look at then; null: there is none.
  const Entry* fetch_entry(uint64_t hash) const {
    if (empty()) return nullptr;
    const size_t mask = index_.size() - 1;
    for (size_t i = home_of(hash); index_[i] != 0; i = (i + 1) & mask) {
      if ((index_[i] ^ hash) >> 32 != 0) continue;
      const Entry* const entry = const_cast<SlabMap*>(this)->slot(position_of(index_[i]));
      __builtin_prefetch(entry);
      __builtin_prefetch(reinterpret_cast<const char*>(entry + 1) - 1);  // it may lie in two lines
      return entry;
    }
    return nullptr;
  }

  // The entry of `key`, and whether it is new (with a default value).
  std::pair<Entry*, bool> insert(std::string_view key) {
    const uint64_t hash = hash_of(key);
    if (Entry* found = find(key, hash)) return {found, false};
    return {&insert_new(key, hash), true};
  }

  // REQUIRES: `key` is not there.
  Entry& insert_new(std::string_view key, uint64_t hash) {
    CHECK(size_ < kMostEntries);
    if ((size_ + 1) * 4 > index_.size() * 3) grow_index();
    const size_t position = size_;
    if (position == capacity_) add_chunk();
    Entry& entry = *slot(position);
    entry.key.assign(key);
    key_bytes_ += heap_bytes(entry.key);
    ++size_;
    const size_t mask = index_.size() - 1;
    size_t i = home_of(hash);
    for (; index_[i] != 0; i = (i + 1) & mask) CHECK(!holds(index_[i], key, hash));
    index_[i] = cell_of(hash, position);
    return entry;
  }

  bool erase(std::string_view key) {
    if (size_ == 0) return false;
    const size_t cell = find_cell(key, hash_bytes(key));
    if (cell == kNoCell) return false;
    erase_cell(cell);
    return true;
  }

  // REQUIRES: position < size().
  Entry& at(size_t position) {
    CHECK(position < size_);
    return *slot(position);
  }
  const Entry& at(size_t position) const { return const_cast<SlabMap*>(this)->at(position); }

  // Every entry, from position 0 on: as at(), without asking for each in which chunk it stands.
  template <class Visit>
  void for_each(const Visit& visit) const {
    size_t left = size_;
    size_t in_chunk = kFirstChunk;
    for (size_t k = 0; left > 0; ++k) {
      if (k > 1 && in_chunk < kLastChunk) in_chunk *= 2;
      const Entry* const chunk = chunks_[k].get();
      const size_t count = std::min(left, in_chunk);
      for (size_t i = 0; i < count; ++i) visit(chunk[i]);
      left -= count;
    }
  }

  void clear() { *this = SlabMap(); }

  // The heap bytes of the map and its keys; not those that values own.
  size_t memory_bytes() const {
    return heap_bytes(index_.capacity() * sizeof(uint64_t)) + capacity_ * sizeof(Entry) +
           chunks_.size() * kChunkOverhead + heap_bytes(chunks_.capacity() * sizeof(void*)) +
           key_bytes_;
  }

  // The same without what waits for further entries: what less of them would take less of.
  size_t used_bytes() const {
    return heap_bytes(index_.capacity() * sizeof(uint64_t)) + size_ * sizeof(Entry) + key_bytes_;
  }

 private:
  // An index cell holds the hash's upper 32 bits and position + 1; 0 is empty. Its home is made of those bits,
  // so that cells move without a look at their keys.
  static constexpr size_t kNoCell = ~size_t{0};
  static constexpr size_t kMostEntries = 0xffffffff;  // a cell has 32 bits for position + 1
  static constexpr size_t kFirstChunk = 4;
  static constexpr size_t kLastChunk = 1024;    // chunks double up to this size, then stay
  static constexpr size_t kChunkOverhead = 16;  // the array's length and malloc's header

  static uint64_t cell_of(uint64_t hash, size_t position) {
    return (hash & 0xffffffff00000000u) | (position + 1);
  }
  static size_t position_of(uint64_t cell) { return (cell & 0xffffffffu) - 1; }
  // Where the search for a hash, or a cell, begins.
  size_t home_of(uint64_t hash) const { return (hash >> 32) & (index_.size() - 1); }

  Entry* slot(size_t position) {
    if (position < kFirstChunk) return &chunks_[0][position];
    if (position < kLastChunk) {
      const int k = std::bit_width(position / kFirstChunk);
      return &chunks_[k][position - (kFirstChunk << (k - 1))];
    }
    constexpr size_t kSmallChunks = std::bit_width(kLastChunk / kFirstChunk);
    return &chunks_[kSmallChunks + position / kLastChunk - 1][position % kLastChunk];
  }

  void add_chunk() {
    const size_t count = capacity_ == 0           ? kFirstChunk
                         : capacity_ < kLastChunk ? capacity_
                                                  : kLastChunk;
    chunks_.push_back(std::make_unique_for_overwrite<Entry[]>(count));  // all members begin set
    capacity_ += count;
  }

  size_t find_cell(std::string_view key, uint64_t hash) {
    const size_t mask = index_.size() - 1;
    for (size_t i = home_of(hash); index_[i] != 0; i = (i + 1) & mask) {
      if (holds(index_[i], key, hash)) return i;
    }
    return kNoCell;
  }
  bool holds(uint64_t cell, std::string_view key, uint64_t hash) {
    return (cell ^ hash) >> 32 == 0 && slot(position_of(cell))->key == key;
  }

  void place(uint64_t cell) {
    const size_t mask = index_.size() - 1;
    size_t i = home_of(cell);
    while (index_[i] != 0) i = (i + 1) & mask;
    index_[i] = cell;
  }

  void grow_index() {
    const std::vector<uint64_t> old = std::move(index_);
    index_ = std::vector<uint64_t>(old.empty() ? 8 : old.size() * 2);
    for (const uint64_t cell : old) {
      if (cell != 0) place(cell);
    }
  }

  // Not by assignment, which may leave a slot what it once held.
  static void replace(Entry* entry, Entry&& with) {
    std::destroy_at(entry);
    std::construct_at(entry, std::move(with));
  }

  void swap(SlabMap& other) noexcept {
    std::swap(index_, other.index_);
    std::swap(chunks_, other.chunks_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(key_bytes_, other.key_bytes_);
  }

  void erase_cell(size_t cell) {
    const size_t hole = position_of(index_[cell]);
    const size_t last = size_ - 1;
    CHECK(hole <= last);
    key_bytes_ -= heap_bytes(slot(hole)->key);
    if (hole != last) {
      Entry& moved = *slot(last);
      const uint64_t hash = hash_bytes(moved.key);
      const size_t mask = index_.size() - 1;
      size_t i = home_of(hash);
      for (; position_of(index_[i]) != last; i = (i + 1) & mask) CHECK(index_[i] != 0);
      index_[i] = cell_of(hash, hole);
      replace(slot(hole), std::move(moved));
    }
    replace(slot(last), Entry());
    size_ = last;
    CHECK(size_ > 0 || key_bytes_ == 0);
    close_cell(cell);
    release_spare_chunk();
  }

  // Empties a cell and moves back those behind it that had to pass it.
  void close_cell(size_t cell) {
    const size_t mask = index_.size() - 1;
    size_t hole = cell;
    for (size_t i = (cell + 1) & mask; index_[i] != 0; i = (i + 1) & mask) {
      const size_t home = home_of(index_[i]);
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        index_[hole] = index_[i];
        hole = i;
      }
    }
    index_[hole] = 0;
  }

  // Keeps one spare chunk, so that a size that swings around a chunk's edge costs nothing.
  void release_spare_chunk() {
    if (chunks_.size() < 3) return;
    const size_t last = capacity_ > kLastChunk ? kLastChunk : capacity_ / 2;
    const size_t before = capacity_ - last;
    const size_t before_that = before > kLastChunk ? before - kLastChunk : before / 2;
    if (size_ > before_that) return;
    chunks_.pop_back();
    capacity_ = before;
    CHECK(size_ <= capacity_);
  }

  std::vector<uint64_t> index_;
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t key_bytes_ = 0;
};

}  // namespace powercut::engine
