#include "scenarios/record/target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace powercut::scenarios {

namespace {

constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, since Linux 6.9

constexpr size_t kPidfdsMost = 256;

int open_pidfd(pid_t thread) {
  const long fd = ::syscall(SYS_pidfd_open, thread, kPidfdThread);
  if (fd >= 0 || errno != EINVAL) return static_cast<int>(fd);
  const auto status = status_of(thread);
  if (!status) {
    errno = ESRCH;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_pidfd_open, status->process, 0));
}

}  // namespace

// A thread's own number may be another process's by now: it is asked each time.
Fd Targets::handed_over(pid_t thread, int fd) {
  const auto status = status_of(thread);
  if (!status) {
    errno = ESRCH;
    return Fd();
  }
  Fd file = hand_over_->open_file(status->process, fd);
  only_seen_ = !file && errno == ENOTCONN;
  if (!only_seen_) return file;
  const std::string name = fmt::format("/proc/{}/fd/{}", thread, fd);
  file = Fd(::open(name.c_str(), O_PATH | O_CLOEXEC));
  if (!file && errno == ENOENT) errno = EBADF;
  return file;
}

Fd Targets::open_file(pid_t thread, int fd) {
  if (hand_over_ != nullptr) return handed_over(thread, fd);
  if (pidfds_.size() > kPidfdsMost) pidfds_.clear();  // most are of threads that have ended
  for (const bool again : {false, true}) {
    Fd& pidfd = pidfds_[thread];
    if (!pidfd || again) pidfd = Fd(open_pidfd(thread));
    if (!pidfd) return Fd();
    const long file = ::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0);
    if (file >= 0) return Fd(static_cast<int>(file));
    if (errno != ESRCH) return Fd();  // it may be another's that had its number
  }
  return Fd();
}

ssize_t read_memory(pid_t thread, uint64_t address, void* out, size_t size) {
  const iovec local{out, size};
  const iovec remote{reinterpret_cast<void*>(address), size};
  return ::process_vm_readv(thread, &local, 1, &remote, 1, 0);
}

std::optional<std::string> read_string(pid_t thread, uint64_t address) {
  constexpr uint64_t kPage = 4096;
  std::string text;
  while (text.size() < PATH_MAX) {
    char piece[kPage];
    const size_t want = kPage - address % kPage;
    const ssize_t got = read_memory(thread, address, piece, want);
    if (got <= 0) return std::nullopt;
    const std::string_view bytes(piece, static_cast<size_t>(got));
    const size_t end = bytes.find('\0');
    text += bytes.substr(0, end);
    if (end != std::string_view::npos) return text;
    address += static_cast<uint64_t>(got);
  }
  errno = ENAMETOOLONG;
  return std::nullopt;
}

std::optional<std::string> read_vector(pid_t thread, uint64_t vector, uint64_t count, size_t most,
                                       uint64_t& first) {
  if (count > IOV_MAX) {
    errno = EINVAL;
    return std::nullopt;
  }
  std::vector<iovec> buffers(count);
  const size_t bytes = count * sizeof(iovec);
  if (bytes > 0 &&
      read_memory(thread, vector, buffers.data(), bytes) != static_cast<ssize_t>(bytes)) {
    if (errno == 0) errno = EFAULT;
    return std::nullopt;
  }
  std::string text;
  first = 0;
  for (const iovec& buffer : buffers) {
    const size_t want = std::min(buffer.iov_len, most - text.size());
    if (want == 0) continue;
    const auto address = reinterpret_cast<uint64_t>(buffer.iov_base);
    if (first == 0) first = address;
    const size_t before = text.size();
    text.resize(before + want);
    const ssize_t got = read_memory(thread, address, text.data() + before, want);
    text.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == static_cast<ssize_t>(want)) continue;
    if (!text.empty()) return text;  // as the kernel: what there is
    errno = got < 0 ? errno : EFAULT;
    return std::nullopt;
  }
  return text;
}

std::optional<TargetStatus> status_of(pid_t thread) {
  std::ifstream in(fmt::format("/proc/{}/status", thread));
  if (!in.good()) return std::nullopt;
  TargetStatus status;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string key;
    words >> key;
    if (key == "Name:") {
      words >> status.name;
    } else if (key == "Umask:") {
      words >> std::oct >> status.umask;
    } else if (key == "Tgid:") {
      words >> status.process;
    } else if (key == "Uid:") {
      words >> status.uid >> status.uid;
      break;  // what we want stands before
    }
  }
  return status;
}

std::optional<Mapping> shared_mapping_at(pid_t thread, uint64_t address) {
  std::ifstream in(fmt::format("/proc/{}/maps", thread));
  for (std::string line; std::getline(in, line);) {
    unsigned long long begin = 0, end = 0;
    char shared = 0;
    unsigned long long inode = 0;
    int path = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx %*c%*c%*c%c %*s %*s %llu %n", &begin, &end, &shared,
                    &inode, &path) < 4)
      continue;
    if (address < begin || address >= end) continue;
    if (shared != 's' || inode == 0) return std::nullopt;
    return Mapping{inode, line.substr(static_cast<size_t>(path))};
  }
  return std::nullopt;
}

}  // namespace powercut::scenarios
