#include "sim/lazy_file.h"

#include <algorithm>
#include <string>

#include "engine/base/check.h"

namespace powercut::sim {

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
    CHECK(sector < sectors.size());
    for (const Candidate& candidate : sectors[sector])
      if (candidate.options[i]) add(pool.prefix(candidate.content, length), i);
  }
  Options shown;
  for (const Outcome& outcome : found) shown |= outcome.options;
  CHECK(shown == among);  // whichever it is, something is seen
  return found;
}

// --- The files of a disk ---

Result<std::shared_ptr<const LazyFile>> LazyFiles::at(InodeId id, uint64_t journal_seq,
                                                      std::string_view name) {
  std::shared_ptr<const LazyFile>& file = built_[{id, journal_seq}];
  if (!file) {
    TRY_ASSIGN(LazyFile built, build(id, journal_seq, name));
    file = std::make_shared<const LazyFile>(std::move(built));
  }
  return file;
}

const LazyFiles::Versions& LazyFiles::versions_of(InodeId id) {
  Versions& v = versions_[id];
  if (v.known) return v;
  v.known = true;
  const Inode& inode = disk_.tree[id];
  v.size_ops = inode.log.size_ops(inode.size);
  uint64_t largest = inode.size;
  for (size_t i = 0; i <= v.size_ops.size(); ++i)
    largest = std::max(largest, CrashSpace::size_at(inode, v.size_ops, i));
  const uint64_t old_size = space_.old_size(inode);
  const std::vector<DataLog::Dirty> dirty = inode.log.dirty_blocks();
  const std::vector<BlockRef> others = space_.reused_by(id);
  size_t next = 0;
  for (uint32_t block = 0; block * kBlockBytes < largest; ++block) {
    while (next < dirty.size() && dirty[next].block < block) ++next;
    const bool is_dirty = next < dirty.size() && dirty[next].block == block;
    static const std::vector<uint32_t> kNone;
    add_block(v, inode, block, is_dirty ? dirty[next].ops : kNone, old_size, largest);
    if (CrashSpace::had_block(inode, block, is_dirty)) add_reused(v, block, others);
  }
  return v;
}

void LazyFiles::add_block(Versions& v, const Inode& inode, uint32_t block,
                          const std::vector<uint32_t>& ops, uint64_t old_size, uint64_t largest) {
  static const Block kHole{};
  const Block& live = inode.block(block) != nullptr ? *inode.block(block) : kHole;
  const uint32_t unit = space_.sector_bytes();
  for (uint32_t from = 0; from < kBlockBytes && block * kBlockBytes + from < largest;
       from += unit) {
    const uint32_t to = from + unit;
    Sector sector;
    for (const uint32_t i : ops)
      if (inode.log.ops()[i].touches(from, to)) sector.chain.push_back(i);
    const auto intern = [&](const Block& bytes) {
      return pool_.intern(std::string_view(bytes.data() + from, unit));
    };
    sector.contents.resize(sector.chain.size() + 1);
    sector.contents.back() = intern(live);
    if (!sector.chain.empty()) {
      Block bytes = live;
      for (size_t i = sector.chain.size(); i-- > 0;) {
        inode.log.undo(inode.log.ops()[sector.chain[i]], from, to, bytes);
        sector.contents[i] = intern(bytes);
      }
      if (disk_.rules.garbage && block * kBlockBytes + to > old_size) {
        CrashSpace::fill_garbage(block, from, to, old_size, bytes);
        sector.garbage = intern(bytes);
      }
    }
    v.sectors.push_back(std::move(sector));
  }
}

void LazyFiles::add_reused(Versions& v, uint32_t block, const std::vector<BlockRef>& others) {
  const uint32_t unit = space_.sector_bytes();
  const size_t first = block * (kBlockBytes / unit);
  for (size_t s = first; s < v.sectors.size(); ++s)
    for (const BlockRef& other : others)
      v.sectors[s].reused.push_back(
          pool_.intern(std::string_view(other->data() + (s - first) * unit, unit)));
}

Result<LazyFile> LazyFiles::build(InodeId id, uint64_t journal_seq, std::string_view name) {
  const Versions& v = versions_of(id);
  const Inode& inode = disk_.tree[id];
  LazyFile file;
  file.inode = id;
  const Range sizes = space_.size_range(id, v.size_ops, journal_seq);
  uint64_t largest = 0;
  for (size_t i = sizes.lo; i <= sizes.hi; ++i) {
    const LazyFile::Option option{CrashSpace::size_at(inode, v.size_ops, i),
                                  static_cast<uint32_t>(i)};
    largest = std::max(largest, option.size);
    if (file.options.size() == kOptionsMost)
      return Error{Errc::kNoSpace, std::string(name) + ": more than " +
                                       std::to_string(kOptionsMost) + " sizes after one cut"};
    file.options.push_back(option);
  }
  CHECK(!file.options.empty());
  for (size_t i = 0; i < file.options.size(); ++i) file.all.set(i);
  const uint32_t unit = space_.sector_bytes();
  const size_t count = std::min<uint64_t>(v.sectors.size(), (largest + unit - 1) / unit);
  file.sectors.resize(count);
  for (size_t s = 0; s < count; ++s) add_candidates(v, inode, journal_seq, s, file);
  return file;
}

void LazyFiles::add_candidates(const Versions& v, const Inode& inode, uint64_t journal_seq,
                               size_t s, LazyFile& file) {
  const Sector& sector = v.sectors[s];
  std::vector<LazyFile::Candidate>& candidates = file.sectors[s];
  const auto add = [&](LazyFile::Candidate made, size_t option) {
    for (LazyFile::Candidate& known : candidates) {
      if (known.content != made.content) continue;
      // The first way to show it in this option will do.
      if (known.version == made.version && known.garbage == made.garbage &&
          known.reused == made.reused)
        known.options.set(option);
      if (known.options[option]) return;
    }
    made.options.set(option);
    candidates.push_back(made);
  };
  for (size_t i = 0; i < file.options.size(); ++i) {
    const LazyFile::Option& option = file.options[i];
    if (option.size <= s * space_.sector_bytes()) continue;  // not seen
    const int64_t size_op =
        option.version == 0 ? -1 : static_cast<int64_t>(v.size_ops[option.version - 1]);
    const Range range = sector.chain.empty()
                            ? Range{}
                            : space_.sector_range(inode, sector.chain, journal_seq, size_op);
    for (size_t version = range.lo; version <= range.hi; ++version)
      add({sector.contents[version], static_cast<uint32_t>(version), false, 0, {}}, i);
    if (range.lo == 0 && sector.garbage) add({*sector.garbage, 0, true, 0, {}}, i);
    for (size_t other = 0; other < sector.reused.size(); ++other)
      add({sector.reused[other],
           static_cast<uint32_t>(range.lo),
           false,
           static_cast<uint32_t>(other + 1),
           {}},
          i);
  }
}

}  // namespace powercut::sim
