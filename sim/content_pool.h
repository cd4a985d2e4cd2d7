// Contents of sectors, each kept once and known by a number: equal numbers are equal bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/hash.h"
#include "engine/os/os.h"

namespace powercut::sim {

using ContentId = uint32_t;

class ContentPool {
 public:
  ContentPool() { intern(""); }
  static constexpr ContentId kEmpty = 0;

  ContentId intern(std::string_view bytes);
  const std::string& bytes(ContentId id) const { return contents_[id]; }
  // Of the first `length` bytes.
  ContentId prefix(ContentId id, size_t length);
  // The highest number in the two, one behind the other.
  uint64_t highest(ContentId first, ContentId second, engine::Highest what);

 private:
  struct Hash {
    size_t operator()(std::string_view bytes) const { return hash_bytes(bytes); }
  };
  struct Key {
    uint64_t a, b;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return (key.a * 0x9e3779b97f4a7c15u) ^ (key.b * 0xbf58476d1ce4e5b9u);
    }
  };
  std::deque<std::string> contents_;
  std::unordered_map<std::string_view, ContentId, Hash> ids_;
  std::unordered_map<Key, ContentId, KeyHash> prefixes_;
  std::unordered_map<Key, uint64_t, KeyHash> highest_;
};

}  // namespace powercut::sim
