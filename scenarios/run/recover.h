// A recovery in a world of its own, where nothing goes wrong any more.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "faults/mutants.h"
#include "scenarios/judge/recovered.h"
#include "scenarios/judge/target_type.h"
#include "sim/lazy_disk.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

// How an engine is opened again.
struct Opening {
  const TargetType* type = nullptr;
  sim::Settings settings;
  const faults::MutantInfo* mutant = nullptr;  // may be null
};

// How the world is that it happens in. Pointers may be null.
struct RecoveryWorld {
  sim::Choices& choices;
  sim::LatencyProfile latency = {};
  sim::LazyDisk* lazy = nullptr;  // decides the disk when it is looked at
  sim::Watcher* watcher = nullptr;
  sim::Disk* served = nullptr;  // set to the disk as the engine begins to serve
  int64_t wall_ms = 0;          // of the digest, unless the clock is past that when it is done
  bool backups = false;         // looks at them as well, behind the start
  sim::TraceListener* trace = nullptr;
  // Told of the engine that is open, before it ends.
  std::function<void(sim::Target&)> opened = {};
};
Recovered recover_in(sim::WorldState& world, const Opening& opening, const RecoveryWorld& how);

// What a judge can see of an engine that has just been opened.
Recovered recovered_by(sim::Target& target, int64_t wall_ms);

}  // namespace powercut::scenarios
