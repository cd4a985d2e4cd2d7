// A thread that waits in a system call: its memory, its open files, and what the kernel says of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "scenarios/record/fd.h"
#include "scenarios/record/hand_over.h"

namespace powercut::scenarios {

// Finds threads' open files: by pidfds, which it keeps, or by what the program hands over.
class Targets {
 public:
  // `hand_over`: null where pidfd_getfd may be used. It outlives this.
  explicit Targets(HandOver* hand_over = nullptr) : hand_over_(hand_over) {}
  // A descriptor of ours for the same open file; or none, and errno: EBADF, ESRCH, EPERM, EMFILE.
  Fd open_file(pid_t thread, int fd);
  // Of the process that the last one was asked of nothing is handed over: it is the same file, opened to be looked at (O_PATH).
  bool only_seen() const { return only_seen_; }
  void forget(pid_t thread) { pidfds_.erase(thread); }

 private:
  Fd handed_over(pid_t thread, int fd);

  HandOver* hand_over_;
  bool only_seen_ = false;
  std::map<pid_t, Fd> pidfds_;
};

// Of its memory as many bytes as there are, up to `size`; below nought: errno.
ssize_t read_memory(pid_t thread, uint64_t address, void* out, size_t size);
// Up to its NUL; none: errno.
std::optional<std::string> read_string(pid_t thread, uint64_t address);
// What lies in these buffers (an array of iovec of its own), `most` bytes at most; none: errno. `first`:
// where the first one begins.
std::optional<std::string> read_vector(pid_t thread, uint64_t vector, uint64_t count, size_t most,
                                       uint64_t& first);

// Of /proc/THREAD/status.
struct TargetStatus {
  uid_t uid = 0;  // effective
  mode_t umask = 0;
  pid_t process = 0;
  std::string name;
};
std::optional<TargetStatus> status_of(pid_t thread);

// Is a file mapped there, and shared with others? Its inode, from the line of /proc/THREAD/maps.
struct Mapping {
  uint64_t inode = 0;
  std::string file;
};
std::optional<Mapping> shared_mapping_at(pid_t thread, uint64_t address);

}  // namespace powercut::scenarios
