// What a sweep never reached. A fault that was never injected, or a branch of recovery that was
// never taken, was not tested: with everything enabled and enough seeds, a zero is a finding.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

// Fewer seeds than this prove nothing about a zero.
inline constexpr uint64_t kVacuitySeeds = 2'000;

// Why a fault cannot strike a role; empty if it can.
std::string_view unreachable(faults::FaultClass fault, faults::FileRole role);

// Could all that there is have happened in these runs, and often enough?
bool expects_everything(const SweepOptions& options, const Tally& tally);

// "eio x manifest", "branch log healed": what can be reached and was not.
std::vector<std::string> vacuity_zeros(const Tally& tally);

}  // namespace powercut::scenarios
