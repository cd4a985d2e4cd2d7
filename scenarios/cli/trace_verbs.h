// The verbs of recorded programs; and of `explore` and `fences`, what they do with a recording instead of a
// run of the store.
#pragma once

#include <cstdint>
#include <string>

#include "scenarios/cli/cli.h"

namespace powercut::scenarios {

Verb add_record(CLI::App& app);
Verb add_trace(CLI::App& app);

struct TraceArguments {
  std::string trace;  // empty: none is meant
  std::string recover;
  std::string observe;
  std::string check;
  std::string ack;
  uint64_t lost_most = 0;
  uint64_t window_ms = 0;
  uint64_t limit_s = 10;
  uint64_t images_most = 4096;
  uint64_t recoveries_most = 20'000;
};
// Adds their options; none of `others` goes with --trace.
void add_trace_options(CLI::App& app, TraceArguments& arguments,
                       const std::vector<std::string>& others);

// `persona`: as given with --persona. `output`: where the files of the first broken image go, or "".
int explore_a_trace(const TraceArguments& arguments, const std::string& persona,
                    const std::string& output, bool json, const Streams& streams);
int fences_of_a_trace(const TraceArguments& arguments, const std::string& persona, bool json,
                      const Streams& streams);

}  // namespace powercut::scenarios
