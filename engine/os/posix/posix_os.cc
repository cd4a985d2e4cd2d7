#include "engine/os/posix/posix_os.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/os/posix/os_error.h"
#include "engine/os/posix/posix_file.h"
#include "engine/os/posix/process.h"
#include "engine/os/posix/scratch.h"

namespace powercut::engine {

namespace {

// For the *at() calls: our root is "".
std::string at_path(std::string_view path) {
  CHECK(path.empty() || path.front() != '/');
  return path.empty() ? "." : std::string(path);
}

uint64_t splitmix64(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

Result<std::unique_ptr<PosixOs>> PosixOs::open(const std::string& root_directory,
                                               PosixOptions options) {
  const int64_t root =
      retry_eintr([&] { return ::open(root_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
  if (root < 0) return os_error("open", root_directory, static_cast<int>(-root));
  Descriptor root_descriptor(static_cast<int>(root));
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return os_error("getrandom", "", errno);

  std::unique_ptr<PosixOs> os(new PosixOs(std::move(root_descriptor), seed));
  os->sync_directories_ = options.sync_directories;
  if (options.use_io_uring) {
    auto reactor = make_uring_reactor(os->tasks_, options.ring_entries);
    if (reactor.ok()) {
      os->reactor_ = std::move(*reactor);
      os->uses_io_uring_ = true;
      return os;
    }
    if (reactor.error().code != Errc::kUnsupported) return reactor.error();
  }
  TRY_ASSIGN(os->reactor_, make_plain_reactor(os->tasks_));
  return os;
}

PosixOs::~PosixOs() { destroy_tasks(); }

RunEnd PosixOs::run(const std::function<bool()>& enough) {
  CHECK(tasks_.current() == nullptr);
  stopped_ = false;
  for (;;) {
    tasks_.expire_timers(now());
    // One round: the tasks that are ready now, and not those that they make ready.
    for (size_t left = tasks_.ready().size(); left > 0 && !stopped_; --left) tasks_.run(0);
    if (stopped_ || (enough && enough())) return RunEnd::kStopped;
    if (tasks_.empty()) return RunEnd::kNoTasks;
    const Instant deadline = tasks_.next_deadline();
    if (tasks_.ready().empty() && deadline == kForever && !reactor_->busy()) return RunEnd::kStuck;
    reactor_->turn(tasks_.ready().empty() ? deadline : kNoWait);
  }
}

void PosixOs::destroy_tasks() {
  if (reactor_) reactor_->drain();
  tasks_.destroy_all();
}

bool PosixOs::wait_readable(int fd, Instant deadline) {
  return !unwinding() && reactor_->wait_ready(fd, POLLIN, deadline);
}

bool PosixOs::wait_writable(int fd, Instant deadline) {
  return !unwinding() && reactor_->wait_ready(fd, POLLOUT, deadline);
}

Calls& PosixOs::calls() {
  if (unwinding()) return refused_;
  if (tasks_.current() == nullptr) return blocking_;
  return *reactor_;
}

Result<void> PosixOs::alive(std::string_view what, std::string_view path) const {
  if (unwinding()) return os_error(what, path, ECANCELED);
  return {};
}

bool PosixOs::leads_to(std::string_view path, const FileIdentity& file) const {
  if (unwinding()) return true;
  struct stat there;
  if (fstatat(root_.get(), at_path(path).c_str(), &there, 0) < 0) return errno != ENOENT;
  return there.st_ino == file.inode && there.st_dev == file.device;
}

Result<std::unique_ptr<File>> PosixOs::open(std::string_view path, Open mode) {
  TRY(alive("open", path));
  int flags = O_CLOEXEC;
  switch (mode) {
    case Open::kRead:
      flags |= O_RDONLY;
      break;
    case Open::kReadWrite:
      flags |= O_RDWR;
      break;
    case Open::kCreateNew:
      flags |= O_RDWR | O_CREAT | O_EXCL;
      break;
  }
  const std::string name = at_path(path);
  struct stat there;  // to open a pipe may wait for ever, and a socket is no missing device
  if (mode != Open::kCreateNew && fstatat(root_.get(), name.c_str(), &there, 0) == 0 &&
      (S_ISFIFO(there.st_mode) || S_ISSOCK(there.st_mode))) {
    return os_error("open", path, EINVAL);
  }
  const int64_t fd = retry_eintr([&] { return openat(root_.get(), name.c_str(), flags, 0644); });
  if (fd < 0) return os_error("open", path, static_cast<int>(-fd));
  Descriptor descriptor(static_cast<int>(fd));
  struct stat status;
  if (fstat(descriptor.get(), &status) < 0) return os_error("open", path, errno);
  if (S_ISDIR(status.st_mode)) return os_error("open", path, EISDIR);
  return make_posix_file(*this, std::move(descriptor), {status.st_dev, status.st_ino},
                         std::string(path));
}

Result<void> PosixOs::rename(std::string_view from, std::string_view to) {
  TRY(alive("rename", from));
  if (renameat(root_.get(), at_path(from).c_str(), root_.get(), at_path(to).c_str()) < 0) {
    const int error = errno;
    return os_error("rename", std::string(from) + " to " + std::string(to), error);
  }
  return {};
}

Result<void> PosixOs::link(std::string_view existing, std::string_view name) {
  TRY(alive("link", existing));
  if (linkat(root_.get(), at_path(existing).c_str(), root_.get(), at_path(name).c_str(), 0) < 0) {
    const int error = errno;
    return os_error("link", std::string(existing) + " to " + std::string(name), error);
  }
  return {};
}

Result<void> PosixOs::remove(std::string_view path) {
  TRY(alive("remove", path));
  const std::string name = at_path(path);
  // Whoever made a link meant what lies behind it.
  struct stat there;
  if (fstatat(root_.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISLNK(there.st_mode)) {
    return os_error("remove", path, EPERM);
  }
  int64_t result = calls().unlink(root_.get(), name.c_str(), 0);
  // Linux says EISDIR of a directory, POSIX EPERM; a file that may not be removed is then ENOTDIR.
  if (result == -EISDIR || result == -EPERM) {
    const int64_t as_file = result;
    result = calls().unlink(root_.get(), name.c_str(), AT_REMOVEDIR);
    if (result == -ENOTDIR) result = as_file;
    if (result == -EEXIST) result = -ENOTEMPTY;  // POSIX allows either
  }
  if (result < 0) return os_error("remove", path, static_cast<int>(-result));
  return {};
}

Result<void> PosixOs::make_directory(std::string_view path) {
  TRY(alive("mkdir", path));
  if (mkdirat(root_.get(), at_path(path).c_str(), 0755) < 0) return os_error("mkdir", path, errno);
  return {};
}

Result<Descriptor> PosixOs::open_directory(std::string_view what, std::string_view path) {
  TRY(alive(what, path));
  const std::string name = at_path(path);
  const int64_t fd = retry_eintr(
      [&] { return openat(root_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return os_error(what, path, static_cast<int>(-fd));
  return Descriptor(static_cast<int>(fd));
}

Result<std::vector<std::string>> PosixOs::list(std::string_view path) {
  TRY_ASSIGN(Descriptor descriptor, open_directory("list", path));
  std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(descriptor.get()), closedir);
  if (!directory) return os_error("list", path, errno);
  (void)descriptor.release();  // closedir closes it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return os_error("list", path, errno);
  std::sort(names.begin(), names.end());  // as unsigned bytes: char_traits compares so
  return names;
}

// fsync, not fdatasync: names are a directory's content, but what of it counts as data is left to
// the filesystem.
Result<void> PosixOs::sync_directory(std::string_view path, Site) {
  TRY_ASSIGN(Descriptor descriptor, open_directory("fsync", path));
  if (!sync_directories_) return {};
  const int64_t result = calls().sync(descriptor.get(), false);
  if (result < 0) return os_error("fsync", path, static_cast<int>(-result));
  return {};
}

Result<std::unique_ptr<Scratch>> PosixOs::open_scratch(uint64_t size) {
  TRY(alive("scratch", ""));
  return open_posix_scratch(root_.get(), size);
}

WallTime PosixOs::wall_now() { return wall_clock_now(); }

uint64_t PosixOs::choose(Site, uint64_t n) {
  CHECK(n >= 1);
  // The remainder of draws below a multiple of n: without the rest, every choice is as likely.
  const uint64_t skipped = -n % n;
  for (;;) {
    const uint64_t draw = splitmix64(random_state_);
    if (draw >= skipped) return draw % n;
  }
}

void PosixOs::spawn(std::string_view name, std::function<void()> body) {
  tasks_.spawn(name, std::move(body));
}

}  // namespace powercut::engine
