#include "sim/lazy_image.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/odometer.h"
#include "sim/survival.h"

namespace powercut::sim {

// --- Files ---

std::vector<LazyFile::Outcome> LazyFile::outcomes(const Options& among, uint64_t sector,
                                                  uint32_t sector_bytes, ContentPool& pool) const {
  std::vector<Outcome> found;
  const auto add = [&](ContentId seen, size_t option) {
    for (Outcome& known : found) {
      if (known.seen != seen) continue;
      known.options.set(option);
      return;
    }
    found.push_back({seen, Options().set(option)});
  };
  const uint64_t from = sector * sector_bytes;
  for (size_t i = 0; i < options.size(); ++i) {
    if (!among[i]) continue;
    const uint64_t length = options[i].size <= from ? 0 : options[i].size - from;
    if (length == 0) {
      add(ContentPool::kEmpty, i);
      continue;
    }
    for (const Candidate& candidate : sectors[sector])
      if (candidate.options[i]) add(pool.prefix(candidate.content, length), i);
  }
  return found;
}

// --- The images of a disk ---

class LazyBuilder {
 public:
  LazyBuilder(const Disk& disk, ContentPool& pool)
      : disk_(disk), space_(disk), pool_(pool), versions_(disk.inodes_.size()) {}

  const CrashSpace& space() const { return space_; }

  // `names` decides every name where there is a journal, and none where there is not.
  Result<LazyImage> build(const CrashSpace::Names& names) {
    LazyImage image;
    image.sector_bytes = space_.sector_bytes();
    index_.assign(disk_.inodes_.size(), kNoIndex);
    index_[kRootInode] = 0;
    image.directories.push_back({kRootInode, {}});
    for (size_t at = 0; at < image.directories.size(); ++at) {
      std::vector<LazyImage::Name> found;
      for (const auto& [name, ops] : chains_in(image.directories[at].inode)) {
        TRY_ASSIGN(auto ends, ends_of(image, name, ops, names));
        const bool never = ends.size() == 1 && ends[0].kind == LazyImage::End::kNothing;
        if (!never) found.push_back({pool_.intern(name), std::move(ends)});
      }
      image.directories[at].names = std::move(found);
    }
    return image;
  }

 private:
  static constexpr uint32_t kNoIndex = UINT32_MAX;

  // By name: the pending ops on it; and what it leads to now.
  struct Chain {
    InodeId now = kNoInode;
    std::vector<size_t> ops;
  };
  std::map<std::string_view, Chain> chains_in(InodeId directory) const {
    std::map<std::string_view, Chain> chains;
    for (const Entry& entry : disk_.inodes_[directory]->entries)
      chains[entry.name].now = entry.inode;
    for (size_t i = 0; i < disk_.names_.size(); ++i)
      if (disk_.names_[i].directory == directory) chains[disk_.names_[i].name].ops.push_back(i);
    return chains;
  }

  Result<std::vector<LazyImage::End>> ends_of(LazyImage& image, std::string_view name,
                                              const Chain& chain, const CrashSpace::Names& names) {
    std::vector<InodeId> inodes;  // by version
    inodes.push_back(chain.ops.empty() ? chain.now : disk_.names_[chain.ops[0]].before);
    for (const size_t op : chain.ops) {
      const InodeId after = disk_.names_[op].after;
      if (!disk_.rules_.journaled())
        inodes.push_back(after);
      else if (names.kept[op])
        inodes[0] = after;
    }
    std::vector<LazyImage::End> ends;
    for (size_t version = 0; version < inodes.size(); ++version) {
      const auto first = std::find(inodes.begin(), inodes.end(), inodes[version]) - inodes.begin();
      if (static_cast<size_t>(first) < version) continue;
      TRY_ASSIGN(LazyImage::End end, end_at(image, name, inodes[version], names.journal_seq));
      end.version = version;
      ends.push_back(end);
    }
    return ends;
  }

  Result<LazyImage::End> end_at(LazyImage& image, std::string_view name, InodeId inode,
                                uint64_t journal_seq) {
    if (inode == kNoInode) return LazyImage::End{};
    const bool directory = disk_.inodes_[inode]->directory;
    uint32_t& index = index_[inode];
    if (index == kNoIndex && directory) {
      index = static_cast<uint32_t>(image.directories.size());
      image.directories.push_back({inode, {}});
    } else if (index == kNoIndex) {
      index = static_cast<uint32_t>(image.files.size());
      auto& file = files_[{inode, journal_seq}];
      if (!file) {
        TRY_ASSIGN(LazyFile built, build_file(inode, name, journal_seq));
        file = std::make_shared<const LazyFile>(std::move(built));
      }
      image.files.push_back(file);
    }
    return LazyImage::End{directory ? LazyImage::End::kDirectory : LazyImage::End::kFile, index, 0};
  }

  // What does not depend on the journal: each sector's contents, by version.
  struct Sector {
    std::vector<uint32_t> chain;
    std::vector<ContentId> contents;
    std::optional<ContentId> garbage;
    std::vector<ContentId> reused;  // instead of all that, by the block's other owner
  };
  struct Versions {
    bool known = false;
    std::vector<uint32_t> size_ops;
    std::vector<Sector> sectors;
    std::vector<size_t> others;  // by block: how many may have reused it
  };

  const Versions& versions_of(InodeId id) {
    Versions& v = versions_[id];
    if (v.known) return v;
    v.known = true;
    const Inode& inode = *disk_.inodes_[id];
    v.size_ops = CrashSpace::size_ops(inode);
    uint64_t largest = inode.size;
    for (size_t i = 0; i <= v.size_ops.size(); ++i)
      largest = std::max(largest, CrashSpace::size_at(inode, v.size_ops, i));
    const uint64_t old_size = space_.old_size(inode);
    const std::vector<CrashSpace::Dirty> dirty = CrashSpace::dirty_blocks(inode);
    size_t next = 0;
    for (uint32_t block = 0; block * kBlockBytes < largest; ++block) {
      while (next < dirty.size() && dirty[next].block < block) ++next;
      const bool is_dirty = next < dirty.size() && dirty[next].block == block;
      static const std::vector<uint32_t> kNone;
      add_block(v, inode, block, is_dirty ? dirty[next].ops : kNone, old_size, largest);
      const std::vector<BlockRef> others = space_.reused_by(id, block);
      v.others.push_back(others.size());
      for (const BlockRef& other : others) add_other(v, block, *other);
    }
    return v;
  }

  void add_block(Versions& v, const Inode& inode, uint32_t block, const std::vector<uint32_t>& ops,
                 uint64_t old_size, uint64_t largest) {
    static const Block kHole{};
    const bool there = block < inode.blocks.size() && inode.blocks[block];
    const Block& live = there ? *inode.blocks[block] : kHole;
    const uint32_t unit = space_.sector_bytes();
    for (uint32_t from = 0; from < kBlockBytes && block * kBlockBytes + from < largest;
         from += unit) {
      const uint32_t to = from + unit;
      Sector sector;
      for (const uint32_t i : ops)
        if (inode.ops[i].offset < to && inode.ops[i].offset + inode.ops[i].length > from)
          sector.chain.push_back(i);
      const auto intern = [&](const Block& bytes) {
        return pool_.intern(std::string_view(bytes.data() + from, unit));
      };
      sector.contents.resize(sector.chain.size() + 1);
      sector.contents.back() = intern(live);
      if (!sector.chain.empty()) {
        Block bytes = live;
        for (size_t i = sector.chain.size(); i-- > 0;) {
          undo(inode, inode.ops[sector.chain[i]], from, to, &bytes);
          sector.contents[i] = intern(bytes);
        }
        if (disk_.rules_.garbage && block * kBlockBytes + to > old_size) {
          CrashSpace::fill_garbage(block, from, to, old_size, &bytes);
          sector.garbage = intern(bytes);
        }
      }
      v.sectors.push_back(std::move(sector));
    }
  }

  void add_other(Versions& v, uint32_t block, const Block& other) {
    const uint32_t unit = space_.sector_bytes();
    const size_t first = block * (kBlockBytes / unit);
    for (size_t i = first; i < v.sectors.size(); ++i)
      v.sectors[i].reused.push_back(
          pool_.intern(std::string_view(other.data() + (i - first) * unit, unit)));
  }

  Result<LazyFile> build_file(InodeId id, std::string_view name, uint64_t journal_seq) {
    const Versions& v = versions_of(id);
    const Inode& inode = *disk_.inodes_[id];
    LazyFile file;
    file.inode = id;
    const Range sizes = space_.size_range(id, v.size_ops, journal_seq);
    uint64_t largest = 0;
    for (size_t i = sizes.lo; i <= sizes.hi; ++i) {
      LazyFile::Option option{
          CrashSpace::size_at(inode, v.size_ops, i), static_cast<uint32_t>(i), {}};
      largest = std::max(largest, option.size);
      TRY(add_options(name, v, std::move(option), file));
    }
    for (size_t i = 0; i < file.options.size(); ++i) file.all.set(i);
    const uint32_t unit = space_.sector_bytes();
    const size_t count = std::min<uint64_t>(v.sectors.size(), (largest + unit - 1) / unit);
    file.sectors.resize(count);
    for (size_t s = 0; s < count; ++s) add_candidates(v, inode, journal_seq, s, file);
    return file;
  }

  // One size, and every mixture of own and reused blocks that it shows.
  Result<void> add_options(std::string_view name, const Versions& v, LazyFile::Option option,
                           LazyFile& file) {
    const size_t blocks = (option.size + kBlockBytes - 1) / kBlockBytes;
    option.reused.resize(blocks);
    for (;;) {
      if (file.options.size() == kOptionsMost)
        return Error{Errc::kNoSpace, std::string(name) + ": more than " +
                                         std::to_string(kOptionsMost) +
                                         " sizes and block owners after one cut"};
      file.options.push_back(option);
      size_t b = 0;
      while (b < blocks && option.reused[b] == v.others[b]) option.reused[b++] = 0;
      if (b == blocks) return {};
      ++option.reused[b];
    }
  }

  void add_candidates(const Versions& v, const Inode& inode, uint64_t journal_seq, size_t s,
                      LazyFile& file) {
    const Sector& sector = v.sectors[s];
    const size_t block = s * space_.sector_bytes() / kBlockBytes;
    std::vector<LazyFile::Candidate>& candidates = file.sectors[s];
    const auto add = [&](ContentId content, size_t version, bool garbage, size_t option) {
      for (LazyFile::Candidate& known : candidates) {
        if (known.content != content) continue;
        // The first way to show it in this option will do.
        if (known.version == version && known.garbage == garbage) known.options.set(option);
        if (known.options[option]) return;
      }
      candidates.push_back({content, static_cast<uint32_t>(version), garbage, {}});
      candidates.back().options.set(option);
    };
    for (size_t i = 0; i < file.options.size(); ++i) {
      const LazyFile::Option& option = file.options[i];
      if (option.size <= s * space_.sector_bytes()) continue;  // not seen
      if (option.reused[block] > 0) {
        add(sector.reused[option.reused[block] - 1], 0, false, i);
        continue;
      }
      if (sector.chain.empty()) {
        add(sector.contents[0], 0, false, i);
        continue;
      }
      const int64_t size_op =
          option.version == 0 ? -1 : static_cast<int64_t>(v.size_ops[option.version - 1]);
      const Range range = space_.sector_range(inode, sector.chain, journal_seq, size_op);
      for (size_t version = range.lo; version <= range.hi; ++version)
        add(sector.contents[version], version, false, i);
      if (range.lo == 0 && sector.garbage) add(*sector.garbage, 0, true, i);
    }
  }

  const Disk& disk_;
  CrashSpace space_;
  ContentPool& pool_;
  std::vector<Versions> versions_;
  std::map<std::pair<InodeId, uint64_t>, std::shared_ptr<const LazyFile>> files_;
  std::vector<uint32_t> index_;  // by inode: in the image that is built
};

namespace {

// Leaves open the names that are independent of each other.
class OpenNames final : public Picker {
 public:
  explicit OpenNames(Picker& inner) : inner_(inner) {}
  size_t pick(const CrashSpace& space, const SlotRef& slot, Range range, size_t prefix,
              bool frontier) override {
    if (slot.kind == SlotKind::kEntry) return range.lo;
    return inner_.pick(space, slot, range, prefix, frontier);
  }

 private:
  Picker& inner_;
};

Result<void> visit_positions(const Disk& disk, const Survival& before, ContentPool& pool,
                             const std::function<void(const LazyImage&)>& visit) {
  LazyBuilder builder(disk, pool);
  Odometer odometer;
  do {
    DrawnPicker drawn(odometer, 0, CutStyle::kUniform);
    RecordingPicker recording(drawn);
    OpenNames open(recording);
    TRY_ASSIGN(LazyImage image, builder.build(builder.space().pick_names(open)));
    image.decided = before;
    const auto& slots = recording.survival().slots;
    image.decided.slots.insert(image.decided.slots.end(), slots.begin(), slots.end());
    visit(image);
  } while (odometer.next());
  return {};
}

}  // namespace

Result<void> for_each_lazy_image(const Disk& disk, ContentPool& pool,
                                 const std::function<void(const LazyImage&)>& visit) {
  std::vector<std::pair<Disk, Survival>> todo;
  todo.emplace_back(disk, Survival{});
  while (!todo.empty()) {
    auto [at, stated] = std::move(todo.back());
    todo.pop_back();
    std::optional<Disk> synced = at.with_first_sync_done();
    if (!synced) {
      TRY(visit_positions(at, stated, pool, visit));
      continue;
    }
    const SlotName sync = at.first_sync_slot();
    Survival forgotten = stated;
    forgotten.slots.push_back({sync, 0});
    stated.slots.push_back({sync, 1});
    todo.emplace_back(at.with_first_sync_forgotten(), std::move(forgotten));
    todo.emplace_back(std::move(*synced), std::move(stated));
  }
  return {};
}

}  // namespace powercut::sim
