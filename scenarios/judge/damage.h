// What a start makes of files that were damaged while nothing ran: a fault outside the contract.
//
// It may refuse, and need not know how to go on. But what the files show to be damage is never taken for a
// tail that was not finished, and what stands in front of it is never dropped. That it comes to less, or to another state, is
// wrong; to more it may come, of what had been written by then.
#pragma once

#include <cstdint>
#include <optional>

#include "scenarios/judge/recovered.h"
#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

// What the files tell of harm that was done to them.
struct Testimony {
  bool shows = false;   // that bytes had been on the disk, synced, and are not what they were
  uint64_t before = 0;  // operations that stand in front of the harm
  bool in_log = false;  // all of it: told to give up what is damaged (sim::Settings), it starts
};

struct Damage {
  Recovered intact;  // what the start comes to without it
  Testimony told;
};

// kDamageTaken, or nothing. That the state is one there ever was, the oracle asks (oracle.h). Where the
// start did not succeed without the damage, nothing is asked.
std::optional<Violation> judge_damage(const Damage& damage, const Recovered& recovered);

}  // namespace powercut::scenarios
