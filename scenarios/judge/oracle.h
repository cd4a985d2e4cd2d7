// The oracle: accepts exactly the states the promise allows (engine/DURABILITY.md).
//
// Given the history, what had been promised at the crash and what recovery came to, it finds the
// largest k with R = S(k) and holds it against the floors of the policy, and each acknowledgement that
// is lost against the policy that was in force when it was given. It measures the loss of every
// crash, legal or not, beside the bound. A recovery that does not start, does not end, or cannot do
// again what was logged is judged here as well, and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "scenarios/judge/history.h"
#include "scenarios/judge/policy.h"
#include "scenarios/judge/recovered.h"
#include "scenarios/judge/verdict.h"
#include "sim/injector.h"
#include "sim/sim_os.h"
#include "sim/target.h"

namespace powercut::scenarios {

// What had been promised at the instant of a crash.
struct Promised {
  sim::CrashKind kind = sim::CrashKind::kNone;  // kNone: a clean shutdown, then a power cut
  Instant at;
  uint64_t last = 0;  // operations executed by then
  // Had been served when it happened, if less than the oracle was told since.
  uint64_t served = UINT64_MAX;
  uint64_t acks = UINT64_MAX;  // acknowledgements given by then; those at `at` may come after it
  size_t backups = SIZE_MAX;   // the moment of the ledger of backups
  sim::Promise engine;         // what the engine believed
};

// What kept the syncs of one life from returning: D of the everysec promise is made of these.
struct Delays {
  std::vector<sim::SimOs::Wait> waits;
  std::vector<sim::Span> blocked;
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

  // `contract_broken`: a media fault was injected; then any prefix passes, and a refusal.
  Verdict judge(History& history, const Promised& promised, const Delays& delays,
                const Recovered& recovered, bool contract_broken);
  // A recovered store has served: no later recovery may yield less.
  void served(uint64_t k) { served_ = k; }
  uint64_t served() const { return served_; }

 private:
  Verdict judge_state(History& history, const Promised& promised, const Delays& delays,
                      const Recovered& recovered, bool contract_broken) const;
  struct Share {
    const Policy* policy;
    Loss loss;  // of what was acknowledged under it
    int64_t window_ms;
  };
  std::vector<Share> measure(const History& history, const Promised& promised, const Delays& delays,
                             uint64_t k) const;
  // When there had been so many changes.
  const Policy& in_force(const History& history, size_t changes) const;
  const Policy& stands_under(const History& history, const Promised& promised, const Delays& delays,
                             const Operation& operation) const;
  int64_t bound_ms(const Policy& policy, const Promised& promised, const Delays& delays,
                   Instant oldest) const;
  std::optional<Violation> floors(const Promised& promised, uint64_t k) const;
  static std::optional<Violation> bounds(const Share& share);
  // What was promised of a database behind the engine.
  static std::optional<Violation> behind(const History& history, const Promised& promised,
                                         const Recovered& recovered);

  const Policy& policy_;
  bool keeps_synced_;
  bool promises_writeback_;
  uint64_t served_ = 0;
};

}  // namespace powercut::scenarios
