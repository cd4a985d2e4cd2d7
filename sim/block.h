// The unit in which a disk keeps the content of files.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace powercut::sim {

inline constexpr uint64_t kBlockBytes = 4096;

using Block = std::array<char, kBlockBytes>;
using BlockRef = std::shared_ptr<Block>;  // null: a hole, reads as NUL

// The one to change: copies of a disk share their blocks.
inline Block& own_block(BlockRef& block) {
  if (block.use_count() > 1) [[unlikely]]
    block = std::make_shared<Block>(*block);
  return *block;
}

}  // namespace powercut::sim
