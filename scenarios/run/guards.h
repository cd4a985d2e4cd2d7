// Guarding the guard: what a sweep does to itself, so that a sweep that finds nothing means
// something.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/run/run.h"

namespace powercut::scenarios {

// The must-fail canary: a planted bug that every sweep has to find before its own verdict counts.
struct Canary {
  const faults::MutantInfo* mutant = faults::find_mutant("no-sync:segment.commit");
  uint64_t seeds = 64;
};
// The ID of the first run that found it; nothing if none did.
std::optional<std::string> find_canary(const Canary& canary);

// Runs `spec` again. Nothing if it comes to the same trace as `result`; else one line that names
// the first event that differs.
std::optional<std::string> run_differs(const RunSpec& spec, const RunResult& result);

// The first event that differs between two runs. `first` and `second` are event lines in order.
std::string first_difference(const std::vector<std::string>& first,
                             const std::vector<std::string>& second);

// One event as a line: number, virtual time, call, path, sizes, outcome.
std::string event_line(const sim::Event& event);

}  // namespace powercut::scenarios
