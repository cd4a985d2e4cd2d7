// The fields of a hash, or the members of a set: packed while they are few and short, then a SlabMap. Positions
// [0, size()) are dense; while packed they are the order of insertion, and one that goes moves those behind it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/store/packed.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

struct Nothing {};

// V: Text, or Nothing.
template <class V>
class Entries {
  static constexpr bool kValues = std::is_same_v<V, Text>;

 public:
  using View = std::conditional_t<kValues, std::string_view, Nothing>;
  struct Item {
    std::string_view key;  // valid until an entry is changed, as the value
    [[no_unique_address]] View value;
  };

  size_t size() const { return large_ == nullptr ? count_ : large_->map.size(); }
  bool packed() const { return large_ == nullptr; }

  // REQUIRES: position < size().
  Item at(size_t position) const {
    CHECK(position < size());
    if (large_ != nullptr) {
      const auto& entry = large_->map.at(position);
      if constexpr (kValues)
        return {entry.key, entry.value};
      else
        return {entry.key, {}};
    }
    return item_at(offset_of(position));
  }

  std::optional<View> find(std::string_view key) const {
    if (large_ != nullptr) {
      const auto* entry = large_->map.find(key);
      if (entry == nullptr) return std::nullopt;
      if constexpr (kValues)
        return View(entry->value);
      else
        return View();
    }
    const size_t offset = find_packed(key);
    if (offset == packed_.size()) return std::nullopt;
    return item_at(offset).value;
  }

  // True if the key is new. Neither may be a view into this.
  bool set(std::string_view key, View value = {}) {
    if (large_ == nullptr && !fits(key, value)) unpack();
    if (large_ != nullptr) return set_large(key, value);
    const size_t offset = find_packed(key);
    const bool is_new = offset == packed_.size();
    if (is_new && count_ == kMostPacked) {
      unpack();
      return set_large(key, value);
    }
    if (is_new) {
      char* to = packed_.open(offset, bytes_of(key, value));
      to = Packed::put(to, key);
      if constexpr (kValues) Packed::put(to, value);
      ++count_;
    } else if constexpr (kValues) {
      const size_t at = packed_.behind(offset);
      packed_.close(at, packed_.behind(at) - at);
      Packed::put(packed_.open(at, Packed::bytes_of(value)), value);
    }
    forget_place();
    return is_new;
  }

  // `key` may be a view into this. False: there was none.
  bool erase(std::string_view key) {
    if (large_ != nullptr) return erase_large(key);
    const size_t offset = find_packed(key);
    if (offset == packed_.size()) return false;
    packed_.close(offset, end_of(offset) - offset);
    --count_;
    forget_place();
    return true;
  }

  // The heap bytes owned.
  size_t memory_bytes() const {
    if (large_ == nullptr) return heap_bytes(packed_.size());
    return heap_bytes(sizeof(Large)) + large_->map.memory_bytes() + large_->value_bytes;
  }

 private:
  struct Large {
    SlabMap<V> map;
    size_t value_bytes = 0;  // of the heap, owned by values
  };

  static bool fits(std::string_view key, View value) {
    if constexpr (kValues) {
      if (value.size() > kLongestPacked) return false;
    }
    return key.size() <= kLongestPacked;
  }
  static size_t bytes_of(std::string_view key, View value) {
    if constexpr (kValues)
      return Packed::bytes_of(key) + Packed::bytes_of(value);
    else
      return Packed::bytes_of(key);
  }

  Item item_at(size_t offset) const {
    const std::string_view key = packed_.string_at(offset);
    if constexpr (kValues)
      return {key, packed_.string_at(packed_.behind(offset))};
    else
      return {key, {}};
  }
  size_t end_of(size_t offset) const {
    offset = packed_.behind(offset);
    return kValues ? packed_.behind(offset) : offset;
  }
  // The end, if it is not there.
  size_t find_packed(std::string_view key) const {
    size_t offset = 0;
    while (offset < packed_.size() && packed_.string_at(offset) != key) offset = end_of(offset);
    return offset;
  }
  // From where it was looked last, so that a walk from position to position is one.
  size_t offset_of(size_t position) const {
    if (position < place_) forget_place();
    for (; place_ < position; ++place_) offset_ = static_cast<uint16_t>(end_of(offset_));
    return offset_;
  }
  void forget_place() const { place_ = offset_ = 0; }

  void unpack() {
    auto large = std::make_unique<Large>();
    std::swap(large_, large);
    for (size_t offset = 0; offset < packed_.size(); offset = end_of(offset)) {
      const Item item = item_at(offset);
      set_large(item.key, item.value);
    }
    CHECK(large_->map.size() == count_);
    packed_ = Packed();
    count_ = 0;
    forget_place();
  }

  bool set_large(std::string_view key, View value) {
    auto [entry, is_new] = large_->map.insert(key);
    if constexpr (kValues) {
      CHECK(large_->value_bytes >= heap_bytes(entry->value));
      large_->value_bytes -= heap_bytes(entry->value);
      entry->value.assign(value);
      large_->value_bytes += heap_bytes(entry->value);
    }
    return is_new;
  }

  bool erase_large(std::string_view key) {
    const auto* entry = large_->map.find(key);
    if (entry == nullptr) return false;
    if constexpr (kValues) large_->value_bytes -= heap_bytes(entry->value);
    large_->map.erase(key);
    CHECK(large_->map.size() > 0 || large_->value_bytes == 0);
    return true;
  }

  static_assert(kMostPacked * 2 * (1 + kLongestPacked) <= UINT16_MAX);
  Packed packed_;
  uint16_t count_ = 0;           // while packed
  mutable uint16_t place_ = 0;   // a position,
  mutable uint16_t offset_ = 0;  // and where it is
  std::unique_ptr<Large> large_;
};

}  // namespace powercut::engine
