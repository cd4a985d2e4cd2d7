// `powercut explore`.
#include "scenarios/explore/explore.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "faults/nearest.h"
#include "scenarios/base/terminal.h"
#include "scenarios/base/workers.h"
#include "scenarios/cli/campaign_flags.h"
#include "scenarios/cli/campaign_report.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/explore/fences.h"
#include "scenarios/explore/smallest.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {

namespace {

struct ExploreArguments {
  CommonOptions common;
  unsigned depth = 1;
  uint64_t seed = 1;
  uint64_t classes_most = 1'000'000;
  std::string output;
  std::string added;  // one more sync: CALL:FILE, or CALL:FILE:directory
  unsigned jobs = processors();
  PartArguments part;
  CiArguments ci;
  bool first = false;
  bool json = false;
  TraceArguments trace;
};

// The first that was found, as small as it gets; nothing if nothing was.
std::optional<SmallCase> make_smallest(const std::vector<ExploreSpec>& specs,
                                       const std::vector<Exploration>& all,
                                       std::string& not_because) {
  for (size_t n = 0; n < all.size(); ++n) {
    for (const Explored& found : all[n].by_persona) {
      for (const ExploredViolation& violation : found.first) {
        const auto shrunk = smallest(specs[n], violation);
        if (!shrunk.ok()) {
          not_because = shrunk.error().message;
          continue;
        }
        return SmallCase{
            std::string(code_of(shrunk->account.result.violation->breach)),
            operations(shrunk->scenario), shrunk->complete,
            print(shrunk->scenario, shrunk->account),
            tell_story(shrunk->scenario, shrunk->account, missing_fences(shrunk->scenario))};
      }
    }
  }
  return std::nullopt;
}

std::string in_words(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.0f} h", seconds / 3600);
}

// Says what a long exploration has come to and may take, the more seldom the longer it takes, but every
// half minute.
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
    next_s_ = std::min(2 * elapsed_s, elapsed_s + 30);
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
  fences.target = options.target;
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

int explore(const ExploreArguments& arguments, const std::string& program, const Streams& streams) {
  if (!arguments.trace.trace.empty()) {
    TraceArguments of = arguments.trace;
    of.depth = arguments.depth;
    return explore_a_trace(of, arguments.common.persona, arguments.output, arguments.json, streams);
  }
  CommonOptions common = arguments.common;
  common.workload = workload_to_explore(common.target, common.workload);
  auto looked_up = look_up(common);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  const auto shard = parse_shard(arguments.part.shard);
  if (!shard.ok()) return fail(streams, shard.error());
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
      spec.shard = *shard;
      spec.progress = &progress;
      specs.push_back(std::move(spec));
    }
  }
  std::vector<Exploration> all(specs.size());
  Patience patience(streams.err, specs);
  on_all_cores(specs.size(), arguments.jobs,
               [&](size_t n) { all[n] = scenarios::explore(specs[n]); },
               {[&](size_t) { patience.look(progress); }});
  std::string not_because;
  const ExploreOutcome outcome = outcome_of(specs, all, make_smallest(specs, all, not_because));
  const uint64_t violations = alone(outcome).violations();
  if (outcome.harness_fault.empty() && violations == 0 && outcome.operations == 0)
    return nothing_judged(streams, options.workloads.front()->name, outcome.sent);
  if (violations > 0 && !outcome.smallest)
    fmt::print(streams.err, "powercut: what was found could not be shrunk: {}\n", not_because);
  if (!arguments.output.empty() && outcome.smallest) {
    const auto written = write_file(arguments.output, outcome.smallest->scenario);
    if (!written.ok()) return fail(streams, written.error());
    fmt::print(streams.err, "written: {0}; again: powercut replay {0}\n", arguments.output);
  }
  if (!arguments.part.output.empty()) {
    const auto written =
        write_results(arguments.part, "explore", named_build(specs),
                      named_options(specs, arguments.added), *shard, to_json(outcome));
    if (!written.ok()) return fail(streams, written.error());
  }
  return report_explore(alone(outcome), {"explore", arguments.json, {}, watch.seconds()},
                        arguments.ci, program + " explore", streams);
}

}  // namespace

Verb add_explore(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "explore", "Every legal crash state of a bounded workload, with a certificate");
  verb->footer("Example:\n  powercut explore --workload demo40 --policy always --persona xfs");
  auto a = std::make_shared<ExploreArguments>();
  a->common.workload = kExplored;
  add_subject(*verb, a->common);
  verb->add_option("--depth", a->depth,
                   "crashes in a row: 2 adds one inside each recovery; of a trace 2 at most")
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
  const PartFlags part = add_part(*verb, a->part);
  add_ci(*verb, a->ci);
  verb->add_flag("--first", a->first, "stop at the first violation")
      ->excludes(part.shard)
      ->excludes(part.output);
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  CLI::Option* trace = add_trace_options(*verb, a->trace,
                                         {"--target", "--workload", "--policy", "--mutant",
                                          "--jobs", "--seed", "--most", "--add-fence", "--first"});
  verb->add_option("--known", a->trace.known,
                   "of a trace: failures that are known (JSON), and no reason to fail")
      ->needs(trace)
      ->check(not_empty());
  return {verb, [a](const std::string& program, const Streams& streams) {
            return explore(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
