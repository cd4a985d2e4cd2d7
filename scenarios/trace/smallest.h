// The smallest trace that breaks a promise like another: fewer calls, fewer acknowledgements, and a power cut that
// takes as little as it can.
//
// Method: what is behind the cut goes first, then calls in ever smaller groups (delta debugging), then files that were
// there before. What is left is a trace as a program might have made it, and is explored anew each time: it counts if
// the same verdict is possible on the same persona, and the same missing sync would make it rarer. A sync goes only with
// what it covered, so that no other one comes to be missing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/base/result.h"
#include "scenarios/trace/judge.h"
#include "scenarios/trace/syncs.h"

namespace powercut::scenarios {

struct SmallTrace {
  Trace trace;
  std::vector<Acknowledgement> acks;
  std::optional<AddedSync> cause;
  TraceExploration all;  // of that trace, on the one persona
  TraceViolation violation;
  uint64_t tries = 0;
  bool minimal = true;  // else it stopped at `tries_most`, or the recoveries were used up
};
using AcksOf = std::function<std::vector<Acknowledgement>(const Trace& trace)>;

// REQUIRES: `violation` is one of what explore_trace(spec) finds, and `cause` what cause_of() says of it.
//   Errors: those of explore_trace().
Result<SmallTrace> smallest_like(const TraceSpec& spec, const TraceViolation& violation,
                                 const std::optional<AddedSync>& cause, const AcksOf& acks_of,
                                 ImageOutcomes& outcomes, uint64_t tries_most);

}  // namespace powercut::scenarios
