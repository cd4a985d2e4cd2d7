#include "sim/data_log.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/check.h"

namespace powercut::sim {

void DataLog::keep_bytes(DataOp& op, const char* bytes) {
  CHECK(op.length > 0 && op.offset + op.length <= kBlockBytes);
  op.undo = DataOp::kBytes;
  op.undo_at = static_cast<uint32_t>(bytes_.size());
  bytes_.append(bytes, op.length);
}

void DataLog::keep_block(DataOp& op, BlockRef block) {
  CHECK(block != nullptr && op.length == kBlockBytes);
  op.undo = DataOp::kBlock;
  op.undo_at = static_cast<uint32_t>(blocks_.size());
  blocks_.push_back(std::move(block));
}

void DataLog::write_again(uint32_t block) {
  for (DataOp& op : ops_) op.size_stuck &= op.block != block;
}

bool DataLog::is_hollow(uint32_t block) const {
  for (size_t i = ops_.size(); i-- > 0;)
    if (ops_[i].data && ops_[i].block == block) return ops_[i].hollow;
  return false;
}

void DataLog::undo(const DataOp& op, uint32_t from, uint32_t to, Block& block) const {
  from = std::max<uint32_t>(from, op.offset);
  to = std::min<uint32_t>(to, op.offset + op.length);
  if (from >= to) return;
  char* out = block.data() + from;
  if (op.undo == DataOp::kZeros) {
    std::memset(out, 0, to - from);
  } else if (op.undo == DataOp::kBytes) {
    CHECK(op.undo_at + op.length <= bytes_.size());
    std::memcpy(out, bytes_.data() + op.undo_at + (from - op.offset), to - from);
  } else {
    CHECK(op.undo_at < blocks_.size());
    std::memcpy(out, blocks_[op.undo_at]->data() + from, to - from);
  }
}

std::vector<uint32_t> DataLog::size_ops(uint64_t live) const {
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < ops_.size(); ++i) {
    if (!ops_[i].size) continue;
    // Each began with what the one before left: a chain from the durable size to the live one.
    CHECK(found.empty() || ops_[i].size_before == ops_[found.back()].size_after);
    found.push_back(i);
  }
  CHECK(found.empty() || ops_[found.back()].size_after == live);
  return found;
}

std::vector<DataLog::Dirty> DataLog::dirty_blocks() const {
  std::vector<Dirty> dirty;
  for (uint32_t i = 0; i < ops_.size(); ++i) {
    if (!ops_[i].data) continue;
    const uint32_t block = ops_[i].block;
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

// --- What is forced ---

// Blocks go to the disk as a whole: the newest covered op of a block takes all older ones with it.
size_t DataLog::force_data(uint64_t seq, Which which, bool fresh_only) {
  size_t blocks = 0;
  std::vector<bool> covered;
  for (size_t i = ops_.size(); i-- > 0;) {
    DataOp& op = ops_[i];
    if (!op.data || op.seq > seq) continue;
    if (op.block >= covered.size()) covered.resize(op.block + 1);
    if (!covered[op.block]) {
      const bool grown = op.grows() && (op.is_fresh() || !fresh_only);
      const bool wanted = which == Which::kAll || (which == Which::kCuts ? op.cut : grown);
      if (op.stuck || !wanted) continue;
      covered[op.block] = true;
      if (!op.cut) ++blocks;
    }
    op.data = false;
  }
  return blocks;
}

void DataLog::force_size(uint64_t seq) {
  bool covered = false;
  for (size_t i = ops_.size(); i-- > 0;) {
    DataOp& op = ops_[i];
    if (!op.size || op.seq > seq || (op.size_stuck && !covered)) continue;
    covered = true;
    op.size = false;
  }
}

void DataLog::sweep() {
  std::erase_if(ops_, [](const DataOp& op) { return !op.data && !op.size; });
  if (ops_.empty()) return clear();
  if (bytes_.size() > 65536 || blocks_.size() > 1024) drop_replaced();
  has_stuck_ = std::any_of(ops_.begin(), ops_.end(),
                           [](const DataOp& op) { return op.stuck || op.size_stuck; });
}

// A log that never runs empty must not keep every byte it ever replaced.
void DataLog::drop_replaced() {
  std::string bytes;
  std::vector<BlockRef> blocks;
  for (DataOp& op : ops_) {
    if (!op.data || op.undo == DataOp::kZeros) continue;
    const uint32_t at = op.undo_at;
    CHECK(op.undo == DataOp::kBytes ? at + op.length <= bytes_.size() : at < blocks_.size());
    op.undo_at = static_cast<uint32_t>(op.undo == DataOp::kBytes ? bytes.size() : blocks.size());
    if (op.undo == DataOp::kBytes)
      bytes.append(bytes_, at, op.length);
    else
      blocks.push_back(blocks_[at]);
  }
  bytes_ = std::move(bytes);
  blocks_ = std::move(blocks);
}

size_t DataLog::force(uint64_t seq) {
  if (ops_.empty()) return 0;
  size_t blocks = 0;
  if (!has_stuck_ && ops_.back().seq <= seq) {
    uint64_t last = UINT64_MAX;
    for (const DataOp& op : ops_) {
      if (!op.data || op.block == last) continue;
      last = op.block;
      ++blocks;
    }
    clear();
    return blocks;
  }
  blocks = force_data(seq, Which::kAll, false);
  force_size(seq);
  sweep();
  CHECK(has_stuck_ || ops_.empty() || ops_.front().seq > seq);
  return blocks;
}

void DataLog::clear() {
  ops_.clear();
  bytes_.clear();
  blocks_.clear();
  has_stuck_ = false;
}

// --- What a failed sync leaves ---

void DataLog::stick(uint64_t seq, bool sizes, bool hollows) {
  std::vector<bool> hollow;  // by block
  for (DataOp& op : ops_) {
    if (op.block >= hollow.size()) hollow.resize(op.block + 1);
    if (op.data && op.cut)
      hollow[op.block] = false;  // the block is freed
    else if (op.data && op.came && op.seq <= seq)
      hollow[op.block] = hollows;
    op.hollow |= op.data && hollow[op.block];
    if (op.seq > seq && !op.hollow) continue;
    op.stuck = op.data;
    if (op.seq <= seq) op.size_stuck = op.size && op.data && sizes;
    has_stuck_ |= op.stuck || op.size_stuck;
  }
}

bool DataLog::is_clean(uint32_t block) const {
  return std::all_of(ops_.begin(), ops_.end(), [block](const DataOp& op) {
    return !op.data || op.block != block || (op.stuck && !op.cut);
  });
}

bool DataLog::is_clean() const {
  return std::all_of(ops_.begin(), ops_.end(), [](const DataOp& op) {
    return !op.cut && op.stuck == op.data && op.size_stuck == op.size;
  });
}

void DataLog::settle(uint32_t block) {
  CHECK(is_clean(block));
  for (DataOp& op : ops_)
    if (op.block == block) op.data = op.stuck = op.hollow = false;
  sweep();
}

void DataLog::settle_sizes() {
  for (DataOp& op : ops_) op.size = op.size_stuck = false;
  sweep();
}

uint64_t DataLog::revert(uint64_t seq, std::vector<BlockRef>& blocks, uint64_t size) {
  const auto first =
      std::find_if(ops_.begin(), ops_.end(), [](const DataOp& op) { return op.size; });
  const uint64_t floor = first == ops_.end() ? size : first->size_before;
  std::vector<bool> covered;
  for (const DataOp& op : ops_) {
    CHECK(!op.cut);
    if (!op.data || op.seq > seq || op.stuck) continue;
    if (op.block >= covered.size()) covered.resize(op.block + 1);
    covered[op.block] = true;
  }
  bool later_size = false;
  for (size_t i = ops_.size(); i-- > 0;) {
    DataOp& op = ops_[i];
    if (op.data && op.block < covered.size() && covered[op.block]) {
      BlockRef& block = blocks[op.block];
      CHECK(block != nullptr);
      undo(op, 0, kBlockBytes, own_block(block));
      op.data = false;
    }
    if (op.seq > seq)
      later_size |= op.size;
    else
      op.size = false;
  }
  for (DataOp& op : ops_) {
    if (!op.size) continue;
    op.size_before = floor;  // the first one left
    break;
  }
  sweep();
  CHECK(floor <= size);  // without a truncation a file only grows
  return later_size ? size : floor;
}

}  // namespace powercut::sim
