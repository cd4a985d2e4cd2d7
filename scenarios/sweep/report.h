// What a sweep came to, for people (a table by policy, the worst case, the first violation) and for
// programs (one JSON object).
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/base/status.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

struct Outcome {
  SweepOptions options;
  Tally tally;
  std::optional<std::string> canary;       // the ID of the run that found it
  std::vector<std::string> vacuity_zeros;  // only where a zero would be a finding
  bool vacuity_checked = false;
  bool lists_coverage = false;  // in the table; JSON always does
  bool interrupted = false;
  uint64_t known = 0;                // of the violations: somebody has written them down
  std::optional<double> elapsed_s;   // none: of several machines
  std::optional<Departure> departs;  // a replay's: this build's run is not the recorded one
};
Status status_of(const Outcome& outcome);
// In all these runs no client was told that a write is done.
bool judges_nothing(const Tally& tally);

// The case that came nearest to a bound, over all policies; of these without a bound, the greatest
// loss. Null if no crash lost anything.
const Case* worst_case(const Tally& tally);
// The case that took most operations, over all policies. Null if no crash lost anything.
const Case* most_lost(const Tally& tally);

// `program`: as the reader would call it again.
void print_table(std::FILE* out, const Outcome& outcome, const std::string& program);
void print_json(std::FILE* out, const Outcome& outcome, const std::string& verb);
nlohmann::ordered_json outcome_json(const Outcome& outcome, const std::string& verb);
// A line each for what makes the sweep itself doubtful; nothing if all is well.
void print_doubts(std::FILE* err, const Outcome& outcome, const std::string& program);

// "17 ops, span 980 ms, age 9,992 ms": lost operations, between which acknowledgements they lie, and how
// old the oldest was at the crash.
std::string loss_text(const Loss& loss);
// On the age: "10,005 ms"; "0 ops", nothing may be lost; "-", there is none.
std::string bound_text(const Loss& loss);
std::string hash_text(uint64_t hash);

}  // namespace powercut::scenarios
