// e08: how many runs does it take to find a planted bug, by how the runs are chosen? See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/hash.h"
#include "experiments/common/results.h"
#include "scenarios/zoo/zoo.h"

namespace powercut::experiments {
namespace {

using scenarios::Beside;
using scenarios::SweepOptions;

constexpr uint64_t kMutantOneIn =
    12;  // of those that count, by their names: more pages shift nothing
constexpr uint64_t kStarts = 3;
constexpr uint64_t kRunsMost = 1000;  // a search that has found nothing by then is given up

struct Way {
  std::string_view name;
  bool steer;
  scenarios::SweepSchedule schedule;
  bool kills_alone;
};
constexpr Way kWays[] = {
    {"steered", true, scenarios::SweepSchedule::kRandom, false},
    {"plain", false, scenarios::SweepSchedule::kRandom, false},
    {"pct", false, scenarios::SweepSchedule::kPct, false},
    {"kill-only", false, scenarios::SweepSchedule::kRandom, true},
};

SweepOptions options_of(const Way& way, const faults::MutantInfo* mutant) {
  SweepOptions sweep;
  sweep.workloads = {scenarios::find_workload("mixed").value()};
  for (const scenarios::Policy& policy : scenarios::all_policies())
    sweep.policies.push_back(&policy);
  for (const faults::Persona& persona : faults::all_personas()) sweep.personas.push_back(&persona);
  sweep.schedule = way.schedule;
  sweep.steer = way.steer;
  if (way.kills_alone) sweep.faults = {faults::FaultClass::kKill};
  return scenarios::aimed_at(mutant, std::move(sweep));
}

std::vector<const faults::MutantInfo*> chosen(bool sample) {
  std::vector<const faults::MutantInfo*> mutants;
  for (const faults::MutantInfo& mutant : faults::all_mutants()) {
    if (!mutant.observable() || hash_bytes(mutant.name) % kMutantOneIn != 0) continue;
    if (!sample || mutants.empty()) mutants.push_back(&mutant);
  }
  return mutants;
}

// By way: how many searches had found theirs after so many runs.
struct Finds {
  std::map<std::string_view, std::vector<uint64_t>> runs;
  std::map<std::string_view, uint64_t> searches;
};

void search_all(Csv& csv, Finds& finds, const faults::MutantInfo* mutant) {
  for (const Way& way : kWays) {
    const SweepOptions sweep = options_of(way, mutant);
    for (uint64_t start = 0; start < kStarts; ++start) {
      const auto found = scenarios::search(sweep, scenarios::first_seed_of(start), kRunsMost,
                                           way.kills_alone ? Beside::kNothing : Beside::kSome);
      CHECK(found.harness_fault.empty());
      ++finds.searches[way.name];
      if (found.violation) finds.runs[way.name].push_back(found.seeds);
      csv.row(mutant->name, way.name, start, found.violation ? 1 : 0, found.seeds, found.states,
              found.violation ? scenarios::code_of(found.violation->breach) : "-");
    }
  }
  const auto explored = scenarios::explore_for(mutant);
  ++finds.searches["explorer"];
  if (explored.depth > 0) finds.runs["explorer"].push_back(1);
  csv.row(mutant->name, "explorer", 0, explored.depth > 0 ? 1 : 0, 1, explored.classes,
          explored.depth > 0 ? explored.oracle : "-");
}

std::string survival(const Finds& finds) {
  Csv csv("way,runs,searches,left,share_left");
  for (const auto& [way, searches] : finds.searches) {
    std::vector<uint64_t> found;
    if (const auto it = finds.runs.find(way); it != finds.runs.end()) found = it->second;
    std::sort(found.begin(), found.end());
    const auto row = [&, &way = way, searches = searches](uint64_t runs) {
      const auto by_then = std::upper_bound(found.begin(), found.end(), runs) - found.begin();
      const uint64_t left = searches - static_cast<uint64_t>(by_then);
      csv.row(way, runs, searches, left, ratio(left, searches, 4));
    };
    row(0);
    for (size_t i = 0; i < found.size(); ++i)
      if (i + 1 == found.size() || found[i] != found[i + 1]) row(found[i]);
    row(kRunsMost);
  }
  return csv.bytes();
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv("mutant,way,start,found,runs,crash_states,oracle");
  Finds finds;
  for (const faults::MutantInfo* mutant : chosen(output.sample())) search_all(csv, finds, mutant);
  output.write("data.csv", csv.bytes());
  // Shares of some are not shares of all.
  if (!output.sample()) output.write("survival.csv", survival(finds));
  uint64_t searches = 0;
  for (const auto& [way, number] : finds.searches) searches += number;
  output.write_run({"e08_seeds_to_find_a_bug", 1, kStarts, searches});
}
