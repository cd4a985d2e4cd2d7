#include "sim/journal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/check.h"

namespace powercut::sim {
namespace {

// Of one file: what a commit up to `seq` takes along. `everywhere`: whatever is pending, not only
// what truncations and settled sizes bind.
void commit_content(DiskState& disk, Inode& inode, uint64_t seq, bool everywhere) {
  const PersonaRules& rules = disk.rules;
  DataLog& log = inode.log;
  const auto force_data = [&](DataLog::Which which) {
    const size_t blocks = log.force_data(seq, which, rules.orders_fresh_blocks_only);
    disk.count_data(inode, blocks * kBlockBytes);
  };
  if (rules.data == DataOrder::kJournal) {
    force_data(DataLog::Which::kAll);
  } else {
    if (everywhere && rules.data == DataOrder::kAllBeforeSize) force_data(DataLog::Which::kGrown);
    force_data(DataLog::Which::kCuts);
  }
  uint64_t size_seq = everywhere ? seq : 0;
  if (inode.settled_seq <= seq) size_seq = std::max(size_seq, inode.settled_seq);
  for (const DataOp& op : log.ops())
    if (op.cut && op.seq <= seq) size_seq = std::max(size_seq, op.seq);
  log.force_size(size_seq);
  log.sweep();
  const bool all = rules.data == DataOrder::kJournal && !log.has_stuck();
  CHECK(!all || log.empty() || log.ops().front().seq > seq);
}

}  // namespace

size_t force_names(DiskState& disk, const std::function<bool(const NameOp&)>& covered) {
  auto [count, ends] = disk.names.take(covered);
  for (const InodeId id : ends) {
    Inode& inode = disk.tree.own(id);
    CHECK(inode.pending_names > 0);
    --inode.pending_names;
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (const InodeId id : ends) {
    if (disk.tree.find(id) == nullptr) continue;  // it went with its directory
    // Where nothing will ever lead to a directory, what is pending in it has no say any more.
    if (disk.tree[id].directory && disk.tree[id].is_unreachable())
      (void)force_names(disk, [id](const NameOp& op) { return op.directory == id; });
    disk.drop_if_unreachable(id);
  }
  disk.stats.bytes_metadata += count * kBlockBytes;
  return count;
}

size_t force_names_of(DiskState& disk, InodeId inode, uint64_t seq) {
  std::vector<InodeId> parents;
  for (const NameOp& op : disk.names.ops())
    if (op.after == inode && op.seq <= seq) parents.push_back(op.directory);
  size_t count = force_names(disk, [&](const NameOp& op) {
    return op.seq <= seq && !op.stuck && (op.after == inode || op.before == inode);
  });
  for (const InodeId parent : parents)
    if (parent != kRootInode) count += force_names_of(disk, parent, seq);
  return count;
}

void commit(DiskState& disk, uint64_t seq) {
  const PersonaRules& rules = disk.rules;
  CHECK(rules.journaled() && seq <= disk.seq);
  bool any = false;
  const bool everywhere = rules.sizes == SizeOrder::kJournal || rules.data == DataOrder::kJournal;
  if (everywhere || disk.last_cut_seq != 0) {
    for (InodeId id = 0; id < disk.tree.end(); ++id) {
      const Inode* inode = disk.tree.find(id);
      if (inode == nullptr || inode->log.empty() || inode->log.ops().front().seq > seq) continue;
      commit_content(disk, disk.tree.own(id), seq, everywhere);
      any = true;
    }
    if (disk.last_cut_seq <= seq) disk.last_cut_seq = 0;
  }
  if (!disk.names.empty()) {
    if (rules.replace_settles_size) {
      for (const NameOp& op : disk.names.ops()) {
        if (!op.replaces || op.seq > seq || op.stuck || op.after == kNoInode) continue;
        Inode& inode = disk.tree.own(op.after);
        inode.log.force_size(op.seq);
        inode.log.sweep();
      }
    }
    any |= force_names(disk, [seq](const NameOp& op) { return op.seq <= seq && !op.stuck; }) > 0;
  }
  if (any) disk.stats.bytes_metadata += 2 * kBlockBytes;
}

}  // namespace powercut::sim
