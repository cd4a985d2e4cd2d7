// The syncs of a recorded program: which one is missing, and which nobody needs. Tried, not guessed:
// the trace is changed by one sync and explored again, with the recoveries that are known.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/trace/judge.h"

namespace powercut::scenarios {

// One more sync, of a file or a directory.
struct AddedSync {
  size_t after;       // it comes behind so many events
  uint64_t file = 0;  // 0: of the directory
  std::string path;   // of the file as it is called there, or of the directory
  bool operator==(const AddedSync&) const = default;
};

Trace with_sync(const Trace& trace, const AddedSync& added);
// REQUIRES: `event` is the beginning of one.
Trace without_sync(const Trace& trace, size_t event);

struct MissingSyncs {
  std::vector<AddedSync> syncs;  // all of them together; by place
  bool hold = false;             // with them nothing breaks; else they are of no use
  bool complete = false;         // and that was explored in full
  size_t tried = 0;              // traces
};
// The fewest that a greedy search finds: one at a time, each where most is repaired.
//   Errors: those of explore_trace().
Result<MissingSyncs> missing_syncs(const TraceSpec& spec, ImageOutcomes& outcomes);

// Why `breach` is possible on spec.personas: the first of `missing` that makes it rarer there by itself; none: no
// single one does.
//   Errors: those of explore_trace().
Result<std::optional<AddedSync>> cause_of(const TraceSpec& spec, TraceBreach breach,
                                          const std::vector<AddedSync>& missing,
                                          ImageOutcomes& outcomes);
// "no sync of t after rename of a to t".
std::string tell_cause(const std::optional<AddedSync>& cause, const Trace& trace);
// The exploration of that trace with one more sync.
//   Errors: those of explore_trace().
Result<TraceExploration> explore_with(const TraceSpec& spec, const AddedSync& added,
                                      ImageOutcomes& outcomes);

// One of the program's syncs, taken out.
struct TriedSync {
  size_t event;  // where it begins
  std::vector<const faults::Persona*> needed_by;
  bool complete = false;  // on the others nothing breaks, and that was explored in full
  bool stopped = false;   // or it is not known, since the recoveries were used up
};
// REQUIRES: the trace as it is breaks nothing on spec.personas.
//   Errors: those of explore_trace().
Result<std::vector<TriedSync>> try_without_each(const TraceSpec& spec, ImageOutcomes& outcomes);

// "fsync of the directory ./ between event 7 (rename of a to b) and event 8 (stdout: "saved")".
std::string tell(const AddedSync& added, const Trace& trace);

}  // namespace powercut::scenarios
