// `powercut sweep`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "scenarios/base/terminal.h"
#include "scenarios/cli/cli.h"
#include "scenarios/run/guards.h"
#include "scenarios/run/last_words.h"
#include "scenarios/sweep/campaign.h"
#include "scenarios/sweep/report.h"
#include "scenarios/sweep/vacuity.h"

namespace powercut::scenarios {

namespace {

struct SweepArguments {
  CommonOptions common;
  uint64_t seeds = 10'000;
  uint64_t seconds = 0;
  uint64_t first_seed = 1;
  unsigned jobs = processors();
  std::string campaign;
  bool coverage = false;
  bool steer = true;
  bool json = false;
};

// A zero among the counters means something only if everything could have happened.
bool expects_everything(const CommonOptions& common, const Tally& tally) {
  return common.policy == "all" && common.persona == "all" && common.faults == "all" &&
         common.mutant.empty() && common.beside.empty() && tally.runs >= kVacuitySeeds;
}

int report(const SweepArguments& arguments, Outcome& outcome, const std::string& program,
           const Streams& streams) {
  if (expects_everything(arguments.common, outcome.tally)) {
    outcome.vacuity_checked = true;
    outcome.vacuity_zeros = vacuity_zeros(outcome.tally);
  }

  outcome.lists_coverage = arguments.coverage;
  if (arguments.json) {
    print_json(streams.out, outcome, "sweep");
  } else {
    print_table(streams.out, outcome, program);
  }
  flush(streams.out);
  print_doubts(streams.err, outcome, program);
  return status_of(outcome);
}

int sweep(const SweepArguments& arguments, const std::string& program, const Streams& streams) {
  auto looked_up = look_up(arguments.common);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  Outcome outcome;
  outcome.options = std::move(looked_up).value();
  SweepOptions& options = outcome.options;
  options.first_seed = arguments.first_seed;
  options.seeds = arguments.seeds;
  options.seconds = arguments.seconds;
  options.jobs = arguments.jobs;
  options.steer = arguments.steer;

  std::optional<Campaign> campaign;
  double earlier_s = 0;
  if (!arguments.campaign.empty()) {
    auto opened = Campaign::open(arguments.campaign, options);
    if (!opened.ok()) return fail(streams, opened.error());
    campaign.emplace(std::move(opened).value());
    outcome.tally = campaign->tally();
    earlier_s = campaign->elapsed_s();
  }

  watch_for_interrupts();
  const Stopwatch watch;
  Progress progress(streams.err, true);
  std::optional<Error> broken;  // the campaign's file
  std::atomic<bool> stop{false};
  SweepHooks hooks;
  hooks.stop = &stop;
  hooks.on_chunk = [&](uint64_t number, const Tally& tally) {
    outcome.tally.merge(tally);
    if (!campaign || broken) return;
    const auto kept = campaign->keep(number, tally, earlier_s + watch.seconds());
    if (!kept.ok()) broken = kept.error();
  };
  hooks.on_tick = [&] {
    if (interrupted().load() || broken) stop.store(true);
    const Tally& tally = outcome.tally;
    const double total =
        static_cast<double>(options.seconds != 0 ? options.seconds : options.seeds);
    const double done =
        options.seconds != 0 ? earlier_s + watch.seconds() : static_cast<double>(tally.runs);
    progress.show(done, total, tally.runs, tally.violations);
  };
  outcome.canary = find_canary({});
  const uint64_t first_chunk = campaign ? campaign->next_chunk() : 0;
  const Tally before = outcome.tally;
  run_sweep(options, first_chunk, before, static_cast<double>(options.seconds) - earlier_s, hooks);
  progress.clear();
  outcome.elapsed_s = earlier_s + watch.seconds();
  if (campaign && !broken) {
    if (const auto closed = campaign->close(outcome.elapsed_s); !closed.ok()) {
      broken = closed.error();
    }
  }
  if (broken) return fail(streams, *broken);
  outcome.interrupted = interrupted().load();
  return report(arguments, outcome, program, streams);
}

}  // namespace

Verb add_sweep(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "sweep",
      "Many seeds on all cores: a table by policy, and the command that replays the worst");
  verb->footer("Example:\n  powercut sweep --policy everysec --persona xfs --seeds 2000");
  auto a = std::make_shared<SweepArguments>();
  add_common(*verb, a->common);
  auto* seeds = verb->add_option("--seeds", a->seeds, "number of runs")
                    ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 48))
                    ->capture_default_str();
  verb->add_option("--seconds", a->seconds, "run for this long instead")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32))
      ->excludes(seeds);
  verb->add_option("--first-seed", a->first_seed, "the seed of the first run")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62))
      ->capture_default_str();
  verb->add_option("--jobs", a->jobs, "threads; the results do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  verb->add_option("--campaign", a->campaign,
                   "keep the results in this file (SQLite); the same command takes up where it "
                   "stopped");
  verb->add_flag(
      "--coverage", a->coverage,
      "list what was never reached: what the store was at, the fault, what recovery met");
  verb->add_flag("--steer,!--no-steer", a->steer,
                 "of every other run's candidate seeds, take the one whose faults promise to reach "
                 "what was seldom reached so far (default); --no-steer: one seed after the other");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string& program, const Streams& streams) {
            return sweep(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
