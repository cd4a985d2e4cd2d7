// What this process asks the kernel to change below one directory: the C library's calls and liburing's are taken over
// for the program that includes this, once, in one *_test.cc. Calls that the library makes within itself are not seen.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <liburing.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::scenarios {

// The same words for both sides. A path is relative to the directory, which is "".
inline std::string plain_path(std::string_view path) {
  std::string plain = std::filesystem::path(path).lexically_normal().string();
  while (!plain.empty() && plain.back() == '/') plain.pop_back();
  return plain == "." ? "" : plain;
}
inline std::string write_call(std::string_view path, uint64_t offset, std::string_view data) {
  return fmt::format("write {} {}+{} {:x}", plain_path(path), offset, data.size(),
                     std::hash<std::string_view>()(data));
}
inline std::string call_on(std::string_view what, std::string_view path) {
  return fmt::format("{} {}", what, plain_path(path));
}
inline std::string call_on(std::string_view what, std::string_view path, uint64_t number) {
  return fmt::format("{} {} {}", what, plain_path(path), number);
}
inline std::string call_on(std::string_view what, std::string_view a, std::string_view b) {
  return fmt::format("{} {} {}", what, plain_path(a), plain_path(b));
}

struct KernelCall {
  uint64_t at;  // its place among all calls, of the seam too
  std::string what;
};

class KernelCalls {
 public:
  static KernelCalls& it() {
    static KernelCalls* one = new KernelCalls;  // calls are made until the very end
    return *one;
  }

  void watch(const std::string& directory) {
    std::lock_guard lock(mutex_);
    directory_ = std::filesystem::canonical(directory).string();
    made_.clear();
    opened_.clear();
    at_ = 0;
  }
  std::vector<KernelCall> stop() {
    std::lock_guard lock(mutex_);
    directory_.clear();
    return std::exchange(made_, {});
  }
  uint64_t next_place() {
    std::lock_guard lock(mutex_);
    return ++at_;
  }

  // `words` makes what is noted of the path of `fd`, if that file is of the directory.
  template <class Words>
  void on_file(int fd, Words words) {
    std::lock_guard lock(mutex_);
    const auto file = opened_.find(fd);
    if (!directory_.empty() && file != opened_.end()) made_.push_back({++at_, words(file->second)});
  }
  // The same of a name, as the process gave it.
  template <class Words>
  void on_name(int fd, const char* path, Words words) {
    std::lock_guard lock(mutex_);
    if (const auto name = name_of(fd, path)) made_.push_back({++at_, words(*name)});
  }
  void opened(int fd, int directory, const char* path) {
    std::lock_guard lock(mutex_);
    opened_.erase(fd);
    if (const auto name = name_of(directory, path)) opened_[fd] = *name;
  }
  void closed(int fd) {
    std::lock_guard lock(mutex_);
    opened_.erase(fd);
  }
  std::string name_or_whole(int fd, const char* path) {
    std::lock_guard lock(mutex_);
    return name_of(fd, path).value_or(path);
  }

 private:
  std::optional<std::string> name_of(int fd, const char* path) const {
    if (directory_.empty()) return std::nullopt;
    std::string whole = path;
    if (path[0] != '/') {
      char base[4096];
      const std::string link =
          fd == AT_FDCWD ? "/proc/self/cwd" : fmt::format("/proc/self/fd/{}", fd);
      const ssize_t n = readlink(link.c_str(), base, sizeof base);
      if (n < 0) return std::nullopt;
      whole = std::string(base, static_cast<size_t>(n)) + "/" + path;
    }
    whole = std::filesystem::path(whole).lexically_normal().string();
    if (!whole.starts_with(directory_)) return std::nullopt;
    whole.erase(0, directory_.size());
    if (whole.starts_with('/')) whole.erase(0, 1);
    return plain_path(whole);
  }

  std::mutex mutex_;  // a helper thread calls, too
  std::string directory_;
  std::map<int, std::string> opened_;  // by descriptor
  std::vector<KernelCall> made_;
  uint64_t at_ = 0;
};

template <class Call>
Call next_call(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

inline std::string_view view_of(const void* bytes, size_t size) {
  return {static_cast<const char*>(bytes), size};
}

// What waits in the ring and is about to be submitted.
inline void note_entries(io_uring* ring) {
  KernelCalls& calls = KernelCalls::it();
  for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; ++i) {
    const io_uring_sqe& entry = ring->sq.sqes[i & *ring->sq.kring_mask];
    const auto* address = reinterpret_cast<const char*>(static_cast<uintptr_t>(entry.addr));
    switch (entry.opcode) {
      case IORING_OP_WRITE:
        calls.on_file(entry.fd, [&](const std::string& path) {
          return write_call(path, entry.off, view_of(address, entry.len));
        });
        break;
      case IORING_OP_FSYNC:
        calls.on_file(entry.fd, [&](const std::string& path) {
          return call_on((entry.fsync_flags & IORING_FSYNC_DATASYNC) != 0 ? "fdatasync" : "fsync",
                         path);
        });
        break;
      case IORING_OP_UNLINKAT:
        calls.on_name(entry.fd, address, [&](const std::string& path) {
          return call_on((entry.unlink_flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", path);
        });
        break;
      default:
        break;
    }
  }
}

}  // namespace powercut::scenarios

// NOLINTBEGIN: the C library's names
#define POWERCUT_NEXT(result, name, parameters) \
  static const auto next = powercut::scenarios::next_call<result(*) parameters>(#name)
#define POWERCUT_ON_FILE(result, name, parameters, arguments, fd, words)          \
  extern "C" result name parameters {                                             \
    powercut::scenarios::KernelCalls::it().on_file(                               \
        fd, [&](const std::string& path) { return powercut::scenarios::words; }); \
    POWERCUT_NEXT(result, name, parameters);                                      \
    return next arguments;                                                        \
  }

POWERCUT_ON_FILE(ssize_t, pwrite, (int fd, const void* in, size_t size, off_t at),
                 (fd, in, size, at), fd,
                 write_call(path, static_cast<uint64_t>(at),
                            powercut::scenarios::view_of(in, size)))
POWERCUT_ON_FILE(ssize_t, write, (int fd, const void* in, size_t size), (fd, in, size), fd,
                 call_on("write without an offset", path))
POWERCUT_ON_FILE(ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count), fd,
                 call_on("writev", path))
POWERCUT_ON_FILE(ssize_t, pwritev, (int fd, const iovec* parts, int count, off_t at),
                 (fd, parts, count, at), fd, call_on("pwritev", path))
POWERCUT_ON_FILE(int, fsync, (int fd), (fd), fd, call_on("fsync", path))
POWERCUT_ON_FILE(int, fdatasync, (int fd), (fd), fd, call_on("fdatasync", path))
POWERCUT_ON_FILE(int, fallocate, (int fd, int how, off_t at, off_t size), (fd, how, at, size), fd,
                 call_on(how == FALLOC_FL_KEEP_SIZE && at == 0 ? "reserve" : "fallocate", path,
                         static_cast<uint64_t>(size)))
#undef POWERCUT_ON_FILE

extern "C" int ftruncate(int fd, off_t size) noexcept {
  using namespace powercut::scenarios;
  KernelCalls::it().on_file(fd, [&](const std::string& path) {
    return call_on("truncate", path, static_cast<uint64_t>(size));
  });
  POWERCUT_NEXT(int, ftruncate, (int, off_t));
  return next(fd, size);
}
extern "C" int renameat(int a, const char* from, int b, const char* to) noexcept {
  using namespace powercut::scenarios;
  const std::string target = KernelCalls::it().name_or_whole(b, to);
  KernelCalls::it().on_name(
      a, from, [&](const std::string& path) { return call_on("rename", path, target); });
  POWERCUT_NEXT(int, renameat, (int, const char*, int, const char*));
  return next(a, from, b, to);
}
extern "C" int linkat(int a, const char* from, int b, const char* to, int flags) noexcept {
  using namespace powercut::scenarios;
  const std::string target = KernelCalls::it().name_or_whole(b, to);
  KernelCalls::it().on_name(a, from,
                            [&](const std::string& path) { return call_on("link", path, target); });
  POWERCUT_NEXT(int, linkat, (int, const char*, int, const char*, int));
  return next(a, from, b, to, flags);
}
extern "C" int unlinkat(int fd, const char* name, int flags) noexcept {
  using namespace powercut::scenarios;
  KernelCalls::it().on_name(fd, name, [&](const std::string& path) {
    return call_on((flags & AT_REMOVEDIR) != 0 ? "rmdir" : "unlink", path);
  });
  POWERCUT_NEXT(int, unlinkat, (int, const char*, int));
  return next(fd, name, flags);
}
extern "C" int mkdirat(int fd, const char* name, mode_t mode) noexcept {
  using namespace powercut::scenarios;
  KernelCalls::it().on_name(fd, name,
                            [&](const std::string& path) { return call_on("mkdir", path); });
  POWERCUT_NEXT(int, mkdirat, (int, const char*, mode_t));
  return next(fd, name, mode);
}
extern "C" int close(int fd) {
  powercut::scenarios::KernelCalls::it().closed(fd);
  POWERCUT_NEXT(int, close, (int));
  return next(fd);
}
extern "C" int openat(int directory, const char* name, int flags, ...) {
  using namespace powercut::scenarios;
  va_list rest;
  va_start(rest, flags);
  const bool unnamed =
      (flags & O_TMPFILE) == O_TMPFILE;  // scratch, of which the simulated disk knows nothing
  const mode_t mode = unnamed || (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & (O_CREAT | O_TRUNC)) != 0)
    KernelCalls::it().on_name(directory, name, [&](const std::string& path) {
      return call_on((flags & O_EXCL) != 0 ? "create" : "create or empty", path);
    });
  POWERCUT_NEXT(int, openat, (int, const char*, int, ...));
  const int fd = next(directory, name, flags, mode);
  if (unnamed)
    KernelCalls::it().closed(fd);  // closedir() may have closed what had this number
  else if (fd >= 0)
    KernelCalls::it().opened(fd, directory, name);
  return fd;
}
extern "C" int io_uring_submit(io_uring* ring) {
  powercut::scenarios::note_entries(ring);
  POWERCUT_NEXT(int, io_uring_submit, (io_uring*));
  return next(ring);
}
extern "C" int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** out, unsigned count,
                                                __kernel_timespec* timeout, sigset_t* signals) {
  powercut::scenarios::note_entries(ring);
  POWERCUT_NEXT(int, io_uring_submit_and_wait_timeout,
                (io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*, sigset_t*));
  return next(ring, out, count, timeout, signals);
}
#undef POWERCUT_NEXT
// NOLINTEND
