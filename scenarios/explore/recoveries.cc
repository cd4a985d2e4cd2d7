#include "scenarios/explore/recoveries.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::scenarios {

using sim::LazyDisk;
using sim::LazyView;

namespace {

// Nothing is drawn in a recovery that nothing goes wrong in, but nonces.
class NoChoices final : public sim::Choices {
 public:
  uint64_t choose(Site, uint64_t, uint64_t) override { return 0; }
};

}  // namespace

struct Recoveries::Walk {
  Walk(const sim::LazyImage& image, sim::ContentPool& pool,
       const std::function<bool(const Class&)>& visit)
      : fresh(image, pool), view(fresh), visit(visit) {}
  const LazyView fresh;
  LazyView view;
  const std::function<bool(const Class&)>& visit;
  uint32_t root = 0;
  std::vector<LazyDisk::Seen> seen;
};

bool Recoveries::for_each_class(const sim::LazyImage& image,
                                const std::function<bool(const Class&)>& visit) {
  const auto [root, is_new] =
      roots_.try_emplace(image.sector_bytes, static_cast<uint32_t>(nodes_.size()));
  if (is_new) nodes_.emplace_back();
  Walk walk(image, pool_, visit);
  walk.root = root->second;
  return this->walk(walk, walk.root);
}

bool Recoveries::walk(Walk& walk, uint32_t node) {
  if (!nodes_[node].known) run(walk);
  if (nodes_[node].leaf) return walk.visit({node, nodes_[node].outcome, walk.seen, walk.view});
  const sim::Look look = nodes_[node].look;
  const LazyView::Answers answers = walk.view.answers(look);
  for (const LazyView::Answer& answer : answers.all()) {
    uint32_t next = 0;
    for (const auto& [seen, to] : nodes_[node].next)
      if (seen == answer.seen) next = to;
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      nodes_[node].next.emplace_back(answer.seen, next);
    }
    const LazyView::Before before = walk.view.settle(look, answer);
    walk.seen.push_back({look, answer});
    const bool go_on = this->walk(walk, next);
    walk.seen.pop_back();
    walk.view.unsettle(look, before);
    if (!go_on) return false;
  }
  return true;
}

// Runs the store on the image that was walked to, and notes every look it takes.
void Recoveries::run(Walk& walk) {
  const sim::PersonaRules rules;
  LazyDisk lazy(walk.fresh, rules, walk.seen);
  sim::WorldState world = world_of(lazy.disk());
  lazy.attach(world.disk);
  const Recovered recovered = recover(world, &lazy, nullptr, nullptr);
  uint32_t node = walk.root;
  for (const LazyDisk::Seen& seen : lazy.seen()) {
    CHECK(!nodes_[node].leaf);
    CHECK(!nodes_[node].known || nodes_[node].look == seen.look);  // recovery is deterministic
    nodes_[node].known = true;
    nodes_[node].look = seen.look;
    auto& next = nodes_[node].next;
    const auto at = std::find_if(next.begin(), next.end(),
                                 [&](const auto& edge) { return edge.first == seen.answer.seen; });
    if (at != next.end()) {
      node = at->second;
      continue;
    }
    next.emplace_back(seen.answer.seen, static_cast<uint32_t>(nodes_.size()));
    node = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
  }
  CHECK(!nodes_[node].known);
  nodes_[node].known = nodes_[node].leaf = true;
  nodes_[node].outcome = number_of(recovered);
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
  return recover_in(world, opening_, {choices, at_once, lazy, watcher, served, wall_ms_});
}

uint32_t Recoveries::number_of(const Recovered& outcome) {
  const auto known = std::find_if(outcomes_.begin(), outcomes_.end(),
                                  [&](const Recovered& one) { return same_outcome(one, outcome); });
  if (known != outcomes_.end()) return static_cast<uint32_t>(known - outcomes_.begin());
  outcomes_.push_back(outcome);
  return static_cast<uint32_t>(outcomes_.size() - 1);
}

}  // namespace powercut::scenarios
