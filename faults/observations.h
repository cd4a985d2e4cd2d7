// Crash states observed on real kernels, as a file of JSON lines: one (configuration, program)
// each. The fields are those of faults/testdata/kernel-6.18/observed.jsonl. And the personas held
// against them, filesystem by filesystem.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/calibrate.h"

namespace powercut::faults {

// `path` is for messages.
//   Errors: kIo; kCorrupt with the line that is not an observation.
Result<std::vector<ObservedProgram>> read_observations(std::istream& file, const std::string& path);

// One filesystem held against the persona that stands for it.
struct FilesystemCalibration {
  std::string config;
  const Persona* persona = nullptr;         // null: none of ours claims to be this one
  Calibration sum;                          // over the programs below; `program` is empty
  std::map<std::string, uint64_t> not_run;  // why, and how many programs
  uint64_t not_enumerated = 0;              // programs: too many legal states to count
  std::vector<Calibration> programs;

  uint64_t skipped() const;  // programs that were not run
  // Some state is not contained. States that no kernel could read are outside the model, and
  // excused only where the device itself breaks its word.
  bool forbids() const;
  // Every state that could be checked is contained, and there was one.
  bool sound() const { return sum.contained > 0 && !forbids(); }
};

// By configuration, in the order of their first program. `tapes_max`: as calibrate().
std::vector<FilesystemCalibration> calibrate_all(const std::vector<ObservedProgram>& programs,
                                                 uint64_t tapes_max);

}  // namespace powercut::faults
