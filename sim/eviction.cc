#include "sim/eviction.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "engine/base/check.h"

namespace powercut::sim {
namespace {

constexpr Site kPage("disk.evict.page");
constexpr Site kInode("disk.evict.inode");
constexpr Site kLost("disk.evict.lost");
constexpr Site kSector("disk.evict.sector");
constexpr Site kSize("disk.evict.size");
constexpr uint64_t kOneIn = 4;

uint64_t key_of(uint64_t key, uint32_t block) { return (key ^ block) * 0x9e3779b97f4a7c15u; }

bool may_evict(const DiskState& disk, InodeId id) {
  return !disk.rules.fails_as_of_2020() && disk.tree[id].log.has_stuck();
}

// Clean pages that may differ from the disk.
std::vector<uint32_t> clean_blocks(const DataLog& log) {
  std::vector<uint32_t> found;
  for (const DataLog::Dirty& dirty : log.dirty_blocks())
    if (log.is_clean(dirty.block)) found.push_back(dirty.block);
  return found;
}

uint32_t unit_of(const DiskState& disk) {
  return disk.rules.block_atomic ? static_cast<uint32_t>(kBlockBytes) : disk.rules.sector_bytes;
}

// Reads the block from the disk: of each sector the version that is taken, offered from the newest
// down to the durable one, 0.
using Take = std::function<bool(uint32_t from, size_t version, size_t newest, const Block& bytes)>;
void drop_page(DiskState& disk, Inode& inode, uint32_t block, const Take& take) {
  const std::vector<DataOp>& ops = inode.log.ops();
  const uint32_t unit = unit_of(disk);
  CHECK(block < inode.blocks.size() && inode.blocks[block]);
  BlockRef before = inode.blocks[block];
  Block& bytes = own_block(inode.blocks[block]);
  for (uint32_t from = 0; from < kBlockBytes; from += unit) {
    std::vector<uint32_t> chain;
    for (uint32_t i = 0; i < ops.size(); ++i)
      if (ops[i].data && ops[i].block == block && ops[i].touches(from, from + unit))
        chain.push_back(i);
    if (chain.empty()) continue;
    for (size_t v = chain.size(); v > 0 && !take(from, v, chain.size(), bytes); --v)
      inode.log.undo(ops[chain[v - 1]], from, from + unit, bytes);
  }
  if (disk.rules.sync_failure != SyncFailure::kExt4Data) return inode.log.settle(block);
  // What was read is where it belongs on the disk; the journal still has the rest.
  if (*before == bytes) return;
  DataOp read;
  read.seq = ++disk.seq;
  read.at = disk.now;
  read.size_before = read.size_after = inode.size;
  read.block = block;
  read.length = static_cast<uint16_t>(kBlockBytes);
  read.data = read.stuck = true;
  inode.log.keep_block(read, std::move(before));
  inode.log.push(read);
}

// REQUIRES: nothing of it is dirty.
void drop_size(DiskState& disk, Inode& inode, uint64_t size) {
  inode.log.settle_sizes();
  CHECK(inode.log.empty() && inode.witness.synced() <= size && size <= inode.size);
  inode.size = size;
  const uint64_t blocks = (size + kBlockBytes - 1) / kBlockBytes;
  for (uint64_t i = blocks; i < inode.blocks.size(); ++i)
    if (inode.blocks[i]) disk.tree.free(inode.blocks[i]);
  if (inode.blocks.size() > blocks) inode.blocks.resize(blocks);
  const uint64_t tail = size % kBlockBytes;
  if (tail == 0 || blocks != inode.blocks.size() || !inode.blocks.back()) return;
  Block& last = own_block(inode.blocks.back());
  std::fill(last.begin() + static_cast<int64_t>(tail), last.end(), '\0');
}

// With data=journal what was written stays in the journal though its page was dropped, and its size with it.
bool only_sizes(const DataLog& log) {
  return std::none_of(log.ops().begin(), log.ops().end(), [](const DataOp& op) { return op.data; });
}

// The sizes that may be on the disk, the durable one first.
std::vector<uint64_t> sizes_of(const Inode& inode) {
  std::vector<uint64_t> sizes;
  for (const uint32_t i : inode.log.size_ops(inode.size)) {
    const DataOp& op = inode.log.ops()[i];
    if (sizes.empty()) sizes.push_back(op.size_before);
    sizes.push_back(op.size_after);
  }
  return sizes;
}

// Mostly nothing of what failed is there, else any of its sectors.
void drop_page(DiskState& disk, Inode& inode, uint32_t block, Choices& choices, uint64_t key) {
  const bool lost = choices.chance(kLost, key, 3, 4);
  size_t picked = 0;
  drop_page(disk, inode, block, [&](uint32_t from, size_t version, size_t newest, const Block&) {
    if (!lost && version == newest) picked = choices.choose(kSector, key + from, newest + 1);
    return version == picked;
  });
}

// Do the bytes of this block at `at` read like this? What lies behind the end does not matter.
bool reads(const Block& block, uint64_t at, uint64_t n, std::string_view content) {
  if (at >= content.size()) return true;
  const std::string_view bytes = content.substr(at, n);
  return std::memcmp(bytes.data(), block.data() + at % kBlockBytes, bytes.size()) == 0;
}

}  // namespace

void evict(DiskState& disk, InodeId id, uint64_t offset, uint64_t n, Choices& choices,
           uint64_t key) {
  if (!may_evict(disk, id)) return;
  for (const uint32_t block : clean_blocks(disk.tree[id].log)) {
    const uint64_t start = block * kBlockBytes;
    if (start >= offset + n || start + kBlockBytes <= offset) continue;
    if (!choices.chance(kPage, key_of(key, block), 1, kOneIn)) continue;
    drop_page(disk, disk.tree.own(id), block, choices, key_of(key, block));
  }
}

void evict_inode(DiskState& disk, InodeId id, Choices& choices, uint64_t key) {
  if (!may_evict(disk, id) || !choices.chance(kInode, key, 1, kOneIn)) return;
  Inode& inode = disk.tree.own(id);
  const bool clean = inode.log.is_clean();
  const std::vector<uint64_t> sizes = sizes_of(inode);
  for (const uint32_t block : clean_blocks(inode.log))
    drop_page(disk, inode, block, choices, key_of(key, block));
  // A size that is not stuck is the journal's business, and stays.
  if (clean && !sizes.empty() && only_sizes(inode.log))
    drop_size(disk, inode, sizes[choices.choose(kSize, key, sizes.size())]);
}

bool evict_to(DiskState& disk, InodeId id, std::string_view content) {
  Inode& inode = disk.tree.own(id);
  const bool whole = content.size() != inode.size;
  if (may_evict(disk, id)) {
    const bool clean = inode.log.is_clean();
    const std::vector<uint64_t> sizes = sizes_of(inode);
    for (const uint32_t block : clean_blocks(inode.log)) {
      const uint64_t start = block * kBlockBytes;
      if (!whole && reads(*inode.blocks[block], start, kBlockBytes, content)) continue;
      drop_page(disk, inode, block, [&](uint32_t from, size_t, size_t, const Block& bytes) {
        return reads(bytes, start + from, unit_of(disk), content);
      });
    }
    const bool known = std::find(sizes.begin(), sizes.end(), content.size()) != sizes.end();
    if (whole && clean && known && only_sizes(inode.log)) drop_size(disk, inode, content.size());
  }
  if (inode.size != content.size()) return false;
  for (uint64_t at = 0; at < content.size(); at += kBlockBytes) {
    static const Block kHole{};
    const Block* block = inode.block(at / kBlockBytes);
    if (!reads(block != nullptr ? *block : kHole, at, kBlockBytes, content)) return false;
  }
  return true;
}

}  // namespace powercut::sim
