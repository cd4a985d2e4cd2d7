// `powercut explore`.
#include "scenarios/explore/explore.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/nearest.h"
#include "scenarios/base/json_text.h"
#include "scenarios/base/table.h"
#include "scenarios/base/terminal.h"
#include "scenarios/base/workers.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/explore/fences.h"
#include "scenarios/explore/smallest.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"
#include "sim/image_count.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

struct ExploreArguments {
  CommonOptions common;
  unsigned depth = 1;
  uint64_t seed = 1;
  uint64_t classes_most = 1'000'000;
  std::string output;
  std::string added;  // one more sync: CALL:FILE, or CALL:FILE:directory
  unsigned jobs = processors();
  bool first = false;
  bool json = false;
  TraceArguments trace;
};

struct Sum {
  uint64_t points = 0;
  uint64_t deeper_points = 0;  // of them, behind a first crash
  uint64_t classes = 0;
  uint64_t violations = 0;
  uint64_t recoveries_run = 0;
  std::string images = "0";
  uint64_t operations = 0;  // of the runs
  uint64_t sent = 0;        // requests in them
  bool complete = true;
  std::string harness_fault;
};

Sum sum_of(const std::vector<Exploration>& all) {
  Sum sum;
  for (const Exploration& one : all) {
    sum.recoveries_run += one.recoveries_run;
    if (sum.harness_fault.empty()) sum.harness_fault = one.harness_fault;
    for (const Explored& found : one.by_persona) {
      sum.points += found.crash_points + found.deeper_points;
      sum.deeper_points += found.deeper_points;
      sum.classes += found.classes + found.deeper_classes;
      sum.violations += found.violations;
      sum.operations += found.operations;
      sum.sent += found.sent;
      sum.complete = sum.complete && found.complete;
      sum.images = sim::add_decimal(sum.images, found.legal_images);
    }
  }
  return sum;
}

// The first that was found, as small as it gets.
struct Smallest {
  std::optional<Shrunk> shrunk;
  std::string story;
  std::string scenario;
  std::string not_because;
};

Smallest make_smallest(const std::vector<ExploreSpec>& specs, const std::vector<Exploration>& all) {
  Smallest smallest;
  for (size_t n = 0; n < all.size(); ++n) {
    for (const Explored& found : all[n].by_persona) {
      for (const ExploredViolation& violation : found.first) {
        auto shrunk = scenarios::smallest(specs[n], violation);
        if (!shrunk.ok()) {
          smallest.not_because = shrunk.error().message;
          continue;
        }
        smallest.shrunk = std::move(shrunk).value();
        const Shrunk& small = *smallest.shrunk;
        smallest.story = tell_story(small.scenario, small.account, missing_fences(small.scenario));
        smallest.scenario = print(small.scenario, small.account);
        return smallest;
      }
    }
  }
  return smallest;
}

ordered_json certificate(const ExploreSpec& spec, const Explored& found) {
  ordered_json row = {{"workload", spec.workload->name},
                      {"policy", spec.policy->name},
                      {"persona", found.persona->name},
                      {"depth", spec.depth},
                      {"crash_points", found.crash_points},
                      {"disk_states", found.disk_states},
                      {"legal_images", found.legal_images},
                      {"classes", found.classes},
                      {"complete", found.complete},
                      {"violations", found.violations},
                      {"outside_contract", !found.persona->keeps_synced},
                      {"lost_ops_max", found.lost_operations_max},
                      {"lost_ms_max", found.lost_ms_max},
                      {"lost_span_ms_max", found.lost_span_ms_max}};
  if (spec.depth > 1) {
    row["deeper_points"] = found.deeper_points;
    row["deeper_classes"] = found.deeper_classes;
  }
  if (!found.complete) row["because"] = found.incomplete_because;
  for (const ExploredViolation& first : found.first)
    row["found"].push_back(
        {{"oracle", code_of(first.violation.breach)}, {"text", first.violation.text}});
  return row;
}

void print_json(std::FILE* out, const std::vector<ExploreSpec>& specs,
                const std::vector<Exploration>& all, const Sum& sum, const Smallest& smallest,
                double elapsed_s) {
  ordered_json rows = ordered_json::array();
  for (size_t n = 0; n < specs.size(); ++n)
    for (const Explored& found : all[n].by_persona) rows.push_back(certificate(specs[n], found));
  ordered_json result = {{"version", POWERCUT_VERSION},
                         {"verb", "explore"},
                         {"crash_points", sum.points},
                         {"legal_images", sum.images},
                         {"classes", sum.classes},
                         {"recoveries", sum.classes},
                         {"recoveries_run", sum.recoveries_run},
                         {"complete", sum.complete},
                         {"violations", sum.violations},
                         {"elapsed_s", elapsed_s},
                         {"certificates", rows}};
  if (smallest.shrunk) {
    result["smallest"] = {{"oracle", code_of(smallest.shrunk->account.result.violation->breach)},
                          {"operations", operations(smallest.shrunk->scenario)},
                          {"minimal", smallest.shrunk->complete},
                          {"scenario", smallest.scenario},
                          {"story", smallest.story}};
  }
  fmt::print(out, "{}\n", json_text(result));
}

void print_table(std::FILE* out, const std::vector<ExploreSpec>& specs,
                 const std::vector<Exploration>& all, const Sum& sum, const Smallest& smallest) {
  std::vector<Row> rows = {{"policy", "persona", "points", "images", "classes", "verdict"}};
  std::string below;
  bool outside = false;
  for (size_t n = 0; n < specs.size(); ++n) {
    for (const Explored& found : all[n].by_persona) {
      const bool contract = found.persona->keeps_synced;
      outside |= !contract;
      rows.push_back({std::string(specs[n].policy->name), std::string(found.persona->name),
                      std::to_string(found.crash_points + found.deeper_points), found.legal_images,
                      std::to_string(found.classes + found.deeper_classes),
                      found.violations > 0 ? fmt::format("BROKEN ({})", found.violations)
                      : !found.complete    ? "not all"
                      : contract           ? "held"
                                           : "outside"});
      const std::string where = fmt::format("{}, {}: ", specs[n].policy->name, found.persona->name);
      if (!found.complete) below += folded(where + "not all: " + found.incomplete_because);
      for (const ExploredViolation& first : found.first)
        below += folded(fmt::format("{}{} ({}): {}", where, sentence_of(first.violation.breach),
                                    code_of(first.violation.breach), first.violation.text));
    }
  }
  print_columns(out, rows, false, 2);
  if (outside)
    fmt::print(out, "outside the contract: every image comes to a prefix, or is refused\n");
  fmt::print(out, "{}", below);
  const std::string deeper =
      sum.deeper_points == 0
          ? ""
          : fmt::format(", and {} crash points behind a first crash", sum.deeper_points);
  fmt::print(out, "\n{}",
             folded(fmt::format("{} legal images at {} crash points{}, covered by {} classes: {}",
                                sum.images, sum.points - sum.deeper_points, deeper, sum.classes,
                                sum.violations > 0 ? "a promise is broken"
                                : sum.complete     ? "every one was judged, and all pass"
                                                   : "not all were judged")));
  if (smallest.shrunk) fmt::print(out, "\n{}", smallest.story);
}

std::string in_words(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

// Says what a long exploration has come to and may take, the more seldom the longer it takes.
class Patience {
 public:
  Patience(std::FILE* err, const std::vector<ExploreSpec>& specs) : err_(err) {
    for (const ExploreSpec& spec : specs) {
      certificates_ += spec.personas.size();
      classes_most_ = spec.classes_most;
    }
  }

  void look(const ExploreProgress& progress) {
    const double elapsed_s = watch_.seconds();
    if (elapsed_s < next_s_) return;
    next_s_ = 2 * elapsed_s;
    const uint64_t done = progress.certificates.load();
    const uint64_t classes = progress.classes.load();
    const auto left = static_cast<double>(certificates_ - std::min(done, certificates_));
    const double rate = static_cast<double>(std::max<uint64_t>(classes, 1)) / elapsed_s;
    const std::string at_this_pace =
        done == 0 ? ""
                  : in_words(left * elapsed_s / static_cast<double>(done)) + " more at this pace, ";
    fmt::print(err_,
               "explore: {:.0f} s: {} of {} certificates; {} crash points, {} classes, {:.0f} "
               "recoveries a second; {}{} at most, with {} classes each: fewer with --most, "
               "--policy or --persona\n",
               elapsed_s, done, certificates_, progress.points.load(), classes, rate, at_this_pace,
               in_words(left * static_cast<double>(classes_most_) / rate), classes_most_);
  }

 private:
  std::FILE* err_;
  Stopwatch watch_;
  double next_s_ = 2;
  uint64_t certificates_ = 0;
  uint64_t classes_most_ = 0;
};

// "write:appendonly.aof.#.incr.aof", or with ":directory" behind it: one of the places there are.
Result<faults::SyncPlace> place_of(const std::string& text, const SweepOptions& options) {
  FenceOptions fences;
  fences.workload = fences.drawn = options.workloads.front().get();
  fences.policies = options.policies;
  fences.personas = options.personas;
  std::vector<std::string> names;
  for (faults::SyncPlace place : places_for_a_sync(fences, *options.mutant)) {
    const std::string name =
        fmt::format("{}:{}{}", place.op, place.file, place.directory ? ":directory" : "");
    if (name == text && place.preceding == "any") return place;
    names.push_back(name);
  }
  return Error{Errc::kInvalid, "add-fence: " + faults::no_such(text, names, "", "call")};
}

int explore(const ExploreArguments& arguments, const std::string&, const Streams& streams) {
  if (!arguments.trace.trace.empty())
    return explore_a_trace(arguments.trace, arguments.common.persona, arguments.output,
                           arguments.json, streams);
  auto looked_up = look_up(arguments.common);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  const SweepOptions& options = looked_up.value();
  faults::ExtraSync extra;
  faults::MutantInfo repaired;
  if (!arguments.added.empty()) {
    auto place = place_of(arguments.added, options);
    if (!place.ok()) return fail(streams, place.error());
    extra.place = std::move(place).value();
    repaired = *options.mutant;
    repaired.extra = &extra;
  }
  const Stopwatch watch;
  ExploreProgress progress;
  std::vector<ExploreSpec> specs;
  for (const WorkloadPtr& workload : options.workloads) {
    for (const Policy* policy : options.policies) {
      ExploreSpec spec;
      spec.target = options.target;
      spec.workload = workload.get();
      spec.policy = policy;
      spec.personas = options.personas;
      spec.mutant = arguments.added.empty() ? options.mutant : &repaired;
      spec.seed = arguments.seed;
      spec.depth = arguments.depth;
      spec.classes_most = arguments.classes_most;
      spec.stop_at_violation = arguments.first;
      spec.progress = &progress;
      specs.push_back(std::move(spec));
    }
  }
  std::vector<Exploration> all(specs.size());
  Patience patience(streams.err, specs);
  on_all_cores(specs.size(), arguments.jobs,
               [&](size_t n) { all[n] = scenarios::explore(specs[n]); },
               {[&](size_t) { patience.look(progress); }});
  const Sum sum = sum_of(all);
  if (sum.harness_fault.empty() && sum.violations == 0 && sum.operations == 0)
    return nothing_judged(streams, options.workloads.front()->name, sum.sent);
  const double elapsed_s = watch.seconds();
  const Smallest smallest = make_smallest(specs, all);
  if (arguments.json)
    print_json(streams.out, specs, all, sum, smallest, elapsed_s);
  else
    print_table(streams.out, specs, all, sum, smallest);
  if (sum.violations > 0 && !smallest.shrunk)
    fmt::print(streams.err, "powercut: what was found could not be shrunk: {}\n",
               smallest.not_because);
  if (!arguments.output.empty() && smallest.shrunk) {
    const auto written = write_file(arguments.output, smallest.scenario);
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(streams.err, "written: {0}; again: powercut replay {0}\n", arguments.output);
  }
  const int status = sum.violations > 0 ? kBroken : sum.complete ? kHeld : kIncomplete;
  return status_of(streams, sum.harness_fault, status);
}

}  // namespace

Verb add_explore(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "explore", "Every legal crash state of a bounded workload, with a certificate");
  verb->footer("Example:\n  powercut explore --workload demo40 --policy always --persona xfs");
  auto a = std::make_shared<ExploreArguments>();
  a->common.workload = "demo40";
  add_subject(*verb, a->common);
  verb->add_option("--depth", a->depth, "crashes in a row: 2 adds one inside each recovery")
      ->check(CLI::Range(1u, 3u))
      ->capture_default_str();
  verb->add_option("--jobs", a->jobs, "threads; the results do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  verb->add_option("--seed", a->seed, "of the latencies of the run that is explored")
      ->capture_default_str();
  verb->add_option("--most", a->classes_most,
                   "classes to judge for each policy and persona; beyond, it is incomplete")
      ->capture_default_str();
  verb->add_option(
          "-o,--output", a->output,
          "write the smallest failing scenario here (.scn); of a trace the files of the first "
          "broken image, as a directory")
      ->check(not_empty());
  verb->add_option("--add-fence", a->added,
                   "with one more sync behind each such call, as write:appendonly.aof.#.incr.aof "
                   "(of the file) or with :directory behind it: does it repair a mutant?")
      ->check(not_empty())
      ->needs(verb->get_option("--mutant"))
      ->excludes(verb->get_option("--output"));
  verb->add_flag("--first", a->first, "stop at the first violation");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  add_trace_options(*verb, a->trace,
                    {"--target", "--workload", "--policy", "--mutant", "--depth", "--jobs",
                     "--seed", "--most", "--add-fence", "--first"});
  return {verb, [a](const std::string& program, const Streams& streams) {
            return explore(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
