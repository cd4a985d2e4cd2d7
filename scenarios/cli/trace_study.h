// A recording, with the recoveries that judge it: what every verb that looks at one begins with.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scenarios/base/terminal.h"
#include "scenarios/campaign/triage.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/record/recovery.h"
#include "scenarios/trace/syncs.h"

namespace powercut::scenarios {

// Says how far it is, the more seldom the longer it takes.
class RecoveryPatience {
 public:
  explicit RecoveryPatience(std::FILE* err) : err_(err) {}
  void count();

 private:
  std::FILE* err_;
  Stopwatch watch_;
  double next_s_ = 2;
  uint64_t recoveries_ = 0;
};

class TraceStudy {
 public:
  explicit TraceStudy(std::FILE* err);
  TraceStudy(const TraceStudy&) = delete;

  // Reads the trace, and makes ready for its recoveries. `persona`: as given with --persona.
  //   Errors: kInvalid: what was asked for cannot be; those of read_trace() and RecoveryProcess::begin().
  Result<void> prepare(const TraceArguments& arguments, const std::string& persona);
  // Every cut of it, and the syncs that are missing where it breaks.
  //   Errors: those of explore_trace().
  Result<void> explore();

  // What broke, told apart: the promise, the sync that is missing, the class of the persona.
  //   Errors: those of explore_trace().
  Result<std::vector<Failure>> failures();

  const TraceViolation* first_violation() const;  // null: it holds
  // Of the personas on which it broke, or held, as explored.
  TraceSpec spec_where(bool held) const;
  int status() const;

  Trace trace;
  TraceSpec spec;
  std::optional<RecoveryProcess> process;
  ImageOutcomes outcomes;
  sim::LookTree classes;
  // Once it is explored:
  TraceExploration all;
  std::optional<MissingSyncs> missing;  // none: it holds

 private:
  std::string name_;
  std::set<std::string> symlinks_;
  RecoveryPatience patience_;
};

//   Errors: kInvalid: it is no regular expression.
Result<std::optional<std::regex>> pattern_of(const std::string& ack);
nlohmann::ordered_json to_json(const std::vector<AddedSync>& syncs);

}  // namespace powercut::scenarios
