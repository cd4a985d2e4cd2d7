// One run told in words: its plan, each life and how it ended, what each recovery found and lost
// beside the bound, the verdict. Also every event, and the disk as it stood at one of them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "scenarios/run/run.h"

namespace powercut::scenarios {

struct Telling {
  bool events = false;            // every event, as it happens
  std::optional<uint64_t> until;  // stop the account at this event, and show the disk
  // Of the run to be told again: if this build's is another one, it says so.
  std::optional<Fingerprint> recorded;
};

// Runs `spec` and tells it on `out`.
RunResult narrate(std::FILE* out, const RunSpec& spec, const Telling& telling,
                  const Stated& stated = {});

}  // namespace powercut::scenarios
