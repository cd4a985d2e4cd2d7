// All that a power cut may leave, undecided: which names there are, and what the files hold. A lazy
// image stands for many images; a reader settles only what it looks at, one name or one sector at a
// time, and branches over what it can tell apart there.
//
// Here stand the names; what a file may hold is in sim/lazy_file.h. Names are independent: where a
// journal ties them together, each of its positions has an image of its own, in which every name is
// decided. An image is a constant: what was seen of it is in sim/lazy_view.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "sim/content_pool.h"
#include "sim/disk.h"
#include "sim/lazy_file.h"
#include "sim/survival.h"

namespace powercut::sim {

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
