// Contents of sectors, each kept once and known by a number: equal numbers are equal bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "engine/os/os.h"
#include "sim/hash_index.h"

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
  // Of the two, one behind the other.
  uint64_t peak(ContentId first, ContentId second, const engine::Search& what);

 private:
  std::deque<std::string> contents_;
  HashIndex ids_;
  Memo prefixes_;
  Memo peaks_;
};

}  // namespace powercut::sim
