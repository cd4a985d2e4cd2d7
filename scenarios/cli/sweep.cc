// `powercut sweep`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <optional>

#include "scenarios/base/terminal.h"
#include "scenarios/campaign/corpus.h"
#include "scenarios/campaign/results.h"
#include "scenarios/cli/campaign_flags.h"
#include "scenarios/cli/campaign_report.h"
#include "scenarios/run/guards.h"
#include "scenarios/story/scenario_file.h"
#include "scenarios/sweep/campaign.h"

namespace powercut::scenarios {

namespace {

struct SweepArguments {
  CommonOptions common;
  uint64_t seeds = 10'000;
  uint64_t seconds = 0;
  uint64_t first_seed = 1;
  unsigned jobs = processors();
  std::string campaign;
  std::string corpus;
  PartArguments part;
  CiArguments ci;
  bool coverage = false;
  bool steer = true;
  bool json = false;
};

// What a corpus says before the sweep, and what the sweep adds to it.
class CorpusFile {
 public:
  // Runs what is in it: that comes to `outcome` as well.
  static Result<CorpusFile> open(const std::string& path, Outcome& outcome) {
    CorpusFile file(path);
    TRY_ASSIGN(const auto ids, read_corpus(path));
    file.runs_ = ids.size();
    file.replayed_ = replay_corpus(ids, outcome.options);
    outcome.tally.merge(file.replayed_.tally);
    return file;
  }

  Result<void> close(const Tally& tally, std::FILE* err) const {
    std::vector<std::string> ids = replayed_.kept;
    const auto more = new_runs(tally, replayed_.reached);
    ids.insert(ids.end(), more.begin(), more.end());
    ids.insert(ids.end(), replayed_.foreign.begin(), replayed_.foreign.end());
    TRY(write_file(path_, print_corpus(ids)));
    fmt::print(err,
               "corpus {}: {} runs: {} of another build, {} of another store, {} unreadable, {} "
               "reach nothing new; {} more\n",
               path_, runs_, replayed_.of_another_build, replayed_.foreign.size(),
               replayed_.unreadable, replayed_.pruned, more.size());
    return {};
  }

 private:
  explicit CorpusFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
  size_t runs_ = 0;
  Replayed replayed_;
};

Result<SweepOptions> options_of(const SweepArguments& arguments) {
  TRY_ASSIGN(SweepOptions options, look_up(arguments.common));
  options.first_seed = arguments.first_seed;
  options.seeds = arguments.seeds;
  options.seconds = arguments.seconds;
  options.jobs = arguments.jobs;
  options.steer = arguments.steer;
  options.witnesses = !arguments.corpus.empty();
  TRY_ASSIGN(options.shard, parse_shard(arguments.part.shard));
  return options;
}

// All runs of it, with those that the campaign's file has.
Result<void> make_runs(Outcome& outcome, std::optional<Campaign>& campaign, std::FILE* err) {
  const SweepOptions& options = outcome.options;
  const double earlier_s = campaign ? campaign->elapsed_s() : 0;
  const Stopwatch watch;
  Progress progress(err, "sweep");
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
  const double total = static_cast<double>(
      options.seconds != 0 ? options.seconds : options.shard.share_of(options.seeds));
  hooks.on_tick = [&] {
    if (interrupted().load() || broken) stop.store(true);
    const Tally& tally = outcome.tally;
    const double done =
        options.seconds != 0 ? earlier_s + watch.seconds() : static_cast<double>(tally.runs);
    progress.show(done, total, tally.runs, tally.violations);
  };
  const uint64_t first_chunk = campaign ? campaign->next_chunk() : 0;
  const Tally before = outcome.tally;
  run_sweep(options, first_chunk, before, static_cast<double>(options.seconds) - earlier_s, hooks);
  progress.clear();
  outcome.elapsed_s = earlier_s + watch.seconds();
  outcome.interrupted = interrupted().load();
  if (campaign && !broken) {
    if (const auto closed = campaign->close(*outcome.elapsed_s); !closed.ok())
      broken = closed.error();
  }
  if (broken) return *broken;
  return {};
}

int sweep(const SweepArguments& arguments, const std::string& program, const Streams& streams) {
  auto looked_up = options_of(arguments);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  Outcome outcome;
  outcome.options = std::move(looked_up).value();
  watch_for_interrupts();
  std::optional<Campaign> campaign;
  if (!arguments.campaign.empty()) {
    auto opened = Campaign::open(arguments.campaign, outcome.options);
    if (!opened.ok()) return fail(streams, opened.error());
    campaign.emplace(std::move(opened).value());
    outcome.tally = campaign->tally();
  }
  outcome.canary = find_canary({});
  std::optional<CorpusFile> corpus;
  if (!arguments.corpus.empty()) {
    auto opened = CorpusFile::open(arguments.corpus, outcome);
    if (!opened.ok()) return fail(streams, opened.error());
    corpus.emplace(std::move(opened).value());
  }
  if (const auto made = make_runs(outcome, campaign, streams.err); !made.ok())
    return fail(streams, made.error());
  if (corpus) {
    const auto written = corpus->close(outcome.tally, streams.err);
    if (!written.ok()) return fail(streams, written.error());
  }
  // A part of a shard is no result, nor is a sweep that proves nothing.
  if (outcome.canary && !outcome.interrupted && !arguments.part.output.empty()) {
    const auto written = write_results(arguments.part, "sweep", named_build(outcome.options),
                                       named_options(outcome.options), outcome.options.shard,
                                       result_of(outcome.tally));
    if (!written.ok()) return fail(streams, written.error());
  }
  outcome.lists_coverage = arguments.coverage;
  return report_sweep(outcome, {"sweep", arguments.json, {}, {}}, arguments.ci, program, streams);
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
  auto* seconds = verb->add_option("--seconds", a->seconds, "run for this long instead")
                      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32))
                      ->excludes(seeds);
  verb->add_option("--first-seed", a->first_seed, "the seed of the first run")
      ->check(CLI::Range(uint64_t{0}, uint64_t{1} << 62))
      ->capture_default_str();
  verb->add_option("--jobs", a->jobs, "threads; the results do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  auto* campaign =
      verb->add_option("--campaign", a->campaign,
                       "keep the results in this file (SQLite); the same command takes up where "
                       "it stopped");
  const PartFlags part = add_part(*verb, a->part);
  part.shard->excludes(seconds);
  part.output->excludes(seconds);
  verb->add_option("--corpus", a->corpus,
                   "run what is in this file first (an ID a line), and keep there what reaches "
                   "something new")
      ->check(not_empty())
      ->excludes(campaign)
      ->excludes(part.shard)
      ->excludes(part.output);
  verb->add_flag(
      "--coverage", a->coverage,
      "list what was never reached: what the store was at, the fault, what recovery met");
  verb->add_flag("--steer,!--no-steer", a->steer,
                 "of every other run's candidate seeds, take the one whose faults promise to reach "
                 "what was seldom reached so far (default); --no-steer: one seed after the other");
  add_ci(*verb, a->ci);
  add_triage(*verb, a->ci);
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string& program, const Streams& streams) {
            return sweep(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
