// Crash states observed on real kernels, as a file of JSON lines: one (configuration, program)
// each. The fields are those of faults/testdata/kernel-6.18/observed.jsonl.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/calibrate.h"

namespace powercut::scenarios {

//   Errors: kNotFound, kIo; kCorrupt with the line that is not an observation.
Result<std::vector<faults::ObservedProgram>> load_observations(const std::string& path);

// One filesystem held against the persona that stands for it.
struct FilesystemCalibration {
  std::string config;
  const faults::Persona* persona = nullptr;  // null: none of ours claims to be this one
  uint64_t programs = 0;
  uint64_t not_modelled = 0;  // of the programs: a step that the simulated disk has not
  uint64_t observed = 0;      // distinct states
  uint64_t contained = 0;
  uint64_t unchecked = 0;  // the file gives only their beginning
  uint64_t legal = 0;      // distinct states the persona allows, where they can be counted
  uint64_t legal_observed = 0;
  std::string first_missing;  // the first observed state that the persona forbids

  bool sound() const { return contained + unchecked == observed; }
};

// By configuration, in the order of their first program. `tapes_max`: as faults::calibrate().
std::vector<FilesystemCalibration> calibrate_all(
    const std::vector<faults::ObservedProgram>& programs, uint64_t tapes_max);

}  // namespace powercut::scenarios
