// The files and directories of a disk as a running process sees them: every inode, which names lead
// to it, and how many blocks they use. Copies share the inodes that neither changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/result.h"
#include "sim/inode.h"

namespace powercut::sim {

class FileTree {
 public:
  FileTree();  // the root, empty

  // --- Inodes ---

  // Ids are below this; some stand for none.
  InodeId end() const { return static_cast<InodeId>(inodes_.size()); }
  // Null: there is none.
  const Inode* find(InodeId id) const { return inodes_[id].get(); }
  // REQUIRES: it is there.
  const Inode& operator[](InodeId id) const { return *inodes_[id]; }
  Inode& own(InodeId id) {
    std::shared_ptr<Inode>& inode = inodes_[id];
    CHECK(inode != nullptr);
    if (inode.use_count() > 1) [[unlikely]]
      part(inode);
    return *inode;
  }
  InodeId add(bool directory);
  // REQUIRES: nothing leads to it.
  void drop(InodeId id);
  // The very same inodes, shared.
  bool is_same_as(const FileTree& other) const { return inodes_ == other.inodes_; }

  // --- Names ---

  struct Place {  // a path, resolved to the directory it is in
    InodeId directory = kRootInode;
    std::string_view name;  // empty: the root itself
    InodeId inode = kNoInode;
  };
  //   Errors: kInvalid, kNotFound, of what stands on the way.
  Result<Place> resolve(std::string_view path) const;
  Result<InodeId> lookup(std::string_view path) const;
  // How many names lead to each inode, from the root.
  std::vector<uint32_t> count_links() const;

  // --- Space ---

  uint64_t blocks_used() const { return blocks_used_; }
  uint64_t count_blocks() const;
  void set_capacity(uint64_t blocks) { capacity_blocks_ = blocks; }
  // A block of its own for what was a hole. False: there is no space for it.
  bool allocate(BlockRef& block);
  void free(BlockRef& block);
  // After blocks came and went unasked.
  void recount_blocks() { blocks_used_ = count_blocks(); }

 private:
  // Gives up the share in an inode for a copy.
  static void part(std::shared_ptr<Inode>& inode);

  std::vector<std::shared_ptr<Inode>> inodes_;  // by id
  std::vector<InodeId> free_;
  uint64_t blocks_used_ = 0;
  uint64_t capacity_blocks_ = UINT64_MAX;
};

// Sets an entry of a directory; kNoInode removes it.
void set_entry(Inode& directory, std::string_view name, InodeId inode);
InodeId find_entry(const Inode& directory, std::string_view name);

// "what: 'path'".
Error path_error(Errc code, std::string_view what, std::string_view path);

}  // namespace powercut::sim
