// What comes of images, run once for all that cannot be told apart, and never again for one that looks the same.
//
// Method: a recovery is a deterministic function of what it looks at, so all recoveries together form a tree: a
// node is a look at the disk, its edges are what can be seen there, a leaf is what came out. Images walk down
// that tree; the recovery runs only where it ends in the open.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/lazy_disk.h"

namespace powercut::sim {

class LookTree {
 public:
  // Recovers from `disk`, which `lazy` settles as it is looked at: the number of what came out. None: it did
  // not look as it had before.
  using Run = std::function<std::optional<uint32_t>(LazyDisk& lazy, Disk disk)>;
  // The pool outlives this.
  LookTree(ContentPool& pool, Run run) : pool_(pool), run_(std::move(run)) {}

  // One class of images: those that recovery cannot tell apart.
  struct Class {
    uint32_t leaf;  // equal for equal looks and answers
    uint32_t outcome;
    const std::vector<LazyDisk::Seen>& seen;
    const LazyView& view;
  };
  // Calls `visit` for every class of `image`. False: `visit` returned false, and it stopped; or a recovery does
  // not look at the same twice.
  bool for_each_class(const LazyImage& image, const std::function<bool(const Class&)>& visit);

  uint64_t executed() const { return executed_; }
  bool is_unsteady() const { return unsteady_; }

 private:
  struct Node {
    bool known = false;  // run through before
    bool leaf = false;
    uint32_t outcome = 0;
    Look look;
    std::vector<std::pair<uint64_t, uint32_t>> next;  // by what was seen
  };
  struct Walk;
  bool walk(Walk& walk, uint32_t node);
  void run(Walk& walk);

  ContentPool& pool_;
  Run run_;
  std::vector<Node> nodes_;
  std::map<uint32_t, uint32_t> roots_;  // by the bytes of a sector
  uint64_t executed_ = 0;
  bool unsteady_ = false;
};

}  // namespace powercut::sim
