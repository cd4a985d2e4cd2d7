// From a scenario that breaks a promise to a small one that breaks the same: a local minimum.
//
// Method: delta debugging (Zeller, Hildebrandt, TSE'02) over everything that a scenario is made of:
// lives, words of the plan, steps and their manners, the crash point, slots of the survival. Where
// a smaller candidate passes as it stands, the cut is looked for anew: at every call that changes
// the disk, with everything kept, nothing kept and a few draws. "Still fails" means that the same
// oracle speaks. The same input gives the same output.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "scenarios/story/scenario.h"

namespace powercut::scenarios {

struct ShrinkOptions {
  uint64_t tries_max = 200'000;  // runs, and recoveries judged in them
  std::function<void(uint64_t tries, size_t operations)> progress;  // may be null
};

struct Shrunk {
  Scenario scenario;
  Account account;
  uint64_t tries = 0;
  size_t operations_before = 0;
  bool complete = true;  // false: tries_max was reached; it may not be minimal
};

// Steps that clients send, over all lives.
size_t operations(const Scenario& scenario);

// Errors: kInvalid: the scenario breaks no promise, or states what cannot be.
Result<Shrunk> shrink(const Scenario& scenario, const ShrinkOptions& options = {});

}  // namespace powercut::scenarios
