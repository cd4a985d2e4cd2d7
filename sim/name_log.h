// Which changes to names are pending, in program order: an entry set to an inode, or to none.
//
// Every entry of a directory is a slot with a chain of versions: what it was before the first op on
// it, and what each op made of it. Those of content are in sim/data_log.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/time.h"
#include "sim/inode.h"

namespace powercut::sim {

// Both halves of a rename share their seq.
struct NameOp {
  uint64_t seq = 0;
  Instant at;
  InodeId directory = kRootInode;
  std::string name;
  InodeId before = kNoInode;
  InodeId after = kNoInode;
  bool replaces = false;  // the new name of a rename that replaced a file
  bool stuck = false;     // a directory sync failed on it: it may be durable or not, for good

  bool is_on_the_entry_of(const NameOp& other) const {
    return directory == other.directory && name == other.name;
  }
};

class NameLog {
 public:
  const std::vector<NameOp>& ops() const { return ops_; }
  bool empty() const { return ops_.empty(); }

  // REQUIRES: it comes after all that is there.
  void push(NameOp op) {
    CHECK(op.before != op.after && !op.name.empty());
    CHECK(ops_.empty() || ops_.back().seq <= op.seq);
    ops_.push_back(std::move(op));
  }

  // Takes out what is durable now: every op of which covered(op) holds, and with it the older
  // versions of its entry.
  struct Taken {
    size_t count = 0;
    std::vector<InodeId> ends;  // what they led to, before and after; one for each time
  };
  template <class Covered>
  Taken take(Covered covered) {
    std::vector<bool> gone(ops_.size());
    Taken taken;
    for (size_t i = ops_.size(); i-- > 0;) {
      if (gone[i] || !covered(ops_[i])) continue;
      for (size_t j = 0; j <= i; ++j) {
        if (gone[j] || !ops_[j].is_on_the_entry_of(ops_[i])) continue;
        gone[j] = true;
        ++taken.count;
      }
    }
    if (taken.count == 0) return taken;
    taken.ends.reserve(2 * taken.count);
    size_t kept = 0;
    for (size_t i = 0; i < ops_.size(); ++i) {
      if (gone[i]) {
        for (const InodeId id : {ops_[i].before, ops_[i].after})
          if (id != kNoInode) taken.ends.push_back(id);
      } else {
        if (kept != i) ops_[kept] = std::move(ops_[i]);
        ++kept;
      }
    }
    CHECK(kept + taken.count == ops_.size());
    ops_.resize(kept);
    for (const NameOp& op : ops_) CHECK(!covered(op));
    return taken;
  }

  // A directory sync that covered all up to `seq` failed.
  void stick(InodeId directory, uint64_t seq) {
    for (NameOp& op : ops_)
      if (op.directory == directory && op.seq <= seq) op.stuck = true;
  }

  void clear() { ops_.clear(); }

 private:
  std::vector<NameOp> ops_;  // in program order
};

}  // namespace powercut::sim
