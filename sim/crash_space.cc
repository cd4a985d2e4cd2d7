#include "sim/crash_space.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::sim {
namespace {

constexpr Site kMoodSite("disk.cut.mood");
constexpr Site kHorizonSite("disk.cut.horizon");
constexpr Site kSites[kSlotKinds] = {"disk.cut.in_flight",  "disk.cut.journal", "disk.cut.entry",
                                     "disk.cut.stuck_name", "disk.cut.size",    "disk.cut.sector",
                                     "disk.cut.garbage",    "disk.cut.reuse"};

}  // namespace

void DrawnPicker::begin(uint64_t oldest_seq, uint64_t newest_seq) {
  if (style_ == CutStyle::kUniform || oldest_seq > newest_seq) return;
  static constexpr Mood kMoods[] = {Mood::kNothing, Mood::kEverything, Mood::kPrefix, Mood::kPrefix,
                                    Mood::kPrefix,  Mood::kSizeAhead,  Mood::kHoles,  Mood::kEnds,
                                    Mood::kUniform, Mood::kNewest};
  mood_ = kMoods[choices_.choose(kMoodSite, key_, std::size(kMoods))];
  horizon_ = oldest_seq + choices_.choose(kHorizonSite, key_, newest_seq - oldest_seq + 1);
}

size_t DrawnPicker::pick(const CrashSpace& space, const SlotRef& slot, Range range, size_t prefix,
                         bool frontier) {
  const auto [lo, hi] = range;
  if (lo >= hi) return lo;
  prefix = std::clamp(prefix, lo, hi);
  const auto draw = [&](uint64_t n) {
    return choices_.choose(kSites[static_cast<size_t>(slot.kind)], key_ ^ space.key_of(slot), n);
  };
  const bool moodless = slot.kind == SlotKind::kSync || slot.kind == SlotKind::kStuckName ||
                        slot.kind == SlotKind::kGarbage;
  if (moodless) return lo + draw(hi - lo + 1);
  switch (mood_) {
    case Mood::kNothing:
      return lo;
    case Mood::kEverything:
      return hi;
    case Mood::kSizeAhead:
      if (slot.kind == SlotKind::kSize) return hi;
      [[fallthrough]];
    case Mood::kPrefix:
      if (!frontier || prefix == lo) return prefix;
      return prefix - draw(2);  // torn
    case Mood::kHoles:
      return draw(4) == 0 ? lo : prefix;
    case Mood::kEnds:
      return draw(2) == 0 ? lo : hi;
    case Mood::kNewest:
      return prefix < hi ? hi : lo;
    case Mood::kUniform:
      break;
  }
  return lo + draw(hi - lo + 1);
}

CrashSpace::CrashSpace(const Disk& disk) : disk_(disk) {
  const PersonaRules& rules = disk.rules_;
  positions_.push_back(0);
  for (const NameOp& op : disk.names_) {
    oldest_seq_ = std::min(oldest_seq_, op.seq);
    if (rules.journaled() && !op.stuck) positions_.push_back(op.seq);
  }
  const bool sizes = rules.sizes == SizeOrder::kJournal;
  const bool data = rules.data == DataOrder::kJournal;
  for (const auto& inode : disk.inodes_) {
    if (!inode || inode->ops.empty()) continue;
    oldest_seq_ = std::min(oldest_seq_, inode->ops.front().seq);
    if (!sizes && !data && disk.last_cut_seq_ == 0) continue;
    for (const DataOp& op : inode->ops)
      if ((op.cut && rules.journaled()) || (op.size && (sizes || data)) || (op.data && data))
        positions_.push_back(op.seq);
  }
  std::sort(positions_.begin(), positions_.end());
  positions_.erase(std::unique(positions_.begin(), positions_.end()), positions_.end());
}

CrashSpace::Names CrashSpace::pick_names(Picker& picker) const {
  const std::vector<NameOp>& ops = disk_.names_;
  Names names;
  const auto after = std::upper_bound(positions_.begin(), positions_.end(), picker.horizon());
  const size_t prefix = static_cast<size_t>(after - positions_.begin()) - 1;
  const Range journal{0, positions_.size() - 1};
  names.journal_seq = positions_[picker.pick(*this, {SlotKind::kJournal}, journal, prefix, false)];
  names.kept.resize(ops.size());
  if (!disk_.rules_.journaled()) {
    // Every entry has its own chain; `seen` marks the ops of entries already decided.
    std::vector<bool> seen(ops.size());
    for (size_t i = 0; i < ops.size(); ++i) {
      if (seen[i]) continue;
      std::vector<size_t> chain;
      size_t before_horizon = 0;
      for (size_t j = i; j < ops.size(); ++j) {
        if (ops[j].directory != ops[i].directory || ops[j].name != ops[i].name) continue;
        seen[j] = true;
        chain.push_back(j);
        before_horizon += ops[j].seq <= picker.horizon() ? 1 : 0;
      }
      const SlotRef entry{SlotKind::kEntry, ops[i].directory, ops[i].name};
      const size_t version = picker.pick(*this, entry, {0, chain.size()}, before_horizon, false);
      for (size_t v = 0; v < version; ++v) names.kept[chain[v]] = true;
    }
    return names;
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    if (!ops[i].stuck)
      names.kept[i] = ops[i].seq <= names.journal_seq;
    else if (i > 0 && ops[i - 1].stuck && ops[i - 1].seq == ops[i].seq)
      names.kept[i] = names.kept[i - 1];  // the other half of a rename
    else
      names.kept[i] = picker.pick(*this, stuck_name(i), {0, 1}, 0, false) == 1;
  }
  return names;
}

// Several ops on one entry may be stuck, each for itself.
SlotRef CrashSpace::stuck_name(size_t op) const {
  const std::vector<NameOp>& ops = disk_.names_;
  const auto earlier = std::count_if(
      ops.begin(), ops.begin() + static_cast<ptrdiff_t>(op), [&](const NameOp& other) {
        return other.stuck && other.directory == ops[op].directory && other.name == ops[op].name;
      });
  return {SlotKind::kStuckName, ops[op].directory, ops[op].name, static_cast<uint64_t>(earlier)};
}

std::vector<uint32_t> CrashSpace::size_ops(const Inode& inode) {
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < inode.ops.size(); ++i)
    if (inode.ops[i].size) found.push_back(i);
  return found;
}

uint64_t CrashSpace::size_at(const Inode& inode, const std::vector<uint32_t>& size_ops,
                             size_t version) {
  if (size_ops.empty()) return inode.size;
  if (version == 0) return inode.ops[size_ops[0]].size_before;
  return inode.ops[size_ops[version - 1]].size_after;
}

Range CrashSpace::size_range(InodeId id, const std::vector<uint32_t>& size_ops,
                             uint64_t journal_seq) const {
  const Inode& inode = *disk_.inodes_[id];
  const PersonaRules& rules = disk_.rules_;
  Range range{0, size_ops.size()};
  if (!rules.journaled()) return range;
  const bool exact =
      (rules.sizes == SizeOrder::kJournal || rules.data == DataOrder::kJournal) && !inode.has_stuck;
  for (size_t i = 0; i < size_ops.size(); ++i) {
    const DataOp& op = inode.ops[size_ops[i]];
    if (!exact && !op.cut) continue;
    if (op.seq <= journal_seq) {
      range.lo = i + 1;
    } else {
      range.hi = i;
      break;
    }
  }
  if (inode.settled_seq <= journal_seq)
    for (size_t i = range.lo; i < range.hi && inode.ops[size_ops[i]].seq < inode.settled_seq; ++i)
      range.lo = i + 1;
  if (!rules.replace_settles_size) return range;
  for (const NameOp& name : disk_.names_) {
    if (!name.replaces || name.after != id || name.seq > journal_seq || name.stuck) continue;
    for (size_t i = range.lo; i < range.hi; ++i)
      if (inode.ops[size_ops[i]].seq < name.seq) range.lo = i + 1;
  }
  return range;
}

Range CrashSpace::sector_range(const Inode& inode, const std::vector<uint32_t>& chain,
                               uint64_t journal_seq, int64_t size_op) const {
  const PersonaRules& rules = disk_.rules_;
  Range range{0, chain.size()};
  if (rules.journaled()) {
    const bool exact = rules.data == DataOrder::kJournal && !inode.has_stuck;
    for (size_t i = 0; i < chain.size(); ++i) {
      const DataOp& op = inode.ops[chain[i]];
      if (!exact && !op.cut) continue;
      if (op.seq <= journal_seq) {
        range.lo = i + 1;
      } else {
        if (exact || !rules.reuses_freed_blocks) range.hi = i;
        break;
      }
    }
  }
  if (size_op < 0 || rules.data == DataOrder::kFree || rules.data == DataOrder::kJournal)
    return range;
  const DataOp& end = inode.ops[static_cast<size_t>(size_op)];
  for (size_t i = range.lo; i < range.hi && chain[i] <= size_op; ++i) {
    const DataOp& op = inode.ops[chain[i]];
    const bool needed = rules.data == DataOrder::kTailBeforeSize ? end.data && op.block == end.block
                                                                 : op.size_after > op.size_before;
    const bool bound = is_fresh(op) || !rules.orders_fresh_blocks_only;
    if (needed && bound && !op.stuck) range.lo = i + 1;
  }
  return range;
}

uint64_t CrashSpace::old_size(const Inode& inode) const {
  const std::vector<uint32_t> sizes = size_ops(inode);
  uint64_t size = size_at(inode, sizes, 0);
  if (!disk_.rules_.reuses_freed_blocks) return size;
  for (const uint32_t i : sizes) size = std::min(size, inode.ops[i].size_after);
  return size;
}

void CrashSpace::fill_garbage(uint32_t index, uint32_t from, uint32_t to, uint64_t old_size,
                              Block* block) {
  const uint64_t start = index * kBlockBytes;
  for (uint64_t at = std::max(start + from, old_size); at < start + to; ++at)
    (*block)[at - start] = garbage_at(at);
}

std::vector<BlockRef> CrashSpace::reused_by(InodeId id, uint32_t block) const {
  std::vector<BlockRef> found;
  // Blocks are free once no name and no open handle leads to them.
  const Inode& gone = *disk_.inodes_[id];
  if (!disk_.rules_.reuses_freed_blocks || gone.links > 0 || !gone.released) return found;
  for (InodeId by = 0; by < disk_.inodes_.size(); ++by) {
    const auto& other = disk_.inodes_[by];
    if (!other || other->links == 0 || block >= other->blocks.size() || !other->blocks[block])
      continue;
    // A rename that settles sizes allocates its file's blocks before it frees those it replaces.
    uint64_t allocated = 0;
    for (const NameOp& name : disk_.names_)
      if (disk_.rules_.replace_settles_size && name.replaces && name.before == id &&
          name.after == by)
        allocated = name.seq;
    const bool fresh = std::any_of(other->ops.begin(), other->ops.end(), [&](const DataOp& op) {
      return op.data && op.block == block && op.undo == DataOp::kZeros && op.seq > allocated;
    });
    if (fresh) found.push_back(other->blocks[block]);
  }
  return found;
}

uint32_t CrashSpace::sector_bytes() const {
  return disk_.rules_.block_atomic ? kBlockBytes : disk_.rules_.sector_bytes;
}

std::vector<CrashSpace::Dirty> CrashSpace::dirty_blocks(const Inode& inode) {
  std::vector<Dirty> dirty;
  for (uint32_t i = 0; i < inode.ops.size(); ++i) {
    if (!inode.ops[i].data) continue;
    const uint32_t block = inode.ops[i].block;
    if (!dirty.empty() && dirty.back().block == block) {  // an append: the common case
      dirty.back().ops.push_back(i);
      continue;
    }
    const auto at = std::lower_bound(dirty.begin(), dirty.end(), block,
                                     [](const Dirty& d, uint32_t b) { return d.block < b; });
    if (at != dirty.end() && at->block == block)
      at->ops.push_back(i);
    else
      dirty.insert(at, Dirty{block, {i}});
  }
  return dirty;
}

}  // namespace powercut::sim
