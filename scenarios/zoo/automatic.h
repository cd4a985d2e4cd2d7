// How good are the sweeps at finding bugs that nobody chose? Automatic mutants (faults/automatic.h),
// each against one budget: what a sweep would do, then the regressions, then the explorer.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "faults/automatic.h"
#include "scenarios/zoo/zoo.h"

namespace powercut::scenarios {

// Why a mutant need not be found, for as long as its function says what it said then.
struct Equivalent {
  std::string function;  // AutomaticMutant::function
  std::string argument;
};
using Equivalents = std::map<std::string, Equivalent>;  // by the mutant's name

// faults/automatic/equivalent.txt: a line "NAME FUNCTION", then the argument, in lines that begin with two
// blanks; # begins a comment.
//   Errors: kInvalid, "NAME:LINE: what is wrong".
Result<Equivalents> parse_equivalents(std::string_view text, const std::string& name);

Result<Equivalents> read_equivalents();

struct AutomaticOptions {
  std::vector<const faults::AutomaticMutant*> mutants;
  uint64_t seeds = 1'000;  // of the workload `mixed`; as many of all workloads
  unsigned jobs = 1;
  std::string tests;  // a folder of test programs, for what the rest does not find; empty: none
};

enum class Fate : uint8_t {
  kFound,   // a promise was broken
  kDied,    // a CHECK or the processor ended the process
  kHung,    // or it did not end
  kTested,  // no run told, and a unit test did
  kSurvived,
};
std::string_view name(Fate fate);

// The whole budget never comes to where the mutant is: so it is as without it, and is not run.
inline constexpr std::string_view kNeverReached = "never reached";

struct AutomaticRow {
  const faults::AutomaticMutant* mutant = nullptr;
  Fate fate = Fate::kSurvived;
  std::string
      by;  // the stage that found it: "mixed", "all workloads", "regressions", ...; or kNeverReached
  uint64_t runs = 0;  // of that stage, where it counts them
  std::string what;   // the oracle, or the last words
};

// The seam's other side, which no simulated run executes: only tests tell.
bool is_posix(const faults::AutomaticMutant& mutant);

// What finds a mutant, or, null, accuses the engine without one: "STAGE RUNS WHAT"; nothing: "".
std::string found_by_budget(const AutomaticOptions& options, const faults::MutantInfo* mutant);

// One row a mutant; without tests none for those that only tests tell. Once `hooks.stop` is set the rest
// counts as surviving, and means nothing.
//   Errors: kCorrupt: the engine without a mutant is accused, so that what is said of mutants would say nothing.
Result<std::vector<AutomaticRow>> run_automatic(const AutomaticOptions& options,
                                                const ZooHooks& hooks);

}  // namespace powercut::scenarios
