// How often each thing has happened: a key for its n-th time. What is keyed so does not move when
// something else happens more often, or for the first time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/check.h"
#include "sim/hash_index.h"

namespace powercut::sim {

// The key of the n-th time of `what`, a hash.
inline uint64_t nth_key(uint64_t what, uint64_t n) { return what + n * 0x9e3779b97f4a7c15u; }

class Occurrences {
 public:
  Occurrences() { seen_.reserve(kExpected); }

  uint64_t next(uint64_t what) { return next_at(place_of(what)); }

  // In two steps, for what happens often: where `what` is counted, and once more there.
  uint32_t place_of(uint64_t what) {
    const auto known = index_.find(what, [&](uint32_t i) { return seen_[i].what == what; });
    if (known) return *known;
    index_.put(what, static_cast<uint32_t>(seen_.size()));
    seen_.push_back({what, 0});
    return static_cast<uint32_t>(seen_.size() - 1);
  }
  uint64_t next_at(uint32_t place) {
    CHECK(place < seen_.size());
    return nth_key(seen_[place].what, seen_[place].count++);
  }

 private:
  static constexpr size_t kExpected = 32;  // of a recovery; a life that serves has more
  struct Seen {
    uint64_t what;
    uint64_t count;
  };
  HashIndex index_;
  std::vector<Seen> seen_;
};

}  // namespace powercut::sim
