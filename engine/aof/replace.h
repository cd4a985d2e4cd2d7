// One file replaced by another so that after any crash a whole one stands under its name, and so
// that whoever comes after a kill can tell whether that is for good.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

// Creates `path`, replacing what an earlier attempt may have left under that name.
Result<std::unique_ptr<File>> create_fresh(Os& os, const std::string& path);

// What a replacement that failed has left.
enum class Replaced : unsigned char {
  kNo,        // what stood there stands
  kMayStand,  // either may be the durable one: what belongs to both must be kept
};

// Renames `from` over `to`, both in `directory` ("" is the root), and syncs the directory.
//   Errors: the seam's. `left` says what then stands: a rename that reports an error may have happened.
//
// What is replaced keeps a second name until a directory sync has succeeded, this one or a later.
// Without it, ext4 with data=writeback hands its blocks out again as soon as nothing leads to
// them, and a power cut before the commit would bring the old name back with foreign bytes. An open
// File would keep the blocks as well, but dies with the process. Where nothing is replaced, or the
// filesystem has no hard links, an empty file stands in for it.
Result<void> replace_durably(Os& os, const std::string& from, const std::string& to,
                             const std::string& directory, Site fence, Replaced& left);

// The second name of a replaced file: the first of 1, 2, ... that is free, since after directory
// syncs that failed any of several may be the durable one.
//
// Number 1 is also the mark that `name` is not settled: it stands from before the rename until the
// sync has succeeded. After a failed sync and a kill the page cache holds the new name as clean,
// and a sync that succeeds then proves nothing: what bears the mark must be published again. The
// mark itself needs no sync: a kill leaves it, and what a power cut leaves is durable anyway.
std::string replaced_name(const std::string& name, int number = 1);

// What comes of publishing again a name that bears the mark. On a full disk an error that says what
// to do: to serve what is there would rest acknowledgements on a name that a power cut may take
// back.
Result<void> settled_or_refused(const Result<void>& published, std::string_view name);

}  // namespace powercut::engine
