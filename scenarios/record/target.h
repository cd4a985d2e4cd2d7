// A thread that waits in a system call: its memory, its open files, and what the kernel says of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "scenarios/record/fd.h"

namespace powercut::scenarios {

// Finds threads' open files by pidfds, which it keeps.
class Targets {
 public:
  // A descriptor of ours for the same open file; or none, and errno: EBADF, ESRCH, EPERM.
  Fd open_file(pid_t thread, int fd);
  void forget(pid_t thread) { pidfds_.erase(thread); }

 private:
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
