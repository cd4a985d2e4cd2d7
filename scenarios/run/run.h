// One run: a workload on an engine on a simulated disk, a plan of faults, crashes, recoveries,
// verdicts. A pure function of what it is given: same specification, same trace hash.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/mutants.h"
#include "faults/personas.h"
#include "faults/plan.h"
#include "faults/plan_injector.h"
#include "scenarios/judge/coverage.h"
#include "scenarios/judge/oracle.h"
#include "scenarios/judge/policy.h"
#include "scenarios/judge/target_type.h"
#include "scenarios/run/fingerprint.h"
#include "scenarios/run/manners.h"
#include "scenarios/run/schedules.h"
#include "scenarios/workload/script.h"
#include "scenarios/workload/workload.h"
#include "sim/trace.h"

namespace powercut::scenarios {

class Clients;
struct Opening;
class WatchedEngine;

// Which further crash states are judged beside the plan's own: power cuts, on copies of the disk.
enum class Beside : uint8_t { kNothing, kSome, kEverything };
// "none", "some" or "all"; the inverse gives nothing for other text.
std::string_view name(Beside beside);
std::optional<Beside> parse_beside(std::string_view text);

// What an ID says of a run: run_id().
struct RunSpec {
  const TargetType* target = nullptr;  // nullptr: the store
  const Workload* workload = nullptr;
  const Policy* policy = nullptr;
  const faults::Persona* persona = nullptr;
  faults::FaultSet faults = faults::FaultSet::all();
  uint64_t operations = 200;  // units of the workload issued in each life, at most
  uint64_t seed = 1;
  Schedule schedule;
  const faults::MutantInfo* mutant = nullptr;  // nullptr: the engine as shipped
  // None: kNothing where the power is not cut at all; else kEverything where the schedule is kFifo
  // (walk_schedules()), else kSome.
  std::optional<Beside> beside = {};
};

// Says what a power cut leaves. One object for one run.
class Cuts {
 public:
  virtual ~Cuts() = default;
  // `key`: 0 for the crash that life `life` ends in; else one looked at beside the run.
  //   Errors: kInvalid: what was stated cannot be; the run ends without a verdict.
  virtual Result<sim::Disk> cut(uint32_t life, const sim::Disk& disk, sim::Choices& choices,
                                uint64_t key) = 0;
};

// A sync that the engine does not make: of `path`, right after event `event` of the run's trace.
struct Fence {
  uint64_t event = 0;
  std::string path;  // a file's or a directory's; empty: the root
};

// What somebody states of a run, instead of what the seed draws. Pointers may be null.
struct Stated {
  std::optional<faults::Plan> plan = {};
  std::optional<Manners> manners = {};
  std::optional<sim::Sizes> sizes = {};
  std::optional<Duration> write_latency = {};  // of one write into the page cache
  bool lingers = false;  // when all is answered: idle for a while, then a clean shutdown
  Duration off = {};     // the machine's, after each crash
  std::optional<Beside> beside = {};
  // What the clients say, instead of the workload in manners that the seed draws. Then the plan is
  // needed as well, and of the workload only the clock counts.
  const Script* script = nullptr;
  Cuts* cuts = nullptr;
  const Fence* fence = nullptr;
  // Who orders the tasks of a life, instead of what the schedule names. Null of a life: at random,
  // beside drawn latencies.
  std::function<sim::Scheduler*(uint32_t life)> scheduler_of = {};
};

// Watches a run from outside, for people: the run is the same with it or without.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // `disk` is the world's, as it is at any moment, until the run ends.
  virtual void on_begin(const faults::Plan& plan, const sim::Disk& disk) = 0;
  // The engine is open. `verdict` is null where nothing was lost yet: in the first life.
  virtual void on_open(uint32_t life, Instant at, sim::Target& target, const Verdict* verdict,
                       const History& history) = 0;
  virtual void on_refusal(uint32_t life, Instant at, const Error& error) = 0;
  // A power cut beside the run: a copy of the disk was cut and recovered, and the run went on.
  virtual void on_image(Instant at, const Verdict& verdict, const Promised& promised) = 0;
  // The life has ended. `clients` is null if its recovery had not.
  virtual void on_ended(uint32_t /*life*/, const Clients* /*clients*/,
                        const faults::PlanInjector& /*injector*/) {}
  // Behind it another server has written the log in its own way.
  virtual void on_another(uint32_t /*life*/) {}
  // `served`: the engine had been open; if not, its recovery was cut.
  virtual void on_end(uint32_t life, Instant at, sim::CrashKind crash, bool served,
                      const History& history) = 0;
};

// Told of every point at which a crash may strike, of the first life alone.
class PointObserver {
 public:
  virtual ~PointObserver() = default;
  virtual void on_point(uint64_t call, sim::Op op, sim::CrashPoint point,
                        const sim::WorldState& world, const Promised& promised) = 0;
  // Every operation was answered, and the engine was idle for a while, and then shut down cleanly.
  virtual void on_done(History& history, const sim::WorldState& world, const Promised& promised,
                       const Delays& delays, const Opening& opening) = 0;
};

// Who watches. All may be null.
struct Watchers {
  RunObserver* observer = nullptr;
  PointObserver* points = nullptr;  // if not null, the plan is empty
  sim::TraceListener* trace = nullptr;
  WatchedEngine* engine = nullptr;  // scenarios/run/watched.h
};

// What the seed drew of them, or the script said.
struct Conditions {
  sim::Sizes sizes = {};
  Duration write_latency{0};
  uint64_t pipeline = 1;
  bool clean_end = false;
  bool asks = false;
  bool rests = false;
  bool log_late = false;    // the first life began without its log
  uint32_t by_another = 0;  // behind so many lives another server wrote the log
  bool starts = false;      // what broke was seen by a start told otherwise, beside the run
};

// Why a run stopped.
enum class Stop : uint8_t {
  kDone,
  kViolation,
  kHarnessFault,  // the harness itself is wrong: not a verdict
  kMisstated,     // by `cuts` or a schedule: not a verdict either
};

struct RunResult {
  Stop stop = Stop::kDone;
  std::optional<Violation> violation;  // of kViolation
  std::string harness_fault;           // of kHarnessFault
  std::optional<Error> misstated;      // of kMisstated

  uint64_t trace_hash = 0;
  Fingerprint fingerprint;
  uint64_t events = 0;
  uint32_t crashes = 0;
  uint32_t recoveries = 0;  // judged
  uint64_t acked = 0;
  uint64_t sent = 0;        // requests
  uint64_t units = 0;       // of the workload, begun
  uint64_t operations = 0;  // that took effect
  Loss worst;  // the crash that came nearest to its bound, or lost most where there is none
  Instant worst_at;
  Loss oldest;                       // the crash that took the oldest acknowledgement
  Loss most;                         // the crash that took most operations; of these, the widest
  Loss widest;                       // the crash that took the widest span of acknowledgements
  uint64_t lost_operations_max = 0;  // by one crash
  std::vector<std::string> holds;  // where a recovered state is none there ever was: what it holds
  bool contract_broken = false;    // a media fault was injected, or the device lies
  bool refused = false;            // ... and the engine refused to start, as it may
  // Where the violation was seen, if in a copy that was cut beside the run: plan words that end
  // life `life` there.
  struct Site {
    uint32_t life;
    uint64_t call;
    sim::CrashPoint point;
    bool ending = false;  // while the engine was being ended, which no crash had asked for
  };
  std::optional<Site> beside;
  Conditions conditions;
  faults::Plan plan;
  std::array<uint32_t, kBranches> branches{};
  CellSet cells;  // reached
  std::vector<faults::PlanInjector::Hit> hits;
  uint64_t mutant_fired = 0;  // of a decorator
};

// The plan that the seed draws. Far cheaper than the run.
faults::Plan plan_of(const RunSpec& spec);

RunResult run_once(const RunSpec& spec, const Stated& stated = {}, const Watchers& watching = {});

// The run's ID: alone enough to run it again.
//   [TARGET+]WORKLOAD:POLICY:PERSONA:FAULTS[/beside=BESIDE]:OPERATIONS:SEED[/SCHEDULE][:MUTANT]
// No TARGET is the store; no BESIDE, what RunSpec says of none. SCHEDULE as in schedules.h; none is random. A report puts a fingerprint behind
// it: replay_id().
std::string run_id(const RunSpec& spec);

}  // namespace powercut::scenarios
