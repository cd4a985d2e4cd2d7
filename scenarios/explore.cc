#include "scenarios/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scenarios/recoveries.h"
#include "sim/image_count.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::Disk;

namespace {

// Long enough for a sync of each second to come between the operations of a short workload.
constexpr Duration kThink = milliseconds(80);
// After every run that can be explored; the same for all, so that recoveries can be shared.
constexpr Instant kRestart{600'000'000'000};

struct Point {
  uint64_t call;
  sim::Op op;
  sim::CrashPoint point;
  CrashFacts facts;
  size_t state;  // which disk
};

// What the images of one disk come to.
struct State {
  Disk disk;
  std::string images = "0";
  uint64_t classes = 0;
  std::vector<uint32_t> outcomes;  // distinct
};

class Explorer final : public PointObserver {
 public:
  Explorer(const ExploreSpec& spec, const faults::Persona& persona,
           std::optional<Recoveries>& recoveries, Explored& found)
      : spec_(spec),
        persona_(persona),
        recoveries_(recoveries),
        found_(found),
        oracle_(*spec.policy, persona.keeps_synced, persona.rules.writeback) {
    oracle_.served(UINT64_MAX);  // each point's facts say what had been served
  }

  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point, const sim::WorldState& world,
                const CrashFacts& facts) override {
    if (states_.empty() || !states_.back().disk.is_same_as(world.disk)) states_.push_back(State{world.disk, "0", 0, {}});
    points_.push_back({call, op, point, facts, states_.size() - 1});
    points_.back().facts.served_lsn = 0;
  }

  void on_done(History& history, const sim::WorldState& world, const CrashFacts& facts,
               const engine::EngineConfig& config) override {
    history_ = &history;
    // And the cut after the clean shutdown, which promises more than the last call did.
    if (facts.kind == CrashKind::kNone && !points_.empty())
      on_point(points_.back().call, points_.back().op, points_.back().point, world, facts);
    for (Point& point : points_) {
      point.facts.waits = facts.waits;
      point.facts.blocked = facts.blocked;
    }
    if (!recoveries_)
      recoveries_.emplace(config, spec_.mutant, kRestart, kRestart.ns / 1'000'000 + world.wall_offset_ms);
    explore();
  }

 private:
  void explore() {
    sim::ImageCount count(recoveries_->pool());
    found_.complete = true;
    for (State& state : states_)
      if (!judge_images(state, count)) break;
    found_.crash_points = points_.size();
    found_.disk_states = states_.size();
    for (const Point& point : points_) {
      const State& state = states_[point.state];
      found_.legal_images = sim::add_decimal(found_.legal_images, state.images);
      found_.classes += state.classes;
      for (const uint32_t outcome : state.outcomes) judge(point, state, outcome);
      if (spec_.stop_at_violation && found_.violations > 0) break;
    }
  }

  // False: there are too many.
  bool judge_images(State& state, sim::ImageCount& count) {
    std::vector<bool> seen_outcome;
    count.clear();
    ++epoch_;
    const auto too_many = [&](std::string why) {
      found_.complete = false;
      found_.incomplete_because = std::move(why);
    };
    const auto visit = [&](const Recoveries::Class& one) {
      if (one.leaf >= leaves_.size()) leaves_.resize(2 * one.leaf + 64);
      if (std::exchange(leaves_[one.leaf], epoch_) == epoch_) return true;
      ++state.classes;
      if (mark(seen_outcome, one.outcome)) state.outcomes.push_back(one.outcome);
      return ++classes_ < spec_.classes_most;
    };
    bool within = true;
    const auto all = sim::for_each_lazy_image(
        state.disk, recoveries_->pool(), [&](const sim::LazyImage& image) {
          if (!within) return;
          count.add(image);
          within = recoveries_->for_each_class(image, visit);
        });
    if (!all.ok()) too_many(all.error().message);
    if (!within) too_many(fmt::format("more than {} classes", spec_.classes_most));
    state.images = count.decimal();
    return found_.complete;
  }

  static bool mark(std::vector<bool>& marks, uint32_t number) {
    if (number >= marks.size()) marks.resize(2 * number + 64);
    if (marks[number]) return false;
    marks[number] = true;
    return true;
  }

  std::optional<Violation> verdict(const CrashFacts& facts, const Recovered& outcome) {
    if (!outcome.refusal.empty()) {
      if (!persona_.keeps_synced) return std::nullopt;
      return Violation{"NOS", outcome.refusal};
    }
    if (outcome.hangs) return Violation{"HNG", "a recovery does not end"};
    const Verdict verdict = oracle_.judge(*history_, facts, outcome.digest, recoveries_->wall_ms(),
                                          outcome.lsn, false);
    keep_worst(verdict.loss);
    if (!verdict.violation && outcome.failed_commands != 0)
      return Violation{"NPX", fmt::format("{} logged commands failed when they were replayed",
                                          outcome.failed_commands)};
    return verdict.violation;
  }

  void judge(const Point& point, const State& state, uint32_t outcome) {
    // Up to where the history had come then.
    const auto broken = verdict(point.facts, recoveries_->outcome(outcome));
    if (!broken) return;
    ++found_.violations;
    for (const ExploredViolation& known : found_.first)
      if (known.violation.oracle == broken->oracle) return;
    found_.first.push_back({*broken, &persona_, {{CrashKind::kPowerCut, point.call, point.op, point.point,
                                                  survival_of_outcome(state.disk, outcome)}}});
  }

  // One image that comes to it.
  sim::Survival survival_of_outcome(const Disk& disk, uint32_t outcome) {
    sim::Survival survival;
    (void)sim::for_each_lazy_image(disk, recoveries_->pool(), [&](const sim::LazyImage& image) {
      if (!survival.slots.empty() || survival.rest_kept) return;
      recoveries_->for_each_class(image, [&](const Recoveries::Class& one) {
        if (one.outcome != outcome) return true;
        std::vector<std::vector<std::optional<sim::ContentId>>> seen(image.files.size());
        for (size_t f = 0; f < image.files.size(); ++f) seen[f].resize(image.files[f].sectors.size());
        for (const auto& [look, answer] : one.seen)
          if (look.kind == sim::Look::kSector && look.sector < seen[look.file].size())
            seen[look.file][look.sector] = static_cast<sim::ContentId>(answer);
        survival = sim::stated(disk, image, one.left, seen, recoveries_->pool());
        if (survival.slots.empty()) survival.rest_kept = true;  // nothing was undecided
        return false;
      });
    });
    return survival;
  }

  void keep_worst(const Loss& loss) {
    const bool worse = loss.age_ms > found_.worst.age_ms ||
                       (loss.age_ms == found_.worst.age_ms && loss.operations > found_.worst.operations);
    if (worse) found_.worst = loss;
  }

  const ExploreSpec& spec_;
  const faults::Persona& persona_;
  std::optional<Recoveries>& recoveries_;
  Explored& found_;
  Oracle oracle_;
  History* history_ = nullptr;
  std::vector<State> states_;
  std::vector<Point> points_;
  std::vector<uint32_t> leaves_;  // the last state that reached it
  uint32_t epoch_ = 0;
  uint64_t classes_ = 0;
};

}  // namespace

RunSpec explored_run(const ExploreSpec& spec, const faults::Persona& persona) {
  RunSpec run;
  run.workload = spec.workload;
  run.policy = spec.policy;
  run.persona = &persona;
  run.faults = faults::FaultSet();
  run.operations = spec.workload->operations();
  run.seed = spec.seed;
  run.mutant = spec.mutant;
  run.plan = faults::Plan();
  run.manners = Manners();
  run.manners->think = kThink;
  run.rewrite_bytes = uint64_t{1} << 40;
  run.beside = Beside::kNothing;
  run.lingers = true;
  return run;
}

Exploration explore(const ExploreSpec& spec) {
  Exploration all;
  std::optional<Recoveries> recoveries;
  for (const faults::Persona* persona : spec.personas) {
    Explored found;
    found.persona = persona;
    Explorer explorer(spec, *persona, recoveries, found);
    faults::Persona still = *persona;
    still.rules.writeback = false;  // what it forces only takes images away
    RunSpec run = explored_run(spec, still);
    run.points = &explorer;
    const RunResult result = run_once(run);
    if (result.violation && found.violations == 0) {
      ++found.violations;
      found.first.push_back({*result.violation, persona, {}});
    }
    if (all.harness_fault.empty()) all.harness_fault = result.harness_fault;
    all.by_persona.push_back(std::move(found));
    if (spec.stop_at_violation && all.by_persona.back().violations > 0) break;
  }
  if (recoveries) all.recoveries_run = recoveries->executed();
  return all;
}

}  // namespace powercut::scenarios
