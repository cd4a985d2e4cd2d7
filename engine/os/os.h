// The seam: all that the store sees of the world. Two implementations keep this contract, POSIX
// (engine/os/posix/) and the simulated world (sim/sim_os.h), and one suite tests both
// (engine/os/os_contract.h).
//
// Each method has the same four labels:
//   Kill-safe:   does the effect survive the death of the process (the page cache lives)?
//   Power-safe:  does it survive a power cut (the page cache dies)?
//   Errors:      which error, and what state it leaves.
//   Yields:      may other tasks run before it returns?
//
// Sources: POSIX.1-2017; Linux man pages fsync(2), rename(2), link(2), open(2), pwrite(2); Pillai et al.,
// OSDI'14 (ALICE); Rebello et al., ATC'20 (what a failed fsync leaves).
//
// Paths are relative to the Os's root, separated by '/', never starting with one; "" is the root.
// A File or a Task belongs to the Os that made it and must not be used with another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/site.h"
#include "engine/base/time.h"
#include "engine/os/scratch.h"

namespace powercut::engine {

class Task;  // a fiber; see engine/os/tasks.h

enum class Open : unsigned char {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreateNew,  // must not exist; read and write
};

// What File::search looks for. A value, so that the question can be kept and asked again.
struct Search {
  uint64_t offset = 0;   // at or behind it
  uint64_t context = 0;  // these two: for `matches`
  uint64_t number = 0;
  // Is there a match within `text`, which stands at `at`?
  bool (*matches)(const Search& search, uint64_t at, std::string_view text) = nullptr;
  // No match ends in a text whose peak is at most `offset`.
  uint64_t (*peak)(std::string_view text) = nullptr;
  // How long a match that ends in `text` could be, at most.
  size_t (*reach)(std::string_view text) = nullptr;
  size_t mark = 0;  // `peak` and `reach` go by so many bytes in a row
  bool operator==(const Search&) const = default;
};
enum class Found : unsigned char { kNo, kYes, kReadOn };

enum class Lock : unsigned char { kNone, kShared, kExclusive };

class File {
 public:
  // Closes the file. Never makes anything durable, never reports an error, never yields.
  virtual ~File() = default;

  // Reads up to `size` bytes at `offset` into `out`; returns how many.
  //   Kill-safe:  n/a.  Power-safe: n/a.  Reads see the newest written bytes (the page cache).
  //   Errors:     kIo. May be short before the end of the file: 0 means the end, nothing else does.
  //   Yields:     yes.
  virtual Result<size_t> read_at(uint64_t offset, char* out, size_t size) = 0;

  // Writes a prefix of `data` at `offset`; returns its length, at least 1 unless `data` is empty.
  // Writing past the end fills the gap with NUL.
  //   Kill-safe:  yes.  Power-safe: no; any mixture of old and new sectors, and any size between.
  //   Errors:     kIo, kNoSpace: a prefix may have been written. Read back or truncate before
  //               anything is written behind it.
  //   Yields:     yes. Do not overlap two writes to one file.
  virtual Result<size_t> write_at(uint64_t offset, std::string_view data) = 0;

  // Sets the size; growing fills with NUL.
  //   Kill-safe:  yes.  Power-safe: no; the old, longer content may come back.
  //   Errors:     kIo, kNoSpace: the size is unchanged.
  //   Yields:     yes.
  virtual Result<void> truncate(uint64_t size) = 0;

  // Makes every byte written to this file so far durable. `fence` names the caller's reason.
  //   Kill-safe:  yes.  Power-safe: data and size; NOT the file's name (see sync_directory).
  //   Errors:     kIo, kNoSpace: the unsynced bytes are in an unknown state, and a later success
  //               proves nothing about them. Never retry; never acknowledge on them.
  //   Yields:     yes. Other tasks may write meanwhile; those bytes are not covered.
  virtual Result<void> sync(Site fence) = 0;

  // The size of the newest content.
  //   Kill-safe:  n/a.  Power-safe: n/a.
  //   Errors:     kIo.
  //   Yields:     no.
  virtual Result<uint64_t> size() = 0;

  // Sets space aside, so that writes below `size` do not fail for want of it; neither content nor size changes.
  //   Kill-safe:  yes.  Power-safe: no.
  //   Errors:     kNoSpace: nothing was set aside. kUnsupported: nobody can tell here.
  //   Yields:     no.
  virtual Result<void> reserve(uint64_t size) {
    (void)size;
    return Error{Errc::kUnsupported, "no space can be set aside"};
  }

  // When it was last written, in Unix milliseconds; 0 where nobody knows. Never fails, never yields.
  virtual int64_t modified_ms() { return 0; }

  // Does its name still lead to it? Somebody may remove or move a directory under a running store.
  //   Kill-safe:  n/a.  Power-safe: n/a.  Errors: none: where nobody can tell, yes.  Yields: no.
  virtual bool named() { return true; }

  // Locks a range against other processes, as lockf(3) does: what was locked before in it is then locked so. Bytes and
  // files are as they were; closing the file gives it back.
  //   Kill-safe:  no.  Power-safe: no.
  //   Errors:     kRefused: another process has it. Where nobody can tell, and in a world of one process: none.
  //   Yields:     no.
  virtual Result<void> lock(uint64_t offset, uint64_t size, Lock lock) {
    (void)offset, (void)size, (void)lock;
    return {};
  }

  // Is there a match? kReadOn says nothing: read and see. A world that has not decided yet what a
  // power cut left may decide this without deciding every byte; what was searched is then not read.
  virtual Found search(const Search&) { return Found::kReadOn; }
};

class Os {
 public:
  virtual ~Os() = default;

  // --- Files and directories ---

  // Opens a file.
  //   Kill-safe:  yes (creation).  Power-safe: no; the name needs sync_directory on its directory.
  //   Errors:     kNotFound, kExists (kCreateNew), kInvalid (a directory), kNoSpace, kRefused, kIo.
  //   Yields:     yes.
  virtual Result<std::unique_ptr<File>> open(std::string_view path, Open mode) = 0;

  // Renames a file, replacing what `to` named. Atomic for every live process.
  //   Kill-safe:  yes.  Power-safe: no; after a cut the old name, the new, on some filesystems both
  //               or neither, until sync_directory on the directories of both.
  //   Errors:     kNotFound, kInvalid: nothing was renamed. Others (kNoSpace, kRefused, kIo): nothing was, or all
  //               of it: a network or FUSE filesystem may lose the answer (NFS: RFC 1813, 4.8). Look.
  //   Yields:     yes.
  virtual Result<void> rename(std::string_view from, std::string_view to) = 0;

  // Gives a file a second name: link(2). The file lives until it has no name and is not open.
  //   Kill-safe:  yes.  Power-safe: no; needs sync_directory on the directory of `name`. Until a
  //               cut or the removal of that name, the file's space is not given to another.
  //   Errors:     kNotFound, kExists, kInvalid (a directory), kNoSpace, kRefused (also where the
  //               filesystem has no hard links), kUnsupported, kIo: nothing was linked.
  //   Yields:     yes.
  virtual Result<void> link(std::string_view existing, std::string_view name) = 0;

  // Removes a file, or an empty directory. An open File of it stays usable.
  //   Kill-safe:  yes.  Power-safe: no; the name may come back.
  //   Errors:     kNotFound, kNotEmpty, kRefused, kIo: nothing was removed.
  //   Yields:     yes.
  virtual Result<void> remove(std::string_view path) = 0;

  // Makes a directory in an existing one.
  //   Kill-safe:  yes.  Power-safe: no; needs sync_directory on its parent.
  //   Errors:     kExists, kNotFound (no parent), kNoSpace, kRefused, kIo.
  //   Yields:     yes.
  virtual Result<void> make_directory(std::string_view path) = 0;

  // The names in a directory, in byte order, without "." and "..".
  //   Kill-safe:  n/a.  Power-safe: n/a.
  //   Errors:     kNotFound, kInvalid (not a directory), kIo.
  //   Yields:     yes.
  virtual Result<std::vector<std::string>> list(std::string_view path) = 0;

  // Makes the names in a directory durable: creations, removals and renames so far.
  //   Kill-safe:  yes.  Power-safe: the names; not the files' data, not the directory's own name.
  //   Errors:     kNotFound, kIo: which names are durable is unknown. Either generation may
  //               be found.
  //   Yields:     yes.
  virtual Result<void> sync_directory(std::string_view path, Site fence) = 0;

  // --- Memory ---

  // Memory with a file of `size` bytes behind it, in the root, which has no name (engine/os/scratch.h). Its space is set
  // aside.
  //   Kill-safe:  no.  Power-safe: no.
  //   Errors:     kNoSpace, kIo: nothing was made. kUnsupported: nobody can set space aside here.
  //   Yields:     no.
  virtual Result<std::unique_ptr<Scratch>> open_scratch(uint64_t size) {
    (void)size;
    return Error{Errc::kUnsupported, "no space can be set aside"};
  }

  // --- Time and chance (never fail, never yield) ---

  // The monotonic clock. Restarts anywhere after a power cut.
  virtual Instant now() = 0;
  // The wall clock. May jump either way.
  virtual WallTime wall_now() = 0;
  // An integer in [0, n), n >= 1. The only source of chance the store has.
  virtual uint64_t choose(Site site, uint64_t n) = 0;

  // --- Tasks ---

  // Starts a task that runs `body` on a fiber of its own, not before the caller yields.
  //   Kill-safe, Power-safe: a crash destroys every task; destructors on its stack run, in a world
  //   whose disk nobody reads any more. Errors: none. Yields: no.
  virtual void spawn(std::string_view name, std::function<void()> body) = 0;

  // The task that is running; nullptr outside every task. Never yields.
  virtual Task* current() = 0;

  // Suspends the running task until unpark() or `deadline`. True if it was unparked. An unpark that
  // came since the task last returned from park makes park return true at once.
  //   Yields:     yes.
  virtual bool park(Instant deadline) = 0;

  // Makes a parked task ready, or its next park return at once. Never yields.
  virtual void unpark(Task* task) = 0;
};

}  // namespace powercut::engine
