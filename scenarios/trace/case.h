// One power cut of a recorded program, written out: which trace, where it is cut, what survives, how it recovers. As a file
// (.scn) it is a conversation, as a scenario of the store is (scenarios/story/scenario.h):
//
//   # Why this file is here.
//   trace smallest.trace persona=posix-min
//   recover ./saver --check
//   observe cat settings
//   ack ^saved
//   ----
//   of 2 acknowledgements 1 must be kept
//
//   cut 5
//   rest kept
//   name settings 0
//   ----
//   settings: 12 bytes of 14
//   ...
//   broken: lost
//
// trace    a file beside this one, and a persona. recover, observe, check, ack, floor, window, limit: as the flags of
//          `explore --trace` of these names; those that are not given are not there.
// cut      behind so many events, or with `5+2` in the next, behind so many pieces of it; then what survives
//          (sim/survival.h).
// recovery what the recovery from that did, as another trace; behind it the cut of that.
//
// The commands run when the case is replayed: it is a script like any other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/trace/judge.h"

namespace powercut::scenarios {

struct TraceCut {
  std::string trace;  // which is cut; a file, from where the case is
  size_t event = 0;
  size_t within = 0;
  sim::Survival survival;
};

struct TraceCase {
  std::vector<std::string> about;  // lines of comment, without their "# "
  const faults::Persona* persona = nullptr;
  std::string recover, observe, check, ack;
  uint64_t lost_most = 0;
  uint64_t window_ms = 0;
  uint64_t limit_s = 10;
  TraceCut first;
  std::optional<TraceCut> second;
};

// Does it begin as one? Else it may be a scenario of the store.
bool is_trace_case(std::string_view text);
// `name`: of the file, for messages. What was seen is not read.
//   Errors: kInvalid: one line, NAME:LINE: what is wrong.
Result<TraceCase> parse_trace_case(std::string_view text, const std::string& name);

// What came of it.
struct CaseAccount {
  TraceViolation cut;  // its breach is one where `broken`
  bool broken = false;
  TraceExploration all;  // the legal states
};
// `recovery`: of the second cut; may be null if there is none.
//   Errors: kInvalid: what is stated of a cut is not legal there; those of legal_states().
Result<CaseAccount> run_case(const TraceCase& of, const TraceSpec& spec, const Trace* recovery,
                             ImageOutcomes& outcomes);
std::string print(const TraceCase& of, const CaseAccount& account, const TraceSpec& spec,
                  const ImageOutcomes& outcomes);

}  // namespace powercut::scenarios
