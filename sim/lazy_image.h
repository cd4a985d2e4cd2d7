// All that a power cut may leave, undecided: which names there are, and what the files hold. A lazy
// image stands for many images; a reader settles only what it looks at, one name or one sector at a
// time, and branches over what it can tell apart there.
//
// Exact: what is legal is CrashSpace's say, and nothing else. Names are independent: where a
// journal ties them together, each of its positions has an image of its own, in which every name is
// decided. A file's size and (with reused blocks) whose block it is are tied to its sectors, so
// they form its `options`; a sector's candidate says with which options it goes. Sectors are
// independent given the option.
#pragma once

#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "sim/content_pool.h"
#include "sim/crash_space.h"
#include "sim/survival.h"

namespace powercut::sim {

inline constexpr size_t kOptionsMost = 512;
using Options = std::bitset<kOptionsMost>;

struct LazyFile {
  struct Candidate {
    ContentId content;  // of the whole sector; what lies behind the end is not seen
    uint32_t version;   // of the slot `sector`
    bool garbage;       // and of the slot `garbage`
    Options options;
  };
  struct Option {
    uint64_t size;
    uint32_t version;              // of the slot `size`
    std::vector<uint32_t> reused;  // by block: the slot `block`
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

struct LazyImage {
  // What a name may lead to.
  struct End {
    enum Kind : uint8_t { kNothing, kDirectory, kFile };
    Kind kind = kNothing;
    uint32_t index = 0;    // in `directories` or `files`
    uint64_t version = 0;  // of the slot `name`
  };
  struct Name {
    ContentId name;         // in its directory
    std::vector<End> ends;  // that differ; at least one
  };
  struct Directory {
    InodeId inode;            // in the disk that was cut
    std::vector<Name> names;  // in byte order; any other name leads to nothing
  };
  std::vector<Directory> directories;                  // the root first
  std::vector<std::shared_ptr<const LazyFile>> files;  // shared by the images of one disk
  Survival decided;  // the slots that tell the images of one disk apart
  uint32_t sector_bytes = 512;
};

// Every lazy image that a power cut of `disk` may leave now; together they are all of its crash
// states, some of them perhaps more than once.
//   Errors: kNoSpace: more options than a file may have; the line names the file.
Result<void> for_each_lazy_image(const Disk& disk, ContentPool& pool,
                                 const std::function<void(const LazyImage&)>& visit);

}  // namespace powercut::sim
