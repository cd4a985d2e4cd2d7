// Decides what a power cut left at the moment somebody looks. Asked by the seam before every call
// that depends on it, so that a recovery is run once for all images it cannot tell apart.
//
// Source of the idea: Jaaru (Gorjiara et al., ASPLOS'21), constraint refinement for persistent
// memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/os/os.h"
#include "sim/inode.h"

namespace powercut::sim {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // `n` bytes at `offset` will be read: decides some of them, from the first on, and whether the
  // file goes on there. Returns how many are decided now, at most `n`; 0 only at the end.
  virtual size_t before_read(InodeId inode, uint64_t offset, size_t n) = 0;
  virtual void before_size(InodeId inode) = 0;
  virtual void before_write(InodeId inode, uint64_t offset, size_t n) = 0;
  virtual void before_truncate(InodeId inode, uint64_t size) = 0;
  // As engine::File's.
  virtual engine::Found search(InodeId inode, const engine::Search& what) = 0;
};

}  // namespace powercut::sim
