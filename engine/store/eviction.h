// Which key goes when memory is short: maxmemory-policy. As Redis does it: a few keys are drawn, and the best of them kept
// in a pool for the next time, so that the choice comes near that of a whole order which nobody keeps.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/site.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

enum class EvictionPolicy : uint8_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction,
};
// In the order above, as CONFIG says them.
inline constexpr std::string_view kEvictionPolicies[] = {
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
    "allkeys-lru",  "allkeys-lfu",  "allkeys-random",  "noeviction"};
bool by_frequency(EvictionPolicy policy);

class Eviction {
 public:
  struct Victim {
    int db;
    std::string key;
  };
  using Draw = std::function<uint64_t(Site, uint64_t)>;

  Eviction(const Keyspace& keyspace, Draw draw) : keyspace_(keyspace), draw_(std::move(draw)) {}

  // `samples`: how many keys of each database are drawn at a time (maxmemory-samples).
  void set_policy(EvictionPolicy policy, size_t samples) {
    if (policy != policy_) pool_.clear();
    policy_ = policy;
    samples_ = samples;
  }
  EvictionPolicy policy() const { return policy_; }

  // The next to go; nullopt: none that may.
  std::optional<Victim> choose();

 private:
  static constexpr size_t kPool = 16;
  struct Candidate {
    uint64_t score;  // the highest goes first
    Victim victim;
  };
  bool volatile_only() const;
  bool may_go(const Database& db) const;
  const Table::Entry& drawn(const Database& db);
  uint64_t score_of(const Object& object) const;
  void consider(int db, const Table::Entry& entry);
  std::optional<Victim> choose_at_random();
  std::optional<Victim> best_left();

  const Keyspace& keyspace_;
  Draw draw_;
  EvictionPolicy policy_ = EvictionPolicy::kNoEviction;
  size_t samples_ = 5;
  std::vector<Candidate> pool_;  // ascending
  int next_db_ = 0;              // to draw from at random: each in turn
};

}  // namespace powercut::engine
