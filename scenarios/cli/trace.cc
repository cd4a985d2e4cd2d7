// `powercut record`, `powercut trace`, and what `explore` and `fences` do with --trace.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>

#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/record/record.h"
#include "scenarios/record/recovery.h"
#include "scenarios/trace/report.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

// --- record ---

struct RecordArguments {
  std::string output;
  RecordOptions options;
};

int record_verb(RecordArguments& arguments, const Streams& streams) {
  arguments.options.left_out = {arguments.output};
  flush(streams.out);
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

// --- What both explorations need ---

// Says how far it is, the more seldom the longer it takes.
class RecoveryPatience {
 public:
  explicit RecoveryPatience(std::FILE* err) : err_(err) {}
  void count() {
    ++recoveries_;
    const double elapsed_s = watch_.seconds();
    if (elapsed_s < next_s_) return;
    next_s_ = 2 * elapsed_s;
    fmt::print(err_, "powercut: {:.0f} s: {} images and classes recovered\n", elapsed_s,
               recoveries_);
  }

 private:
  std::FILE* err_;
  Stopwatch watch_;
  double next_s_ = 2;
  uint64_t recoveries_ = 0;
};

struct Subject {
  Trace trace;
  TraceSpec spec;
  std::optional<RecoveryProcess> process;
  RecoveryPatience patience;
};

Result<std::vector<const faults::Persona*>> personas_of(const std::string& names) {
  CommonOptions common;
  common.persona = names;
  TRY_ASSIGN(const SweepOptions options, look_up(common));
  std::vector<const faults::Persona*> personas;
  for (const faults::Persona* persona : options.personas)
    if (names != "all" || persona->keeps_synced) personas.push_back(persona);
  return personas;
}

Result<void> prepare(const TraceArguments& a, const std::string& persona, Subject& subject) {
  if (a.recover.empty() && a.observe.empty() && a.check.empty())
    return Error{Errc::kInvalid,
                 "--recover CMD says how the program starts again, --observe CMD what is to be "
                 "seen then: at least one is needed"};
  std::optional<std::regex> pattern;
  if (!a.ack.empty()) {
    try {
      pattern = std::regex(a.ack);
    } catch (const std::regex_error& wrong) {
      return Error{Errc::kInvalid, fmt::format("--ack: \"{}\" is no regular expression", a.ack)};
    }
  }
  TRY_ASSIGN(subject.trace, read_trace(a.trace));
  TRY(check_modelled(subject.trace, a.trace));
  TraceSpec& spec = subject.spec;
  TRY_ASSIGN(spec.personas, personas_of(persona));
  spec.trace = &subject.trace;
  spec.acks = acknowledgements(subject.trace, pattern);
  spec.checked = !a.check.empty();
  spec.lost_most = a.lost_most;
  spec.window_ms = a.window_ms;
  spec.images_most = a.images_most;
  spec.recoveries_most = a.recoveries_most;
  TRY_ASSIGN(RecoveryProcess process,
             RecoveryProcess::begin({a.recover, a.observe, a.check, a.limit_s * 1000},
                                    modes_of(subject.trace)));
  subject.process.emplace(std::move(process));
  return {};
}

// Recoveries that are asked about their looks.
sim::LookTree classes_of(Subject& subject, ImageOutcomes& outcomes) {
  return {outcomes.pool(),
          [&, symlinks = symlinks_of(subject.trace)](sim::LazyDisk& lazy,
                                                     sim::Disk disk) -> std::optional<uint32_t> {
            subject.patience.count();
            auto outcome = subject.process->run(lazy, std::move(disk), symlinks);
            if (!outcome) return std::nullopt;
            return outcomes.number_of(std::move(*outcome));
          }};
}

std::string certificate_word(const TraceCertificate& one) {
  if (!one.held()) return fmt::format("BROKEN ({})", one.violations);
  return one.complete ? "held, exhaustive" : one.stopped ? "not all" : "held, sampled";
}

const TraceViolation* first_violation(const TraceExploration& all) {
  for (const TraceCertificate& one : all.by_persona)
    if (!one.first.empty()) return &one.first.front();
  return nullptr;
}

// Of the personas on which it breaks.
Result<std::optional<MissingSyncs>> repair(const TraceSpec& spec, const TraceExploration& all,
                                           ImageOutcomes& outcomes) {
  TraceSpec broken = spec;
  broken.personas.clear();
  for (const TraceCertificate& one : all.by_persona)
    if (!one.held()) broken.personas.push_back(one.persona);
  if (broken.personas.empty()) return std::optional<MissingSyncs>();
  // The search is a quarter more at most.
  broken.recoveries_most =
      outcomes.executed() + broken.classes->executed() + spec.recoveries_most / 4;
  TRY_ASSIGN(MissingSyncs missing, missing_syncs(broken, outcomes));
  return std::optional(std::move(missing));
}

void print_table(std::FILE* out, const TraceExploration& all) {
  std::vector<Row> rows = {{"persona", "points", "images", "judged", "verdict"}};
  std::string below;
  for (const TraceCertificate& one : all.by_persona) {
    rows.push_back({std::string(one.persona->name), std::to_string(one.points), one.legal_images,
                    std::to_string(one.judged), certificate_word(one)});
    if (!one.complete) below += folded(fmt::format("{}: {}", one.persona->name, one.because));
  }
  print_columns(out, rows);
  fmt::print(out, "{}", below);
}

ordered_json to_json(const TraceCertificate& one) {
  ordered_json row = {{"persona", one.persona->name},
                      {"crash_points", one.points},
                      {"disk_states", one.disks},
                      {"legal_images", one.legal_images},
                      {"judged", one.judged},
                      {"violations", one.violations},
                      {"certificate", one.complete  ? "exhaustive"
                                      : one.stopped ? "stopped"
                                                    : "sampled"}};
  if (!one.complete) row["because"] = one.because;
  for (const TraceViolation& first : one.first)
    row["found"].push_back({{"verdict", code_of(first.breach)}, {"event", first.event}});
  return row;
}

ordered_json to_json(const std::vector<AddedSync>& syncs) {
  ordered_json rows = ordered_json::array();
  for (const AddedSync& sync : syncs)
    rows.push_back({{"sync", sync.file != 0 ? "file" : "directory"},
                    {"path", sync.path},
                    {"after_event", sync.after}});
  return rows;
}

int status_of_trace(const TraceExploration& all) {
  return all.violations() > 0 ? kBroken : all.complete() ? kHeld : kIncomplete;
}

}  // namespace

void add_trace_options(CLI::App& app, TraceArguments& a, const std::vector<std::string>& others) {
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
}

int explore_a_trace(const TraceArguments& a, const std::string& persona, const std::string& output,
                    bool json, const Streams& streams) {
  Subject subject{{}, {}, std::nullopt, RecoveryPatience(streams.err)};
  if (const auto ready = prepare(a, persona, subject); !ready.ok())
    return fail(streams, ready.error());
  const Stopwatch watch;
  ImageOutcomes outcomes([&](const sim::Disk& disk) {
    subject.patience.count();
    return subject.process->run(disk);
  });
  sim::LookTree classes = classes_of(subject, outcomes);
  subject.spec.classes = &classes;
  auto explored = explore_trace(subject.spec, outcomes);
  if (!explored.ok())
    return fail(streams, {explored.error().code, a.trace + ": " + explored.error().message});
  const TraceExploration& all = explored.value();
  auto repaired = repair(subject.spec, all, outcomes);
  if (!repaired.ok()) return fail(streams, repaired.error());
  const std::optional<MissingSyncs>& missing = repaired.value();
  const TraceViolation* first = first_violation(all);
  const std::string story =
      first == nullptr ? ""
                       : tell(*first, subject.spec, all, outcomes) + tell(*missing, subject.trace);
  if (json) {
    ordered_json rows = ordered_json::array();
    for (const TraceCertificate& one : all.by_persona) rows.push_back(to_json(one));
    ordered_json result = {{"version", POWERCUT_VERSION},
                           {"verb", "explore"},
                           {"events", subject.trace.events.size()},
                           {"acknowledgements", subject.spec.acks.size()},
                           {"recoveries_run", outcomes.executed()},
                           {"classes_run", classes.executed()},
                           {"complete", all.complete()},
                           {"violations", all.violations()},
                           {"elapsed_s", watch.seconds()},
                           {"certificates", rows}};
    if (first != nullptr) {
      result["story"] = story;
      result["missing"] = to_json(missing->syncs);
    }
    fmt::print(streams.out, "{}\n", json_text(result));
  } else {
    print_table(streams.out, all);
    fmt::print(streams.out, "\n{}",
               folded(fmt::format("{} acknowledgements in {} events; {} images that differ were "
                                  "recovered, each twice, and {} classes of images that the "
                                  "recovery cannot tell apart: {}",
                                  subject.spec.acks.size(), subject.trace.events.size(),
                                  outcomes.executed(), classes.executed(),
                                  all.violations() > 0 ? "a promise is broken"
                                  : all.complete()     ? "every one was judged, and all pass"
                                                       : "not all were judged")));
    if (!story.empty()) fmt::print(streams.out, "\n{}", story);
  }
  if (first != nullptr && !output.empty()) {
    const auto written = RecoveryProcess::write_out(first->image, output, modes_of(subject.trace));
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(streams.err, "written: {}, the files as that cut left them\n", output);
  }
  return status_of_trace(all);
}

namespace {

void print_syncs(std::FILE* out, const Trace& trace, const std::vector<TriedSync>& syncs,
                 size_t personas) {
  std::vector<Row> rows = {{"sync", "needed on", "verdict"}};
  for (const TriedSync& one : syncs) {
    TraceNames names(trace);
    for (size_t i = 0; i < one.event; ++i) names.follow(trace.events[i]);
    const bool needed = !one.needed_by.empty();
    rows.push_back(
        {fmt::format("event {}: {}", one.event + 1, tell(trace.events[one.event], names)),
         fmt::format("{} of {}", one.needed_by.size(), personas),
         needed         ? fmt::format("needed, as on {}", one.needed_by.front()->name)
         : one.stopped  ? "not decided: the recoveries were used up"
         : one.complete ? "no persona needs it here, exhaustive"
                        : "no persona needs it here, sampled"});
  }
  for (size_t i = 1; i < rows.size(); ++i)
    fmt::print(out, "{}", folded(fmt::format("{}: {} ({})", rows[i][0], rows[i][2], rows[i][1])));
  if (personas == 0)
    fmt::print(out,
               "Whether a sync is needed shows where the promise holds: here it does nowhere.\n");
  else if (syncs.empty())
    fmt::print(out, "There is no sync in it.\n");
}

}  // namespace

int fences_of_a_trace(const TraceArguments& a, const std::string& persona, bool json,
                      const Streams& streams) {
  Subject subject{{}, {}, std::nullopt, RecoveryPatience(streams.err)};
  if (const auto ready = prepare(a, persona, subject); !ready.ok())
    return fail(streams, ready.error());
  ImageOutcomes outcomes([&](const sim::Disk& disk) {
    subject.patience.count();
    return subject.process->run(disk);
  });
  sim::LookTree classes = classes_of(subject, outcomes);
  subject.spec.classes = &classes;
  auto explored = explore_trace(subject.spec, outcomes);
  if (!explored.ok())
    return fail(streams, {explored.error().code, a.trace + ": " + explored.error().message});
  const TraceExploration& all = explored.value();
  auto repaired = repair(subject.spec, all, outcomes);
  if (!repaired.ok()) return fail(streams, repaired.error());
  // What a sync is for shows where the promise holds with it.
  TraceSpec holding = subject.spec;
  holding.personas.clear();
  for (const TraceCertificate& one : all.by_persona)
    if (one.held()) holding.personas.push_back(one.persona);
  holding.recoveries_most += outcomes.executed() + classes.executed();
  auto tried = holding.personas.empty() ? Result<std::vector<TriedSync>>(std::vector<TriedSync>())
                                        : try_without_each(holding, outcomes);
  if (!tried.ok()) return fail(streams, tried.error());
  if (json) {
    ordered_json rows = ordered_json::array();
    for (const TriedSync& one : tried.value()) {
      ordered_json needed = ordered_json::array();
      for (const faults::Persona* by : one.needed_by) needed.push_back(by->name);
      rows.push_back({{"event", one.event + 1},
                      {"needed_by", needed},
                      {"evidence", one.complete  ? "exhaustive"
                                   : one.stopped ? "not decided"
                                                 : "sampled"}});
    }
    ordered_json result = {{"version", POWERCUT_VERSION},
                           {"verb", "fences"},
                           {"violations", all.violations()},
                           {"syncs", rows},
                           {"missing", ordered_json::array()}};
    if (repaired.value()) result["missing"] = to_json(repaired.value()->syncs);
    fmt::print(streams.out, "{}\n", json_text(result));
  } else {
    print_syncs(streams.out, subject.trace, tried.value(), holding.personas.size());
    if (repaired.value())
      fmt::print(streams.out, "\nIt breaks on {} of {} personas.\n{}",
                 all.by_persona.size() - holding.personas.size(), all.by_persona.size(),
                 tell(*repaired.value(), subject.trace));
  }
  return status_of_trace(all);
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
