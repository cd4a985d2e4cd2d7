// `powercut merge`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "scenarios/base/terminal.h"
#include "scenarios/campaign/results.h"
#include "scenarios/cli/campaign_flags.h"
#include "scenarios/cli/campaign_report.h"
#include "scenarios/run/guards.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/campaign.h"

namespace powercut::scenarios {

namespace {

struct MergeArguments {
  std::vector<std::string> files;
  std::string output;
  CiArguments ci;
  bool coverage = false;
  bool json = false;
};

Result<Results> read_all(const std::vector<std::string>& files) {
  std::optional<Results> all;
  for (const std::string& file : files) {
    TRY_ASSIGN(Results results, read_results(file));
    if (!all)
      all.emplace(std::move(results));
    else
      TRY(merge(*all, std::move(results)));
  }
  return std::move(*all);
}

// What each shard came to.
template <class Part, class Decode>
Result<std::map<uint64_t, Part>> decoded(const Results& results, Decode decode) {
  std::map<uint64_t, Part> parts;
  for (const auto& [shard, result] : results.results) {
    try {
      parts.emplace(shard, decode(result));
    } catch (const std::exception& wrong) {
      return Error{Errc::kCorrupt, fmt::format("{}: what shard {} came to is damaged: {}",
                                               results.name, shard, wrong.what())};
    }
  }
  return parts;
}

Result<Outcome> sweep_of(const Results& results) {
  auto options = options_of(results.options);
  if (!options.ok()) return Error{Errc::kCorrupt, results.name + ": " + options.error().message};
  TRY_ASSIGN(const auto shards, decoded<Tally>(results, tally_from_json));
  Outcome outcome;
  outcome.options = std::move(options).value();
  for (const auto& [shard, tally] : shards) outcome.tally.merge(tally);
  outcome.canary = find_canary({});
  return outcome;
}

int report_merged(const Results& results, const MergeArguments& arguments,
                  const std::string& program, const Streams& streams) {
  const Manner manner{results.verb, arguments.json, Parts{results.shards, results.missing()}, {}};
  if (results.verb == "sweep") {
    auto outcome = sweep_of(results);
    if (!outcome.ok()) return fail(streams, outcome.error());
    outcome->lists_coverage = arguments.coverage;
    return report_sweep(*outcome, manner, arguments.ci, program, streams);
  }
  if (results.verb == "explore") {
    const auto shards = decoded<ExploreOutcome>(results, explore_outcome_from_json);
    if (!shards.ok()) return fail(streams, shards.error());
    return report_explore(together(*shards, results.shards), manner, arguments.ci, "", streams);
  }
  if (results.verb == "zoo") {
    const auto shards = decoded<ZooReport>(results, zoo_report_from_json);
    if (!shards.ok()) return fail(streams, shards.error());
    return report_zoo(together(*shards), manner, streams);
  }
  return fail(streams,
              {Errc::kCorrupt, fmt::format("{}: results of \"{}\", which this powercut does not "
                                           "know",
                                           results.name, results.verb)});
}

int merge_verb(const MergeArguments& arguments, const std::string& program,
               const Streams& streams) {
  const auto results = read_all(arguments.files);
  if (!results.ok()) return fail(streams, results.error());
  if (!arguments.output.empty()) {
    const auto written = write_file(arguments.output, print(*results));
    if (!written.ok()) return fail(streams, written.error());
  }
  return report_merged(*results, arguments, program, streams);
}

}  // namespace

Verb add_merge(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "merge", "What shards of a sweep, an exploration or a zoo came to, put together");
  verb->footer(
      "Files of --out, of merge itself, or of --campaign, in any order and as often as you "
      "like.\nExample:\n  powercut merge part*.jsonl -o all.jsonl");
  auto a = std::make_shared<MergeArguments>();
  verb->add_option("files", a->files, "what --out or --campaign has written")->required();
  verb->add_option("-o,--output", a->output, "write them together here, for another merge")
      ->check(not_empty());
  add_ci(*verb, a->ci);
  add_triage(*verb, a->ci);
  verb->add_flag("--coverage", a->coverage, "of a sweep: list what was never reached");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string& program, const Streams& streams) {
            return merge_verb(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
