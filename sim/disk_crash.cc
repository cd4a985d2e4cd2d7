// Crashes: a new Disk from an old one. What is legal is sim/crash_space.cc's say; here it is built.
#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "sim/crash_space.h"
#include "sim/disk.h"
#include "sim/survival.h"

namespace powercut::sim {
class CrashDraw {
 public:
  CrashDraw(const Disk& before, Disk& after, Picker& picker)
      : before_(before), after_(after), space_(before), picker_(picker) {}

  void run() {
    picker_.begin(space_.oldest_seq(), before_.seq_);
    const CrashSpace::Names names = space_.pick_names(picker_);
    build_names(names.kept);
    // Which names there are says which files are there to be decided on.
    const std::vector<uint32_t> links = count_links();
    for (InodeId id = 0; id < before_.inodes_.size(); ++id)
      if (links[id] > 0 && !before_.inodes_[id]->ops.empty()) settle(id, names.journal_seq);
    if (before_.rules_.reuses_freed_blocks)
      for (InodeId id = 0; id < before_.inodes_.size(); ++id)
        if (links[id] > 0 && before_.inodes_[id]->links == 0) reuse_blocks(id);
    forget_handles();
    collect(links);
  }

 private:
  void settle(InodeId id, uint64_t journal_seq) {
    const Inode& old = *before_.inodes_[id];
    Inode& inode = after_.own(id);
    const std::vector<uint32_t> size_ops = CrashSpace::size_ops(old);
    const Range range = space_.size_range(id, size_ops, journal_seq);
    const auto in_prefix = [&](uint32_t op) { return old.ops[op].seq <= picker_.horizon(); };
    const auto prefix = std::count_if(size_ops.begin(), size_ops.end(), in_prefix);
    const size_t version =
        picker_.pick(space_, {SlotKind::kSize, id}, range, static_cast<size_t>(prefix), false);
    const int64_t size_op = version == 0 ? -1 : static_cast<int64_t>(size_ops[version - 1]);
    inode.size = CrashSpace::size_at(old, size_ops, version);
    const uint64_t old_size = space_.old_size(old);
    for (const CrashSpace::Dirty& dirty : CrashSpace::dirty_blocks(old)) {
      if (dirty.block * kBlockBytes >= inode.size) continue;  // invisible: no choice to make
      settle_block(id, dirty, journal_seq, size_op, old_size, inode);
    }
    trim(inode);
    inode.ops.clear();
    inode.undo_bytes.clear();
    inode.undo_blocks.clear();
    inode.has_stuck = false;
  }

  void settle_block(InodeId id, const CrashSpace::Dirty& dirty, uint64_t journal_seq,
                    int64_t size_op, uint64_t old_size, Inode& inode) {
    const Inode& old = *before_.inodes_[id];
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
        const DataOp& op = old.ops[i];
        if (op.offset >= to || op.offset + op.length <= from) continue;
        chain_.push_back(i);
        prefix += op.seq <= picker_.horizon() ? 1 : 0;
        frontier |= op.seq == picker_.horizon();
      }
      if (chain_.empty()) continue;
      const Range range = space_.sector_range(old, chain_, journal_seq, size_op);
      SlotRef sector{SlotKind::kSector, id, {}, start + from};
      const size_t version = picker_.pick(space_, sector, range, prefix, frontier);
      for (size_t i = chain_.size(); i-- > version;)
        undo(old, old.ops[chain_[i]], from, to, ref.get());
      if (version > 0 || !before_.rules_.garbage || start + to <= old_size) continue;
      sector.kind = SlotKind::kGarbage;
      if (picker_.pick(space_, sector, {0, 1}, 0, false) == 1)
        CrashSpace::fill_garbage(dirty.block, from, to, old_size, ref.get());
    }
  }

  // The removal of this file is pending: if it comes back, others may have written on its blocks.
  void reuse_blocks(InodeId id) {
    const uint64_t n = after_.inodes_[id]->blocks.size();
    for (uint32_t block = 0; block < n; ++block) {
      const std::vector<BlockRef> others = space_.reused_by(id, block);
      const SlotRef slot{SlotKind::kBlock, id, {}, block};
      const size_t pick = picker_.pick(space_, slot, {0, others.size()}, 0, false);
      if (pick == 0) continue;
      Inode& inode = after_.own(id);
      inode.blocks[block] = others[pick - 1];
      trim(inode);
    }
  }

  // Nothing is visible past the end, now or after a later append.
  static void trim(Inode& inode) {
    const uint64_t blocks = (inode.size + kBlockBytes - 1) / kBlockBytes;
    if (inode.blocks.size() > blocks) inode.blocks.resize(blocks);
    const uint64_t tail = inode.size % kBlockBytes;
    if (tail == 0 || inode.blocks.size() < blocks || !inode.blocks.back()) return;
    BlockRef& last = inode.blocks.back();
    const bool clean = std::all_of(last->begin() + static_cast<int64_t>(tail), last->end(),
                                   [](char byte) { return byte == 0; });
    if (clean) return;
    if (last.use_count() > 1) last = std::make_shared<Block>(*last);
    std::memset(last->data() + tail, 0, kBlockBytes - tail);
  }

  void build_names(const std::vector<bool>& kept) {
    const std::vector<NameOp>& ops = before_.names_;
    if (std::all_of(kept.begin(), kept.end(), [](bool is) { return is; })) return;
    for (size_t i = ops.size(); i-- > 0;)
      set_entry(after_.own(ops[i].directory), ops[i].name, ops[i].before);
    for (size_t i = 0; i < ops.size(); ++i)
      if (kept[i]) set_entry(after_.own(ops[i].directory), ops[i].name, ops[i].after);
  }

  void forget_handles() {
    after_.names_.clear();
    after_.in_flight_.clear();
    after_.last_cut_seq_ = 0;
    for (InodeId id = 0; id < after_.inodes_.size(); ++id) {
      const std::shared_ptr<Inode>& inode = after_.inodes_[id];
      if (!inode) continue;
      if (inode->released && inode->pending_names == 0 && inode->syncs_in_flight == 0 &&
          !inode->late_error && inode->ready_seq == 0 && inode->witness == inode->size)
        continue;
      Inode& mine = after_.own(id);
      mine.released = true;
      mine.pending_names = 0;
      mine.syncs_in_flight = 0;
      mine.late_error = false;
      mine.ready_seq = 0;
      mine.witness = mine.size;  // what is found after a cut is durable
    }
  }

  // The names of every inode, from the root.
  std::vector<uint32_t> count_links() const {
    std::vector<uint32_t> links(after_.inodes_.size());
    std::vector<InodeId> todo{kRootInode};
    links[kRootInode] = 1;
    while (!todo.empty()) {
      const Inode& directory = *after_.inodes_[todo.back()];
      todo.pop_back();
      for (const Entry& entry : directory.entries)
        if (++links[entry.inode] == 1 && after_.inodes_[entry.inode]->directory)
          todo.push_back(entry.inode);
    }
    return links;
  }

  // Frees what no name leads to.
  void collect(const std::vector<uint32_t>& links) {
    for (InodeId id = 0; id < after_.inodes_.size(); ++id) {
      if (!after_.inodes_[id]) continue;
      if (after_.inodes_[id]->links != links[id]) after_.own(id).links = links[id];
      after_.maybe_free(id);
    }
    after_.blocks_used_ = 0;  // a cut changes which blocks there are, so they are counted anew
    for (const auto& inode : after_.inodes_)
      if (inode)
        for (const BlockRef& block : inode->blocks) after_.blocks_used_ += block ? 1 : 0;
  }

  const Disk& before_;
  Disk& after_;
  CrashSpace space_;
  Picker& picker_;
  std::vector<uint32_t> chain_;
};

std::optional<Disk> Disk::with_first_sync_done() const {
  if (in_flight_.empty() || rules_.names != NameOrder::kLogTree) return std::nullopt;
  Disk synced = *this;
  const SyncTicket ticket = in_flight_.front();
  if (ticket.directory)
    (void)synced.fail_sync_directory(ticket);  // the log may hold any of its entries by now
  else
    (void)synced.finish_sync(ticket);
  return synced;
}

Disk Disk::with_first_sync_forgotten() const {
  Disk forgotten = *this;
  forgotten.end_flight(in_flight_.front());
  return forgotten;
}

// Counted from the last, so that one that came before does not rename the others.
SlotRef Disk::first_sync() const {
  const InodeId inode = in_flight_.front().inode;
  const auto later = std::count_if(in_flight_.begin() + 1, in_flight_.end(),
                                   [inode](const auto& other) { return other.inode == inode; });
  return {SlotKind::kSync, inode, {}, static_cast<uint64_t>(later)};
}

SlotName Disk::first_sync_slot() const { return CrashSpace(*this).name_of(first_sync()); }

Disk Disk::after_power_cut(Choices& choices, uint64_t key, CutStyle style) const {
  DrawnPicker picker(choices, key, style);
  return after_power_cut(picker);
}

Disk Disk::after_power_cut(Picker& picker) const {
  if (std::optional<Disk> synced = with_first_sync_done()) {
    const bool done = picker.pick(CrashSpace(*this), first_sync(), {0, 1}, 0, false) == 1;
    return (done ? *synced : with_first_sync_forgotten()).after_power_cut(picker);
  }
  Disk after = *this;
  CrashDraw(*this, after, picker).run();
  ++after.stats_.power_cuts;
  after.check_survivors(*this);
  return after;
}

Disk Disk::after_kill() const {
  Disk after = *this;
  const std::vector<SyncTicket> flights = in_flight_;
  for (const SyncTicket& ticket : flights) (void)after.finish_sync(ticket);
  for (InodeId id = 0; id < after.inodes_.size(); ++id) {
    if (!after.inodes_[id] || after.inodes_[id]->released) continue;
    after.own(id).released = true;
    after.maybe_free(id);
  }
  return after;
}

// Independent of the log: `before` noted which prefix of each file was synced and left alone since.
void Disk::check_survivors(const Disk& before) {
  for (InodeId id = 0; id < before.inodes_.size(); ++id) {
    if (!before.inodes_[id] || !inodes_[id] || before.inodes_[id]->witness == 0) continue;
    if (before.inodes_[id]->links == 0) continue;  // removed: nobody was promised its bytes
    const Inode& was = *before.inodes_[id];
    const Inode& is = *inodes_[id];
    bool same = is.size >= was.witness;
    for (uint64_t at = 0; same && at < was.witness; at += kBlockBytes) {
      const uint64_t block = at / kBlockBytes;
      static const Block kHole{};
      const auto bytes = [block](const Inode& inode) {
        const bool there = block < inode.blocks.size() && inode.blocks[block];
        return there ? inode.blocks[block]->data() : kHole.data();
      };
      if (bytes(was) == bytes(is)) continue;
      const uint64_t n = std::min(kBlockBytes, was.witness - at);
      stats_.bytes_checked += n;
      same = std::memcmp(bytes(was), bytes(is), n) == 0;
    }
    if (!same && violation_.empty())
      violation_ = "inode " + std::to_string(id) + " lost bytes below " +
                   std::to_string(was.witness) + " that were synced and not touched since";
  }
}

Result<void> Disk::self_check() const {
  if (violation_.empty()) return {};
  return Error{Errc::kCorrupt, "the simulator itself is wrong: " + violation_};
}

}  // namespace powercut::sim
