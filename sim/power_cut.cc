#include "sim/power_cut.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "sim/crash_space.h"
#include "sim/self_check.h"
#include "sim/sync.h"

namespace powercut::sim {
namespace {

// Nothing is visible past the end, now or after a later append.
void trim(Inode& inode) {
  const uint64_t blocks = (inode.size + kBlockBytes - 1) / kBlockBytes;
  if (inode.blocks.size() > blocks) inode.blocks.resize(blocks);
  const uint64_t tail = inode.size % kBlockBytes;
  if (tail == 0 || inode.blocks.size() < blocks || !inode.blocks.back()) return;
  BlockRef& last = inode.blocks.back();
  const bool clean = std::all_of(last->begin() + static_cast<int64_t>(tail), last->end(),
                                 [](char byte) { return byte == 0; });
  if (!clean) std::memset(own_block(last).data() + tail, 0, kBlockBytes - tail);
}

class PowerCut {
 public:
  PowerCut(const DiskState& before, Picker& picker)
      : before_(before), after_(before), space_(before), picker_(picker) {}

  DiskState run() {
    picker_.begin(space_.oldest_seq(), before_.seq);
    const CrashSpace::Names names = space_.pick_names(picker_);
    build_names(names.kept);
    // Which names there are says which files are there to be decided on.
    const std::vector<uint32_t> links = after_.tree.count_links();
    for (InodeId id = 0; id < before_.tree.end(); ++id)
      if (links[id] > 0 && !before_.tree[id].log.empty()) settle(id, names.journal_seq);
    if (before_.rules.reuses_freed_blocks)
      for (InodeId id = 0; id < before_.tree.end(); ++id)
        if (links[id] > 0 && before_.tree[id].links == 0) reuse_blocks(id);
    forget_handles();
    collect(links);
    ++after_.stats.power_cuts;
    CHECK(!after_.anything_pending());
    return std::move(after_);
  }

 private:
  void build_names(const std::vector<bool>& kept) {
    const std::vector<NameOp>& ops = before_.names.ops();
    CHECK(kept.size() == ops.size());
    if (std::all_of(kept.begin(), kept.end(), [](bool is) { return is; })) return;
    for (size_t i = ops.size(); i-- > 0;) {
      Inode& directory = after_.tree.own(ops[i].directory);
      CHECK(find_entry(directory, ops[i].name) == ops[i].after);
      set_entry(directory, ops[i].name, ops[i].before);
    }
    for (size_t i = 0; i < ops.size(); ++i)
      if (kept[i]) set_entry(after_.tree.own(ops[i].directory), ops[i].name, ops[i].after);
  }

  void settle(InodeId id, uint64_t journal_seq) {
    const Inode& old = before_.tree[id];
    Inode& inode = after_.tree.own(id);
    const std::vector<uint32_t> size_ops = old.log.size_ops(old.size);
    const Range range = space_.size_range(id, size_ops, journal_seq);
    const auto in_prefix = [&](uint32_t op) { return old.log.ops()[op].seq <= picker_.horizon(); };
    const auto prefix = std::count_if(size_ops.begin(), size_ops.end(), in_prefix);
    const size_t version =
        space_.decide(picker_, {SlotKind::kSize, id}, range, static_cast<size_t>(prefix));
    const int64_t size_op = version == 0 ? -1 : static_cast<int64_t>(size_ops[version - 1]);
    inode.size = CrashSpace::size_at(old, size_ops, version);
    const uint64_t old_size = space_.old_size(old);
    for (const DataLog::Dirty& dirty : old.log.dirty_blocks()) {
      if (dirty.block * kBlockBytes >= inode.size) continue;  // invisible: no choice to make
      settle_block(id, dirty, journal_seq, size_op, old_size, inode);
    }
    trim(inode);
    CHECK(inode.is_trimmed());
    inode.log.clear();
  }

  void settle_block(InodeId id, const DataLog::Dirty& dirty, uint64_t journal_seq, int64_t size_op,
                    uint64_t old_size, Inode& inode) {
    const Inode& old = before_.tree[id];
    const std::vector<DataOp>& ops = old.log.ops();
    if (dirty.block >= inode.blocks.size()) inode.blocks.resize(dirty.block + 1);
    BlockRef& ref = inode.blocks[dirty.block];
    ref = ref ? std::make_shared<Block>(*ref) : std::make_shared<Block>();
    const uint64_t start = dirty.block * kBlockBytes;
    const uint32_t unit = space_.sector_bytes();
    const uint32_t end = static_cast<uint32_t>(std::min<uint64_t>(kBlockBytes, inode.size - start));
    for (uint32_t from = 0; from < end; from += unit) {
      const uint32_t to = from + unit;
      chain_.clear();
      size_t prefix = 0;
      bool frontier = false;
      for (const uint32_t i : dirty.ops) {
        if (!ops[i].touches(from, to)) continue;
        chain_.push_back(i);
        prefix += ops[i].seq <= picker_.horizon() ? 1 : 0;
        frontier |= ops[i].seq == picker_.horizon();
      }
      if (chain_.empty()) continue;
      const Range range = space_.sector_range(old, chain_, journal_seq, size_op);
      SlotRef sector{SlotKind::kSector, id, {}, start + from};
      const size_t version = space_.decide(picker_, sector, range, prefix, frontier);
      for (size_t i = chain_.size(); i-- > version;) old.log.undo(ops[chain_[i]], from, to, *ref);
      if (version > 0 || !before_.rules.garbage || start + to <= old_size) continue;
      sector.kind = SlotKind::kGarbage;
      if (space_.decide(picker_, sector, {0, 1}) == 1)
        CrashSpace::fill_garbage(dirty.block, from, to, old_size, *ref);
    }
  }

  // The removal of this file is pending: if it comes back, others may have written on its blocks.
  void reuse_blocks(InodeId id) {
    const std::vector<BlockRef> others = space_.reused_by(id);
    if (others.empty()) return;
    Inode& inode = after_.tree.own(id);
    const uint32_t unit = space_.sector_bytes();
    for (uint64_t at = 0; at < inode.size; at += unit) {
      const uint64_t block = at / kBlockBytes;
      if (inode.block(block) == nullptr) continue;
      const SlotRef slot{SlotKind::kReused, id, {}, at};
      const size_t pick = space_.decide(picker_, slot, {0, others.size()});
      if (pick == 0) continue;
      std::memcpy(own_block(inode.blocks[block]).data() + at % kBlockBytes,
                  others[pick - 1]->data() + at % kBlockBytes, unit);
    }
    trim(inode);
  }

  void forget_handles() {
    after_.names.clear();
    after_.flights.clear();
    after_.shut = {};
    after_.last_cut_seq = 0;
    for (InodeId id = 0; id < after_.tree.end(); ++id) {
      const Inode* inode = after_.tree.find(id);
      if (inode == nullptr) continue;
      if (inode->released && inode->pending_names == 0 && inode->syncs_in_flight == 0 &&
          !inode->late_error && inode->ready_seq == 0 && inode->witness.synced() == inode->size)
        continue;
      Inode& mine = after_.tree.own(id);
      mine.released = true;
      mine.pending_names = 0;
      mine.syncs_in_flight = 0;
      mine.late_error = false;
      mine.ready_seq = 0;
      mine.witness.found(mine.size);
    }
  }

  // Drops what no name leads to.
  void collect(const std::vector<uint32_t>& links) {
    for (InodeId id = 0; id < after_.tree.end(); ++id) {
      if (after_.tree.find(id) == nullptr) continue;
      if (after_.tree[id].links != links[id]) after_.tree.own(id).links = links[id];
      after_.drop_if_unreachable(id);
    }
    after_.tree.recount_blocks();
  }

  const DiskState& before_;
  DiskState after_;
  CrashSpace space_;
  Picker& picker_;
  std::vector<uint32_t> chain_;
};

}  // namespace

DiskState cut_power(const DiskState& before, Picker& picker) {
  if (const std::optional<DiskState> synced = with_first_sync_done(before)) {
    const bool done = CrashSpace(before).decide(picker, first_sync(before), {0, 1}) == 1;
    return cut_power(done ? *synced : with_first_sync_forgotten(before), picker);
  }
  check_consistent(before);
  DiskState after = PowerCut(before, picker).run();
  check_survivors(before, after);
  return after;
}

DiskState kill_process(const DiskState& before) {
  DiskState after = before;
  for (const SyncTicket& ticket : before.flights.tickets()) (void)finish_sync(after, ticket);
  CHECK(after.flights.empty());
  for (InodeId id = 0; id < after.tree.end(); ++id) {
    if (after.tree.find(id) == nullptr || after.tree[id].released) continue;
    after.tree.own(id).released = true;
    after.drop_if_unreachable(id);
  }
  return after;
}

std::optional<DiskState> with_first_sync_done(const DiskState& disk) {
  if (disk.flights.empty() || disk.rules.names != NameOrder::kLogTree) return std::nullopt;
  DiskState synced = disk;
  const SyncTicket ticket = disk.flights.tickets().front();
  if (ticket.directory)
    (void)fail_sync_directory(synced, ticket);  // the log may hold any of its entries by now
  else
    (void)finish_sync(synced, ticket);
  return synced;
}

DiskState with_first_sync_forgotten(const DiskState& disk) {
  DiskState forgotten = disk;
  abandon_sync(forgotten, disk.flights.tickets().front());
  return forgotten;
}

// Counted from the last, so that one that came before does not rename the others.
SlotRef first_sync(const DiskState& disk) {
  const std::vector<SyncTicket>& tickets = disk.flights.tickets();
  const InodeId inode = tickets.front().inode;
  const auto later = std::count_if(tickets.begin() + 1, tickets.end(),
                                   [inode](const auto& other) { return other.inode == inode; });
  return {SlotKind::kSync, inode, {}, static_cast<uint64_t>(later)};
}

}  // namespace powercut::sim
