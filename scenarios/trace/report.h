// What was found in a trace, in words.
#pragma once

#include <string>
#include <vector>

#include "scenarios/trace/judge.h"
#include "scenarios/trace/syncs.h"

namespace powercut::scenarios {

// A line an event, as `powercut trace` prints it.
std::string tell_trace(const Trace& trace);

// How an image differs from what the program saw, a line a path: "settings: 0 bytes of 12".
std::vector<std::string> differences(const sim::Image& image, const sim::Image& live);

// What the recovery came to, and why that is no legal state: a few sentences.
std::string tell_outcome(const TraceViolation& violation, const TraceSpec& spec,
                         const TraceExploration& all, const ImageOutcomes& outcomes);

// Which promise died, in which cut, on which persona, and what the disk held. Paragraphs.
std::string tell(const TraceViolation& violation, const TraceSpec& spec,
                 const TraceExploration& all, const ImageOutcomes& outcomes);

// Which syncs would have kept it.
std::string tell(const MissingSyncs& missing, const Trace& trace);

}  // namespace powercut::scenarios
