#include "sim/file_tree.h"

#include <algorithm>

namespace powercut::sim {
namespace {

constexpr auto kByName = [](const Entry& entry, std::string_view name) {
  return entry.name < name;
};

}  // namespace

Error path_error(Errc code, std::string_view what, std::string_view path) {
  std::string message;
  message.reserve(what.size() + path.size() + 4);
  message += what;
  message += ": '";
  message += path;
  message += '\'';
  return Error{code, std::move(message)};
}

void set_entry(Inode& directory, std::string_view name, InodeId inode) {
  CHECK(directory.directory && !name.empty() && name.find('/') == name.npos);
  auto& entries = directory.entries;
  const auto at = std::lower_bound(entries.begin(), entries.end(), name, kByName);
  const bool there = at != entries.end() && at->name == name;
  if (inode == kNoInode) {
    if (there) entries.erase(at);
  } else if (there) {
    at->inode = inode;
  } else {
    entries.insert(at, Entry{std::string(name), inode});
  }
}

// One by one: a directory has a few names, most differ in length, and all begin alike.
InodeId find_entry(const Inode& directory, std::string_view name) {
  for (const Entry& entry : directory.entries)
    if (entry.name == name) return entry.inode;
  return kNoInode;
}

FileTree::FileTree() {
  const InodeId root = add(true);
  CHECK(root == kRootInode);
  inodes_[root]->links = 1;
}

void FileTree::part(std::shared_ptr<Inode>& inode) { inode = std::make_shared<Inode>(*inode); }

InodeId FileTree::add(bool directory) {
  InodeId id;
  if (free_.empty()) {
    id = static_cast<InodeId>(inodes_.size());
    inodes_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  CHECK(inodes_[id] == nullptr);
  inodes_[id] = std::make_shared<Inode>();
  inodes_[id]->directory = directory;
  return id;
}

void FileTree::drop(InodeId id) {
  const Inode& inode = *inodes_[id];
  CHECK(inode.is_unreachable());
  for (const BlockRef& block : inode.blocks) {
    if (!block) continue;
    CHECK(blocks_used_ > 0);
    --blocks_used_;
  }
  inodes_[id].reset();
  free_.push_back(id);
}

Result<FileTree::Place> FileTree::resolve(std::string_view path) const {
  if (path.empty()) return Place{kRootInode, {}, kRootInode};
  InodeId directory = kRootInode;
  for (std::string_view rest = path;;) {
    const size_t slash = rest.find('/');
    const std::string_view name = rest.substr(0, slash);
    if (name.empty() || name == "." || name == "..")
      return path_error(Errc::kInvalid, "not a plain relative path", path);
    const InodeId inode = find_entry(*inodes_[directory], name);
    CHECK(inode == kNoInode || inodes_[inode] != nullptr);
    if (slash == std::string_view::npos) return Place{directory, name, inode};
    if (inode == kNoInode)
      return path_error(Errc::kNotFound, "no such directory on the way to", path);
    if (!inodes_[inode]->directory)
      return path_error(Errc::kInvalid, "a file, not a directory, on the way to", path);
    directory = inode;
    rest.remove_prefix(slash + 1);
  }
}

Result<InodeId> FileTree::lookup(std::string_view path) const {
  TRY_ASSIGN(const Place place, resolve(path));
  if (place.inode == kNoInode)
    return path_error(Errc::kNotFound, "no such file or directory", path);
  return place.inode;
}

std::vector<uint32_t> FileTree::count_links() const {
  std::vector<uint32_t> links(inodes_.size());
  std::vector<InodeId> todo{kRootInode};
  links[kRootInode] = 1;
  while (!todo.empty()) {
    const Inode& directory = *inodes_[todo.back()];
    todo.pop_back();
    for (const Entry& entry : directory.entries) {
      CHECK(inodes_[entry.inode] != nullptr);
      if (++links[entry.inode] == 1 && inodes_[entry.inode]->directory) todo.push_back(entry.inode);
    }
  }
  return links;
}

uint64_t FileTree::count_blocks() const {
  uint64_t blocks = 0;
  for (const auto& inode : inodes_)
    if (inode)
      for (const BlockRef& block : inode->blocks) blocks += block ? 1 : 0;
  return blocks;
}

bool FileTree::allocate(BlockRef& block) {
  CHECK(block == nullptr);
  if (blocks_used_ >= capacity_blocks_) return false;
  ++blocks_used_;
  block = std::make_shared<Block>();
  return true;
}

void FileTree::free(BlockRef& block) {
  CHECK(block != nullptr && blocks_used_ > 0);
  block.reset();
  --blocks_used_;
}

}  // namespace powercut::sim
