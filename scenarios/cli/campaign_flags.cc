#include "scenarios/cli/campaign_flags.h"

#include <CLI/CLI.hpp>

#include "scenarios/story/scenario_file.h"

namespace powercut::scenarios {

PartFlags add_part(CLI::App& app, PartArguments& arguments) {
  PartFlags flags;
  flags.shard = app.add_option("--shard", arguments.shard,
                               "make one part of several: i/N, from 1/N to N/N; or auto: from the "
                               "environment of a Slurm array, a Kubernetes Job or GNU parallel")
                    ->check(not_empty())
                    ->capture_default_str();
  flags.output = app.add_option("--out", arguments.output,
                                "write the results here (JSON lines), for `powercut merge`")
                     ->check(not_empty());
  return flags;
}

Result<void> write_results(const PartArguments& arguments, const std::string& verb,
                           const NamedValues& build, const NamedValues& options, const Shard& shard,
                           nlohmann::json result) {
  Results results{arguments.output, verb, build, options, shard.count, {}};
  results.results.emplace(shard.number, std::move(result));
  return write_file(arguments.output, print(results));
}

void add_ci(CLI::App& app, CiArguments& arguments) {
  app.add_option("--junit", arguments.junit,
                 "write a JUnit report here: a suite a policy, a case a persona")
      ->check(not_empty());
  app.add_flag("--github", arguments.github,
               "annotations of GitHub Actions on standard error, ten at most, and a summary of "
               "the job in $GITHUB_STEP_SUMMARY");
  app.add_option("--artifacts", arguments.artifacts,
                 "a folder for each distinct failure, made small: scenario, story, page, disk")
      ->check(not_empty());
  app.add_option("--expect", arguments.expected,
                 "held, or broken: then a run in which all promises hold ends with status 6")
      ->check(CLI::IsMember({"held", "broken"}))
      ->capture_default_str();
}

void add_triage(CLI::App& app, CiArguments& arguments) {
  app.add_option("--known", arguments.known,
                 "failures that are known (JSON): counted, and no reason to fail")
      ->check(not_empty());
  app.add_option("--variants", arguments.variants,
                 "of each distinct failure keep so many further runs")
      ->check(CLI::Range(uint64_t{0}, uint64_t{3}))
      ->capture_default_str();
}

int as_expected(int status, const CiArguments& arguments) {
  if (arguments.expected == "held") return status;
  if (status == kBroken) return kHeld;
  return status == kHeld ? kDiffers : status;
}

}  // namespace powercut::scenarios
