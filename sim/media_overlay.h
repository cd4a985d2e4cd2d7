// Media faults: an overlay on reads, so that the pristine content stays known.
//
// Models: a flipped bit, an unreadable sector, a misdirected write. Does not model: faults in names
// or in the filesystem's own structures. Source: Bairavasundaram et al., FAST'08.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/inode.h"

namespace powercut::sim {

class MediaOverlay {
 public:
  bool empty() const { return faults_.empty(); }

  void flip(InodeId inode, uint64_t offset, uint8_t bit);
  void make_unreadable(InodeId inode, uint64_t offset, uint64_t length);
  // Other bytes are found there.
  void replace(InodeId inode, uint64_t offset, std::string bytes);

  // Is some byte of [offset, offset + n) unreadable?
  bool is_unreadable(InodeId inode, uint64_t offset, size_t n) const;
  // Does to the n bytes at `out`, which were read at `offset`, what the faults do.
  void apply(InodeId inode, uint64_t offset, char* out, size_t n) const;

  // What is written anew reads back. A fault that is only partly covered keeps its uncovered ends.
  void heal(InodeId inode, uint64_t offset, uint64_t length);
  void forget(InodeId inode);  // it is gone
  void clear() { faults_.clear(); }

 private:
  struct Fault {
    enum Kind : uint8_t { kFlip, kUnreadable, kReplaced };
    Kind kind;
    InodeId inode;
    uint64_t offset;
    uint64_t length;
    uint8_t bit = 0;
    std::string bytes;  // of kReplaced

    uint64_t end() const { return offset + length; }
    bool touches(InodeId other, uint64_t from, uint64_t n) const {
      return inode == other && offset < from + n && from < end();
    }
  };
  std::vector<Fault> faults_;
};

}  // namespace powercut::sim
