// Failed syncs observed on real kernels, as a file of JSON lines: one (filesystem, program, variant)
// each. The fields are those of faults/testdata/kernel-6.18/failed-sync.jsonl. And the personas held
// against them, filesystem by filesystem.
#pragma once

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/failed_sync_replay.h"
#include "faults/personas.h"

namespace powercut::faults {

// Is this the first line of such a file?
bool are_failed_syncs(const std::string& line);
// `path` is for messages.
//   Errors: kIo; kCorrupt with the line that is no such thing.
Result<std::vector<FailedSyncProgram>> read_failed_syncs(std::istream& file,
                                                         const std::string& path);

// One filesystem held against the persona that stands for it.
struct FailedSyncCalibration {
  std::string fs;
  const Persona* persona = nullptr;         // null: none of ours claims to be this one
  uint64_t programs = 0;                    // with their variants
  std::map<std::string, uint64_t> not_run;  // why, and how many programs
  uint64_t observed = 0;                    // distinct runs of those that were run; of these
  uint64_t contained = 0;
  std::vector<std::string> missing;  // the others: where they depart from what is allowed
  // Distinct images at the cuts of a program, and how many of them were observed.
  uint64_t legal = 0;
  uint64_t legal_observed = 0;

  uint64_t skipped() const;
  bool forbids() const { return !missing.empty(); }
  bool sound() const { return contained > 0 && !forbids(); }
};

// By filesystem, in the order of their first program.
std::vector<FailedSyncCalibration> calibrate_failed_syncs(
    const std::vector<FailedSyncProgram>& programs);

}  // namespace powercut::faults
