// One run told in words: its plan, each life and how it ended, what each recovery found and lost, what the
// power cuts beside it came to, the verdict. Or every event, and the disk as it stood at one of them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "scenarios/run/run.h"
#include "scenarios/story/scenario.h"

namespace powercut::scenarios {

struct Telling {
  bool events = false;                 // every event, as it happens, instead of the story
  bool why = false;                    // and behind the story which sync covered what
  std::optional<uint64_t> until = {};  // stop the account at this event, and show the disk
  // Of the run to be told again: if this build's is another one, it says so.
  std::optional<Fingerprint> recorded = {};
};

// Runs `spec` and tells it on `out`.
RunResult narrate(std::FILE* out, const RunSpec& spec, const Telling& telling);

// A scenario, event by event; and which sync covered what. Errors: as run_scenario.
Result<Account> trace_scenario(std::FILE* out, const Scenario& scenario);
Result<std::string> why_of_scenario(const Scenario& scenario);

}  // namespace powercut::scenarios
