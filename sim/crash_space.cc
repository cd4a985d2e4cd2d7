#include "sim/crash_space.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::sim {

CrashSpace::CrashSpace(const DiskState& disk) : disk_(disk), slot_names_(disk) {
  const PersonaRules& rules = disk.rules;
  positions_.push_back(0);
  for (const NameOp& op : disk.names.ops()) {
    oldest_seq_ = std::min(oldest_seq_, op.seq);
    if (rules.journaled() && !op.stuck) positions_.push_back(op.seq);
  }
  const bool sizes = rules.sizes == SizeOrder::kJournal;
  const bool data = rules.data == DataOrder::kJournal;
  for (InodeId id = 0; id < disk.tree.end(); ++id) {
    const Inode* inode = disk.tree.find(id);
    if (inode == nullptr || inode->log.empty()) continue;
    const std::vector<DataOp>& ops = inode->log.ops();
    oldest_seq_ = std::min(oldest_seq_, ops.front().seq);
    if (!sizes && !data && disk.last_cut_seq == 0) continue;
    for (const DataOp& op : ops)
      if ((op.cut && rules.journaled()) || (op.size && (sizes || data)) || (op.data && data))
        positions_.push_back(op.seq);
  }
  std::sort(positions_.begin(), positions_.end());
  positions_.erase(std::unique(positions_.begin(), positions_.end()), positions_.end());
  CHECK(positions_.back() <= disk.seq);
}

size_t CrashSpace::decide(Picker& picker, const SlotRef& slot, Range range, size_t prefix,
                          bool frontier) const {
  CHECK(range.lo <= range.hi);
  const size_t version = picker.pick(slot_names_, slot, range, prefix, frontier);
  CHECK(version >= range.lo && version <= range.hi);
  return version;
}

// --- Names ---

CrashSpace::Names CrashSpace::pick_names(Picker& picker) const {
  const std::vector<NameOp>& ops = disk_.names.ops();
  Names names;
  const auto after = std::upper_bound(positions_.begin(), positions_.end(), picker.horizon());
  const size_t prefix = static_cast<size_t>(after - positions_.begin()) - 1;
  const Range journal{0, positions_.size() - 1};
  names.journal_seq = positions_[decide(picker, {SlotKind::kJournal}, journal, prefix)];
  names.kept.resize(ops.size());
  if (!disk_.rules.journaled()) {
    pick_free_names(picker, names);
    return names;
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    if (!ops[i].stuck)
      names.kept[i] = ops[i].seq <= names.journal_seq;
    else if (i > 0 && ops[i - 1].stuck && ops[i - 1].seq == ops[i].seq)
      names.kept[i] = names.kept[i - 1];  // the other half of a rename
    else
      names.kept[i] = decide(picker, stuck_name(i), {0, 1}) == 1;
  }
  return names;
}

// Every entry has its own chain; `seen` marks the ops of entries already decided.
void CrashSpace::pick_free_names(Picker& picker, Names& names) const {
  const std::vector<NameOp>& ops = disk_.names.ops();
  std::vector<bool> seen(ops.size());
  for (size_t i = 0; i < ops.size(); ++i) {
    if (seen[i]) continue;
    std::vector<size_t> chain;
    size_t before_horizon = 0;
    for (size_t j = i; j < ops.size(); ++j) {
      if (!ops[j].is_on_the_entry_of(ops[i])) continue;
      CHECK(chain.empty() || ops[j].before == ops[chain.back()].after);
      seen[j] = true;
      chain.push_back(j);
      before_horizon += ops[j].seq <= picker.horizon() ? 1 : 0;
    }
    const SlotRef entry{SlotKind::kEntry, ops[i].directory, ops[i].name};
    const size_t version = decide(picker, entry, {0, chain.size()}, before_horizon);
    for (size_t v = 0; v < version; ++v) names.kept[chain[v]] = true;
  }
}

// Several ops on one entry may be stuck, each for itself.
SlotRef CrashSpace::stuck_name(size_t op) const {
  const std::vector<NameOp>& ops = disk_.names.ops();
  CHECK(ops[op].stuck);
  const auto earlier = std::count_if(
      ops.begin(), ops.begin() + static_cast<ptrdiff_t>(op),
      [&](const NameOp& other) { return other.stuck && other.is_on_the_entry_of(ops[op]); });
  return {SlotKind::kStuckName, ops[op].directory, ops[op].name, static_cast<uint64_t>(earlier)};
}

// --- Sizes ---

uint64_t CrashSpace::size_at(const Inode& inode, const std::vector<uint32_t>& size_ops,
                             size_t version) {
  CHECK(version <= size_ops.size());
  if (size_ops.empty()) return inode.size;
  if (version == 0) return inode.log.ops()[size_ops[0]].size_before;
  return inode.log.ops()[size_ops[version - 1]].size_after;
}

Range CrashSpace::size_range(InodeId id, const std::vector<uint32_t>& size_ops,
                             uint64_t journal_seq) const {
  const Inode& inode = disk_.tree[id];
  const PersonaRules& rules = disk_.rules;
  Range range{0, size_ops.size()};
  if (!rules.journaled()) return range;
  const bool exact = (rules.sizes == SizeOrder::kJournal || rules.data == DataOrder::kJournal) &&
                     !inode.log.has_stuck();
  for (size_t i = 0; i < size_ops.size(); ++i) {
    const DataOp& op = inode.log.ops()[size_ops[i]];
    if (!exact && !op.cut) continue;
    if (op.seq <= journal_seq) {
      range.lo = i + 1;
    } else {
      range.hi = i;
      break;
    }
  }
  if (inode.settled_seq <= journal_seq)
    for (size_t i = range.lo; i < range.hi && inode.log.ops()[size_ops[i]].seq < inode.settled_seq;
         ++i)
      range.lo = i + 1;
  if (!rules.replace_settles_size) return range;
  for (const NameOp& name : disk_.names.ops()) {
    if (!name.replaces || name.after != id || name.seq > journal_seq || name.stuck) continue;
    for (size_t i = range.lo; i < range.hi; ++i)
      if (inode.log.ops()[size_ops[i]].seq < name.seq) range.lo = i + 1;
  }
  return range;
}

// --- Sectors ---

Range CrashSpace::sector_range(const Inode& inode, const std::vector<uint32_t>& chain,
                               uint64_t journal_seq, int64_t size_op) const {
  const PersonaRules& rules = disk_.rules;
  Range range{0, chain.size()};
  if (rules.journaled()) {
    const bool exact = rules.data == DataOrder::kJournal && !inode.log.has_stuck();
    for (size_t i = 0; i < chain.size(); ++i) {
      const DataOp& op = inode.log.ops()[chain[i]];
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
  const DataOp& end = inode.log.ops()[static_cast<size_t>(size_op)];
  CHECK(end.size);
  for (size_t i = range.lo; i < range.hi && chain[i] <= size_op; ++i) {
    const DataOp& op = inode.log.ops()[chain[i]];
    const bool needed =
        rules.data == DataOrder::kTailBeforeSize ? end.data && op.block == end.block : op.grows();
    const bool bound = op.is_fresh() || !rules.orders_fresh_blocks_only;
    if (needed && bound && !op.stuck) range.lo = i + 1;
  }
  return range;
}

uint64_t CrashSpace::old_size(const Inode& inode) const {
  const std::vector<uint32_t> sizes = inode.log.size_ops(inode.size);
  uint64_t size = size_at(inode, sizes, 0);
  if (!disk_.rules.reuses_freed_blocks) return size;
  for (const uint32_t i : sizes) size = std::min(size, inode.log.ops()[i].size_after);
  return size;
}

void CrashSpace::fill_garbage(uint32_t index, uint32_t from, uint32_t to, uint64_t old_size,
                              Block& block) {
  CHECK(from < to && to <= kBlockBytes);
  const uint64_t start = index * kBlockBytes;
  for (uint64_t at = std::max(start + from, old_size); at < start + to; ++at)
    block[at - start] = garbage_at(at);
}

std::vector<BlockRef> CrashSpace::reused_by(InodeId id) const {
  std::vector<BlockRef> found;
  // Blocks are free once no name and no open handle leads to them.
  const Inode& gone = disk_.tree[id];
  if (!disk_.rules.reuses_freed_blocks || gone.links > 0 || !gone.released) return found;
  for (InodeId by = 0; by < disk_.tree.end(); ++by) {
    const Inode* other = disk_.tree.find(by);
    if (by == id || other == nullptr) continue;
    // A rename that settles sizes allocates its file's blocks before it frees those it replaces.
    uint64_t allocated = 0;
    for (const NameOp& name : disk_.names.ops())
      if (disk_.rules.replace_settles_size && name.replaces && name.before == id &&
          name.after == by)
        allocated = name.seq;
    for (uint32_t block = 0; block < other->blocks.size(); ++block)
      if (other->blocks[block]) add_fresh(*other, block, allocated, found);
  }
  return found;
}

// All that the disk was sent of a block since it came with a write after `allocated`; the newest
// first.
void CrashSpace::add_fresh(const Inode& inode, uint32_t block, uint64_t allocated,
                           std::vector<BlockRef>& found) {
  const std::vector<DataOp>& ops = inode.log.ops();
  const auto came = std::find_if(ops.begin(), ops.end(), [&](const DataOp& op) {
    return op.block == block && op.length > 0 && op.undo == DataOp::kZeros && op.seq > allocated;
  });
  if (came == ops.end()) return;
  found.push_back(inode.blocks[block]);
  Block bytes = *inode.blocks[block];
  for (auto op = ops.end() - 1; op != came; --op) {
    if (op->block != block || !op->data) continue;
    inode.log.undo(*op, 0, kBlockBytes, bytes);
    found.push_back(std::make_shared<Block>(bytes));
  }
}

uint32_t CrashSpace::sector_bytes() const {
  return disk_.rules.block_atomic ? kBlockBytes : disk_.rules.sector_bytes;
}

}  // namespace powercut::sim
