// All that one file may hold after a power cut, undecided: its sizes, and what each of its sectors
// may show with which of them.
//
// Exact: what is legal is CrashSpace's say, and nothing else. A file's size is tied to its sectors,
// so its sizes form its `options`; a sector's candidate says with which options it goes. Sectors
// are independent given the option.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "sim/content_pool.h"
#include "sim/crash_space.h"

namespace powercut::sim {

inline constexpr size_t kOptionsMost = 512;
using Options = std::bitset<kOptionsMost>;

struct LazyFile {
  struct Candidate {
    ContentId content;  // of the whole sector; what lies behind the end is not seen
    uint32_t version;   // of the slot `sector`
    bool garbage;       // and of the slot `garbage`
    uint32_t reused;    // and of the slot `reused`
    Options options;
  };
  struct Option {
    uint64_t size;
    uint32_t version;  // of the slot `size`
  };
  InodeId inode = kNoInode;  // in the disk that was cut
  std::vector<Option> options;
  std::vector<std::vector<Candidate>> sectors;  // by number; all sizes
  Options all;

  // What one sector may show, and with which of `options` each.
  struct Outcome {
    ContentId seen;  // as much as lies before the end
    Options options;
  };
  std::vector<Outcome> outcomes(const Options& options, uint64_t sector, uint32_t sector_bytes,
                                ContentPool& pool) const;

  // What LazyView has worked out of it. Of one thread, as the pool is.
  struct Memo;
  mutable std::shared_ptr<Memo> memo;
};

// The files of one disk. What they may hold depends on the journal in few ways, so most of it is
// worked out once. Outlives neither the disk nor the pool.
class LazyFiles {
 public:
  LazyFiles(const DiskState& disk, const CrashSpace& space, ContentPool& pool)
      : disk_(disk), space_(space), pool_(pool), versions_(disk.tree.end()) {}

  // `name` is for messages.
  //   Errors: kNoSpace: more options than a file may have; the line names the file.
  Result<std::shared_ptr<const LazyFile>> at(InodeId id, uint64_t journal_seq,
                                             std::string_view name);

 private:
  // What does not depend on the journal: each sector's contents, by version.
  struct Sector {
    std::vector<uint32_t> chain;
    std::vector<ContentId> contents;
    std::optional<ContentId> garbage;
    std::vector<ContentId> reused;  // instead of all that: what others wrote
  };
  struct Versions {
    bool known = false;
    std::vector<uint32_t> size_ops;
    std::vector<Sector> sectors;
  };
  const Versions& versions_of(InodeId id);
  void add_block(Versions& v, const Inode& inode, uint32_t block, const std::vector<uint32_t>& ops,
                 uint64_t old_size, uint64_t largest);
  void add_reused(Versions& v, uint32_t block, const std::vector<BlockRef>& others);

  Result<LazyFile> build(InodeId id, uint64_t journal_seq, std::string_view name);
  void add_candidates(const Versions& v, const Inode& inode, uint64_t journal_seq, size_t s,
                      LazyFile& file);

  const DiskState& disk_;
  const CrashSpace& space_;
  ContentPool& pool_;
  std::vector<Versions> versions_;
  std::map<std::pair<InodeId, uint64_t>, std::shared_ptr<const LazyFile>> built_;
};

}  // namespace powercut::sim
