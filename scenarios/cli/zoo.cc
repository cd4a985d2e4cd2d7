// `powercut zoo`.
#include "scenarios/zoo/zoo.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/campaign_flags.h"
#include "scenarios/cli/campaign_report.h"
#include "scenarios/cli/zoo_automatic.h"
#include "scenarios/run/last_words.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/campaign.h"

namespace powercut::scenarios {

namespace {

using Json = nlohmann::ordered_json;

struct ZooArguments {
  std::string mutants;
  ZooOptions options;
  unsigned jobs = processors();
  bool steer = false;
  uint64_t survey = 0;
  std::string from;
  PartArguments part;
  bool json = false;
  uint64_t automatic = 0;
  uint64_t seed = 1;
  std::string tests;
};

Result<std::vector<const faults::MutantInfo*>> look_up_mutants(const std::string& names) {
  std::vector<const faults::MutantInfo*> found;
  if (names.empty()) {
    for (const auto& mutant : faults::all_mutants()) found.push_back(&mutant);
    return found;
  }
  for (const std::string& name : comma_separated(names)) {
    const auto* mutant = faults::find_mutant(name);
    if (mutant == nullptr) {
      return Error{Errc::kInvalid, fmt::format("mutant: there is no \"{}\"; `powercut list "
                                               "mutants` names them all",
                                               name)};
    }
    found.push_back(mutant);
  }
  return found;
}

// --- The survey, as the lines of the pages in faults/mutants/ ---

// The names that were counted, the most frequent first; or all but those that were not.
std::string listed(const std::map<std::string, uint64_t>& counts,
                   const std::vector<std::string>& all) {
  std::vector<std::string> seen;
  std::vector<std::string> missing;
  for (const auto& [name, count] : counts) seen.push_back(name);
  std::stable_sort(seen.begin(), seen.end(), [&](const std::string& a, const std::string& b) {
    return counts.at(a) > counts.at(b);
  });
  for (const std::string& name : all) {
    if (counts.count(name) == 0) missing.push_back(name);
  }
  if (!all.empty() && missing.empty()) return "all";
  if (!all.empty() && missing.size() < seen.size()) {
    return fmt::format("all but {}", fmt::join(missing, " "));
  }
  return fmt::format("{}", fmt::join(seen, " "));
}

void print_survey(std::FILE* out, const ZooOptions& options, const std::vector<Sightings>& rows) {
  std::vector<std::string> policies;
  std::vector<std::string> personas;
  for (const Policy& policy : all_policies()) policies.emplace_back(policy.name);
  for (const auto& persona : faults::all_personas()) personas.emplace_back(persona.name);
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print(out, "{}\noracles: {}\npolicies: {}\npersonas: {}\n\n", options.mutants[i]->name,
               listed(rows[i].oracles, {}), listed(rows[i].policies, policies),
               listed(rows[i].personas, personas));
  }
}

// The table of an earlier run.
int table_of(const std::string& path, const Streams& streams) {
  const auto text = read_file(path);
  if (!text.ok()) return fail(streams, text.error());
  try {
    const Json json = Json::parse(*text);
    if (is_automatic(json))
      print_automatic(streams.out, json);
    else
      print_zoo(streams.out, json);
  } catch (const Json::exception& error) {
    return fail(streams, {Errc::kCorrupt, fmt::format("{}: not what `powercut zoo --json` prints: "
                                                      "{}",
                                                      path, error.what())});
  }
  return kHeld;
}

// --- The automatic ones ---

int automatic(const ZooArguments& arguments, const ZooHooks& hooks, Progress& progress,
              const Streams& streams) {
  if (faults::all_automatic().mutants.empty())
    return fail(streams, {Errc::kCorrupt,
                          "zoo: this build has no automatic mutants; "
                          "scenarios/automatic.sh makes the one that has"});
  const auto equivalents = read_equivalents();
  if (!equivalents.ok()) return fail(streams, equivalents.error());
  AutomaticOptions options;
  options.mutants = faults::draw(faults::all_automatic(), arguments.automatic, arguments.seed);
  options.jobs = arguments.jobs;
  options.tests = arguments.tests;
  const Stopwatch watch;
  const auto rows = run_automatic(options, hooks);
  progress.clear();
  if (interrupted().load()) return kInterrupted;
  if (!rows.ok()) return status_of(streams, rows.error().message, kHarness);
  const Json json =
      automatic_json({arguments.automatic, arguments.seed, watch.seconds()}, *rows, *equivalents);
  if (arguments.json)
    fmt::print(streams.out, "{}\n", json_text(json));
  else
    print_automatic(streams.out, json);
  return json["simulated"]["survived"] == 0 && json["simulated"]["stale"] == 0 ? kHeld : kBroken;
}

int zoo(const ZooArguments& arguments, const Streams& streams) {
  if (!arguments.from.empty()) return table_of(arguments.from, streams);
  ZooOptions options = arguments.options;
  auto mutants = look_up_mutants(arguments.mutants);
  if (!mutants.ok()) return fail(streams, mutants.error());
  options.mutants = std::move(mutants).value();
  auto sweep = look_up({});
  if (!sweep.ok()) return fail(streams, sweep.error());
  options.sweep = std::move(sweep).value();
  options.sweep.jobs = arguments.jobs;
  options.sweep.steer = arguments.steer;

  const auto shard = parse_shard(arguments.part.shard);
  if (!shard.ok()) return fail(streams, shard.error());
  const NamedValues stated = named_options(options);
  if (shard->count > 1 || !arguments.part.output.empty()) {
    take_part(options, *shard);
    options.seconds_per_mutant = std::numeric_limits<double>::infinity();
  }

  watch_for_interrupts();
  const Stopwatch watch;
  Progress progress(streams.err, "zoo");
  ZooHooks hooks;
  hooks.stop = &interrupted();
  hooks.on_tick = [&](uint64_t done, uint64_t total) {
    progress.show(fmt::format("{} of {} searches, {:.0f} s", done, total, watch.seconds()));
  };
  if (arguments.automatic != 0) return automatic(arguments, hooks, progress, streams);
  if (arguments.survey != 0) {
    const auto rows = survey(options, arguments.survey, hooks);
    progress.clear();
    print_survey(streams.out, options, rows);
    return interrupted().load() ? kInterrupted : kHeld;
  }
  const ZooReport report = report_of(run_zoo(options, hooks), options);
  progress.clear();
  const int status = report_zoo(report, {"zoo", arguments.json, {}, watch.seconds()}, streams);
  if (interrupted().load()) return kInterrupted;
  if (arguments.part.output.empty()) return status;
  const auto written = write_results(arguments.part, "zoo", named_build(options.sweep), stated,
                                     *shard, to_json(report));
  return written.ok() ? status : fail(streams, written.error());
}

}  // namespace

Verb add_zoo(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "zoo", "How good are the sweeps? Each planted bug against the general sweep");
  verb->footer(
      "Each mutant is looked for from many starting seeds; beside it, with kills alone.\n"
      "Exit status: 0 if all that can be observed were found and the engine itself is clean.\n"
      "Example:\n  powercut zoo --mutant ack-first,zero-tail-refused --starts 5");
  auto a = std::make_shared<ZooArguments>();
  auto* mutant =
      verb->add_option("--mutant", a->mutants, "only these, with commas")->check(not_empty());
  verb->add_flag("--steer", a->steer, "choose seeds as a sweep does, not one after the other");
  verb->add_option("--starts", a->options.starts, "starting seeds, far apart")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000}))
      ->capture_default_str();
  verb->add_option("--seeds", a->options.seeds_most, "from each start, at most")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32))
      ->capture_default_str();
  const PartFlags part = add_part(*verb, a->part);
  verb->add_option(
          "--seconds-per-mutant", a->options.seconds_per_mutant,
          "processor seconds of all threads; what begins later is skipped, and the table says so")
      ->check(CLI::PositiveNumber)
      ->excludes(part.shard)
      ->excludes(part.output)
      ->capture_default_str();
  auto* survey =
      verb->add_option(
              "--survey", a->survey,
              "instead, what so many seeds of each mutant saw: oracles, policies, personas")
          ->excludes(part.shard)
          ->excludes(part.output);
  verb->add_option("--jobs", a->jobs, "threads; the counts do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  auto* automatic =
      verb->add_option("--automatic", a->automatic,
                       "instead, so many automatic mutants (their build: scenarios/automatic.sh)")
          ->excludes(mutant)
          ->excludes(survey)
          ->excludes(part.shard)
          ->excludes(part.output);
  verb->add_option("--seed", a->seed, "which automatic mutants are drawn")
      ->needs(automatic)
      ->capture_default_str();
  verb->add_option("--tests", a->tests,
                   "a folder of test programs, for the automatic mutants that no run finds")
      ->check(not_empty())
      ->needs(automatic);
  auto* json =
      verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  verb->add_option("--from", a->from, "run nothing: the table of what --json had printed")
      ->check(not_empty())
      ->excludes(mutant)
      ->excludes(survey)
      ->excludes(automatic)
      ->excludes(json);
  return {verb, [a](const std::string&, const Streams& streams) { return zoo(*a, streams); }};
}

}  // namespace powercut::scenarios
