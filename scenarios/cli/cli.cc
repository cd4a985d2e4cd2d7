#include "scenarios/cli/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <memory>
#include <sstream>
#include <system_error>

#include "faults/nearest.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/trace_verbs.h"

namespace powercut::scenarios {

namespace {

constexpr const char* kAbout =
    "Pulls the plug on an in-memory store, again and again, in every way a disk can fail, and "
    "checks "
    "what survives against what each policy promises.";

constexpr const char* kFooter =
    "Exit status: 0 all promises held; 1 a promise was broken; 2 usage; 3 input cannot be read or "
    "judged, or output not written; 4 the harness itself is at fault; 5 what was judged is not "
    "all, and held; 6 not as expected: a scenario, or --expect; 130 interrupted by Ctrl-C.";

// CLI11 reports some errors in several lines.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

}  // namespace

int fail(const Streams& streams, const Error& error) {
  fmt::print(streams.err, "powercut: {}\n", error.message);
  return error.code == Errc::kInvalid ? kUsage : kInput;
}

void flush(std::FILE* out) {
  if (std::fflush(out) != 0) throw std::system_error(errno, std::generic_category());
}

namespace {

std::vector<std::string> names_of(const std::vector<Verb>& verbs) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) names.push_back(verb.app->get_name());
  return names;
}

// Throws std::system_error where the output cannot be written, as fmt::print does.
int parse_and_run(const std::string& program, const std::vector<std::string>& arguments,
                  const Streams& streams) {
  CLI::App app(kAbout, "powercut");
  app.footer(kFooter);
  app.set_version_flag("--version", "powercut " POWERCUT_VERSION);
  std::string colour = "auto";
  app.add_option("--color", colour, "auto: on a terminal, unless NO_COLOR is set")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.require_subcommand(1);
  const std::vector<Verb> verbs = {
      add_sweep(app),  add_run(app),    add_replay(app),    add_explore(app),
      add_fences(app), add_shrink(app), add_calibrate(app), add_zoo(app),
      add_merge(app),  add_list(app),   add_explain(app),   add_view(app),
      add_lab(app),    add_record(app), add_trace(app),     add_witness(app)};
  for (const Verb& verb : verbs) verb.app->fallthrough();  // --color may stand behind it
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {  // --help, --version
    std::ostringstream text;
    app.exit(asked, text, text);
    fmt::print(streams.out, "{}", text.str());
    return kHeld;
  } catch (const CLI::ParseError& wrong) {
    std::string verb;
    for (const Verb& v : verbs) {
      if (v.app->parsed()) verb = v.app->get_name() + " ";
    }
    const bool unknown = verb.empty() && !arguments.empty() && !arguments[0].starts_with('-');
    fmt::print(
        streams.err, "powercut: {}; see `powercut {}--help`\n",
        unknown ? faults::no_such(arguments[0], names_of(verbs), "") : one_line(wrong.what()),
        verb);
    return kUsage;
  }
  set_colouring(colour == "always"  ? Colouring::kAlways
                : colour == "never" ? Colouring::kNever
                                    : Colouring::kAuto);
  int status = kHeld;
  for (const Verb& verb : verbs) {
    if (verb.app->parsed()) status = verb.run(program, streams);
  }
  return status;
}

}  // namespace

int powercut(const std::string& program, const std::vector<std::string>& arguments,
             const Streams& streams) {
  try {
    const int status = parse_and_run(program, arguments, streams);
    flush(streams.out);
    return status;
  } catch (const std::system_error& wrong) {
    fmt::print(streams.err, "powercut: the output cannot be written: {}\n", wrong.code().message());
    return kInput;
  }
}

CLI::Validator not_empty() {
  return {[](const std::string& text) { return text.empty() ? "is empty" : ""; }, ""};
}

void add_subject(CLI::App& app, CommonOptions& o) {
  app.add_option("--target", o.target, "the engine (`powercut list targets`)")
      ->check(not_empty())
      ->default_str(std::string(all_targets().front()->name()));
  auto* workload = app.add_option("--workload", o.workload,
                                  "what the clients send: a name (`powercut list workloads`), an "
                                  "AOF file, or all");
  if (o.workload.empty()) {
    workload->check(not_empty())->default_str(default_workload());
  } else {
    workload->capture_default_str();
  }
  app.add_option("--policy", o.policy, "one, several with commas, or all")->capture_default_str();
  app.add_option("--persona", o.persona,
                 "the filesystem: one, several with commas, or all; NAME/sector=4096/sync=990pro "
                 "chooses the disk as well")
      ->capture_default_str();
  app.add_option("--mutant", o.mutant, "plant this bug")->check(not_empty());
}

void add_common(CLI::App& app, CommonOptions& o) {
  add_subject(app, o);
  app.add_option("--faults", o.faults, "names with commas, or all, legal, none")
      ->capture_default_str();
  app.add_option("--beside", o.beside,
                 "which power cuts are judged on copies of the disk while the run goes on: none, "
                 "some, or all; without power-cut among the faults there are none")
      ->check(CLI::IsMember({"none", "some", "all"}))
      ->default_str("some");
  app.add_option("--ops", o.operations, "operations in each life of the store, at most")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--schedule", o.schedule,
                 "who runs next: random beside drawn latencies, pct (priorities, completions being "
                 "instant), or mix, where each seed draws which")
      ->check(CLI::IsMember({"random", "pct", "mix"}))
      ->capture_default_str();
}

int nothing_judged(const Streams& streams, const std::string& name, uint64_t sent) {
  return fail(streams, {Errc::kCorrupt, fmt::format("{}: nothing is judged, since nothing is "
                                                    "written: {} requests were sent",
                                                    name, sent)});
}

int status_of(const Streams& streams, const std::string& harness_fault, int status) {
  if (harness_fault.empty()) return status;
  fmt::print(streams.err, "powercut: the harness is at fault: {}\n", harness_fault);
  return kHarness;
}

}  // namespace powercut::scenarios
