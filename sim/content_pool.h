// Contents of sectors, each kept once and known by a number: equal numbers are equal bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "engine/base/check.h"
#include "engine/os/os.h"
#include "sim/hash_index.h"

namespace powercut::sim {

using ContentId = uint32_t;

class ContentPool {
 public:
  ContentPool() { CHECK(intern("") == kEmpty); }
  static constexpr ContentId kEmpty = 0;

  ContentId intern(std::string_view bytes);
  const std::string& bytes(ContentId id) const { return contents_[id]; }
  // Of the first `length` bytes.
  ContentId prefix(ContentId id, size_t length);
  // Of the two, one behind the other.
  uint64_t peak(ContentId first, ContentId second, const engine::Search& what);
  size_t reach(ContentId first, ContentId second, const engine::Search& what);
  // Of the three in a row, which stand at `at`.
  bool matches(ContentId first, ContentId second, ContentId third, const engine::Search& what,
               uint64_t at);

 private:
  std::deque<std::string> contents_;
  HashIndex ids_;
  Memo prefixes_;
  Memo peaks_;
  Memo reaches_;
  using Question = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t, uintptr_t>;
  std::map<Question, uint32_t> questions_;
  Memo matches_;
};

}  // namespace powercut::sim
