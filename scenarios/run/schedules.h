// How a run orders its tasks: at random beside drawn latencies, or with instant completions by
// priorities (PCT) or by a stated list; and the search through all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/judge/verdict.h"
#include "sim/schedule.h"

namespace powercut::scenarios {

struct RunSpec;
struct Stated;

enum class ScheduleKind : uint8_t { kRandom, kPct, kFifo };

struct Schedule {
  ScheduleKind kind = ScheduleKind::kRandom;
  std::vector<sim::Deviation> deviations;  // of kFifo
  bool operator==(const Schedule&) const = default;
};

// "random", "pct", "fifo" or "fifo+DECISION.CHOICE+..."; the inverse gives nothing for other text.
std::string print(const Schedule& schedule);
std::optional<Schedule> parse_schedule(std::string_view text);

// Null for kRandom: the seam's own. PCT draws its depth, 2 to 4, and how many steps it expects.
std::unique_ptr<sim::Scheduler> make_scheduler(const Schedule& schedule, sim::Choices& choices);

// What a walk through schedules came to. `complete`: every schedule of at most `delays` delays was
// run, all else being as the seed draws it; each was cut before every call that changes the disk,
// and images were sampled there.
struct ScheduleCertificate {
  uint64_t delays = 0;
  uint64_t schedules = 0;
  uint64_t traces = 0;     // that differ, by hash
  uint64_t decisions = 0;  // in the longest
  uint64_t recoveries = 0;
  uint64_t sent = 0;        // requests, in all of them
  uint64_t operations = 0;  // that took effect
  uint64_t violations = 0;  // schedules that break a promise
  bool complete = false;
  std::string first_violation;         // its ID
  std::optional<Violation> violation;  // that it breaks
};

// Runs `spec` under every schedule of at most `delays` delays, or the first `most` of them.
ScheduleCertificate walk_schedules(RunSpec spec, const Stated& stated, uint64_t delays,
                                   uint64_t most);

}  // namespace powercut::scenarios
