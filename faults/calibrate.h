// Calibration: is every state that a real kernel left among those a persona allows?
//
// Method: a program (one system call a step) runs on the simulated disk; after each step its crash
// space is asked about every state observed there. Containment is exact, by membership; tightness
// is by enumeration where the legal set is small enough, and says how many legal images were
// observed. Reported and never skipped in silence: programs with a step of a kind the disk has not,
// states of which the data gives only the beginning, files that the kernel refused to read. Source
// of the observations: faults/testdata/kernel-6.18/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/personas.h"
#include "sim/crash_images.h"

namespace powercut::faults {

struct ObservedState {
  sim::Image image;
  uint64_t step_min = 0;  // seen after this many steps had returned
  uint64_t step_max = 0;
  bool torn = false;         // seen only where a 4 KiB write tears at 512 bytes
  bool abbreviated = false;  // the data gives only a prefix of its runs: cannot be checked
  bool unreadable = false;   // the kernel refused to read a file: no image of ours
};

struct ObservedProgram {
  std::string config;
  std::string name;
  std::vector<std::string> setup;
  std::vector<std::string> steps;
  std::vector<ObservedState> states;
  std::string not_run;  // the step or state that we do not model; empty: none
};

struct Calibration {
  std::string program;
  std::string not_run;    // why; nothing else is filled in then
  uint64_t observed = 0;  // distinct states; of these:
  uint64_t contained = 0;
  uint64_t unchecked = 0;  // abbreviated
  uint64_t unreadable = 0;
  std::vector<std::string> missing;  // what a sound persona would contain
  // Distinct legal images after any step, blocks never torn, and how many were observed.
  uint64_t legal = 0;
  uint64_t legal_observed = 0;
  bool enumerated = false;  // false: too many to enumerate, the two numbers above are zero
};

Calibration calibrate(const ObservedProgram& program, const sim::PersonaRules& rules,
                      uint64_t tapes_max);

struct Boundary {
  sim::Disk returned;  // after this many steps
  sim::Disk during;    // the next step has begun; a sync is in flight
};
// Can all its steps be done? Empty, or what the first that we do not model would do.
//   Errors: kInvalid: one line that says which cannot, and why.
Result<std::string> check_program(const ObservedProgram& program);
// One for 0, 1, 2... steps.
// REQUIRES: check_program() finds nothing.
std::vector<Boundary> run_program(const ObservedProgram& program, const sim::PersonaRules& rules);

// "f=o*4096 N*12 t=dir/": an image in the notation of the observations.
std::string describe(const sim::Image& image);
// The bytes of "o*4096 ZERO*12". STALE is our garbage at that offset. REQUIRES: not abbreviated.
std::string parse_runs(const std::string& runs);

}  // namespace powercut::faults
