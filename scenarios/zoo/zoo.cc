#include "scenarios/zoo/zoo.h"

#include <algorithm>
#include <mutex>

#include "scenarios/base/terminal.h"
#include "scenarios/base/workers.h"
#include "scenarios/explore/explore.h"
#include "scenarios/run/last_words.h"
#include "scenarios/run/targets.h"

namespace powercut::scenarios {

namespace {

// Under another policy the target does not start, which shows no bug.
bool is_held_to(const TargetType* target, const Policy& policy) {
  if (target == nullptr) return true;
  const auto own = target->policies();
  return own.empty() || std::find(own.begin(), own.end(), policy.name) != own.end();
}

}  // namespace

SweepOptions aimed_at(const faults::MutantInfo* mutant, SweepOptions sweep) {
  sweep.mutant = mutant;
  if (mutant != nullptr && !mutant->workload.empty())
    sweep.workloads = {make_builtin(mutant->workload, 1)};
  if (mutant != nullptr && !mutant->target.empty()) sweep.target = find_target(mutant->target);
  std::erase_if(sweep.policies,
                [&](const Policy* policy) { return !is_held_to(sweep.target, *policy); });
  return sweep;
}

// --- Rows ---

uint64_t ZooRow::found() const {
  return static_cast<uint64_t>(std::count_if(
      searches.begin(), searches.end(), [](const Search& s) { return s.violation.has_value(); }));
}

bool ZooRow::out_of_time() const {
  return std::any_of(searches.begin(), searches.end(),
                     [](const Search& s) { return s.out_of_time; });
}

std::map<std::string, uint64_t> ZooRow::oracles() const {
  std::map<std::string, uint64_t> counts;
  for (const Search& search : searches) {
    if (search.violation) ++counts[std::string(code_of(search.violation->breach))];
  }
  return counts;
}

std::string ZooRow::oracle() const {
  std::string most;
  uint64_t count = 0;
  for (const auto& [code, times] : oracles()) {
    if (times > count) most = code;
    count = std::max(count, times);
  }
  return most;
}

template <class T>
std::optional<T> needed(const ZooRow& row, T Search::*figure, size_t k) {
  std::vector<T> figures;
  for (const Search& search : row.searches) {
    if (search.violation) figures.push_back(search.*figure);
  }
  std::sort(figures.begin(), figures.end());
  if (k >= figures.size()) return std::nullopt;
  return figures[k];
}
template std::optional<uint64_t> needed(const ZooRow&, uint64_t Search::*, size_t);
template std::optional<double> needed(const ZooRow&, double Search::*, size_t);

// --- Searching ---

Search search(const SweepOptions& sweep, uint64_t first_seed, uint64_t seeds, Beside beside) {
  const ThreadStopwatch watch;
  SweepOptions from_here = sweep;
  from_here.first_seed = first_seed;
  SeedByRun next(from_here);
  Search result;
  while (result.seeds < seeds && !result.violation && result.harness_fault.empty()) {
    const RunSpec spec = spec_of(sweep, next.seed());
    const UnderWay under_way(spec);
    RunResult run = run_once(spec, {.beside = beside});
    next.learn(run);
    ++result.seeds;
    result.states += run.crashes;
    result.harness_fault = std::move(run.harness_fault);
    if (!run.violation) continue;
    result.violation = std::move(run.violation);
    result.id = run_id(spec);
    result.persona = spec.persona->name;
    result.policy = spec.policy->name;
  }
  result.seconds = watch.seconds();
  return result;
}

Exploring explore_for(const faults::MutantInfo* mutant) {
  // Where a database or another machine is part of what recovers, a look at all of it takes hours.
  constexpr uint64_t kMostOfAnotherTarget = 5'000;
  const bool of_store = mutant == nullptr || mutant->target.empty();
  static const struct {
    std::shared_ptr<const Workload> workload;
    unsigned depth;
  } kLooks[] = {{make_builtin("demo40", 1), 1}, {make_builtin("demo8", 1), 2}};
  const Stopwatch watch;
  Exploring result;
  for (const auto& look : kLooks) {
    if (look.depth > 1 && !of_store) break;
    for (const Policy& policy : all_policies()) {
      ExploreSpec spec;
      spec.workload = look.workload.get();
      spec.policy = &policy;
      for (const char* persona : {"ext4-ordered", "posix-min", "ext4-writeback"})
        spec.personas.push_back(faults::find_persona(persona));
      spec.mutant = mutant;
      if (!of_store) {
        spec.target = find_target(mutant->target);
        spec.classes_most = kMostOfAnotherTarget;
      }
      if (!is_held_to(spec.target, policy)) continue;
      spec.depth = look.depth;
      spec.stop_at_violation = true;
      for (const Explored& explored : explore(spec).by_persona) {
        result.classes += explored.classes + explored.deeper_classes;
        if (explored.first.empty()) continue;
        result.depth = look.depth;
        result.oracle = code_of(explored.first.front().violation.breach);
        result.seconds = watch.seconds();
        return result;
      }
    }
  }
  result.seconds = watch.seconds();
  return result;
}

std::vector<ZooRow> run_zoo(const ZooOptions& options, const ZooHooks& hooks) {
  std::vector<ZooRow> rows;
  for (const auto* mutant : options.mutants) rows.push_back({mutant, {}, {}, {}});
  if (options.clean) rows.emplace_back();
  std::vector<double> spent(rows.size(), 0);
  std::mutex mutex;  // of spent
  for (ZooRow& row : rows) row.searches.resize(options.starts);
  const uint64_t searches = rows.size() * options.starts;
  const uint64_t total = searches + options.mutants.size() + rows.size();
  const auto watching = [&](uint64_t done_before) -> Watching {
    return {[&hooks, done_before, total](size_t done) { hooks.on_tick(done_before + done, total); },
            hooks.stop};
  };
  const auto search_from = [&](size_t number) {
    const size_t row = number / options.starts;
    const uint64_t start = number % options.starts;
    Search& result = rows[row].searches[start];
    const auto* mutant = rows[row].mutant;
    {
      const std::lock_guard lock(mutex);
      result.out_of_time = mutant != nullptr && spent[row] >= options.seconds_per_mutant;
    }
    if (result.out_of_time) return;
    result = search(aimed_at(mutant, options.sweep), first_seed_of(start), options.seeds_most);
    const std::lock_guard lock(mutex);
    spent[row] += result.seconds;
  };
  const auto search_with_kills = [&](size_t number) {
    ZooRow& row = rows[number];
    uint64_t seeds = 0;
    for (const Search& one : row.searches) seeds += one.seeds;
    SweepOptions kills = aimed_at(row.mutant, options.sweep);
    kills.faults = {faults::FaultClass::kKill};
    row.kill_only =
        search(kills, first_seed_of(0), std::max(seeds, options.seeds_most), Beside::kNothing);
  };
  const auto explore_row = [&](size_t number) {
    rows[number].exploring = explore_for(rows[number].mutant);
  };
  const unsigned jobs = options.sweep.jobs;
  const size_t mutants = options.mutants.size();
  on_all_cores(searches, jobs, search_from, watching(0));
  on_all_cores(mutants, jobs, search_with_kills, watching(searches));
  on_all_cores(rows.size(), jobs, explore_row, watching(searches + mutants));
  return rows;
}

std::vector<Sightings> survey(const ZooOptions& options, uint64_t seeds, const ZooHooks& hooks) {
  constexpr uint64_t kPart = 500;
  const uint64_t parts = (seeds + kPart - 1) / kPart;
  std::vector<Sightings> rows(options.mutants.size());
  std::mutex mutex;
  const uint64_t total = rows.size() * parts;
  const auto run_part = [&](size_t number) {
    const size_t row = number / parts;
    const uint64_t begin = number % parts * kPart;
    const SweepOptions sweep = aimed_at(options.mutants[row], options.sweep);
    for (uint64_t seed = begin; seed < std::min(begin + kPart, seeds); ++seed) {
      const RunSpec spec = spec_of(sweep, options.sweep.first_seed + seed);
      const UnderWay under_way(spec);
      const RunResult run = run_once(spec);
      const std::lock_guard lock(mutex);
      ++rows[row].runs;
      if (!run.violation) continue;
      ++rows[row].oracles[std::string(code_of(run.violation->breach))];
      ++rows[row].policies[std::string(spec.policy->name)];
      ++rows[row].personas[std::string(spec.persona->name)];
    }
  };
  on_all_cores(total, options.sweep.jobs, run_part,
               {[&](size_t done) { hooks.on_tick(done, total); }, hooks.stop});
  return rows;
}

}  // namespace powercut::scenarios
