#include "engine/store/eviction.h"

#include <algorithm>

namespace powercut::engine {

namespace {

constexpr Site kSite{"eviction.sample"};

}  // namespace

bool by_frequency(EvictionPolicy policy) {
  return policy == EvictionPolicy::kVolatileLfu || policy == EvictionPolicy::kAllkeysLfu;
}

bool Eviction::volatile_only() const { return policy_ <= EvictionPolicy::kVolatileTtl; }

// Is there a key that the policy allows to go?
bool Eviction::may_go(const Database& db) const {
  return volatile_only() ? db.expires_count() > 0 : !db.table().empty();
}

// One of those that may go. REQUIRES: there is one.
const Table::Entry& Eviction::drawn(const Database& db) {
  if (!volatile_only()) return db.table().at(draw_(kSite, db.table().size()));
  return db.expiring_at(draw_(kSite, db.places()));
}

uint64_t Eviction::score_of(const Object& object) const {
  const Accesses& accesses = keyspace_.accesses();
  if (policy_ == EvictionPolicy::kVolatileTtl)
    return UINT64_MAX - static_cast<uint64_t>(object.expire_at_ms);
  if (by_frequency(policy_)) return uint64_t{UINT8_MAX} - accesses.frequency(object.access);
  return static_cast<uint64_t>(accesses.idle_s(object.access));
}

void Eviction::consider(int db, const Table::Entry& entry) {
  const uint64_t score = score_of(entry.value);
  const bool full = pool_.size() == kPool;
  if (full && score <= pool_.front().score) return;
  const auto same = [&](const Candidate& one) {
    return one.victim.db == db && one.victim.key == entry.key;
  };
  if (std::any_of(pool_.begin(), pool_.end(), same)) return;
  if (full) pool_.erase(pool_.begin());
  const auto place =
      std::upper_bound(pool_.begin(), pool_.end(), score,
                       [](uint64_t mine, const Candidate& other) { return mine < other.score; });
  pool_.insert(place, {score, {db, std::string(entry.key)}});
}

// The best of the pool that is still there, and may still go.
std::optional<Eviction::Victim> Eviction::best_left() {
  while (!pool_.empty()) {
    Victim victim = std::move(pool_.back().victim);
    pool_.pop_back();
    const auto* entry = keyspace_.database(victim.db).table().find(victim.key);
    if (entry != nullptr && (!volatile_only() || entry->value.expires())) return victim;
  }
  return std::nullopt;
}

std::optional<Eviction::Victim> Eviction::choose_at_random() {
  for (int tried = 0; tried < keyspace_.databases(); ++tried) {
    const int db = next_db_++ % keyspace_.databases();
    if (may_go(keyspace_.database(db)))
      return Victim{db, std::string(drawn(keyspace_.database(db)).key)};
  }
  return std::nullopt;
}

std::optional<Eviction::Victim> Eviction::choose() {
  if (policy_ == EvictionPolicy::kNoEviction) return std::nullopt;
  if (policy_ == EvictionPolicy::kAllkeysRandom || policy_ == EvictionPolicy::kVolatileRandom)
    return choose_at_random();
  for (;;) {
    bool any = false;
    for (int db = 0; db < keyspace_.databases(); ++db) {
      const Database& database = keyspace_.database(db);
      if (!may_go(database)) continue;
      any = true;
      for (size_t n = 0; n < samples_; ++n) consider(db, drawn(database));
    }
    if (!any) return std::nullopt;
    if (auto victim = best_left()) return victim;
  }
}

}  // namespace powercut::engine
