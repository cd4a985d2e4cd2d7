// What a recovery came to, as far as a judge can see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/judge/backups.h"
#include "sim/target.h"

namespace powercut::scenarios {

struct Recovered {
  std::string refusal;  // why it did not start; empty: it did
  bool hangs = false;
  std::string died;     // which CHECK of it failed; empty: none did
  uint64_t digest = 0;  // of the state, at `wall_ms`
  int64_t wall_ms = 0;
  uint64_t last = 0;     // the operation that it says it reached
  uint64_t failed = 0;   // operations that it could not do again
  bool numbered = true;  // `last` is said at all
  sim::MetSet met;
  std::optional<uint64_t> behind = {};  // as in sim::Recovery
  std::string behind_differs = {};
  // What can be restored of the backups that lie there, behind the start; none: nobody looked.
  std::optional<std::vector<FoundBackup>> backups = {};
};

// Judged alike: the same but for what was met on the way.
inline bool same_outcome(const Recovered& a, const Recovered& b) {
  return a.refusal == b.refusal && a.hangs == b.hangs && a.died == b.died && a.digest == b.digest &&
         a.last == b.last && a.failed == b.failed && a.behind == b.behind &&
         a.behind_differs == b.behind_differs && a.backups == b.backups;
}

}  // namespace powercut::scenarios
