// `powercut run` and `powercut replay`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "scenarios/base/json_text.h"
#include "scenarios/base/terminal.h"
#include "scenarios/cli/cli.h"
#include "scenarios/cli/trace_verbs.h"
#include "scenarios/run/catalog.h"
#include "scenarios/run/names.h"
#include "scenarios/story/narrate.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/story/story.h"
#include "scenarios/sweep/report.h"
#include "scenarios/trace/case.h"

namespace powercut::scenarios {

namespace {

struct RunArguments {
  CommonOptions common;
  uint64_t seed = 1;
  std::optional<uint64_t> delays;
  uint64_t most = 100'000;
  bool trace = false;
  bool why = false;
  bool json = false;
};

struct ReplayArguments {
  std::string id;
  std::string mutant;
  bool trace = false;
  bool story = false;
  bool why = false;
  bool rewrite = false;
  std::optional<uint64_t> until;
  bool json = false;
};

int tell(const RunSpec& spec, const SweepOptions& options, const Telling& telling,
         const std::string& verb, bool json, const Streams& streams) {
  const Stopwatch watch;
  Outcome outcome;
  outcome.options = options;
  outcome.options.first_seed = spec.seed;
  outcome.options.seeds = 1;
  RunResult result = json ? run_once(spec) : narrate(streams.out, spec, telling);
  outcome.tally.add(spec, result);
  outcome.elapsed_s = watch.seconds();
  if (telling.recorded) outcome.departs = departure(*telling.recorded, result.fingerprint);
  if (json) {
    print_json(streams.out, outcome, verb);
  } else if (!telling.until) {
    fmt::print(streams.out, "trace    {} ({} events)\n", hash_text(outcome.tally.trace_hash),
               result.events);
  }
  if (outcome.tally.harness_fault) return kHarness;
  if (result.misstated) return fail(streams, {Errc::kCorrupt, result.misstated->message});
  if (result.violation) return kBroken;
  if (result.operations == 0 && result.sent > 0)
    return nothing_judged(streams, run_id(spec), result.sent);
  if (!outcome.departs) return kHeld;
  fmt::print(streams.err,
             "powercut: not reproduced: this build's run departs from the recorded one {}; build "
             "the version that printed the ID\n",
             departure_text(*outcome.departs));
  return kInput;
}

int walk(const RunArguments& arguments, const RunSpec& spec, const Streams& streams) {
  const ScheduleCertificate found = walk_schedules(spec, {}, *arguments.delays, arguments.most);
  if (arguments.json) {
    nlohmann::ordered_json json = {{"version", POWERCUT_VERSION},  {"verb", "run"},
                                   {"run", run_id(spec)},          {"delays", found.delays},
                                   {"schedules", found.schedules}, {"traces", found.traces},
                                   {"decisions", found.decisions}, {"recoveries", found.recoveries},
                                   {"complete", found.complete},   {"violations", found.violations},
                                   {"first_violation", nullptr}};
    if (!found.first_violation.empty()) json["first_violation"] = found.first_violation;
    fmt::print(streams.out, "{}\n", json_text(json));
  } else {
    fmt::print(streams.out,
               "run {}\n{} schedule{} of at most {} delay{}, {}; {} traces, {} decisions in the "
               "longest; {} recoveries of sampled images; {} schedule{} a promise\n",
               run_id(spec), found.schedules, found.schedules == 1 ? "" : "s", found.delays,
               found.delays == 1 ? "" : "s", found.complete ? "all of them" : "not all of them",
               found.traces, found.decisions, found.recoveries, found.violations,
               found.violations == 1 ? " breaks" : "s break");
    if (found.violations > 0)
      fmt::print(streams.out, "{} ({}): {}\n  {}\n", sentence_of(found.violation->breach),
                 code_of(found.violation->breach), found.violation->text,
                 replay_command("powercut", found.first_violation));
  }
  if (found.violations > 0) return kBroken;
  if (found.operations == 0) return nothing_judged(streams, run_id(spec), found.sent);
  return found.complete ? kHeld : kIncomplete;
}

int run(const RunArguments& arguments, const Streams& streams) {
  auto options = look_up(arguments.common);
  if (!options.ok()) return fail(streams, options.error());
  const RunSpec spec = spec_of(*options, arguments.seed);
  options->policies = {spec.policy};
  if (arguments.delays && arguments.common.schedule != "random")
    return fail(streams,
                {Errc::kInvalid, "--delays runs schedules of its own: leave out --schedule"});
  if (arguments.delays) return walk(arguments, spec, streams);
  return tell(spec, *options, {.events = arguments.trace, .why = arguments.why}, "run",
              arguments.json, streams);
}

// The first lines of a file may name the bug that it is about: without it, that it holds says little.
void say_what_is_not_planted(const Scenario& scenario, const RunResult& result,
                             const std::string& name, const Streams& streams) {
  if (result.violation) return;
  if (scenario.mutant != nullptr && scenario.mutant->decorates() && result.mutant_fired == 0)
    fmt::print(streams.err, "powercut: {}: the mutant {} is planted, and did nothing in this run\n",
               name, scenario.mutant->name);
  if (const std::string bug = unplanted(scenario); !bug.empty())
    fmt::print(streams.err,
               "powercut: {0}: the mutant {1} that it fails with is not planted; `--mutant {1}` "
               "plants it\n",
               name, bug);
}

// As asked for: the conversation, the story, every event; behind it which sync covered what.
Result<void> tell_scenario(const ReplayArguments& arguments, const Scenario& scenario,
                           const Account& account, const std::string& seen,
                           const Streams& streams) {
  if (arguments.trace) TRY(trace_scenario(streams.out, scenario));
  if (arguments.story)
    fmt::print(streams.out, "{}", tell_story(scenario, account, missing_fences(scenario)));
  if (arguments.why) {
    TRY_ASSIGN(const std::string why, why_of_scenario(scenario));
    fmt::print(streams.out, "{}", why);
  }
  if (!arguments.trace && !arguments.story && !arguments.why) fmt::print(streams.out, "{}", seen);
  return {};
}

// Who writes a scenario by hand has seen nothing yet.
bool says_what_was_seen(const std::string& text) {
  return text.find('\n' + std::string(kSeen)) != text.npos;
}

// Tells a scenario again, and whether it went as its file says; of another store than the file's, how it
// went.
int replay_scenario(const ReplayArguments& arguments, Scenario scenario, const std::string& text,
                    const Streams& streams) {
  const bool as_the_file_says = arguments.mutant.empty();
  if (!as_the_file_says) {
    scenario.mutant = faults::find_mutant(arguments.mutant);
    if (scenario.mutant == nullptr)
      return fail(streams,
                  {Errc::kInvalid, "mutant: " + no_such(Named::kMutant, arguments.mutant)});
    if (!may_be_planted(*scenario.mutant, scenario.target))
      return fail(streams,
                  {Errc::kInvalid, "mutant: " + not_planted(*scenario.mutant, scenario.target)});
  }
  const auto account = run_scenario(scenario);
  if (!account.ok())
    return fail(streams, {Errc::kCorrupt, arguments.id + ": " + account.error().message});
  const RunResult& result = account->result;
  const std::string seen = print(scenario, *account);
  if (arguments.rewrite) {
    if (const auto written = write_file(arguments.id, seen); !written.ok())
      return fail(streams, written.error());
  }
  if (arguments.json) {
    print_scenario_json(streams.out, seen, result, scenario.mutant);
  } else if (const auto told = tell_scenario(arguments, scenario, *account, seen, streams);
             !told.ok()) {
    return fail(streams, told.error());
  }
  if (!result.harness_fault.empty()) return kHarness;
  if (as_the_file_says && !arguments.rewrite && says_what_was_seen(text) && seen != text) {
    fmt::print(streams.err, "powercut: {}; `--rewrite` takes what is seen now\n",
               first_difference_line(arguments.id, text, seen));
    return kDiffers;
  }
  // One that names its bug has been seen to fail.
  if (!result.violation && result.operations == 0 && result.sent > 0 && unplanted(scenario).empty())
    return nothing_judged(streams, arguments.id, result.sent);
  say_what_is_not_planted(scenario, result, arguments.id, streams);
  return result.violation ? kBroken : kHeld;
}

int replay_file(const ReplayArguments& arguments, const Streams& streams) {
  if (arguments.until)
    return fail(streams, {Errc::kInvalid, "--until is for run IDs, not for FILE.scn"});
  if (!arguments.mutant.empty() && arguments.rewrite)
    return fail(streams, {Errc::kInvalid, "--mutant is tried, not written: leave out --rewrite"});
  const auto text = read_file(arguments.id);
  if (!text.ok()) return fail(streams, text.error());
  if (is_trace_case(*text)) {
    if (arguments.trace || arguments.why || !arguments.mutant.empty())
      return fail(streams,
                  {Errc::kInvalid, arguments.id + " is a cut of a recorded program: "
                                                  "--trace, --why and --mutant are of the store"});
    return replay_a_trace(arguments.id, *text, {arguments.story, arguments.rewrite, arguments.json},
                          streams);
  }
  auto scenario = parse_scenario(*text, arguments.id);
  if (!scenario.ok()) return fail(streams, {Errc::kCorrupt, scenario.error().message});
  return replay_scenario(arguments, std::move(scenario).value(), *text, streams);
}

int replay(const ReplayArguments& arguments, const Streams& streams) {
  if (arguments.id.ends_with(".scn")) return replay_file(arguments, streams);
  if (arguments.rewrite)
    return fail(streams, {Errc::kInvalid, "--rewrite is for scenarios, FILE.scn"});
  if (arguments.story)
    return fail(streams, {Errc::kInvalid,
                          "--story is for scenarios, FILE.scn: of an ID it is what "
                          "is told anyhow"});
  if (!arguments.mutant.empty())
    return fail(streams,
                {Errc::kInvalid, "--mutant is for scenarios, FILE.scn: an ID names its own"});
  auto recipe = parse_run_id(arguments.id);
  if (!recipe.ok()) return fail(streams, recipe.error());
  SweepOptions options;
  options.workloads = {recipe->workload};
  options.policies = {recipe->spec.policy};
  options.personas = {recipe->spec.persona};
  const Telling telling{arguments.trace, arguments.why, arguments.until, recipe->fingerprint};
  return tell(recipe->spec, options, telling, "replay", arguments.json, streams);
}

}  // namespace

Verb add_run(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("run", "One seed of a sweep, told step by step");
  verb->footer("Example:\n  powercut run --seed 7 --policy everysec --persona ext4-ordered");
  auto a = std::make_shared<RunArguments>();
  add_common(*verb, a->common);
  verb->add_option("--seed", a->seed, "which; the same run as in a sweep with the same options")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62))
      ->capture_default_str();
  verb->add_option("--delays", a->delays,
                   "run every schedule of at most this many delays instead, completions being "
                   "instant; for small workloads")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1'000'000}));
  verb->add_option("--most", a->most, "schedules, at most; with --delays")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 62))
      ->needs("--delays")
      ->capture_default_str();
  verb->add_flag(
          "--trace", a->trace,
          "every event instead of the story: number, virtual time, call, sizes, result, file; "
          "and what clients ask and are told")
      ->excludes("--delays");
  verb->add_flag("--why", a->why, "which sync covered what was acknowledged last")
      ->excludes("--delays");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string&, const Streams& streams) { return run(*a, streams); }};
}

Verb add_replay(CLI::App& app) {
  CLI::App* verb = app.add_subcommand("replay", "The same run again, from its printed ID");
  verb->footer("Example:\n  powercut replay set100:always:ext4-ordered:power-cut:100:7 --until 40");
  auto a = std::make_shared<ReplayArguments>();
  verb->add_option("id", a->id,
                   "WORKLOAD:POLICY:PERSONA:FAULTS[/beside=BESIDE]:OPERATIONS:SEED[/"
                   "SCHEDULE][:MUTANT][@FINGERPRINT], or a "
                   "scenario, "
                   "FILE.scn")
      ->required();
  verb->add_flag("--trace", a->trace,
                 "every event instead: number, virtual time, call, sizes, result, file; and what "
                 "clients ask and are told");
  verb->add_flag("--story", a->story, "of a scenario: what happened, in words");
  verb->add_flag("--why", a->why, "which sync covered what was acknowledged last");
  verb->add_option("--until", a->until, "stop at this event, and show the disk");
  verb->add_option("--mutant", a->mutant,
                   "of a scenario: plant this bug instead of what the file says, and only tell")
      ->check(not_empty());
  verb->add_flag("--rewrite", a->rewrite, "of a scenario: put what is seen now into the file");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string&, const Streams& streams) { return replay(*a, streams); }};
}

}  // namespace powercut::scenarios
