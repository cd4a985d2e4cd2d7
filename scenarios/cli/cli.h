// The command line of `powercut`. One function a verb; the arguments come from CLI11.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "scenarios/base/status.h"
#include "scenarios/sweep/subject.h"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace powercut::scenarios {

struct Streams {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
};

// The whole program: `arguments` without its name, which is `program`. Returns the exit status.
int powercut(const std::string& program, const std::vector<std::string>& arguments,
             const Streams& streams);

// As std::fflush. Errors: throws std::system_error, which `powercut` above reports.
void flush(std::FILE* out);

// One line on err, and the status that the error stands for.
int fail(const Streams& streams, const Error& error);

// A verb adds itself to the application; what it returns runs it.
struct Verb {
  CLI::App* app;
  std::function<int(const std::string& program, const Streams& streams)> run;
};
Verb add_sweep(CLI::App& app);
Verb add_run(CLI::App& app);
Verb add_replay(CLI::App& app);
Verb add_shrink(CLI::App& app);
Verb add_explore(CLI::App& app);
Verb add_fences(CLI::App& app);
Verb add_calibrate(CLI::App& app);
Verb add_zoo(CLI::App& app);
Verb add_merge(CLI::App& app);
Verb add_list(CLI::App& app);
Verb add_explain(CLI::App& app);
Verb add_view(CLI::App& app);
Verb add_lab(CLI::App& app);

// Says so on err, if there is one: kHarness instead of `status`.
int status_of(const Streams& streams, const std::string& harness_fault, int status);

// Clients have sent requests, and none has changed anything: kInput, and one line on err.
int nothing_judged(const Streams& streams, const std::string& name, uint64_t sent);

// What is run: workload, policy, persona, mutant.
void add_subject(CLI::App& app, CommonOptions& options);
// ... and what is drawn: faults, operations, schedule.
void add_common(CLI::App& app, CommonOptions& options);
// For an option that a script may give as "$EMPTY": nothing is not what was meant.
CLI::Validator not_empty();
}  // namespace powercut::scenarios
