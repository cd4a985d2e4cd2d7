// `powercut record` and `powercut trace`, and the options of those that look at a recording.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/record/call_faults.h"
#include "scenarios/record/record.h"
#include "scenarios/trace/judge.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {

namespace {

struct RecordArguments {
  std::string output;
  std::vector<std::string> faults;
  std::string mmap = "refuse";
  RecordOptions options;
};

int record_verb(RecordArguments& arguments, const Streams& streams) {
  auto faults = parse_call_faults(fmt::format("{}", fmt::join(arguments.faults, " ")));
  if (!faults.ok()) return fail(streams, faults.error());
  arguments.options.faults = std::move(faults).value();
  arguments.options.left_out = {arguments.output};
  arguments.options.sample_mappings = arguments.mmap == "sample";
  flush(streams.out);
  arguments.options.say = [&](const std::string& line) {
    fmt::print(streams.err, "powercut: {}\n", line);
    flush(streams.err);
  };
  auto recorded = record(arguments.options);
  if (!recorded.ok()) return fail(streams, recorded.error());
  const Recording& recording = recorded.value();
  const auto written = write_trace(recording.trace, arguments.output);
  if (!written.ok()) return fail(streams, written.error());
  for (const std::string& remark : recording.remarks)
    fmt::print(streams.err, "powercut: {}\n", remark);
  const auto acks = acknowledgements(recording.trace, std::nullopt);
  fmt::print(streams.err,
             "recorded: {} events, {} acknowledgements on standard output; the command ended with "
             "status {}; written: {}\n",
             recording.trace.events.size(), acks.size() - (recording.status == 0 ? 1 : 0),
             recording.status, arguments.output);
  return recording.unmodelled ? kInput : kHeld;
}

}  // namespace

CLI::Option* add_trace_options(CLI::App& app, TraceArguments& a,
                               const std::vector<std::string>& others) {
  CLI::Option* trace =
      app.add_option("--trace", a.trace, "instead, of this recording (`powercut record`)")
          ->check(not_empty());
  for (const std::string& other : others) trace->excludes(app.get_option(other));
  const auto add = [&](const std::string& name, auto& to, const std::string& what) {
    return app.add_option(name, to, what)->needs(trace);
  };
  add("--recover", a.recover, "a command that starts the program again, in what a cut left")
      ->check(not_empty());
  add("--observe", a.observe,
      "a command that prints what the program holds; without it, what --recover prints")
      ->check(not_empty());
  add("--check", a.check, "a command that ends with 0 if all is well, instead of states")
      ->check(not_empty())
      ->excludes("--observe");
  add("--ack", a.ack,
      "a regular expression: which lines, of any stream but standard error, are promises; without "
      "it, each line of standard output, and the end of the command if it ends well")
      ->check(not_empty());
  add("--floor", a.lost_most, "so many acknowledgements may be lost")->capture_default_str();
  add("--window", a.window_ms, "those of the last so many ms may be lost")->capture_default_str();
  add("--limit", a.limit_s, "seconds that a command may take")
      ->check(CLI::Range(uint64_t{1}, uint64_t{86'400}))
      ->capture_default_str();
  add("--images", a.images_most,
      "images of one disk, or classes of them; with more, so many are drawn")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  add("--recoveries", a.recoveries_most, "recoveries in all; beyond, it stops")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000'000}))
      ->capture_default_str();
  add("--ignore", a.ignore,
      "with --depth 2: files that a recovery need not keep, as of `powercut record`")
      ->allow_extra_args(false)
      ->check(not_empty());
  return trace;
}

Verb add_record(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "record", "Runs any program, and records what it does to the files of one directory");
  verb->footer("Example:\n  powercut record -o build/t.trace -- sh -c 'echo 1 > a; mv a b'");
  auto a = std::make_shared<RecordArguments>();
  verb->add_option("-o,--output", a->output, "the recording goes here")
      ->required()
      ->check(not_empty());
  verb->add_option("--dir", a->options.directory, "only what lies below it is recorded")
      ->check(not_empty())
      ->capture_default_str();
  verb->add_option("--ignore", a->options.ignore,
                   "files that need not be kept, such as locks: a pattern of names or paths; "
                   "may be given again")
      ->allow_extra_args(false)
      ->check(not_empty());
  verb->add_option("--mmap", a->mmap,
                   "what becomes of a mapping that is shared and writable: refuse; or sample what "
                   "is written there, and nothing judged by it is exhaustive")
      ->check(CLI::IsMember({"refuse", "sample"}))
      ->capture_default_str();
  verb->add_option("--fault", a->faults,
                   "what goes wrong meanwhile, as in eio@fsync:3 (scenarios/record/RECORD.md); may "
                   "be given again")
      ->allow_extra_args(false)
      ->check(not_empty());
  verb->add_option("command", a->options.command, "the program and its arguments, behind --")
      ->required();
  return {verb,
          [a](const std::string&, const Streams& streams) { return record_verb(*a, streams); }};
}

Verb add_trace(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("trace", "Prints a recording, a line an event");
  verb->footer("Example:\n  powercut trace build/t.trace");
  auto file = std::make_shared<std::string>();
  verb->add_option("file", *file, "as written by `powercut record`")
      ->required()
      ->check(not_empty());
  return {verb, [file](const std::string&, const Streams& streams) {
            const auto trace = read_trace(*file);
            if (!trace.ok()) return fail(streams, trace.error());
            fmt::print(streams.out, "{}", tell_trace(trace.value()));
            return static_cast<int>(kHeld);
          }};
}

}  // namespace powercut::scenarios
