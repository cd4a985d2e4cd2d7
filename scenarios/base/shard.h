// One part of a campaign that is made of several: which work is in it follows from its number and from
// how many there are, so whoever runs it, and how often, comes to the same.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/base/result.h"

namespace powercut::scenarios {

struct Shard {
  uint64_t number = 1;  // from 1
  uint64_t count = 1;
  bool operator==(const Shard&) const = default;

  // Pieces of work are numbered from 0, and dealt out in turn.
  bool has(uint64_t piece) const { return piece % count == number - 1; }
  // How many of `pieces` are in it, and which one `k` of these is.
  uint64_t share_of(uint64_t pieces) const {
    return pieces < number ? 0 : (pieces - number) / count + 1;
  }
  uint64_t piece(uint64_t k) const { return k * count + number - 1; }
};
std::string print(const Shard& shard);  // "2/8"

// What the environment says of a variable; nullptr: nothing.
using Environment = std::function<const char*(const char* variable)>;

// "2/8"; or "auto": the number from the array task of Slurm (SLURM_ARRAY_TASK_ID, an array from 1 on), the
// index of a Kubernetes Job (JOB_COMPLETION_INDEX, from 0) or the job of GNU parallel (PARALLEL_SEQ); how
// many from POWERCUT_SHARDS, or where that is not set from Slurm (SLURM_ARRAY_TASK_COUNT).
//   Errors: kInvalid: neither; or two of them give a number; or the number is not among them.
Result<Shard> parse_shard(const std::string& text, const Environment& environment);
// The same of this process's environment.
Result<Shard> parse_shard(const std::string& text);

}  // namespace powercut::scenarios
