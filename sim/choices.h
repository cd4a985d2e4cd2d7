// Every non-deterministic decision is one call: choose(site, key, n), an integer in [0, n).
// Behind it stand a seeded source, a replayed tape, an exhaustive odometer and RapidCheck.
//
// A draw is keyed by its site (what is being decided) and its key (which instance of it), not by its
// position in a stream, so adding a draw somewhere does not reshuffle every other draw.
#pragma once

#include <cstdint>

#include "engine/base/check.h"
#include "engine/base/site.h"

namespace powercut::sim {

class Choices {
 public:
  virtual ~Choices() = default;
  // REQUIRES: n >= 1.
  virtual uint64_t choose(Site site, uint64_t key, uint64_t n) = 0;
  // True with probability numerator / denominator.
  bool chance(Site site, uint64_t key, uint64_t numerator, uint64_t denominator) {
    return choose(site, key, denominator) < numerator;
  }
};

// A counter-based hash of (seed, site, key). The same on any compiler, build type and core.
class SeededChoices final : public Choices {
 public:
  explicit SeededChoices(uint64_t seed) : seed_(seed) {}
  uint64_t choose(Site site, uint64_t key, uint64_t n) override {
    CHECK(n >= 1);
    const uint64_t bits = mix(mix(seed_ ^ site.hash) + key * 0x9e3779b97f4a7c15u);
    return static_cast<uint64_t>((static_cast<Wide>(bits) * n) >> 64);
  }
  uint64_t seed() const { return seed_; }

 private:
  __extension__ using Wide = unsigned __int128;
  // The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA'14).
  static uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  uint64_t seed_;
};

}  // namespace powercut::sim
