// A shrunk scenario told to somebody who does not know the code: what was acknowledged, what the
// disk kept and lost, what recovery made of it, which promise broke, and which missing sync would
// have prevented it.
//
// The sync is not guessed: each file and directory is synced, in a copy of the run, after each call
// that came before the cut, and the story names where that makes the same run hold.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/story/scenario.h"
#include "scenarios/story/trace_text.h"

namespace powercut::scenarios {

// Between these two calls, a sync of `path` keeps the promise.
struct MissingFence {
  std::string path;    // a directory's ends in '/'; "./" is the root
  std::string after;   // "the rename of dump.rdb"
  std::string before;  // another call, or "the client is told"
  bool operator==(const MissingFence&) const = default;
};

// The most plausible first; none if no single sync saves the run.
std::vector<MissingFence> missing_fences(const Scenario& scenario);

// Of a run that held it tells the lives, and that every promise held.
std::string tell_story(const Scenario& scenario, const Account& account,
                       const std::vector<MissingFence>& fences);

// The lives alone, one after the other: what clients did, what went wrong, what the disk kept and lost,
// what recovery made of it.
std::string tell_lives(const Scenario& scenario, const Account& account);

// Why what was promised is there: before each crash, which sync had covered the write that was
// acknowledged last. `seen`: of the same run, by life.
std::string tell_why(const Scenario& scenario, const Account& account,
                     const std::vector<TraceTeller::LifeSeen>& seen);

}  // namespace powercut::scenarios
