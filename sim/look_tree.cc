#include "sim/look_tree.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::sim {

struct LookTree::Walk {
  Walk(const LazyImage& image, ContentPool& pool, const std::function<bool(const Class&)>& visit)
      : fresh(image, pool), view(fresh), visit(visit) {}
  const LazyView fresh;
  LazyView view;
  const std::function<bool(const Class&)>& visit;
  uint32_t root = 0;
  std::vector<LazyDisk::Seen> seen;
};

bool LookTree::for_each_class(const LazyImage& image,
                              const std::function<bool(const Class&)>& visit) {
  const auto [root, is_new] =
      roots_.try_emplace(image.sector_bytes, static_cast<uint32_t>(nodes_.size()));
  if (is_new) nodes_.emplace_back();
  Walk walk(image, pool_, visit);
  walk.root = root->second;
  return this->walk(walk, walk.root);
}

bool LookTree::walk(Walk& walk, uint32_t node) {
  if (!nodes_[node].known) run(walk);
  if (unsteady_) return false;
  if (nodes_[node].leaf) return walk.visit({node, nodes_[node].outcome, walk.seen, walk.view});
  const Look look = nodes_[node].look;
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

// Runs the recovery on the image that was walked to, and notes every look it takes.
void LookTree::run(Walk& walk) {
  const PersonaRules rules;
  LazyDisk lazy(walk.fresh, rules, walk.seen);
  ++executed_;
  const std::optional<uint32_t> outcome = run_(lazy, lazy.disk());
  unsteady_ |= !outcome || lazy.seen().size() < walk.seen.size();
  uint32_t node = walk.root;
  for (const LazyDisk::Seen& seen : lazy.seen()) {
    unsteady_ |= nodes_[node].leaf || (nodes_[node].known && !(nodes_[node].look == seen.look));
    if (unsteady_) return;
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
  unsteady_ |= nodes_[node].known;
  if (unsteady_) return;
  nodes_[node].known = nodes_[node].leaf = true;
  nodes_[node].outcome = *outcome;
}

}  // namespace powercut::sim
