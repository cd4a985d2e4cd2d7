// What recovery makes of images: run once for all images it cannot tell apart, and never again for
// one that looks the same (sim/look_tree.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/run/recover.h"
#include "sim/look_tree.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

class Recoveries {
 public:
  // Every recovery takes place at the same time, `restart` and `wall_ms`. `backups`: looks at them as well.
  Recoveries(const Opening& opening, Instant restart, int64_t wall_ms, bool backups);
  Recoveries(const Recoveries&) = delete;

  sim::ContentPool& pool() { return pool_; }
  const Recovered& outcome(uint32_t number) const { return outcomes_[number]; }
  // How often the store really ran.
  uint64_t executed() const { return executed_; }

  using Class = sim::LookTree::Class;
  // What comes of `disk`, pending or not: the outcome's number.
  uint32_t outcome_of(sim::Disk disk);
  // The same, and tells of every crash point on the way; `now` is the disk as it is then. The
  // second is the disk as the store begins to serve.
  std::pair<uint32_t, sim::Disk> watch(sim::Disk disk, sim::Watcher& watcher,
                                       const sim::Disk*& now);

  // Calls `visit` for every class of `image`. False: `visit` returned false, and it stopped.
  bool for_each_class(const sim::LazyImage& image, const std::function<bool(const Class&)>& visit);

 private:
  sim::WorldState world_of(sim::Disk disk) const;  // at the time of every recovery
  Recovered recover(sim::WorldState& world, sim::LazyDisk* lazy, sim::Watcher* watcher,
                    sim::Disk* served);
  uint32_t number_of(const Recovered& outcome);

  const Opening opening_;
  Instant restart_;
  int64_t wall_ms_;
  bool backups_;
  sim::ContentPool pool_;
  sim::LookTree tree_;
  std::vector<Recovered> outcomes_;
  uint64_t executed_ = 0;
};

}  // namespace powercut::scenarios
