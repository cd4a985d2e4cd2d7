// The numbers of a run's risk are those of its exploration.
#include "scenarios/explore/risk.h"

#include <gtest/gtest.h>

#include <map>

#include "scenarios/explore/explore.h"

namespace powercut::scenarios {
namespace {

// Of the first life, as explore() is told of it.
class Watch final : public PointObserver {
 public:
  explicit Watch(const Risk::Options& options) : risk(options) { risk.begin(0); }
  void on_point(uint64_t, sim::Op, sim::CrashPoint, const sim::WorldState& world,
                const Promised& promised) override {
    if (!done_) risk.note(0, world, promised);  // the recovery behind it is another life's
  }
  void on_done(History& history, const sim::WorldState& world, const Promised& promised,
               const Delays& delays, const Opening& opening) override {
    risk.end(history, world, promised, delays, opening);
    done_ = true;
  }
  Risk risk;

 private:
  bool done_ = false;
};

struct Sums {
  std::string images = "0";
  std::string broken = "0";
  bool all_known = true;
  uint64_t points_broken = 0;
  std::vector<std::pair<std::string, bool>> points;
};

Sums risk_of(const char* policy, const char* persona, const char* mutant) {
  const auto workload = find_workload("demo8").value();
  ExploreSpec spec;
  spec.workload = workload.get();
  spec.policy = find_policy(policy);
  spec.mutant = mutant == nullptr ? nullptr : faults::find_mutant(mutant);
  const faults::Persona still = explored_persona(*faults::find_persona(persona));
  const auto [run, stated] = explored_run(spec, still);
  Watch watch({spec.policy, &still});
  (void)run_once(run, stated, {.points = &watch});
  Sums sums;
  for (const RiskPoint& point : watch.risk.points()) {
    sums.images = sim::add_decimal(sums.images, point.images);
    sums.all_known = sums.all_known && !point.broken.empty();
    sums.broken = sim::add_decimal(sums.broken, point.broken.empty() ? "0" : point.broken);
    sums.points_broken += point.broken != "0" ? 1 : 0;
    sums.points.emplace_back(point.images, point.broken != "0");
  }
  return sums;
}

TEST(Risk, HasTheNumbersOfTheExplorer) {
  for (const char* persona : {"ext4-ordered", "posix-min", "xfs", "btrfs", "ext2"}) {
    for (const char* mutant : {"", "no-sync:segment.commit", "no-sync:manifest.rename"}) {
      SCOPED_TRACE(std::string(persona) + " " + mutant);
      const char* planted = *mutant == 0 ? nullptr : mutant;
      const auto workload = find_workload("demo8").value();
      ExploreSpec spec;
      spec.workload = workload.get();
      spec.policy = find_policy("always");
      spec.personas = {faults::find_persona(persona)};
      spec.mutant = planted == nullptr ? nullptr : faults::find_mutant(planted);
      std::map<size_t, std::string> images;  // by point
      std::map<size_t, bool> broken;
      spec.on_judged = [&](size_t point, sim::CrashKind kind, const std::string& count,
                           const Recovered&, const std::optional<Violation>& violation) {
        images[point] = count;
        if (kind == sim::CrashKind::kPowerCut && violation) broken[point] = true;
      };
      const Exploration explored = explore(spec);
      const Sums sums = risk_of("always", persona, planted);
      EXPECT_TRUE(sums.all_known);
      std::string all = "0";
      for (const auto& [point, count] : images) all = sim::add_decimal(all, count);
      EXPECT_EQ(all, explored.by_persona[0].legal_images);
      EXPECT_EQ(sums.broken == "0", broken.empty());
      // Beside these, explore() looks at the last moment before a call takes effect, and behind the end.
      EXPECT_GE(broken.size(), sums.points_broken);
      size_t found = 0;
      for (const auto& [point, count] : images)
        if (found < sums.points.size() &&
            sums.points[found] == std::pair(count, broken.contains(point)))
          ++found;
      EXPECT_EQ(found, sums.points.size()) << "in the same order";
    }
  }
}

}  // namespace
}  // namespace powercut::scenarios
