// The seam over a real kernel: POSIX files, the system's clocks, tasks on one thread. Calls that
// wait for the device go through io_uring, or where that is refused through plain system calls and
// a helper thread; other tasks run meanwhile.
//
// Outside every task the file calls work, too, and block the thread. On a stack that unwinds
// (destroy_tasks) they fail with kIo and touch nothing.
//
// Not safe from other threads or signal handlers: to end run() on a signal, wait_readable() on a
// signalfd in a task and call stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/os/os.h"
#include "engine/os/posix/descriptor.h"
#include "engine/os/posix/reactor.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

struct PosixOptions {
  bool use_io_uring = true;  // false: never, even where it works
  bool sync_directories =
      true;                     // false: where the filesystem cannot, sync_directory() does nothing
  unsigned ring_entries = 256;  // how many calls are submitted at once at most, a power of two
};

// Why PosixOs::run returned.
enum class RunEnd : unsigned char {
  kNoTasks,  // the last task ended
  kStopped,  // stop() was called, or the predicate said so
  kStuck,  // every task is parked without a deadline and no call runs: nothing can happen any more
};

struct FileIdentity;

class PosixOs final : public Os {
 public:
  // The root must exist. Every path is taken relative to it, wherever it may be moved.
  //   Errors: kNotFound, kInvalid (not a directory), kRefused, kIo.
  static Result<std::unique_ptr<PosixOs>> open(const std::string& root_directory,
                                               PosixOptions options = {});
  ~PosixOs() override;

  // Runs tasks until none is left, stop(), or `enough` (asked after each round) returns true. May
  // be called again. REQUIRES: called from outside every task.
  RunEnd run(const std::function<bool()>& enough = {});
  // Makes run() return once the running task yields.
  void stop() { stopped_ = true; }
  // Waits for every call in flight, then destroys every task, as a crash does: see Tasks. A server
  // calls this before it destroys what its tasks refer to; the destructor does it otherwise.
  void destroy_tasks();
  bool uses_io_uring() const { return uses_io_uring_; }

  // For sockets, outside the seam. Suspends the running task until `fd` can be read (written)
  // without blocking, or was closed by its peer, or is broken: true; or until `deadline`: false. Do
  // not close `fd` meanwhile.
  bool wait_readable(int fd, Instant deadline = kForever);
  bool wait_writable(int fd, Instant deadline = kForever);

  Result<std::unique_ptr<File>> open(std::string_view path, Open mode) override;
  Result<void> rename(std::string_view from, std::string_view to) override;
  Result<void> link(std::string_view existing, std::string_view name) override;
  Result<void> remove(std::string_view path) override;
  Result<void> make_directory(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<void> sync_directory(std::string_view path, Site fence) override;
  Result<std::unique_ptr<Scratch>> open_scratch(uint64_t size) override;
  Instant now() override { return monotonic_now(); }
  WallTime wall_now() override;
  uint64_t choose(Site site, uint64_t n) override;
  void spawn(std::string_view name, std::function<void()> body) override;
  Task* current() override { return tasks_.current(); }
  bool park(Instant deadline) override { return tasks_.park(deadline); }
  void unpark(Task* task) override { tasks_.unpark(task); }

  // For PosixFile: the calls of whoever asks now.
  Calls& calls();
  bool unwinding() const { return tasks_.destroying(); }
  // Does `path` lead to the open `file`? Also where that cannot be told.
  bool leads_to(std::string_view path, const FileIdentity& file) const;

 private:
  PosixOs(Descriptor root, uint64_t seed) : root_(std::move(root)), random_state_(seed) {}
  Result<Descriptor> open_directory(std::string_view what, std::string_view path);
  // Fails on a stack that unwinds.
  Result<void> alive(std::string_view what, std::string_view path) const;

  Descriptor root_;
  Tasks tasks_;
  BlockingCalls blocking_;
  RefusedCalls refused_;
  std::unique_ptr<Reactor> reactor_;
  bool uses_io_uring_ = false;
  bool sync_directories_ = true;
  bool stopped_ = false;
  uint64_t random_state_;
};

}  // namespace powercut::engine
