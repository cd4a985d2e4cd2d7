// What makes pending micro-ops durable: syncs, failed syncs, and the kernel's own clock.
//
// A forced micro-op leaves the log; an older version of the same slot leaves with it. What a sync
// forces is the least the persona promises: all else stays undecided until a cut decides it.
#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "sim/disk.h"

namespace powercut::sim {
namespace {

constexpr Duration kExpire = seconds(30);  // vm.dirty_expire_centisecs
constexpr Duration kWakeUp = seconds(5);   // vm.dirty_writeback_centisecs
constexpr Duration kCommit = seconds(5);   // ext4's commit=5
constexpr Site kEarly("disk.writeback.early");

}  // namespace

void undo(const Inode& inode, const DataOp& op, uint32_t from, uint32_t to, Block* block) {
  from = std::max<uint32_t>(from, op.offset);
  to = std::min<uint32_t>(to, op.offset + op.length);
  if (from >= to) return;
  char* out = block->data() + from;
  if (op.undo == DataOp::kZeros)
    std::memset(out, 0, to - from);
  else if (op.undo == DataOp::kBytes)
    std::memcpy(out, inode.undo_bytes.data() + op.undo_at + (from - op.offset), to - from);
  else
    std::memcpy(out, inode.undo_blocks[op.undo_at]->data() + from, to - from);
}

bool Disk::anything_pending() const {
  return !names_.empty() || std::any_of(inodes_.begin(), inodes_.end(), [](const auto& inode) {
    return inode && !inode->ops.empty();
  });
}

// Drops the ops of which nothing is pending any more.
void Disk::sweep_ops(Inode& inode) {
  std::erase_if(inode.ops, [](const DataOp& op) { return !op.data && !op.size; });
  if (inode.ops.empty()) {
    inode.undo_bytes.clear();
    inode.undo_blocks.clear();
  } else if (inode.undo_bytes.size() > 65536 || inode.undo_blocks.size() > 1024) {
    // A log that never runs empty must not keep every byte it ever replaced.
    std::string bytes;
    std::vector<BlockRef> blocks;
    for (DataOp& op : inode.ops) {
      if (!op.data || op.undo == DataOp::kZeros) continue;
      const uint32_t at = op.undo_at;
      op.undo_at = static_cast<uint32_t>(op.undo == DataOp::kBytes ? bytes.size() : blocks.size());
      if (op.undo == DataOp::kBytes)
        bytes.append(inode.undo_bytes, at, op.length);
      else
        blocks.push_back(inode.undo_blocks[at]);
    }
    inode.undo_bytes = std::move(bytes);
    inode.undo_blocks = std::move(blocks);
  }
  inode.has_stuck = std::any_of(inode.ops.begin(), inode.ops.end(),
                                [](const DataOp& op) { return op.stuck || op.size_stuck; });
}

// Blocks go to the disk as a whole: the newest covered op of a block takes all older ones with it.
void Disk::force_data(Inode& inode, uint64_t seq, Forced which) {
  std::vector<bool> covered;
  for (size_t i = inode.ops.size(); i-- > 0;) {
    DataOp& op = inode.ops[i];
    if (!op.data || op.seq > seq) continue;
    if (op.block >= covered.size()) covered.resize(op.block + 1);
    if (!covered[op.block]) {
      const bool grown =
          op.size_after > op.size_before && (is_fresh(op) || !rules_.orders_fresh_blocks_only);
      const bool wanted = which == Forced::kAll || (which == Forced::kCuts ? op.cut : grown);
      if (op.stuck || !wanted) continue;
      covered[op.block] = true;
      if (!op.cut) count_data(inode, kBlockBytes);
    }
    op.data = false;
  }
}

void Disk::force_size(Inode& inode, uint64_t seq) {
  bool covered = false;
  for (size_t i = inode.ops.size(); i-- > 0;) {
    DataOp& op = inode.ops[i];
    if (!op.size || op.seq > seq || (op.size_stuck && !covered)) continue;
    covered = true;
    op.size = false;
  }
}

// Makes every name for which covered(op) holds durable, and the older versions of its entry.
template <class Covered>
size_t Disk::force_slots(Covered covered) {
  std::vector<bool> gone(names_.size());
  size_t count = 0;
  for (size_t i = names_.size(); i-- > 0;) {
    if (gone[i] || !covered(names_[i])) continue;
    for (size_t j = 0; j <= i; ++j) {
      if (gone[j] || names_[j].directory != names_[i].directory || names_[j].name != names_[i].name)
        continue;
      gone[j] = true;
      ++count;
    }
  }
  if (count == 0) return 0;
  std::vector<InodeId> ends;
  size_t kept = 0;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (gone[i]) {
      for (const InodeId id : {names_[i].before, names_[i].after})
        if (id != kNoInode) ends.push_back(id);
    } else {
      if (kept != i) names_[kept] = std::move(names_[i]);
      ++kept;
    }
  }
  names_.resize(kept);
  for (const InodeId id : ends) --own(id).pending_names;
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (const InodeId id : ends) maybe_free(id);
  stats_.bytes_metadata += count * kBlockBytes;
  return count;
}

// The journal up to `seq` is on the disk.
void Disk::commit(uint64_t seq) {
  bool any = false;
  const bool everywhere = rules_.sizes == SizeOrder::kJournal || rules_.data == DataOrder::kJournal;
  if (everywhere || last_cut_seq_ != 0) {
    for (InodeId id = 0; id < inodes_.size(); ++id) {
      if (!inodes_[id] || inodes_[id]->ops.empty() || inodes_[id]->ops.front().seq > seq) continue;
      Inode& inode = own(id);
      if (rules_.data == DataOrder::kJournal) {
        force_data(inode, seq, Forced::kAll);
      } else {
        if (everywhere && rules_.data == DataOrder::kAllBeforeSize)
          force_data(inode, seq, Forced::kGrown);
        force_data(inode, seq, Forced::kCuts);
      }
      uint64_t size_seq = everywhere ? seq : 0;
      if (inode.settled_seq <= seq) size_seq = std::max(size_seq, inode.settled_seq);
      for (const DataOp& op : inode.ops)
        if (op.cut && op.seq <= seq) size_seq = std::max(size_seq, op.seq);
      force_size(inode, size_seq);
      sweep_ops(inode);
      any = true;
    }
    if (last_cut_seq_ <= seq) last_cut_seq_ = 0;
  }
  if (!names_.empty()) {
    if (rules_.replace_settles_size) {
      for (const NameOp& op : names_) {
        if (!op.replaces || op.seq > seq || op.stuck || op.after == kNoInode) continue;
        Inode& inode = own(op.after);
        force_size(inode, op.seq);
        sweep_ops(inode);
      }
    }
    any |= force_slots([seq](const NameOp& op) { return op.seq <= seq && !op.stuck; }) > 0;
  }
  if (any) stats_.bytes_metadata += 2 * kBlockBytes;
}

// Every entry that leads or led to `inode`, and so on up: a file is found after its sync.
size_t Disk::force_names_of(InodeId inode, uint64_t seq) {
  std::vector<InodeId> parents;
  for (const NameOp& op : names_)
    if (op.after == inode && op.seq <= seq) parents.push_back(op.directory);
  size_t count = force_slots([&](const NameOp& op) {
    return op.seq <= seq && !op.stuck && (op.after == inode || op.before == inode);
  });
  for (const InodeId parent : parents)
    if (parent != kRootInode) count += force_names_of(parent, seq);
  return count;
}

SyncTicket Disk::begin(InodeId id) {
  Inode& inode = own(id);
  if (inode.syncs_in_flight++ == 0) inode.touched_in_flight = UINT64_MAX;
  SyncTicket ticket;
  ticket.id = next_ticket_++;
  ticket.inode = id;
  ticket.directory = inode.directory;
  ticket.seq = seq_;
  ticket.size = inode.size;
  ticket.journal_seq = inode.meta_seq;
  in_flight_.push_back(ticket);
  return ticket;
}

SyncTicket Disk::begin_sync(InodeId id) {
  SyncTicket ticket = begin(id);
  if (names_.empty() && last_cut_seq_ == 0 && rules_.sizes == SizeOrder::kLags &&
      rules_.data != DataOrder::kJournal)
    return ticket;
  // Bytes that are only overwritten need no commit (fdatasync); a size does, and so do journaled
  // bytes.
  for (const DataOp& op : inodes_[id]->ops) {
    if (!op.size && rules_.data != DataOrder::kJournal) continue;
    ticket.journal_seq = seq_;
    break;
  }
  in_flight_.back() = ticket;
  return ticket;
}

Result<SyncTicket> Disk::begin_sync_directory(std::string_view path) {
  TRY_ASSIGN(const InodeId id, lookup(path));
  if (!inodes_[id]->directory)
    return Error{Errc::kInvalid, "not a directory: '" + std::string(path) + "'"};
  return begin(id);
}

void Disk::end_flight(const SyncTicket& ticket) {
  const auto at = std::find_if(in_flight_.begin(), in_flight_.end(),
                               [&](const SyncTicket& other) { return other.id == ticket.id; });
  CHECK(at != in_flight_.end());
  in_flight_.erase(at);
  --own(ticket.inode).syncs_in_flight;
}

void Disk::finish_file(const SyncTicket& ticket) {
  Inode& inode = own(ticket.inode);
  if (!inode.ops.empty()) stats_.bytes_metadata += kBlockBytes;
  if (!inode.has_stuck && !inode.ops.empty() && inode.ops.back().seq <= ticket.seq) {
    uint64_t last = UINT64_MAX;
    for (const DataOp& op : inode.ops) {
      if (!op.data || op.block == last) continue;
      last = op.block;
      count_data(inode, kBlockBytes);
    }
    inode.ops.clear();
    inode.undo_bytes.clear();
    inode.undo_blocks.clear();
  } else if (!inode.ops.empty()) {
    force_data(inode, ticket.seq, Forced::kAll);
    force_size(inode, ticket.seq);
    sweep_ops(inode);
  }
  if (!inode.has_stuck)
    inode.witness = std::max(inode.witness, std::min(ticket.size, inode.touched_in_flight));
}

Result<void> Disk::finish_sync(const SyncTicket& ticket) {
  end_flight(ticket);
  ++stats_.syncs;
  if (inodes_[ticket.inode]->late_error) {
    own(ticket.inode).late_error = false;
    return Error{Errc::kIo, "an earlier write-back failed"};
  }
  if (rules_.sync == SyncReach::kNothing) return {};
  if (!ticket.directory) finish_file(ticket);
  if (rules_.sync == SyncReach::kJournal) {
    if (!names_.empty() || last_cut_seq_ != 0 || rules_.sizes == SizeOrder::kJournal ||
        rules_.data == DataOrder::kJournal)
      commit(ticket.journal_seq);
  } else if (!names_.empty()) {
    if (ticket.directory) {
      force_slots([&](const NameOp& op) {
        return op.seq <= ticket.seq && !op.stuck && op.directory == ticket.inode;
      });
    }
    if (rules_.sync == SyncReach::kInodeAndNames) force_names_of(ticket.inode, ticket.seq);
  }
  if (inodes_[ticket.inode]) maybe_free(ticket.inode);
  return {};
}

// The page goes back to what the disk has (btrfs). Not where a truncation is pending: that is
// metadata and stays; such a file is treated as kXfs.
void Disk::revert(Inode& inode, uint64_t seq) {
  const uint64_t floor = [&] {
    for (const DataOp& op : inode.ops)
      if (op.size) return op.size_before;
    return inode.size;
  }();
  std::vector<bool> covered;
  for (const DataOp& op : inode.ops) {
    if (!op.data || op.seq > seq || op.stuck) continue;
    if (op.block >= covered.size()) covered.resize(op.block + 1);
    covered[op.block] = true;
  }
  bool later_size = false;
  for (size_t i = inode.ops.size(); i-- > 0;) {
    DataOp& op = inode.ops[i];
    if (op.data && op.block < covered.size() && covered[op.block]) {
      BlockRef& block = inode.blocks[op.block];
      block = block ? std::make_shared<Block>(*block) : std::make_shared<Block>();
      undo(inode, op, 0, kBlockBytes, block.get());
      op.data = false;
    }
    if (op.seq > seq)
      later_size |= op.size;
    else
      op.size = false;
  }
  if (!later_size) inode.size = floor;
  for (DataOp& op : inode.ops) {
    if (!op.size) continue;
    op.size_before = floor;  // the first one left
    break;
  }
  sweep_ops(inode);
}

Result<void> Disk::fail_sync(const SyncTicket& ticket, SyncFailure model) {
  CHECK(!ticket.directory);
  end_flight(ticket);
  Inode& inode = own(ticket.inode);
  const bool cuts =
      std::any_of(inode.ops.begin(), inode.ops.end(), [](const DataOp& op) { return op.cut; });
  if (model == SyncFailure::kBtrfs && !cuts) {
    revert(inode, ticket.seq);
  } else {
    for (DataOp& op : inode.ops) {
      if (op.seq > ticket.seq) break;
      op.stuck = op.data;
      op.size_stuck =
          op.size && op.data && (model == SyncFailure::kXfs || model == SyncFailure::kBtrfs);
      inode.has_stuck |= op.stuck || op.size_stuck;
    }
  }
  if (model == SyncFailure::kExt4Data) {
    inode.late_error = true;
    return {};
  }
  return Error{Errc::kIo, "write-back failed; the unsynced bytes are in an unknown state"};
}

Result<void> Disk::fail_sync_directory(const SyncTicket& ticket) {
  CHECK(ticket.directory);
  end_flight(ticket);
  for (NameOp& op : names_)
    if (op.directory == ticket.inode && op.seq <= ticket.seq) op.stuck = true;
  return Error{Errc::kIo, "directory sync failed; which names are durable is unknown"};
}

void Disk::wake_up(Instant at, Choices& choices) {
  for (InodeId id = 0; id < inodes_.size(); ++id) {
    if (!inodes_[id] || inodes_[id]->ops.empty()) continue;
    const std::vector<DataOp>& ops = inodes_[id]->ops;
    uint64_t seq = 0;
    for (const DataOp& op : ops)
      if (op.at <= at) seq = op.seq;
    const bool expired = ops.front().at + kExpire <= at;
    const uint64_t key = static_cast<uint64_t>(at.ns) * 31 + id;
    if (seq == 0 || (!expired && !choices.chance(kEarly, key, 1, 8))) continue;
    Inode& inode = own(id);
    force_data(inode, seq, Forced::kAll);
    if (rules_.journaled())
      inode.ready_seq = seq;
    else
      force_size(inode, seq);
    sweep_ops(inode);
  }
}

void Disk::commit_by_clock(Instant at) {
  if (!rules_.journaled()) {
    force_slots([at](const NameOp& op) { return op.at <= at && !op.stuck; });
    return;
  }
  uint64_t seq = 0;
  for (const NameOp& op : names_)
    if (op.at <= at) seq = std::max(seq, op.seq);
  for (InodeId id = 0; id < inodes_.size(); ++id) {
    if (!inodes_[id] || inodes_[id]->ops.empty()) continue;
    for (const DataOp& op : inodes_[id]->ops)
      if (op.at <= at) seq = std::max(seq, op.seq);
    if (inodes_[id]->ready_seq == 0) continue;
    Inode& inode = own(id);
    force_size(inode, inode.ready_seq);
    inode.ready_seq = 0;
    sweep_ops(inode);
  }
  if (seq > 0) commit(seq);
}

void Disk::writeback(Instant now, Choices& choices) {
  now_ = std::max(now_, now);
  while (next_writeback() <= now) {
    if (next_wakeup_ <= next_commit_) {
      if (rules_.writeback) wake_up(next_wakeup_, choices);
      next_wakeup_ = next_wakeup_ + kWakeUp;
    } else {
      if (rules_.writeback) commit_by_clock(next_commit_);
      next_commit_ = next_commit_ + kCommit;
    }
  }
}

}  // namespace powercut::sim
