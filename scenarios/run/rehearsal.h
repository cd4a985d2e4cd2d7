// A workload sent once to an engine on a disk that does nothing wrong: is there anything in it to judge?
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"
#include "scenarios/judge/target_type.h"
#include "scenarios/workload/workload.h"

namespace powercut::scenarios {

// Longer than any plan needs: a life that lasts this long hangs.
inline constexpr Duration kLifeLimit = seconds(900);

struct Rehearsal {
  bool writes = false;  // some request changed something; then nobody counted the others
  uint64_t requests = 0;
  uint64_t unknown = 0;  // that the engine does not have
  uint64_t errors = 0;   // others that were answered with an error
};
// Until the first request that changes something.
Rehearsal rehearse(const Workload& workload, const TargetType& target);

// "nothing is judged, since nothing is written: 3 requests: 2 unknown commands, 1 that changes nothing".
std::string nothing_to_judge(const Rehearsal& rehearsal);

}  // namespace powercut::scenarios
