// How the clients behave in a run; drawn once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "scenarios/judge/target_type.h"
#include "sim/choices.h"
#include "sim/target.h"

namespace powercut::scenarios {

struct Manners {
  uint64_t clients = 1;
  uint64_t pipeline = 1;           // requests a client sends before it waits
  Duration think{0};               // at most, between two sends
  uint64_t admin_one_in = 0;       // of the units is followed by one of `admin`; 0: none
  std::vector<std::string> admin;  // requests
  // The engine begins without its log, and a client turns it on after so many units; 0: it begins
  // with it.
  uint64_t turn_on_after = 0;
  bool log = true;          // units that need one are sent
  bool checkpoints = true;  // the same
};
Manners draw_manners(sim::Choices& choices, const Workload& workload, const Policy& policy,
                     const TargetType& type);

sim::Sizes draw_sizes(sim::Choices& choices);
// Of one write into the page cache. Long ones let clients go on in the middle of a checkpoint.
Duration draw_write_latency(sim::Choices& choices);

}  // namespace powercut::scenarios
