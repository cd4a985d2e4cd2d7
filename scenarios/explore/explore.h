// Every crash of a bounded run: all its crash points, at each a kill and all legal disk images of a
// power cut, each image recovered and judged. What comes out is a proof for that run, with the
// number of images it covers.
//
// A crash point is before or after a seam call, inside a sync, between the blocks of a write, the
// last moment before a call takes effect, or after the clean shutdown that ends the run. The kernel
// writes nothing back by itself here: what it would force only takes images away. Every recovery
// comes some ten minutes later, so that what expires has expired. Depth 2 adds a crash inside each
// recovery, and behind it: of a power cut's images, or of what a killed process leaves in the page
// cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/base/shard.h"
#include "scenarios/explore/recoveries.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/run.h"
#include "sim/survival.h"

namespace powercut::scenarios {

// How far explorations have come, for whoever waits for them; several may share one.
struct ExploreProgress {
  std::atomic<uint64_t> certificates = 0;  // done
  std::atomic<uint64_t> points = 0;
  std::atomic<uint64_t> classes = 0;
};

struct ExploreSpec {
  const TargetType* target = nullptr;  // nullptr: the store
  const Workload* workload = nullptr;
  const Policy* policy = nullptr;
  std::vector<const faults::Persona*> personas;
  const faults::MutantInfo* mutant = nullptr;
  uint64_t seed = 1;  // of the run's latencies
  unsigned depth = 1;
  uint64_t classes_most = 1'000'000;  // per persona; beyond, the exploration is incomplete
  bool stop_at_violation = false;
  // Of the states of the disk, with their crash points, and of the images a second crash starts from. Of
  // several shards each point is judged in one, and all they count sums up to the whole but recoveries_run.
  Shard shard = {};
  ExploreProgress* progress = nullptr;  // may be null
  // Told of each outcome of a power cut and of a kill at each crash point (by number, in the order
  // of the run; the last is after a clean shutdown), with the verdict on it and how many images a
  // power cut may leave there. Depth 1.
  std::function<void(size_t point, sim::CrashKind kind, const std::string& images,
                     const Recovered& outcome, const std::optional<Violation>& broken)>
      on_judged;
};

// One crash on the way to a violation.
struct ExploredCrash {
  sim::CrashKind kind = sim::CrashKind::kPowerCut;  // kNone: the cut after the clean shutdown
  uint64_t call = 0;                                // of that life
  sim::Op op = sim::Op::kOpen;
  sim::CrashPoint point = sim::CrashPoint::kBefore;
  sim::Survival survival;  // of a power cut
  // Not at a point, but that long after the `number`-th call of its kind began; it was to end then.
  struct Moment {
    uint64_t number;
    Duration delay;
  };
  std::optional<Moment> moment = std::nullopt;
};

struct ExploredViolation {
  Violation violation;
  const faults::Persona* persona = nullptr;
  std::vector<ExploredCrash> crashes;  // in the order in which they come
  uint64_t order = 0;                  // among all that the whole exploration finds
};

// What one persona comes to: the certificate of that run.
struct Explored {
  const faults::Persona* persona = nullptr;
  uint64_t crash_points = 0;
  uint64_t points_of_run = 0;      // of all shards
  uint64_t disk_states = 0;        // that differ, of all crash points
  std::string legal_images = "0";  // over all crash points; decimal, exact
  uint64_t classes = 0;            // over all crash points: recoveries judged
  uint64_t violations = 0;         // classes, each at one crash point
  // Depth 2 and 3: crashes behind a first one, counted once for each image that the first may
  // leave.
  uint64_t deeper_points = 0;
  uint64_t deeper_classes = 0;
  std::vector<ExploredViolation> first;  // the first of each oracle
  uint64_t lost_operations_max = 0;      // by one crash
  int64_t lost_ms_max = 0;               // age of the oldest acknowledgement that a crash took
  int64_t lost_span_ms_max = 0;          // the widest span of acknowledgements that a crash took
  uint64_t operations = 0;               // of the run
  uint64_t sent = 0;                     // requests in it
  // Of a shard: what the run breaks without a crash. It counts if no shard finds anything else.
  std::optional<Violation> run_broken = std::nullopt;
  bool complete = false;
  std::string incomplete_because;
};

struct Exploration {
  std::vector<Explored> by_persona;
  uint64_t recoveries_run = 0;  // the others were known by what they look at
  std::string harness_fault;
};

Exploration explore(const ExploreSpec& spec);

// Between a crash and the recovery, so that what expires has expired.
inline constexpr Duration kExploredOff = seconds(600);

// The same filesystem, where the kernel writes nothing back by itself.
faults::Persona explored_persona(faults::Persona persona);

// How a run is made whose crash points are explored; the same for a replay of what was found.
struct ExploredRun {
  RunSpec spec;
  Stated stated;
};
ExploredRun explored_run(const ExploreSpec& spec, const faults::Persona& persona);

}  // namespace powercut::scenarios
