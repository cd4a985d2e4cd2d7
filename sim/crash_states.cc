// All crash states of a small disk, and the membership test. Both ask sim/crash_space.cc.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "sim/crash_space.h"
#include "sim/odometer.h"

namespace powercut::sim {
namespace {

void collect(const Disk& disk, const std::string& path, Image& image) {
  const Result<std::vector<std::string>> names = disk.list(path);
  for (const std::string& name : names.value()) {
    const std::string full = path.empty() ? name : path + "/" + name;
    const InodeId inode = disk.lookup(full).value();
    if (disk.is_directory(inode)) {
      image.push_back({full + "/", {}});
      collect(disk, full, image);
      continue;
    }
    std::string content(disk.size(inode), '\0');
    const Result<size_t> got = disk.read(inode, 0, content.data(), content.size());
    image.push_back({full, got.ok() ? std::move(content) : "unreadable"});
  }
}

}  // namespace

Image image_of(const Disk& disk) {
  Image image;
  collect(disk, "", image);
  std::sort(image.begin(), image.end());
  return image;
}

Enumeration for_each_crash_state(const Disk& disk, uint64_t tapes_max,
                                 const std::function<void(const Disk&, const Image&)>& visit) {
  Enumeration result;
  std::set<Image> seen;
  Odometer odometer;
  do {
    if (result.tapes == tapes_max) return result;
    ++result.tapes;
    const Disk after = disk.after_power_cut(odometer, 0, CutStyle::kUniform);
    const auto [at, is_new] = seen.insert(image_of(after));
    if (!is_new) continue;
    ++result.images;
    visit(after, *at);
  } while (odometer.next());
  result.complete = true;
  return result;
}

std::vector<CrashSpace::Found> CrashSpace::tree(const Names& names) const {
  // Only directories matter, so only they are rebuilt.
  std::vector<Inode> directories(disk_.inodes_.size());
  for (InodeId id = 0; id < directories.size(); ++id)
    if (disk_.inodes_[id] && disk_.inodes_[id]->directory)
      directories[id].entries = disk_.inodes_[id]->entries;
  const std::vector<NameOp>& ops = disk_.names_;
  for (size_t i = ops.size(); i-- > 0;)
    set_entry(directories[ops[i].directory], ops[i].name, ops[i].before);
  for (size_t i = 0; i < ops.size(); ++i)
    if (names.kept[i]) set_entry(directories[ops[i].directory], ops[i].name, ops[i].after);
  std::vector<Found> found;
  std::vector<Found> todo{{"", kRootInode}};
  while (!todo.empty()) {
    const Found at = std::move(todo.back());
    todo.pop_back();
    for (const Entry& entry : directories[at.inode].entries) {
      const bool directory = disk_.inodes_[entry.inode]->directory;
      Found child{at.path + entry.name + (directory ? "/" : ""), entry.inode};
      if (directory) todo.push_back(child);
      found.push_back(std::move(child));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.path < b.path; });
  return found;
}

bool CrashSpace::block_may_read(const Inode& inode, const Dirty& dirty, uint64_t journal_seq,
                                int64_t size_op, const std::string& want) const {
  const uint64_t start = dirty.block * kBlockBytes;
  const uint32_t end = static_cast<uint32_t>(std::min<uint64_t>(kBlockBytes, want.size() - start));
  const bool there = dirty.block < inode.blocks.size() && inode.blocks[dirty.block];
  for (uint32_t from = 0; from < end; from += sector_bytes()) {
    const uint32_t to = from + sector_bytes();
    std::vector<uint32_t> chain;
    for (const uint32_t i : dirty.ops)
      if (inode.ops[i].offset < to && inode.ops[i].offset + inode.ops[i].length > from)
        chain.push_back(i);
    Block block = there ? *inode.blocks[dirty.block] : Block{};
    const Range range = sector_range(inode, chain, journal_seq, size_op);
    bool matched = false;
    for (size_t version = chain.size();; --version) {
      if (version <= range.hi && version >= range.lo)
        matched |= want.compare(start + from, std::min(to, end) - from, block.data() + from,
                                std::min(to, end) - from) == 0;
      if (version == 0 && range.lo == 0 && !chain.empty() && disk_.rules_.garbage && !matched) {
        fill_garbage(dirty.block, from, to, old_size(inode), &block);
        matched = want.compare(start + from, std::min(to, end) - from, block.data() + from,
                               std::min(to, end) - from) == 0;
      }
      if (matched || version == 0) break;
      undo(inode, inode.ops[chain[version - 1]], from, to, &block);
    }
    if (!matched) return false;
  }
  return true;
}

bool CrashSpace::file_may_read(InodeId id, uint64_t journal_seq, const std::string& want) const {
  const Inode& inode = *disk_.inodes_[id];
  const std::vector<uint32_t> sizes = size_ops(inode);
  const std::vector<Dirty> dirty = dirty_blocks(inode);
  const Range range = size_range(id, sizes, journal_seq);
  for (size_t version = range.lo; version <= range.hi; ++version) {
    if (size_at(inode, sizes, version) != want.size()) continue;
    const int64_t size_op = version == 0 ? -1 : static_cast<int64_t>(sizes[version - 1]);
    bool all = true;
    size_t next = 0;
    for (uint32_t b = 0; all && b * kBlockBytes < want.size(); ++b) {
      Dirty clean{b, {}};
      while (next < dirty.size() && dirty[next].block < b) ++next;
      const bool is_dirty = next < dirty.size() && dirty[next].block == b;
      all = block_may_read(inode, is_dirty ? dirty[next] : clean, journal_seq, size_op, want);
      if (all) continue;
      const uint64_t start = b * kBlockBytes;
      const uint64_t n = std::min(kBlockBytes, want.size() - start);
      for (const BlockRef& other : reused_by(id, b))
        all |= want.compare(start, n, other->data(), n) == 0;
    }
    if (all) return true;
  }
  return false;
}

// The names first; once they and the journal position are fixed, each file is on its own.
bool is_legal_crash_state(const Disk& disk, const Image& image) {
  if (std::optional<Disk> synced = disk.with_first_sync_done()) {
    if (is_legal_crash_state(*synced, image)) return true;
    return is_legal_crash_state(disk.with_first_sync_forgotten(), image);
  }
  const CrashSpace space(disk);
  Odometer odometer;
  do {
    DrawnPicker picker(odometer, 0, CutStyle::kUniform);
    const CrashSpace::Names names = space.pick_names(picker);
    const std::vector<CrashSpace::Found> found = space.tree(names);
    bool same = found.size() == image.size();
    std::map<InodeId, const std::string*> read;  // the names of one file read the same
    for (size_t i = 0; same && i < found.size(); ++i) {
      same = found[i].path == image[i].path;
      if (!same || found[i].path.back() == '/') continue;
      const auto [at, first] = read.emplace(found[i].inode, &image[i].content);
      same = first ? space.file_may_read(found[i].inode, names.journal_seq, image[i].content)
                   : *at->second == image[i].content;
    }
    if (same) return true;
  } while (odometer.next());
  return false;
}

}  // namespace powercut::sim
