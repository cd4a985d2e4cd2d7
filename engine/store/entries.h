// The fields of a hash, or the members of a set: packed while they are few and short, then a SlabMap. Positions
// [0, size()) are dense; while packed they are the order of insertion, and one that goes moves those behind it.
#pragma once

#include <cstdint>
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

  size_t size() const { return small_.is_large() ? small_.large().map.size() : small_.count(); }
  bool packed() const { return !small_.is_large(); }
  // For who fetches ahead: where they are while packed, or what leads there; and the map, or null while packed.
  const void* block() const { return small_.bytes().at(0); }
  const SlabMap<V>* map() const { return small_.is_large() ? &small_.large().map : nullptr; }

  // REQUIRES: position < size().
  Item at(size_t position) const {
    CHECK(position < size());
    if (small_.is_large()) {
      const auto& entry = small_.large().map.at(position);
      if constexpr (kValues)
        return {entry.key, entry.value};
      else
        return {entry.key, {}};
    }
    return item_at(small_.offset_of(position, [this](size_t offset) { return end_of(offset); }));
  }

  std::optional<View> find(std::string_view key) const {
    if (small_.is_large()) {
      const auto* entry = small_.large().map.find(key);
      if (entry == nullptr) return std::nullopt;
      if constexpr (kValues)
        return View(entry->value);
      else
        return View();
    }
    const size_t offset = find_packed(key);
    if (offset == small_.bytes().size()) return std::nullopt;
    return item_at(offset).value;
  }

  // True if the key is new. Neither may be a view into this.
  bool set(std::string_view key, View value, const PackedLimits& limits) {
    if (small_.is_large()) return set_large(key, value);
    const size_t offset = find_packed(key);
    const bool is_new = offset == small_.bytes().size();
    if (!fits(key, value, limits) || (is_new && small_.count() >= limits.entries)) {
      unpack();
      return set_large(key, value);
    }
    if (is_new) {
      char* to = small_.bytes().open(offset, bytes_of(key, value));
      to = Packed::put(to, key);
      if constexpr (kValues) Packed::put(to, value);
    } else if constexpr (kValues) {
      put_value(small_.bytes().behind(offset), value);
    }
    small_.changed(is_new ? 1 : 0);
    return is_new;
  }

  // `key` may be a view into this. False: there was none.
  bool erase(std::string_view key) {
    if (small_.is_large()) return erase_large(key);
    const size_t offset = find_packed(key);
    if (offset == small_.bytes().size()) return false;
    small_.bytes().close(offset, end_of(offset) - offset);
    small_.changed(-1);
    return true;
  }

  Entries clone() const {
    Entries copy;
    if (small_.is_large()) {
      copy.small_.become_large();
      for (size_t i = 0; i < size(); ++i) copy.set_large(at(i).key, at(i).value);
    } else {
      copy.small_.copy_packed(small_);
    }
    return copy;
  }

  // The heap bytes owned.
  size_t memory_bytes() const {
    const size_t piece = heap_bytes(small_.bytes().size());
    if (packed()) return piece;
    return piece + small_.large().map.memory_bytes() + small_.large().value_bytes;
  }

 protected:
  struct Large {
    SlabMap<V> map;
    size_t value_bytes = 0;  // of the heap, owned by values
  };

  Small<Large> small_;

 private:
  bool fits(std::string_view key, View value, const PackedLimits& limits) const {
    if constexpr (kValues) {
      if (value.size() > limits.bytes) return false;
    }
    return key.size() <= limits.bytes && small_.has_room(bytes_of(key, value));
  }
  static size_t bytes_of(std::string_view key, View value) {
    if constexpr (kValues)
      return Packed::bytes_of(key) + Packed::bytes_of(value);
    else
      return Packed::bytes_of(key);
  }
  // In place of the one at `at`: as a rule that is as long.
  void put_value(size_t at, std::string_view value) {
    auto& bytes = small_.bytes();
    const size_t before = bytes.behind(at) - at;
    const size_t after = Packed::bytes_of(value);
    if (after > before) bytes.open(at, after - before);
    if (after < before) bytes.close(at, before - after);
    Packed::put(bytes.at(at), value);
  }

  Item item_at(size_t offset) const {
    const std::string_view key = small_.bytes().string_at(offset);
    if constexpr (kValues)
      return {key, small_.bytes().string_at(small_.bytes().behind(offset))};
    else
      return {key, {}};
  }
  size_t end_of(size_t offset) const {
    offset = small_.bytes().behind(offset);
    return kValues ? small_.bytes().behind(offset) : offset;
  }
  // The end, if it is not there.
  size_t find_packed(std::string_view key) const {
    const size_t end = small_.bytes().size();
    size_t offset = 0;
    while (offset < end && small_.bytes().string_at(offset) != key) offset = end_of(offset);
    return offset;
  }

  void unpack() {
    const Entries before(std::move(*this));
    small_.become_large();
    for (size_t offset = 0; offset < before.small_.bytes().size(); offset = before.end_of(offset)) {
      const Item item = before.item_at(offset);
      set_large(item.key, item.value);
    }
    CHECK(size() == before.size());
  }

  bool set_large(std::string_view key, View value) {
    Large& large = small_.large();
    auto [entry, is_new] = large.map.insert(key);
    if constexpr (kValues) {
      CHECK(large.value_bytes >= heap_bytes(entry->value));
      large.value_bytes -= heap_bytes(entry->value);
      entry->value.assign(value);
      large.value_bytes += heap_bytes(entry->value);
    }
    return is_new;
  }

  bool erase_large(std::string_view key) {
    Large& large = small_.large();
    const auto* entry = large.map.find(key);
    if (entry == nullptr) return false;
    if constexpr (kValues) large.value_bytes -= heap_bytes(entry->value);
    large.map.erase(key);
    CHECK(large.map.size() > 0 || large.value_bytes == 0);
    return true;
  }
};

}  // namespace powercut::engine
