#include "scenarios/explore/recoveries.h"

#include <algorithm>
#include <optional>

#include "engine/base/check.h"

namespace powercut::scenarios {

using sim::LazyDisk;

namespace {

// Nothing is drawn in a recovery that nothing goes wrong in, but nonces.
class NoChoices final : public sim::Choices {
 public:
  uint64_t choose(Site, uint64_t, uint64_t) override { return 0; }
};

}  // namespace

Recoveries::Recoveries(const Opening& opening, Instant restart, int64_t wall_ms, bool backups)
    : opening_(opening),
      restart_(restart),
      wall_ms_(wall_ms),
      backups_(backups),
      tree_(pool_, [this](LazyDisk& lazy, sim::Disk disk) {
        sim::WorldState world = world_of(std::move(disk));
        lazy.attach(world.disk);
        return std::optional(number_of(recover(world, &lazy, nullptr, nullptr)));
      }) {}

bool Recoveries::for_each_class(const sim::LazyImage& image,
                                const std::function<bool(const Class&)>& visit) {
  const bool whole = tree_.for_each_class(image, visit);
  CHECK(!tree_.is_unsteady());  // recovery is deterministic
  return whole;
}

sim::WorldState Recoveries::world_of(sim::Disk disk) const {
  return {std::move(disk), restart_, wall_ms_ - restart_.ns / 1'000'000};
}

uint32_t Recoveries::outcome_of(sim::Disk disk) {
  sim::WorldState world = world_of(std::move(disk));
  return number_of(recover(world, nullptr, nullptr, nullptr));
}

std::pair<uint32_t, sim::Disk> Recoveries::watch(sim::Disk disk, sim::Watcher& watcher,
                                                 const sim::Disk*& now) {
  sim::WorldState world = world_of(std::move(disk));
  now = &world.disk;
  sim::Disk served;
  const uint32_t outcome = number_of(recover(world, nullptr, &watcher, &served));
  now = nullptr;
  return {outcome, std::move(served)};
}

Recovered Recoveries::recover(sim::WorldState& world, LazyDisk* lazy, sim::Watcher* watcher,
                              sim::Disk* served) {
  ++executed_;
  world.disk.set_now(restart_);
  NoChoices choices;
  sim::LatencyProfile at_once;
  at_once.immediate_one_in = 1;
  return recover_in(world, opening_, {choices, at_once, lazy, watcher, served, wall_ms_, backups_});
}

uint32_t Recoveries::number_of(const Recovered& outcome) {
  const auto known = std::find_if(outcomes_.begin(), outcomes_.end(),
                                  [&](const Recovered& one) { return same_outcome(one, outcome); });
  if (known != outcomes_.end()) return static_cast<uint32_t>(known - outcomes_.begin());
  outcomes_.push_back(outcome);
  return static_cast<uint32_t>(outcomes_.size() - 1);
}

}  // namespace powercut::scenarios
