// Numbers by hash, for looking things up alone: it has no order, so nothing can come to depend on
// one. The caller keeps the things and compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/check.h"

namespace powercut::sim {

class HashIndex {
 public:
  // The number put in under `hash` of which `is_it` holds.
  template <class IsIt>
  std::optional<uint32_t> find(uint64_t hash, IsIt is_it) const {
    if (slots_.empty()) return std::nullopt;
    for (size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.number == kFree) return std::nullopt;
      if (slot.hash == hash && is_it(slot.number)) return slot.number;
    }
  }

  // REQUIRES: it is not in there; `number` is not UINT32_MAX.
  void put(uint64_t hash, uint32_t number) {
    CHECK(number != kFree);
    if (2 * (count_ + 1) > slots_.size()) grow();
    ++count_;
    place({hash, number});
  }

  void clear() {
    slots_.clear();
    count_ = 0;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  struct Slot {
    uint64_t hash = 0;
    uint32_t number = kFree;
  };
  size_t mask() const { return slots_.size() - 1; }
  void place(const Slot& slot) {
    size_t at = slot.hash & mask();
    while (slots_[at].number != kFree) at = (at + 1) & mask();
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.number != kFree) place(slot);
  }

  std::vector<Slot> slots_;  // a power of two of them
  size_t count_ = 0;
};

// A function's results, by its two arguments.
class Memo {
 public:
  // Works it out where it is not known yet. `work` may use this memo.
  template <class Work>
  uint64_t get(uint64_t a, uint64_t b, Work work) {
    if (const auto known = find(a, b)) return *known;
    const uint64_t result = work();
    put(a, b, result);
    return result;
  }
  std::optional<uint64_t> find(uint64_t a, uint64_t b) const {
    const auto known = index_.find(
        hash(a, b), [&](uint32_t i) { return entries_[i].a == a && entries_[i].b == b; });
    return known ? std::optional(entries_[*known].result) : std::nullopt;
  }
  void put(uint64_t a, uint64_t b, uint64_t result) {
    index_.put(hash(a, b), static_cast<uint32_t>(entries_.size()));
    entries_.push_back({a, b, result});
  }
  void clear() {
    index_.clear();
    entries_.clear();
  }

 private:
  struct Entry {
    uint64_t a, b, result;
  };
  static uint64_t hash(uint64_t a, uint64_t b) {
    const uint64_t x = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 31);
  }
  HashIndex index_;
  std::vector<Entry> entries_;
};

}  // namespace powercut::sim
