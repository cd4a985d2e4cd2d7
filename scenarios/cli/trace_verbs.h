// The verbs of recorded programs; and of `explore` and `fences`, what they do with a recording instead of a
// run of the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/cli/cli.h"

namespace CLI {
class Option;
}

namespace powercut::scenarios {

Verb add_record(CLI::App& app);
Verb add_trace(CLI::App& app);
Verb add_witness(CLI::App& app);

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
  unsigned depth = 1;
  std::vector<std::string> ignore;
  std::string known;
};
// Adds their options; none of `others` goes with --trace. Not --depth, nor --known.
CLI::Option* add_trace_options(CLI::App& app, TraceArguments& arguments,
                               const std::vector<std::string>& others);

// `persona`: as given with --persona. `output`: where the files of the first broken image go, or "".
int explore_a_trace(const TraceArguments& arguments, const std::string& persona,
                    const std::string& output, bool json, const Streams& streams);
int fences_of_a_trace(const TraceArguments& arguments, const std::string& persona, bool json,
                      const Streams& streams);

// `directory`: where the case goes, or "".
int shrink_a_trace(const TraceArguments& arguments, const std::string& persona,
                   const std::string& directory, uint64_t tries, bool json, const Streams& streams);
// `text`: of `file`, which is such a case (scenarios/trace/case.h).
struct CaseTelling {
  bool story = false;
  bool rewrite = false;
  bool json = false;
};
int replay_a_trace(const std::string& file, const std::string& text, const CaseTelling& telling,
                   const Streams& streams);

}  // namespace powercut::scenarios
