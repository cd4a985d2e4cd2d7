#include "sim/lazy_image.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "sim/crash_space.h"
#include "sim/odometer.h"
#include "sim/power_cut.h"

namespace powercut::sim {
namespace {

// Builds the images of one disk.
class LazyBuilder {
 public:
  LazyBuilder(const DiskState& disk, ContentPool& pool)
      : disk_(disk), space_(disk), pool_(pool), files_(disk, space_, pool) {}

  const CrashSpace& space() const { return space_; }

  // `names` decides every name where there is a journal, and none where there is not.
  Result<LazyImage> build(const CrashSpace::Names& names) {
    LazyImage image;
    image.sector_bytes = space_.sector_bytes();
    index_.assign(disk_.tree.end(), kNoIndex);
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
    for (const Entry& entry : disk_.tree[directory].entries) chains[entry.name].now = entry.inode;
    for (size_t i = 0; i < disk_.names.ops().size(); ++i)
      if (disk_.names.ops()[i].directory == directory)
        chains[disk_.names.ops()[i].name].ops.push_back(i);
    return chains;
  }

  Result<std::vector<LazyImage::End>> ends_of(LazyImage& image, std::string_view name,
                                              const Chain& chain, const CrashSpace::Names& names) {
    // The log ends in what a running process sees.
    CHECK(chain.ops.empty() || disk_.names.ops()[chain.ops.back()].after == chain.now);
    std::vector<InodeId> inodes;  // by version
    inodes.push_back(chain.ops.empty() ? chain.now : disk_.names.ops()[chain.ops[0]].before);
    for (const size_t op : chain.ops) {
      const InodeId after = disk_.names.ops()[op].after;
      if (!disk_.rules.journaled())
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
    CHECK(!ends.empty() && ends.size() <= inodes.size());
    return ends;
  }

  Result<LazyImage::End> end_at(LazyImage& image, std::string_view name, InodeId inode,
                                uint64_t journal_seq) {
    if (inode == kNoInode) return LazyImage::End{};
    CHECK(disk_.tree.find(inode) != nullptr);
    const bool directory = disk_.tree[inode].directory;
    uint32_t& index = index_[inode];
    if (index == kNoIndex && directory) {
      index = static_cast<uint32_t>(image.directories.size());
      image.directories.push_back({inode, {}});
    } else if (index == kNoIndex) {
      index = static_cast<uint32_t>(image.files.size());
      TRY_ASSIGN(auto file, files_.at(inode, journal_seq, name));
      image.files.push_back(std::move(file));
    }
    return LazyImage::End{directory ? LazyImage::End::kDirectory : LazyImage::End::kFile, index, 0};
  }

  const DiskState& disk_;
  const CrashSpace space_;
  ContentPool& pool_;
  LazyFiles files_;
  std::vector<uint32_t> index_;  // by inode: in the image that is built
};

// Leaves open the names that are independent of each other.
class OpenNames final : public Picker {
 public:
  explicit OpenNames(Picker& inner) : inner_(inner) {}
  size_t pick(const SlotNames& names, const SlotRef& slot, Range range, size_t prefix,
              bool frontier) override {
    if (slot.kind == SlotKind::kEntry) return range.lo;
    return inner_.pick(names, slot, range, prefix, frontier);
  }

 private:
  Picker& inner_;
};

Result<void> visit_positions(const DiskState& disk, const Survival& before, ContentPool& pool,
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
  std::vector<std::pair<DiskState, Survival>> todo;
  todo.emplace_back(disk.state(), Survival{});
  while (!todo.empty()) {
    auto [at, stated] = std::move(todo.back());
    todo.pop_back();
    std::optional<DiskState> synced = with_first_sync_done(at);
    if (!synced) {
      TRY(visit_positions(at, stated, pool, visit));
      continue;
    }
    const SlotName sync = SlotNames(at).name_of(first_sync(at));
    Survival forgotten = stated;
    forgotten.slots.push_back({sync, 0});
    stated.slots.push_back({sync, 1});
    todo.emplace_back(with_first_sync_forgotten(at), std::move(forgotten));
    todo.emplace_back(std::move(*synced), std::move(stated));
  }
  return {};
}

}  // namespace powercut::sim
