#include "sim/writeback.h"

#include <vector>

#include "engine/base/check.h"
#include "sim/journal.h"

namespace powercut::sim {
namespace {

constexpr Duration kExpire = seconds(30);  // vm.dirty_expire_centisecs
constexpr Duration kWakeUp = seconds(5);   // vm.dirty_writeback_centisecs
constexpr Duration kCommit = seconds(5);   // ext4's commit=5
constexpr Site kEarly("disk.writeback.early");

void wake_up(DiskState& disk, Instant at, Choices& choices) {
  for (InodeId id = 0; id < disk.tree.end(); ++id) {
    if (disk.tree.find(id) == nullptr || disk.tree[id].log.empty()) continue;
    const std::vector<DataOp>& ops = disk.tree[id].log.ops();
    uint64_t seq = 0;
    for (const DataOp& op : ops)
      if (op.at <= at) seq = op.seq;
    const bool expired = ops.front().at + kExpire <= at;
    const uint64_t key = static_cast<uint64_t>(at.ns) * 31 + id;
    if (seq == 0 || (!expired && !choices.chance(kEarly, key, 1, 8))) continue;
    Inode& inode = disk.tree.own(id);
    CHECK(inode.ready_seq <= seq && seq <= disk.seq);
    disk.count_data(inode, inode.log.force_data(seq, DataLog::Which::kAll, false) * kBlockBytes);
    if (disk.rules.journaled())
      inode.ready_seq = seq;
    else
      inode.log.force_size(seq);
    inode.log.sweep();
  }
}

void commit_by_clock(DiskState& disk, Instant at) {
  if (!disk.rules.journaled()) {
    force_names(disk, [at](const NameOp& op) { return op.at <= at && !op.stuck; });
    return;
  }
  uint64_t seq = 0;
  for (const NameOp& op : disk.names.ops())
    if (op.at <= at) seq = std::max(seq, op.seq);
  for (InodeId id = 0; id < disk.tree.end(); ++id) {
    if (disk.tree.find(id) == nullptr || disk.tree[id].log.empty()) continue;
    for (const DataOp& op : disk.tree[id].log.ops())
      if (op.at <= at) seq = std::max(seq, op.seq);
    if (disk.tree[id].ready_seq == 0) continue;
    Inode& inode = disk.tree.own(id);
    inode.log.force_size(inode.ready_seq);
    inode.ready_seq = 0;
    inode.log.sweep();
  }
  if (seq > 0) commit(disk, seq);
}

}  // namespace

void writeback(DiskState& disk, Instant now, Choices& choices) {
  disk.now = std::max(disk.now, now);
  if (disk.shut.is) {  // nothing is forced any more
    while (next_writeback(disk) <= now) {
      disk.next_wakeup = std::max(disk.next_wakeup, now + kWakeUp);
      disk.next_commit = std::max(disk.next_commit, now + kCommit);
    }
    return;
  }
  while (next_writeback(disk) <= now) {
    if (disk.next_wakeup <= disk.next_commit) {
      if (disk.rules.writeback) wake_up(disk, disk.next_wakeup, choices);
      disk.next_wakeup = disk.next_wakeup + kWakeUp;
    } else {
      if (disk.rules.writeback) commit_by_clock(disk, disk.next_commit);
      disk.next_commit = disk.next_commit + kCommit;
    }
  }
}

}  // namespace powercut::sim
