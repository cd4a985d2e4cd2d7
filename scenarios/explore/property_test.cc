// An exploration against brute force, over generated workloads: at every crash point the same
// number of images, the same recovered states, the same verdicts.
//
// Method: the run is made a second time, and from every crash point each power cut that an odometer
// can count through is carried out; each image is recovered on a plain disk and judged on its own.
// So is what a kill leaves there, by recoveries that know of nothing else.
// Nothing is shared with the explorer but the disk, the store and the oracle.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <map>
#include <set>

#include "faults/random_program_testing.h"
#include "scenarios/explore/explore.h"
#include "scenarios/run/catalog.h"
#include "sim/crash_images.h"
#include "sim/image_count.h"
#include "sim/odometer.h"
#include "sim/request.h"

namespace powercut::scenarios {
namespace {

using sim::Disk;

constexpr uint64_t kTapesMost = 1'500;  // of one crash point: beyond, it is left out
constexpr Instant kRestart = Instant{0} + kExploredOff;
constexpr int kRunsEach = 3;  // policy and persona drawn anew, of one workload

// What is compared: the state or the refusal, and the promise broken.
struct End {
  sim::CrashKind kind;
  std::string refusal;
  bool hangs = false;
  uint64_t digest = 0;
  uint64_t lsn = 0;
  std::string broken;
  auto operator<=>(const End&) const = default;
};

End end_of(sim::CrashKind kind, const Recovered& recovered,
           const std::optional<Violation>& broken) {
  return {kind,
          recovered.refusal,
          recovered.hangs,
          recovered.digest,
          recovered.last,
          broken ? fmt::format("{}: {}", code_of(broken->breach), broken->text) : ""};
}

struct PointEnds {
  std::string images;  // how many
  std::set<End> ends;
};

// Contents, and which paths are one file.
using Seen = std::pair<sim::Image, std::vector<sim::InodeId>>;

Seen seen_on(const Disk& disk) {
  Seen seen{sim::image_of(disk), {}};
  std::map<sim::InodeId, sim::InodeId> numbers;
  for (const sim::FoundFile& file : seen.first) {
    if (file.path.back() == '/') continue;
    const sim::InodeId inode = disk.lookup(file.path).value();
    const auto number = static_cast<sim::InodeId>(numbers.size());
    seen.second.push_back(numbers.try_emplace(inode, number).first->second);
  }
  return seen;
}

class BruteForce final : public PointObserver {
 public:
  BruteForce(const Policy& policy, const faults::Persona& persona)
      : oracle_(policy, persona.keeps_synced, persona.rules.writeback) {
    oracle_.served(UINT64_MAX);
  }

  std::vector<std::optional<PointEnds>> points;  // none: too many tapes

  void on_point(uint64_t call, sim::Op, sim::CrashPoint point, const sim::WorldState& world,
                const Promised& now) override {
    if (point == sim::CrashPoint::kBefore) begun_[call] = now.at;
    // The last moment of a call that took time, if more was promised by then.
    if (!cuts_.empty() && now.at > begun_.at(call) &&
        promised(now) != promised(cuts_.back().promised) &&
        !cuts_.back().disk.is_same_as(world.disk))
      cut(Disk(cuts_.back().disk), now);
    cut(world.disk, now);
  }

  void on_done(History& history, const sim::WorldState& world, const Promised& now,
               const Delays& delays, const Opening& opening) override {
    if (now.kind == sim::CrashKind::kNone) cut(world.disk, now);
    wall_ms_ = kRestart.ns / 1'000'000 + world.wall_offset_ms;
    delays_ = delays;
    Recoveries recoveries(opening, kRestart, wall_ms_, history.backups().moment() != 0);
    for (Cut& cut : cuts_) {
      if (!killed_disk_ || !killed_disk_->is_same_as(cut.disk)) {
        Recoveries alone(opening, kRestart, wall_ms_, history.backups().moment() != 0);
        killed_ = alone.outcome(alone.outcome_of(cut.disk.after_kill()));
        killed_disk_ = cut.disk;
      }
      points.push_back(every_end(cut, history, recoveries));
    }
  }

 private:
  struct Cut {
    Disk disk;
    Promised promised;
  };

  void cut(Disk disk, const Promised& now) {
    cuts_.push_back({std::move(disk), now});
    cuts_.back().promised.served = 0;
  }
  static std::array<uint64_t, 5> promised(const Promised& now) {
    return {now.acks, now.last, now.engine.written, now.engine.synced, now.engine.snapshot};
  }

  std::optional<PointEnds> every_end(const Cut& cut, History& history, Recoveries& recoveries) {
    std::map<Seen, Disk> images;
    sim::Odometer odometer;
    uint64_t tapes = 0;
    do {
      if (++tapes > kTapesMost) return std::nullopt;
      Disk after = cut.disk.after_power_cut(odometer, 0, sim::CutStyle::kUniform);
      Seen seen = seen_on(after);
      images.try_emplace(std::move(seen), std::move(after));
    } while (odometer.next());
    PointEnds found{std::to_string(images.size()), {}};
    Promised kill = cut.promised;
    kill.kind = sim::CrashKind::kKill;
    found.ends.insert(end_of(sim::CrashKind::kKill, killed_, verdict(kill, killed_, history)));
    for (const auto& [seen, disk] : images) {
      auto known = recovered_.find(seen);
      if (known == recovered_.end()) {
        const uint32_t number = recoveries.outcome_of(disk);
        known = recovered_.emplace(seen, recoveries.outcome(number)).first;
      }
      found.ends.insert(end_of(sim::CrashKind::kPowerCut, known->second,
                               verdict(cut.promised, known->second, history)));
    }
    return found;
  }

  std::optional<Violation> verdict(const Promised& now, const Recovered& recovered,
                                   History& history) {
    return oracle_.judge(history, now, delays_, recovered, false).violation;
  }

  Delays delays_;
  Oracle oracle_;
  int64_t wall_ms_ = 0;
  std::map<uint64_t, Instant> begun_;  // by call
  std::vector<Cut> cuts_;
  std::map<Seen, Recovered> recovered_;
  std::optional<Disk> killed_disk_;  // what the last kill was of
  Recovered killed_;
};

Unit unit_of(std::vector<std::vector<std::string>> requests, Unit::Needs needs) {
  Unit unit;
  unit.needs = needs;
  for (const auto& words : requests) unit.requests.push_back(sim::encode_request(words));
  return unit;
}

Unit any_unit() {
  using Needs = Unit::Needs;
  const std::string key = *rc::gen::element<std::string>("a", "b");
  const std::string value(*rc::gen::element<size_t>(1, 30, 700), *rc::gen::inRange('a', 'e'));
  switch (
      *rc::gen::weightedElement<int>({{4, 0}, {3, 1}, {2, 2}, {2, 3}, {2, 4}, {1, 5}, {1, 6}})) {
    case 0:
      return unit_of({{"SET", key, value}}, Needs::kNothing);
    case 1:
      return unit_of({{"INCR", "n"}}, Needs::kNothing);
    case 2:
      return unit_of({{"DEL", key}}, Needs::kNothing);
    case 3:
      return unit_of({{"MULTI"}, {"SET", key, value}, {"INCR", "n"}, {"EXEC"}}, Needs::kNothing);
    case 4:
      return unit_of({{"EXPIRE", key, *rc::gen::element<std::string>("1", "86400")}},
                     Needs::kNothing);
    case 5:
      return unit_of({{"BGREWRITEAOF"}}, Needs::kLog);
    default:
      return unit_of({{"BGSAVE"}}, Needs::kCheckpoint);
  }
}

const faults::MutantInfo* any_mutant() {
  const auto name = *rc::gen::weightedElement<std::string>({{3, ""},
                                                            {1, "everysec-idle-tail"},
                                                            {1, "ack-before-sync"},
                                                            {1, "no-sync:segment.commit"},
                                                            {1, "no-sync:segment.finish"},
                                                            {1, "no-sync:manifest.temporary"},
                                                            {1, "no-sync:base.sync"},
                                                            {1, "no-sync:checkpoint.sync"},
                                                            {1, "rename-without-sync"},
                                                            {1, "checksum-ignored"},
                                                            {4, "acked-in-buffer"},
                                                            {1, "relative-expiry-logged"},
                                                            {1, "base-captured-late"},
                                                            {1, "new-segment-removed"}});
  return name.empty() ? nullptr : faults::find_mutant(name);
}

struct Compared {
  uint64_t explored = 0;
  uint64_t too_large = 0;  // and nothing was compared
  uint64_t points = 0;
  uint64_t left_out = 0;
  uint64_t ends = 0;
  uint64_t ends_where_names_are_free = 0;
  uint64_t broken = 0;
  uint64_t broken_by_kills = 0;
};

void expect_same_ends(const ExploreSpec& spec, const faults::Persona& persona, Compared& tally) {
  std::map<size_t, PointEnds> lazy;
  ExploreSpec explored = spec;
  explored.personas = {&persona};
  explored.classes_most = 300'000;
  explored.on_judged = [&](size_t point, sim::CrashKind kind, const std::string& images,
                           const Recovered& outcome, const std::optional<Violation>& broken) {
    lazy[point].images = images;
    lazy[point].ends.insert(end_of(kind, outcome, broken));
  };
  const Exploration exploration = explore(explored);
  RC_ASSERT(exploration.harness_fault.empty());
  ++tally.explored;
  if (!exploration.by_persona[0].complete) {
    // Six units on a disk that orders nothing can be a million classes, and more.
    RC_ASSERT(exploration.by_persona[0].incomplete_because.starts_with("more than "));
    ++tally.too_large;
    return;
  }

  BruteForce brute(*spec.policy, persona);
  const faults::Persona still = explored_persona(persona);
  const auto [run, stated] = explored_run(spec, still);
  (void)run_once(run, stated, {.points = &brute});
  RC_ASSERT(brute.points.size() == exploration.by_persona[0].crash_points);

  const bool last_only = persona.rules.sync == sim::SyncReach::kNothing;
  std::string images = "0";  // of all points
  bool all = true;
  for (size_t number = 0; number < brute.points.size(); ++number) {
    const auto& point = brute.points[number];
    all = all && point;
    if (!point) {
      ++tally.left_out;
      continue;
    }
    images = sim::add_decimal(images, point->images);
    ++tally.points;
    tally.ends += point->ends.size();
    for (const End& end : point->ends) {
      if (end.broken.empty()) continue;
      ++(end.kind == sim::CrashKind::kKill ? tally.broken_by_kills : tally.broken);
    }
    if (last_only && number + 1 < brute.points.size()) continue;
    RC_ASSERT(lazy[number].images == point->images);
    RC_ASSERT(lazy[number].ends == point->ends);
    tally.ends_where_names_are_free += persona.rules.journaled() ? 0 : point->ends.size();
  }
  if (all) RC_ASSERT(exploration.by_persona[0].legal_images == images);
}

TEST(ExploreProperty, BruteForceComesToTheSameEnds) {
  const std::vector<faults::Persona> personas = faults::every_persona();
  Compared tally;
  EXPECT_TRUE(rc::check([&] {
    Workload workload;
    workload.name = "generated";
    const int units = *rc::gen::inRange(2, 7);
    for (int i = 0; i < units; ++i) workload.units.push_back(any_unit());
    for (int run = 0; run < kRunsEach; ++run) {
      ExploreSpec spec;
      spec.workload = &workload;
      spec.policy = &all_policies()[*rc::gen::inRange<size_t>(0, all_policies().size())];
      spec.mutant = any_mutant();
      spec.seed = *rc::gen::inRange<uint64_t>(1, 1000);
      expect_same_ends(spec, personas[*rc::gen::inRange<size_t>(0, personas.size())], tally);
    }
  }));
  EXPECT_LT(tally.too_large, tally.explored / 50);
  EXPECT_GT(tally.points, 5'000u);
  EXPECT_LT(tally.left_out, tally.points / 10);
  EXPECT_GT(tally.ends, 2 * tally.points);  // a kill's, and more than one at many a point
  EXPECT_GT(tally.ends_where_names_are_free, 1'000u);
  EXPECT_GT(tally.broken, 100u);  // by the mutants
  EXPECT_GT(tally.broken_by_kills, 10u);
}

}  // namespace
}  // namespace powercut::scenarios
