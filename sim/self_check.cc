#include "sim/self_check.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "engine/base/check.h"

namespace powercut::sim {
namespace {

// Compares bytes [0, n) of the two. Blocks that they share need no look.
bool are_same(const Inode& was, const Inode& is, uint64_t n, uint64_t& bytes_checked) {
  static const Block kHole{};
  const auto bytes_at = [](const Inode& inode, uint64_t index) {
    const Block* block = inode.block(index);
    return block != nullptr ? block->data() : kHole.data();
  };
  for (uint64_t at = 0; at < n; at += kBlockBytes) {
    const char* before = bytes_at(was, at / kBlockBytes);
    const char* after = bytes_at(is, at / kBlockBytes);
    if (before == after) continue;
    const uint64_t length = std::min(kBlockBytes, n - at);
    bytes_checked += length;
    if (std::memcmp(before, after, length) != 0) return false;
  }
  return true;
}

}  // namespace

void check_consistent(const DiskState& disk) {
  const std::vector<uint32_t> links = disk.tree.count_links();
  std::vector<uint32_t> pending_names(disk.tree.end());
  for (const NameOp& op : disk.names.ops()) {
    CHECK(op.seq <= disk.seq && disk.tree[op.directory].directory);
    for (const InodeId end : {op.before, op.after})
      if (end != kNoInode) ++pending_names[end];
  }
  std::vector<uint32_t> syncs(disk.tree.end());
  for (const SyncTicket& ticket : disk.flights.tickets()) ++syncs[ticket.inode];
  uint64_t blocks = 0;
  for (InodeId id = 0; id < disk.tree.end(); ++id) {
    const Inode* inode = disk.tree.find(id);
    if (inode == nullptr) {
      CHECK(links[id] == 0 && pending_names[id] == 0 && syncs[id] == 0);
      continue;
    }
    CHECK(!inode->is_unreachable());
    CHECK(inode->links == links[id]);
    CHECK(inode->pending_names == pending_names[id]);
    CHECK(inode->syncs_in_flight == syncs[id]);
    CHECK(inode->witness.synced() <= inode->size);
    CHECK(inode->directory ? inode->blocks.empty() && inode->log.empty() : inode->entries.empty());
    CHECK(inode->log.empty() || inode->log.ops().back().seq <= disk.seq);
    for (const BlockRef& block : inode->blocks) blocks += block ? 1 : 0;
  }
  CHECK(blocks == disk.tree.blocks_used());
}

void check_survivors(const DiskState& before, DiskState& after) {
  for (InodeId id = 0; id < before.tree.end(); ++id) {
    const Inode* was = before.tree.find(id);
    const Inode* is = after.tree.find(id);
    if (was == nullptr || is == nullptr || was->witness.synced() == 0) continue;
    if (was->links == 0) continue;  // removed: nobody was promised its bytes
    const uint64_t synced = was->witness.synced();
    const bool same = is->size >= synced && are_same(*was, *is, synced, after.stats.bytes_checked);
    if (!same && after.violation.empty())
      after.violation = "inode " + std::to_string(id) + " lost bytes below " +
                        std::to_string(synced) + " that were synced and not touched since";
  }
}

}  // namespace powercut::sim
