// Runs worth repeating: each reached a cell of the coverage that no other in the corpus reaches. A text file,
// an ID a line, with its fingerprint; lines that begin with # are comments, and are dropped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/sweep/sweep.h"

namespace powercut::scenarios {

// Errors: kIo. A file that is not there is an empty corpus.
Result<std::vector<std::string>> read_corpus(const std::string& path);

struct Replayed {
  Tally tally;      // of all that was run
  CellSet reached;  // by what is kept
  std::vector<std::string>
      kept;  // IDs of this build's runs, each with a cell that those before have not
  std::vector<std::string> foreign;  // of another engine or another bug: not run, and kept
  uint64_t of_another_build = 0;     // went otherwise than their fingerprint says
  uint64_t pruned = 0;               // reach nothing new any more
  uint64_t unreadable = 0;           // no IDs, or of a workload that is gone: dropped
};
// In the order of the file, on options.jobs threads.
Replayed replay_corpus(const std::vector<std::string>& ids, const SweepOptions& options);

// The runs of a sweep with witnesses that reached what the corpus does not, the lowest seed first.
std::vector<std::string> new_runs(const Tally& tally, const CellSet& reached);

std::string print_corpus(const std::vector<std::string>& ids);

}  // namespace powercut::scenarios
