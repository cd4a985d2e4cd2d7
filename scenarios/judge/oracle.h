// The oracle: accepts exactly the states the promise allows (durability.md).
//
// Given the history, the facts of the crash and what recovery yielded, it finds the largest k with
// R = S(k) and holds it against the floors of the policy. It measures the loss of every crash,
// legal or not, beside the bound.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "scenarios/judge/history.h"
#include "scenarios/judge/policy.h"
#include "sim/injector.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

// What the judge knows about the life that ended.
struct CrashFacts {
  sim::CrashKind kind = sim::CrashKind::kNone;  // kNone: a clean shutdown, then a power cut
  Instant at;
  uint64_t last_lsn = 0;  // operations executed by then
  uint64_t served_lsn =
      UINT64_MAX;  // had been served when it happened, if less than the oracle was told since
  uint64_t acks = UINT64_MAX;  // acknowledgements given by then; those at `at` may come after it
  uint64_t written_lsn = 0;    // what the store believed
  uint64_t synced_lsn = 0;
  bool indeterminate = false;  // a sync had failed: a kill then takes what a power cut takes
  uint64_t saved_lsn = 0;      // the newest published checkpoint's cut
  bool in_recovery = false;    // of one that has ended since: the last that the history was told of
  std::vector<sim::SimOs::Wait> waits;
  std::vector<engine::AofLog::Span> blocked;
};

struct Violation {
  std::string oracle;  // "LAW", "BND", "NPX", "NOS", "FF", "MON", "UNL": see `oracle_name`
  std::string text;    // one line
};
std::string_view oracle_name(std::string_view code);

struct Loss {
  uint64_t operations = 0;  // acknowledged and gone
  int64_t age_ms = 0;       // from the oldest lost acknowledgement to the crash
  int64_t span_ms = 0;      // between the oldest and the newest lost acknowledgement
  int64_t bound_ms = 0;     // on age_ms; -1: the policy gives none
};

struct Verdict {
  uint64_t k = 0;  // R = S(k)
  Loss loss;
  std::optional<Violation> violation;
};

inline constexpr int64_t kEverysecMs = 1000;
inline constexpr int64_t kWindowMs = 2000;
// dirty_expire_centisecs + dirty_writeback_centisecs + ext4's commit interval (Linux defaults).
inline constexpr int64_t kKernelMs = 30'000 + 5'000 + 5'000;

class Oracle {
 public:
  // `keeps_synced`: false on a device that lies: only prefix and no invention can be asked.
  // `promises_writeback`: the persona writes old data back by itself, so policy `no` has a bound.
  Oracle(const Policy& policy, bool keeps_synced, bool promises_writeback)
      : policy_(policy), keeps_synced_(keeps_synced), promises_writeback_(promises_writeback) {}

  // `digest`: of the recovered keyspace at `wall_ms`. `claimed`: the LSN that recovery says it
  // reached. `contract_broken`: a media fault was injected; then any prefix passes.
  Verdict judge(History& history, const CrashFacts& facts, uint64_t digest, int64_t wall_ms,
                uint64_t claimed, bool contract_broken);
  // A recovered store has served: no later recovery may yield less.
  void served(uint64_t k) { served_ = k; }
  uint64_t served() const { return served_; }

 private:
  std::optional<Violation> floors(const CrashFacts& facts, const Verdict& verdict) const;
  Loss measure(const History& history, const CrashFacts& facts, uint64_t k) const;

  const Policy& policy_;
  bool keeps_synced_;
  bool promises_writeback_;
  uint64_t served_ = 0;
};

}  // namespace powercut::scenarios
