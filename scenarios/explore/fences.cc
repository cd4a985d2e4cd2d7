#include "scenarios/explore/fences.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenarios/base/workers.h"
#include "scenarios/explore/smallest.h"
#include "scenarios/run/targets.h"
#include "scenarios/story/story.h"

namespace powercut::scenarios {

namespace {

using faults::MutantInfo;
using faults::Persona;

bool is_sync(const sim::Event& event) {
  return event.what == "sync" || event.what == "sync_directory";
}

struct Spent {
  uint64_t syncs = 0;
  uint64_t data = 0;
  uint64_t metadata = 0;
};

// What each fence's calls cost. A sync forces its bytes right before its event, and between two
// events nothing else does: the runs have no writeback of their own.
class Meter final : public sim::TraceListener, public RunObserver {
 public:
  std::map<uint64_t, Spent> by_fence;
  Spent total;

  void on_event(const sim::Event& event) override {
    if (disk_ == nullptr) return;
    const sim::DiskStats now = disk_->stats();
    const Spent spent{1, now.bytes_data - before_.bytes_data,
                      now.bytes_metadata - before_.bytes_metadata};
    before_ = now;
    total.data += spent.data;
    total.metadata += spent.metadata;
    if (!is_sync(event)) return;
    Spent& sum = by_fence[event.a];
    ++total.syncs;
    ++sum.syncs;
    sum.data += spent.data;
    sum.metadata += spent.metadata;
  }
  void on_begin(const faults::Plan&, const sim::Disk& disk) override { disk_ = &disk; }
  void on_open(uint32_t, Instant, sim::Target&, const Verdict*, const History&) override {}
  void on_refusal(uint32_t, Instant, const Error&) override {}
  void on_image(Instant, const Verdict&, const Promised&) override {}
  void on_end(uint32_t, Instant, sim::CrashKind, bool, const History&) override {}

 private:
  const sim::Disk* disk_ = nullptr;
  sim::DiskStats before_;
};

class Collector final : public sim::TraceListener {
 public:
  std::set<uint64_t> seen;
  void on_event(const sim::Event& event) override {
    if (is_sync(event)) seen.insert(event.a);
  }
};

ExploreSpec spec_of(const FenceOptions& options, const Policy& policy, const MutantInfo* mutant) {
  ExploreSpec spec;
  spec.target = options.target;
  spec.workload = options.workload;
  spec.policy = &policy;
  spec.personas = options.personas;
  spec.mutant = mutant;
  return spec;
}

Meter measure(const ExploreSpec& spec, const Persona& persona) {
  const Persona still = explored_persona(persona);
  const auto [run, stated] = explored_run(spec, still);
  Meter meter;
  (void)run_once(run, stated, {.observer = &meter, .trace = &meter});
  return meter;
}

// Recovery's own fences guard against a crash after a recovery from the page cache.
bool matters_after_recovery(const MutantInfo& fence) {
  return std::string_view(fence.fence.name).starts_with("recovery.");
}

int64_t less(uint64_t with, uint64_t without) {
  return static_cast<int64_t>(with) - static_cast<int64_t>(without);
}

// A whole table is made of pieces of work: one policy, with one fence or none taken out.
class Judge {
 public:
  explicit Judge(const FenceOptions& options) : options_(options) {}

  FenceTable judge() {
    explore_all();
    FenceTable table;
    table.harness_fault = fault();
    for (const MutantInfo* fence : options_.fences) {
      FenceRow row{fence, {}};
      for (size_t p = 0; p < options_.personas.size(); ++p) row.cells.push_back(cell(*fence, p));
      table.rows.push_back(std::move(row));
    }
    sample_all(table);
    return table;
  }

 private:
  struct Piece {
    Exploration exploration;
    std::vector<Meter> meters;  // a persona each
  };

  Piece& piece(size_t policy, size_t fence) {  // fence 0: none is taken out
    return pieces_[policy * (options_.fences.size() + 1) + fence];
  }

  void explore_all() {
    const size_t each = options_.fences.size() + 1;
    pieces_.resize(options_.policies.size() * each);
    std::vector<size_t> whole, without;
    for (size_t n = 0; n < options_.policies.size(); ++n) whole.push_back(n * each);
    on_all_cores(whole.size(), options_.jobs, [&](size_t i) { explore_piece(whole[i]); });
    for (size_t n = 0; n < pieces_.size(); ++n)
      if (n % each != 0 && is_issued(n / each, n % each)) without.push_back(n);
    on_all_cores(without.size(), options_.jobs, [&](size_t i) { explore_piece(without[i]); });
  }

  void explore_piece(size_t n) {
    const size_t each = options_.fences.size() + 1;
    const MutantInfo* mutant = n % each == 0 ? nullptr : options_.fences[n % each - 1];
    const ExploreSpec spec = spec_of(options_, *options_.policies[n / each], mutant);
    pieces_[n].exploration = explore(spec);
    for (const Persona* persona : options_.personas)
      pieces_[n].meters.push_back(measure(spec, *persona));
  }

  // A run that never comes to a sync is the same without it: nothing is asked of that piece.
  bool is_issued(size_t policy, size_t fence) {
    const std::vector<Meter>& meters = piece(policy, 0).meters;
    return std::any_of(meters.begin(), meters.end(), [&](const Meter& meter) {
      return meter.by_fence.contains(options_.fences[fence - 1]->fence.hash);
    });
  }

  std::string fault() const {
    for (const Piece& piece : pieces_)
      if (!piece.exploration.harness_fault.empty()) return piece.exploration.harness_fault;
    return {};
  }

  FenceCell cell(const MutantInfo& fence, size_t p) {
    FenceCell cell;
    cell.persona = options_.personas[p];
    const size_t f =
        static_cast<size_t>(std::find(options_.fences.begin(), options_.fences.end(), &fence) -
                            options_.fences.begin());
    for (size_t n = 0; n < options_.policies.size(); ++n) {
      const Piece& with = piece(n, 0);
      const Piece& without = piece(n, f + 1);
      const auto spent = with.meters[p].by_fence.find(fence.fence.hash);
      if (spent == with.meters[p].by_fence.end()) continue;  // this policy does not issue it
      const Spent& all = with.meters[p].total;
      const Spent& rest = without.meters[p].total;
      cell.costs.push_back({options_.policies[n], spent->second.syncs, spent->second.data,
                            spent->second.metadata, less(all.data, rest.data),
                            less(all.metadata, rest.metadata)});
      const Explored& clean = with.exploration.by_persona[p];
      const Explored& found = without.exploration.by_persona[p];
      cell.classes += found.classes;
      if (clean.violations > 0 || !clean.complete) {
        cell.why = fmt::format("{}: the run with it is not proven", options_.policies[n]->name);
      } else if (found.violations > 0) {
        if (cell.counterexample) continue;
        cell.policy = options_.policies[n];
        cell.counterexample = found.first.front();
      } else if (!found.complete) {
        cell.why = found.incomplete_because;
      }
    }
    if (cell.counterexample) {
      cell.need = Need::kNecessary;
    } else if (cell.costs.empty()) {
      cell.why = "not issued in this run";
    } else if (matters_after_recovery(fence)) {
      cell.why = "not decided at this depth";
    } else if (cell.why.empty()) {
      cell.need = Need::kRedundant;
    }
    return cell;
  }

  void sample_all(FenceTable& table) {
    struct Open {
      const MutantInfo* fence;
      FenceCell* cell;
    };
    std::vector<Open> open;
    for (FenceRow& row : table.rows)
      for (FenceCell& cell : row.cells)
        if (cell.need == Need::kUndecided) open.push_back({row.fence, &cell});
    // Each is generated once: that takes as long as a hundred runs.
    for (const Open& one : open)
      if (options_.seeds > 0 && !own_workloads_.contains(one.fence->workload))
        own_workloads_.emplace(one.fence->workload, make_builtin(one.fence->workload, 1));
    on_all_cores(open.size(), options_.jobs,
                 [&](size_t n) { sample(*open[n].fence, *open[n].cell); });
  }

  faults::FaultSet legal_ones() const {
    const faults::FaultSet known = target_or_store(options_.target).faults();
    return faults::FaultSet::where([&](const faults::ClassRow& row) {
      return known.has(row.fault) && !faults::is_contract_violation(row.fault);
    });
  }

  void sample(const MutantInfo& fence, FenceCell& cell) const {
    for (uint64_t seed = 1; seed <= options_.seeds; ++seed) {
      const WorkloadPtr& own = own_workloads_.at(fence.workload);
      for (const Policy* policy : options_.policies) {
        RunSpec run;
        run.target = options_.target;
        run.workload = own != nullptr ? own.get() : options_.drawn;
        run.policy = policy;
        run.persona = cell.persona;
        run.faults = legal_ones();
        run.seed = seed;
        run.mutant = &fence;
        const RunResult result = run_once(run);
        if (result.mutant_fired > 0) ++cell.drawn_runs;
        if (!result.violation) continue;
        RunSpec whole = run;
        whole.mutant = nullptr;
        if (run_once(whole).violation) continue;  // not this fence's doing
        cell.need = Need::kNecessary;
        cell.sampled = true;
        cell.policy = policy;
        cell.counterexample = ExploredViolation{*result.violation, cell.persona, {}};
        cell.run_id = run_id(run);
        return;
      }
    }
    cell.sampled = true;
  }

  const FenceOptions& options_;
  std::vector<Piece> pieces_;
  std::map<std::string_view, WorkloadPtr> own_workloads_;  // none for a fence that names none
};

}  // namespace

std::vector<const MutantInfo*> known_fences(const TargetType* target) {
  std::vector<const MutantInfo*> fences;
  if (&target_or_store(target) != &store()) {
    for (const Site fence : target->fences()) fences.push_back(&faults::add_fence(fence));
    return fences;
  }
  for (const MutantInfo& mutant : faults::all_mutants())
    if (mutant.decorator == faults::DecoratorKind::kNoSync) fences.push_back(&mutant);
  return fences;
}

std::set<uint64_t> fences_seen_in_runs() {
  constexpr uint64_t kSeeds = 60;
  Collector collector;
  const auto look = [&](const TargetType& target, const Workload& workload, const Policy& policy) {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      RunSpec run;
      run.target = &target;
      run.workload = &workload;
      run.policy = &policy;
      run.persona = &faults::default_persona();
      run.seed = seed;
      (void)run_once(run, {.beside = Beside::kNothing}, {.trace = &collector});
    }
  };
  for (const char* name : {"mixed", "backup"}) {
    const auto workload = make_builtin(name, 1);
    for (const Policy& policy : all_policies()) look(store(), *workload, policy);
  }
  for (const char* name : {"tiered", "tiered-archive"})
    look(*find_target(name), *make_builtin("mixed", 1), *find_policy("hybrid-everysec"));
  look(*find_target("write-behind"), *make_builtin("mixed", 1), *find_policy("everysec"));
  // SQLite's own (engine/sqlite/vfs.h) are not the store's to leave out.
  for (const Site sync : {Site("sqlite.database"), Site("sqlite.journal"), Site("sqlite.wal"),
                          Site("sqlite.journal-made"), Site("sqlite.journal-removed")})
    collector.seen.erase(sync.hash);
  return collector.seen;
}

FenceTable judge_fences(const FenceOptions& options) { return Judge(options).judge(); }

std::set<faults::SyncPlace> places_for_a_sync(const FenceOptions& options,
                                              const MutantInfo& mutant) {
  std::set<faults::SyncPlace> seen;
  const faults::ExtraSync notes{{}, &seen};
  MutantInfo noting = mutant;
  noting.extra = &notes;
  for (const Policy* policy : options.policies)
    (void)measure(spec_of(options, *policy, &noting), *options.personas.front());
  return seen;
}

Proposals propose_fences(const FenceOptions& options, const MutantInfo& mutant) {
  Proposals answer;
  std::vector<std::vector<const Persona*>> broken(options.policies.size());
  for (size_t n = 0; n < options.policies.size(); ++n) {
    const ExploreSpec spec = spec_of(options, *options.policies[n], &mutant);
    const Exploration explored = explore(spec);
    if (answer.harness_fault.empty()) answer.harness_fault = explored.harness_fault;
    for (const Explored& found : explored.by_persona)
      if (found.violations > 0) broken[n].push_back(found.persona);
    answer.broken += broken[n].size();
  }
  if (answer.broken == 0) return answer;

  const std::set<faults::SyncPlace> seen = places_for_a_sync(options, mutant);
  const std::vector<faults::SyncPlace> places(seen.begin(), seen.end());
  answer.tried = places.size();
  std::vector<std::optional<Proposal>> helps(places.size());
  on_all_cores(places.size(), options.jobs, [&](size_t i) {
    const faults::ExtraSync extra{places[i]};
    MutantInfo repaired = mutant;
    repaired.extra = &extra;
    const auto holds = [&](const Policy& policy, const std::vector<const Persona*>& personas) {
      ExploreSpec spec = spec_of(options, policy, &repaired);
      spec.personas = personas;
      spec.stop_at_violation = true;
      const Exploration explored = explore(spec);
      return explored.harness_fault.empty() &&
             std::all_of(explored.by_persona.begin(), explored.by_persona.end(),
                         [](const Explored& e) { return e.complete && e.violations == 0; });
    };
    // What was broken first: most places are done with at once.
    for (size_t n = 0; n < broken.size(); ++n)
      if (!broken[n].empty() && !holds(*options.policies[n], broken[n])) return;
    Proposal proposal{places[i]};
    for (const Policy* policy : options.policies) {
      if (!holds(*policy, options.personas)) return;
      const Meter meter = measure(spec_of(options, *policy, &repaired), *options.personas.front());
      const auto spent = meter.by_fence.find(faults::kExtraSync.hash);
      if (spent == meter.by_fence.end()) continue;
      proposal.syncs += spent->second.syncs;
      proposal.bytes += spent->second.data + spent->second.metadata;
    }
    helps[i] = proposal;
  });
  for (auto& one : helps)
    if (one) answer.that_help.push_back(std::move(*one));
  std::stable_sort(answer.that_help.begin(), answer.that_help.end(),
                   [](const Proposal& a, const Proposal& b) {
                     return std::pair(a.bytes, a.syncs) < std::pair(b.bytes, b.syncs);
                   });
  return answer;
}

std::string tell(const FenceOptions& options, const FenceRow& row, const FenceCell& cell) {
  const std::string_view name = row.fence->fence.name;
  if (cell.need == Need::kRedundant)
    return fmt::format("{} on {}: redundant there, {} recoveries judged\n", name,
                       cell.persona->name, cell.classes);
  if (cell.need == Need::kUndecided)
    return fmt::format("{} on {}: {}; {} drawn runs without it saw nothing\n", name,
                       cell.persona->name, cell.why, cell.drawn_runs);
  const ExploredViolation& found = *cell.counterexample;
  const std::string heading =
      fmt::format("{} on {}, policy {}: without it a promise is broken ({}).\n", name,
                  cell.persona->name, cell.policy->name, code_of(found.violation.breach));
  if (cell.sampled)
    return fmt::format("{}  {}\n  Sampled: powercut shrink '{}' tells the story.\n", heading,
                       found.violation.text, cell.run_id);
  ExploreSpec spec = spec_of(options, *cell.policy, row.fence);
  spec.personas = {cell.persona};
  const auto small = smallest(spec, found);
  if (!small.ok())
    return fmt::format("{}  {}\n  It could not be made small: {}\n", heading, found.violation.text,
                       small.error().message);
  const Scenario& scenario = small.value().scenario;
  return heading + "\n" + tell_story(scenario, small.value().account, missing_fences(scenario)) +
         "\n";
}

}  // namespace powercut::scenarios
