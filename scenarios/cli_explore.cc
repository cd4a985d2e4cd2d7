// `powercut explore`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenarios/cli.h"
#include "scenarios/explore.h"
#include "scenarios/terminal.h"
#include "scenarios/workers.h"
#include "sim/image_count.h"

namespace powercut::scenarios {

namespace {

using nlohmann::ordered_json;

struct Arguments {
  CommonOptions common;
  unsigned depth = 1;
  uint64_t seed = 1;
  uint64_t classes_most = 50'000'000;
  unsigned jobs = processors();
  bool first = false;
  bool json = false;
};

int explore(const Arguments& arguments, const std::string&, const Streams& streams) {
  auto looked_up = look_up(arguments.common);
  if (!looked_up.ok()) return fail(streams, looked_up.error());
  const SweepOptions& options = looked_up.value();
  watch_for_interrupts();
  const Stopwatch watch;

  std::vector<ExploreSpec> specs;
  for (const WorkloadPtr& workload : options.workloads) {
    for (const Policy* policy : options.policies) {
      ExploreSpec spec;
      spec.workload = workload.get();
      spec.policy = policy;
      spec.personas = options.personas;
      spec.mutant = options.mutant;
      spec.seed = arguments.seed;
      spec.depth = arguments.depth;
      spec.classes_most = arguments.classes_most;
      spec.stop_at_violation = arguments.first;
      specs.push_back(std::move(spec));
    }
  }
  std::vector<Exploration> done(specs.size());
  on_all_cores(specs.size(), arguments.jobs,
               [&](size_t n) { done[n] = scenarios::explore(specs[n]); });

  uint64_t points = 0, classes = 0, violations = 0, executed = 0;
  bool complete = true;
  std::string images = "0";
  std::string fault;
  ordered_json rows = ordered_json::array();
  for (size_t n = 0; n < specs.size(); ++n) {
    executed += done[n].recoveries_run;
    if (fault.empty()) fault = done[n].harness_fault;
    for (const Explored& found : done[n].by_persona) {
      points += found.crash_points;
      classes += found.classes;
      violations += found.violations;
      complete = complete && found.complete;
      images = sim::add_decimal(images, found.legal_images);
      ordered_json row = {{"workload", specs[n].workload->name},
                          {"policy", specs[n].policy->name},
                          {"persona", found.persona->name},
                          {"crash_points", found.crash_points},
                          {"disk_states", found.disk_states},
                          {"legal_images", found.legal_images},
                          {"classes", found.classes},
                          {"complete", found.complete},
                          {"violations", found.violations}};
      if (!found.complete) row["because"] = found.incomplete_because;
      for (const ExploredViolation& first : found.first)
        row["found"].push_back({{"oracle", first.violation.oracle}, {"text", first.violation.text}});
      rows.push_back(std::move(row));
    }
  }
  const double elapsed = watch.seconds();
  const ordered_json result = {{"version", POWERCUT_VERSION},
                               {"verb", "explore"},
                               {"crash_points", points},
                               {"legal_images", images},
                               {"classes", classes},
                               {"recoveries", classes},
                               {"recoveries_run", executed},
                               {"complete", complete},
                               {"violations", violations},
                               {"elapsed_s", elapsed},
                               {"certificates", rows}};
  fmt::print(streams.out, "{}\n", result.dump(2));
  if (!fault.empty()) {
    fmt::print(streams.err, "powercut: the harness is at fault: {}\n", fault);
    return kHarness;
  }
  return violations > 0 ? kBroken : kHeld;
}

}  // namespace

Verb add_explore(CLI::App& app) {
  CLI::App* verb = app.add_subcommand(
      "explore", "Every legal crash state of a bounded workload, with a certificate");
  verb->footer("Example:\n  powercut explore --workload demo40 --policy always --persona xfs");
  auto a = std::make_shared<Arguments>();
  a->common.workload = "demo40";
  add_common(*verb, a->common);
  verb->add_option("--depth", a->depth, "crashes in a row: 2 adds one inside each recovery")
      ->check(CLI::Range(1u, 3u))
      ->capture_default_str();
  verb->add_option("--jobs", a->jobs, "threads; the results do not depend on it")
      ->check(CLI::Range(1u, 1024u))
      ->capture_default_str();
  verb->add_flag("--first", a->first, "stop at the first violation");
  verb->add_flag("--json", a->json, "one JSON object on standard output, and nothing else");
  return {verb, [a](const std::string& program, const Streams& streams) {
            return explore(*a, program, streams);
          }};
}

}  // namespace powercut::scenarios
