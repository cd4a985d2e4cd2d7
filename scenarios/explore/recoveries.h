// What recovery makes of images: run once for all images it cannot tell apart, and never again for
// one that looks the same.
//
// Method: a recovery is a deterministic function of what it looks at, so all recoveries together
// form a tree: a node is a look at the disk, its edges are what can be seen there, a leaf is what
// came out. Images walk down that tree; the store runs only where it ends in the open.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/run/recover.h"
#include "sim/lazy_disk.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

class Recoveries {
 public:
  // Every recovery takes place at the same time, `restart` and `wall_ms`.
  Recoveries(const Opening& opening, Instant restart, int64_t wall_ms)
      : opening_(opening), restart_(restart), wall_ms_(wall_ms) {}

  sim::ContentPool& pool() { return pool_; }
  const Recovered& outcome(uint32_t number) const { return outcomes_[number]; }
  // How often the store really ran.
  uint64_t executed() const { return executed_; }

  // One class of images: those that recovery cannot tell apart.
  struct Class {
    uint32_t leaf;     // equal for equal looks and answers
    uint32_t outcome;  // its number
    const std::vector<sim::LazyDisk::Seen>& seen;
    const sim::LazyView& view;
  };
  // What comes of `disk`, pending or not: the outcome's number.
  uint32_t outcome_of(sim::Disk disk);
  // The same, and tells of every crash point on the way; `now` is the disk as it is then. The
  // second is the disk as the store begins to serve.
  std::pair<uint32_t, sim::Disk> watch(sim::Disk disk, sim::Watcher& watcher,
                                       const sim::Disk*& now);

  // Calls `visit` for every class of `image`. False: `visit` returned false, and it stopped.
  bool for_each_class(const sim::LazyImage& image, const std::function<bool(const Class&)>& visit);

 private:
  struct Node {
    bool known = false;  // run through before
    bool leaf = false;
    uint32_t outcome = 0;
    sim::Look look;
    std::vector<std::pair<uint64_t, uint32_t>> next;  // by what was seen
  };
  struct Walk;
  bool walk(Walk& walk, uint32_t node);
  void run(Walk& walk);
  sim::WorldState world_of(sim::Disk disk) const;  // at the time of every recovery
  Recovered recover(sim::WorldState& world, sim::LazyDisk* lazy, sim::Watcher* watcher,
                    sim::Disk* served);
  uint32_t number_of(const Recovered& outcome);

  const Opening opening_;
  Instant restart_;
  int64_t wall_ms_;
  sim::ContentPool pool_;
  std::vector<Node> nodes_;
  std::map<uint32_t, uint32_t> roots_;  // by the bytes of a sector
  std::vector<Recovered> outcomes_;
  uint64_t executed_ = 0;
};

}  // namespace powercut::scenarios
