#include "scenarios/explore/explore.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "scenarios/explore/witness.h"
#include "sim/crash_images.h"
#include "sim/image_count.h"

namespace powercut::scenarios {

using sim::CrashKind;
using sim::Disk;

namespace {
// Of every recovery: later than every run that can be explored, so that recoveries can be shared.
constexpr Instant kRestart = Instant{0} + kExploredOff;
// Violations behind a second crash come after all others.
constexpr uint64_t kDeeper = uint64_t{1} << 32;

struct Point {
  uint64_t call;
  sim::Op op;
  sim::CrashPoint point;
  Promised promised;
  size_t state;  // which disk
  std::optional<ExploredCrash::Moment> moment = std::nullopt;
  bool at_end = false;  // after the clean shutdown
};

// What the images of one disk come to.
struct State {
  explicit State(const Disk& d) : disk(d) {}
  Disk disk;
  std::string images = "0";
  uint64_t classes = 0;
  std::vector<uint32_t> outcomes;  // distinct
  std::optional<uint32_t> killed;  // what comes of the page cache; none: not looked at
};

// The crash points of one recovery, where the disk differs from the one before.
class RecoveryPoints final : public sim::Watcher {
 public:
  struct At {
    uint64_t call;
    sim::Op op;
    sim::CrashPoint point;
    Disk disk;
    bool served;
  };
  explicit RecoveryPoints(const Disk* const& disk) : disk_(disk) {}
  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point) override {
    if (points.empty() || !points.back().disk.is_same_as(*disk_))
      points.push_back({call, op, point, *disk_, false});
  }
  std::vector<At> points;

 private:
  const Disk* const& disk_;
};

// What further crashes come to: outcomes, and what had been served before. With one way there.
struct Ends {
  struct Way {
    ExploredCrash crash;
    Disk disk;
  };
  std::map<std::pair<uint64_t, uint32_t>, Way> all;
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
    oracle_.served(UINT64_MAX);  // each point says what had been served
  }

  void on_point(uint64_t call, sim::Op op, sim::CrashPoint point, const sim::WorldState& world,
                const Promised& promised) override {
    if (point == sim::CrashPoint::kBefore) begun_[call] = {numbers_[op]++, promised.at};
    if (states_.empty() || !states_.back().disk.is_same_as(world.disk)) {
      note_last_moment(call, op, promised);
      states_.emplace_back(world.disk);
    }
    note({call, op, point, promised, states_.size() - 1});
    if (point == sim::CrashPoint::kAfter) begun_.erase(call);
  }

  void on_done(History& history, const sim::WorldState& world, const Promised& promised,
               const Delays& delays, const Opening& opening) override {
    history_ = &history;
    // And the cut after the clean shutdown, which promises more than the last call did.
    if (promised.kind == CrashKind::kNone && !points_.empty()) {
      if (!states_.back().disk.is_same_as(world.disk)) states_.emplace_back(world.disk);
      const Point& last = points_.back();
      note({last.call, last.op, last.point, promised, states_.size() - 1});
      points_.back().at_end = true;
    }
    delays_ = delays;
    if (!recoveries_)
      recoveries_.emplace(opening, kRestart, kRestart.ns / 1'000'000 + world.wall_offset_ms,
                          history.backups().moment() != 0);
    explore();
  }

 private:
  void note(Point point) {
    point.promised.served = 0;
    points_.push_back(std::move(point));
  }

  // A call takes effect when it ends, and more may have been promised while it was under way: the
  // disk as it was, with all that was promised until then.
  void note_last_moment(uint64_t call, sim::Op op, const Promised& promised) {
    const auto begun = begun_.find(call);
    if (states_.empty() || begun == begun_.end() || promised.at <= begun->second.at) return;
    const Promised& known = points_.back().promised;
    if (promised.acks == known.acks && promised.last == known.last &&
        promised.engine == known.engine)
      return;
    const Duration delay = promised.at - begun->second.at - nanoseconds(1);
    note({call, op, sim::CrashPoint::kInside, promised, states_.size() - 1,
          ExploredCrash::Moment{begun->second.number, delay}});
  }

  void explore() {
    sim::ImageCount count(recoveries_->pool());
    found_.complete = true;
    if (spec_.progress != nullptr) spec_.progress->points += points_.size();
    // A device that forces nothing takes nothing away either: whatever it may leave at one point it
    // may leave at every later one, so the last disk's images are all there are to judge.
    const bool last_only = persona_.rules.sync == sim::SyncReach::kNothing;
    for (size_t number = 0; number < states_.size(); ++number)
      if (spec_.shard.has(number) &&
          !judge_images(states_[number], count, last_only && number + 1 != states_.size()))
        break;
    found_.points_of_run = points_.size();
    found_.disk_states = spec_.shard.share_of(states_.size());
    for (const Point& point : points_) {
      if (!spec_.shard.has(point.state)) continue;
      ++found_.crash_points;
      const State& state = states_[point.state];
      found_.legal_images = sim::add_decimal(found_.legal_images, state.images);
      found_.classes += state.classes;
      for (const uint32_t outcome : state.outcomes) judge(point, state, outcome);
      judge_kill(point, state);
      if (stops_here()) return;
    }
    for (size_t number = 0; spec_.depth > 1 && number < states_.size() && found_.complete;
         ++number) {
      judge_deeper(number);
      if (stops_here()) return;
    }
  }

  bool stops_here() {
    if (!spec_.stop_at_violation || found_.violations == 0) return false;
    found_.complete = false;
    found_.incomplete_because = "stopped at the first violation";
    return true;
  }

  // --- A crash behind a crash ---

  void judge_deeper(size_t number) {
    const State& state = states_[number];
    if (spec_.shard.has(number)) {
      Ends ends;
      (void)ends_behind(state.disk.after_kill(), spec_.depth - 1, 0, ends);
      for (const Point& point : points_)
        if (point.state == number) judge_ends(point, ends, CrashKind::kKill, {});
    }
    (void)sim::for_each_lazy_image(
        state.disk, recoveries_->pool(), [&](const sim::LazyImage& lazy) {
          sim::for_each_single_image(lazy, recoveries_->pool(), persona_.rules,
                                     [&](const std::string& key, const sim::LazyView&, Disk image) {
                                       if (!is_ours(image)) return true;
                                       const auto [at, is_new] = behind_.try_emplace(key);
                                       if (is_new)
                                         (void)ends_behind(image, spec_.depth - 1, 0, at->second);
                                       if (!found_.complete) return false;
                                       for (const Point& point : points_)
                                         if (point.state == number)
                                           judge_ends(point, at->second, CrashKind::kPowerCut, key);
                                       return true;
                                     });
        });
  }

  // Of the images that a second crash starts from; by what is in them, which is the same in every shard.
  bool is_ours(const Disk& image) const {
    if (spec_.shard.count == 1) return true;
    uint64_t hash = 0;
    for (const sim::FoundFile& file : sim::image_of(image))
      hash = hash_bytes(file.content, hash_bytes(file.path, hash));
    return spec_.shard.has(hash);
  }

  void judge_ends(const Point& point, const Ends& ends, CrashKind first, const std::string& image) {
    for (const auto& [end, way] : ends.all) {
      Promised promised = point.promised;
      promised.served = end.first;
      const auto broken = verdict(promised, recoveries_->outcome(end.second));
      if (!broken) continue;
      violate(*broken, kDeeper + order_of(point), [&, &end = end, &way = way] {
        ExploredCrash before = crash_of(point, first);
        if (first == CrashKind::kPowerCut)
          before.survival =
              witness_of_image(*recoveries_, states_[point.state].disk, persona_.rules, image);
        ExploredCrash last = way.crash;
        last.survival = witness_of_outcome(*recoveries_, way.disk, end.second);
        return std::vector{std::move(before), std::move(last)};
      });
    }
  }

  // Recovers from `start`, crashes at every point of it and right behind it, and notes what comes
  // of each image; the number of its own outcome.
  uint32_t ends_behind(Disk start, unsigned depth, uint64_t served, Ends& ends) {
    const Disk* disk = nullptr;
    RecoveryPoints recovery(disk);
    const auto [outcome, end] = recoveries_->watch(std::move(start), recovery, disk);
    const Recovered& recovered = recoveries_->outcome(outcome);
    if (recovered.refusal.empty() && !recovered.hangs)
      recovery.points.push_back({UINT64_MAX, sim::Op::kOpen, sim::CrashPoint::kAfter, end, true});
    for (const RecoveryPoints::At& at : recovery.points) {
      ++found_.deeper_points;
      const uint64_t floor = at.served ? std::max(served, recovered.last) : served;
      const auto visit = [&](const Recoveries::Class& one) {
        ++found_.deeper_classes;
        ends.all.try_emplace(
            {floor, one.outcome},
            Ends::Way{{CrashKind::kPowerCut, at.call, at.op, at.point, {}}, at.disk});
        return count_class();
      };
      (void)sim::for_each_lazy_image(at.disk, recoveries_->pool(), [&](const sim::LazyImage& lazy) {
        if (!recoveries_->for_each_class(lazy, visit)) too_many_classes();
        if (depth < 2 || !found_.complete) return;
        sim::for_each_single_image(lazy, recoveries_->pool(), persona_.rules,
                                   [&](const std::string&, const sim::LazyView&, Disk image) {
                                     (void)ends_behind(std::move(image), depth - 1, floor, ends);
                                     return found_.complete;
                                   });
      });
      if (!found_.complete) break;
    }
    return outcome;
  }

  // False: that was the last one.
  bool count_class() {
    if (spec_.progress != nullptr) spec_.progress->classes.fetch_add(1, std::memory_order_relaxed);
    return ++classes_ < spec_.classes_most;
  }

  void too_many_classes() {
    found_.complete = false;
    found_.incomplete_because = fmt::format("more than {} classes", spec_.classes_most);
  }

  static ExploredCrash crash_of(const Point& at, CrashKind kind) {
    const bool ends = at.at_end && kind == CrashKind::kPowerCut;
    return {ends ? CrashKind::kNone : kind, at.call, at.op, at.point, {}, at.moment};
  }
  uint64_t order_of(const Point& point) const {
    return static_cast<uint64_t>(&point - points_.data());
  }
  // `crashes` says how it came about; asked once for each oracle.
  template <class Crashes>
  void violate(const Violation& broken, uint64_t order, const Crashes& crashes) {
    ++found_.violations;
    for (const ExploredViolation& known : found_.first)
      if (known.violation.breach == broken.breach) return;
    found_.first.push_back({broken, &persona_, crashes(), order});
  }

  // False: there are too many.
  bool judge_images(State& state, sim::ImageCount& count, bool count_alone) {
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
      return count_class();
    };
    bool within = true;
    const auto all =
        sim::for_each_lazy_image(state.disk, recoveries_->pool(), [&](const sim::LazyImage& image) {
          if (!within) return;
          count.add(image);
          if (count_alone) return;
          within = recoveries_->for_each_class(image, visit);
        });
    if (!all.ok()) too_many(all.error().message);
    if (!within) too_many(fmt::format("more than {} classes", spec_.classes_most));
    state.images = count.decimal();
    state.killed = recoveries_->outcome_of(state.disk.after_kill());
    return found_.complete;
  }

  static bool mark(std::vector<bool>& marks, uint32_t number) {
    if (number >= marks.size()) marks.resize(2 * number + 64);
    if (marks[number]) return false;
    marks[number] = true;
    return true;
  }

  std::optional<Violation> verdict(const Promised& promised, const Recovered& outcome) {
    const Verdict verdict = oracle_.judge(*history_, promised, delays_, outcome, false);
    if (verdict.started) keep_most(verdict.loss);
    return verdict.violation;
  }

  void judge_kill(const Point& point, const State& state) {
    if (!state.killed) return;
    Promised promised = point.promised;
    promised.kind = CrashKind::kKill;
    const auto broken = verdict(promised, recoveries_->outcome(*state.killed));
    tell(point, CrashKind::kKill, state, *state.killed, broken);
    if (broken)
      violate(*broken, order_of(point),
              [&] { return std::vector{crash_of(point, CrashKind::kKill)}; });
  }

  void tell(const Point& point, CrashKind kind, const State& state, uint32_t outcome,
            const std::optional<Violation>& broken) {
    if (spec_.on_judged)
      spec_.on_judged(&point - points_.data(), kind, state.images, recoveries_->outcome(outcome),
                      broken);
  }

  void judge(const Point& point, const State& state, uint32_t outcome) {
    const auto broken = verdict(point.promised, recoveries_->outcome(outcome));
    tell(point, CrashKind::kPowerCut, state, outcome, broken);
    if (!broken) return;
    violate(*broken, order_of(point), [&] {
      ExploredCrash crash = crash_of(point, CrashKind::kPowerCut);
      crash.survival = witness_of_outcome(*recoveries_, state.disk, outcome);
      return std::vector{std::move(crash)};
    });
  }

  void keep_most(const Loss& loss) {
    found_.lost_operations_max = std::max(found_.lost_operations_max, loss.operations);
    found_.lost_ms_max = std::max(found_.lost_ms_max, loss.age_ms);
    found_.lost_span_ms_max = std::max(found_.lost_span_ms_max, loss.span_ms);
  }

  const ExploreSpec& spec_;
  const faults::Persona& persona_;
  std::optional<Recoveries>& recoveries_;
  Explored& found_;
  Oracle oracle_;
  History* history_ = nullptr;
  Delays delays_;
  struct Begun {
    uint64_t number;  // among its kind
    Instant at;
  };
  std::map<uint64_t, Begun> begun_;  // by call
  std::map<sim::Op, uint64_t> numbers_;
  std::vector<State> states_;
  std::vector<Point> points_;
  std::map<std::string, Ends> behind_;  // by image
  std::vector<uint32_t> leaves_;        // the last state that reached it
  uint32_t epoch_ = 0;
  uint64_t classes_ = 0;
};

}  // namespace

Exploration explore(const ExploreSpec& spec) {
  Exploration all;
  std::optional<Recoveries> recoveries;
  for (const faults::Persona* persona : spec.personas) {
    Explored found;
    found.persona = persona;
    Explorer explorer(spec, *persona, recoveries, found);
    const faults::Persona still = explored_persona(*persona);
    const auto [run, stated] = explored_run(spec, still);
    const RunResult result = run_once(run, stated, {.points = &explorer});
    if (result.violation && spec.shard.count > 1) {
      found.run_broken = result.violation;
    } else if (result.violation && found.violations == 0) {
      ++found.violations;
      found.first.push_back({*result.violation, persona, {}});
    }
    found.operations = result.operations;
    found.sent = result.sent;
    if (const uint64_t unsaid = run.operations - result.units;
        unsaid > 0 && found.complete && !result.violation) {
      found.complete = false;
      found.incomplete_because =
          fmt::format("a client ends the store, with {} more to be said behind it", unsaid);
    }
    if (all.harness_fault.empty()) all.harness_fault = result.harness_fault;
    all.by_persona.push_back(std::move(found));
    if (spec.progress != nullptr) ++spec.progress->certificates;
    if (spec.stop_at_violation && all.by_persona.back().violations > 0) break;
  }
  if (recoveries) all.recoveries_run = recoveries->executed();
  return all;
}

}  // namespace powercut::scenarios
