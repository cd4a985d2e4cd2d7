// What a start makes of files that were damaged while nothing ran: a fault outside the contract.
//
// It may refuse, and need not know how to go on. But what the files show to be damage is never taken for a
// tail that was not finished, and what stands in front of it is never dropped.
#pragma once

#include <cstdint>
#include <optional>

#include "scenarios/judge/recovered.h"
#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

struct Damage {
  Recovered intact;              // what the start comes to without it
  bool shows = false;            // by the files alone
  uint64_t before = UINT64_MAX;  // operations that stand in front of it
  bool in_log = false;           // and nowhere else
};

// kDamageTaken, or nothing. That the state is one there ever was, the oracle asks (oracle.h). Where the
// start did not succeed without the damage, nothing is asked.
std::optional<Violation> judge_damage(const Damage& damage, const Recovered& recovered);

}  // namespace powercut::scenarios
