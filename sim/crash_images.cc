#include "sim/crash_images.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/base/check.h"
#include "sim/crash_space.h"
#include "sim/odometer.h"
#include "sim/power_cut.h"

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
    auto content = disk.read_whole(inode);
    image.push_back({full, content.ok() ? std::move(content).value() : "unreadable"});
  }
}

// The membership test: the names first; once they and the journal position are fixed, each file is
// on its own.
class Membership {
 public:
  explicit Membership(const DiskState& disk) : disk_(disk), space_(disk) {}

  bool contains(const Image& image) const;

 private:
  struct Found {
    std::string path;  // a directory's ends in '/'
    InodeId inode;
  };
  std::vector<Found> tree(const CrashSpace::Names& names) const;
  bool reads(const std::vector<Found>& found, uint64_t journal_seq, const Image& image) const;
  bool file_may_read(InodeId id, uint64_t journal_seq, const std::string& want) const;
  bool block_may_read(const Inode& inode, const DataLog::Dirty& dirty, uint64_t journal_seq,
                      int64_t size_op, const std::string& want,
                      const std::vector<BlockRef>& others) const;

  const DiskState& disk_;
  const CrashSpace space_;
};

// The paths under a decision on names.
std::vector<Membership::Found> Membership::tree(const CrashSpace::Names& names) const {
  // Only directories matter, so only they are rebuilt.
  std::vector<Inode> directories(disk_.tree.end());
  for (InodeId id = 0; id < directories.size(); ++id) {
    const Inode* inode = disk_.tree.find(id);
    if (inode == nullptr || !inode->directory) continue;
    directories[id].directory = true;
    directories[id].entries = inode->entries;
  }
  const std::vector<NameOp>& ops = disk_.names.ops();
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
      const bool directory = disk_.tree[entry.inode].directory;
      Found child{at.path + entry.name + (directory ? "/" : ""), entry.inode};
      if (directory) todo.push_back(child);
      found.push_back(std::move(child));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.path < b.path; });
  return found;
}

bool Membership::block_may_read(const Inode& inode, const DataLog::Dirty& dirty,
                                uint64_t journal_seq, int64_t size_op, const std::string& want,
                                const std::vector<BlockRef>& others) const {
  const DataLog& log = inode.log;
  const uint64_t start = dirty.block * kBlockBytes;
  const uint32_t end = static_cast<uint32_t>(std::min<uint64_t>(kBlockBytes, want.size() - start));
  const Block* live = inode.block(dirty.block);
  for (uint32_t from = 0; from < end; from += space_.sector_bytes()) {
    const uint32_t to = from + space_.sector_bytes();
    std::vector<uint32_t> chain;
    for (const uint32_t i : dirty.ops)
      if (log.ops()[i].touches(from, to)) chain.push_back(i);
    Block block = live != nullptr ? *live : Block{};
    const auto is_like = [&](const Block& other) {
      const uint32_t n = std::min(to, end) - from;
      return want.compare(start + from, n, other.data() + from, n) == 0;
    };
    const auto is_wanted = [&] { return is_like(block); };
    const Range range = space_.sector_range(inode, chain, journal_seq, size_op);
    bool matched = false;
    for (size_t version = chain.size();; --version) {
      if (version <= range.hi && version >= range.lo) matched |= is_wanted();
      if (version == 0 && range.lo == 0 && !chain.empty() && disk_.rules.garbage && !matched) {
        CrashSpace::fill_garbage(dirty.block, from, to, space_.old_size(inode), block);
        matched = is_wanted();
      }
      if (matched || version == 0) break;
      log.undo(log.ops()[chain[version - 1]], from, to, block);
    }
    const auto reused = [&](const BlockRef& other) { return is_like(*other); };
    if (!matched && std::none_of(others.begin(), others.end(), reused)) return false;
  }
  return true;
}

bool Membership::file_may_read(InodeId id, uint64_t journal_seq, const std::string& want) const {
  const Inode& inode = disk_.tree[id];
  const std::vector<uint32_t> sizes = inode.log.size_ops(inode.size);
  const std::vector<DataLog::Dirty> dirty = inode.log.dirty_blocks();
  const Range range = space_.size_range(id, sizes, journal_seq);
  const std::vector<BlockRef> others = space_.reused_by(id);
  for (size_t version = range.lo; version <= range.hi; ++version) {
    if (CrashSpace::size_at(inode, sizes, version) != want.size()) continue;
    const int64_t size_op = version == 0 ? -1 : static_cast<int64_t>(sizes[version - 1]);
    bool all = true;
    size_t next = 0;
    for (uint32_t b = 0; all && b * kBlockBytes < want.size(); ++b) {
      const DataLog::Dirty clean{b, {}};
      while (next < dirty.size() && dirty[next].block < b) ++next;
      const bool is_dirty = next < dirty.size() && dirty[next].block == b;
      static const std::vector<BlockRef> kNone;
      all = block_may_read(inode, is_dirty ? dirty[next] : clean, journal_seq, size_op, want,
                           CrashSpace::had_block(inode, b, is_dirty) ? others : kNone);
    }
    if (all) return true;
  }
  return false;
}

bool Membership::reads(const std::vector<Found>& found, uint64_t journal_seq,
                       const Image& image) const {
  if (found.size() != image.size()) return false;
  std::map<InodeId, const std::string*> read;  // the names of one file read the same
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].path != image[i].path) return false;
    if (found[i].path.back() == '/') continue;
    const auto [at, first] = read.emplace(found[i].inode, &image[i].content);
    if (!(first ? file_may_read(found[i].inode, journal_seq, image[i].content)
                : *at->second == image[i].content))
      return false;
  }
  return true;
}

bool Membership::contains(const Image& image) const {
  Odometer odometer;
  do {
    DrawnPicker picker(odometer, 0, CutStyle::kUniform);
    const CrashSpace::Names names = space_.pick_names(picker);
    if (reads(tree(names), names.journal_seq, image)) return true;
  } while (odometer.next());
  return false;
}

bool is_legal(const DiskState& disk, const Image& image) {
  if (const std::optional<DiskState> synced = with_first_sync_done(disk))
    return is_legal(*synced, image) || is_legal(with_first_sync_forgotten(disk), image);
  return Membership(disk).contains(image);
}

}  // namespace

Image image_of(const Disk& disk) {
  Image image;
  collect(disk, "", image);
  std::sort(image.begin(), image.end());
  const auto same_path = [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; };
  CHECK(std::adjacent_find(image.begin(), image.end(), same_path) == image.end());
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
  CHECK(result.images == seen.size() && result.images <= result.tapes);
  result.complete = true;
  return result;
}

bool is_legal_crash_state(const Disk& disk, const Image& image) {
  return is_legal(disk.state(), image);
}

}  // namespace powercut::sim
