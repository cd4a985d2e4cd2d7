#include "scenarios/record/calls.h"

#include <dirent.h>
#include <fmt/format.h>
#include <limits.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace powercut::scenarios {

namespace {

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_rdev == b.st_rdev;
}

// Its children, theirs, and so on.
std::vector<pid_t> processes_below(pid_t process) {
  std::vector<pid_t> all{process};
  for (size_t i = 0; i < all.size(); ++i) {
    const std::string folder = fmt::format("/proc/{}/task/", all[i]);
    DIR* threads = ::opendir(folder.c_str());
    if (threads == nullptr) continue;
    while (const dirent* thread = ::readdir(threads)) {
      if (thread->d_name[0] == '.') continue;
      const Fd children(
          ::open((folder + thread->d_name + "/children").c_str(), O_RDONLY | O_CLOEXEC));
      if (!children) continue;
      std::istringstream in(contents(children));
      for (pid_t child = 0; in >> child;) all.push_back(child);
    }
    ::closedir(threads);
  }
  all.erase(all.begin());
  return all;
}

}  // namespace

Calls::Calls(Mirror& mirror, EventJournal& journal, CallFaults& faults, Supervised& supervised,
             bool sample)
    : mirror_(mirror),
      journal_(journal),
      faults_(faults),
      listener_(supervised.listener()),
      sample_(sample),
      hand_over_(supervised.hand_over()),
      targets_(hand_over_) {
  (void)::fstat(STDOUT_FILENO, &stdout_);
  (void)::fstat(STDERR_FILENO, &stderr_);
}

CallAnswer Calls::answer(const seccomp_notif& call) {
  call_ = &call;
  switch (call.data.nr) {
    case SYS_open:
      return on_open(AT_FDCWD, argument(0), argument(1), argument(2));
    case SYS_openat:
      return on_open(int_argument(0), argument(1), argument(2), argument(3));
    case SYS_creat:
      return on_open(AT_FDCWD, argument(0), O_CREAT | O_WRONLY | O_TRUNC, argument(1));
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_pwritev2:
      return on_write();
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
      return on_send();
    case SYS_close:
      return on_close(int_argument(0));
    case SYS_close_range:
      if (argument(2) == 0)
        on_closing(int_argument(0), static_cast<int>(std::min<uint64_t>(argument(1), INT_MAX)),
                   false);
      return let_run();
    case SYS_dup2:
    case SYS_dup3:
      return argument(0) == argument(1) ? let_run() : on_dup_to(int_argument(1));
    case SYS_exit_group:
      on_closing(0, INT_MAX, true);
      return let_run();
    default:
      return answer_on_file();
  }
}

CallAnswer Calls::answer_on_file() {
  switch (call_->data.nr) {
    case SYS_ftruncate:
      return on_ftruncate();
    case SYS_truncate:
      return on_truncate();
    case SYS_fallocate:
      return on_fallocate();
    case SYS_fsync:
    case SYS_fdatasync:
      return on_fsync();
    case SYS_sync:
    case SYS_syncfs:
      return on_sync_all();
    case SYS_sync_file_range:
      return on_sync_file_range();
    case SYS_msync:
      return on_msync();
    case SYS_mmap:
      return on_mmap();
    case SYS_mprotect:
      return on_mprotect();
    // As between two filesystems, or into a file that cannot: programs copy in another way then.
    case SYS_copy_file_range:
      return on_copy(int_argument(2), EXDEV);
    case SYS_sendfile:
      return on_copy(int_argument(0), EINVAL);
    case SYS_splice:
      return on_copy(int_argument(2), EINVAL);
    default:
      return answer_on_name();
  }
}

CallAnswer Calls::answer_on_name() {
  switch (call_->data.nr) {
    case SYS_mkdir:
      return on_mkdir(AT_FDCWD, argument(0), argument(1));
    case SYS_mkdirat:
      return on_mkdir(int_argument(0), argument(1), argument(2));
    case SYS_unlink:
      return on_unlink(AT_FDCWD, argument(0), 0);
    case SYS_rmdir:
      return on_unlink(AT_FDCWD, argument(0), AT_REMOVEDIR);
    case SYS_unlinkat:
      return on_unlink(int_argument(0), argument(1), int_argument(2));
    case SYS_rename:
      return on_rename(AT_FDCWD, argument(0), AT_FDCWD, argument(1), 0);
    case SYS_renameat:
      return on_rename(int_argument(0), argument(1), int_argument(2), argument(3), 0);
    case SYS_renameat2:
      return on_rename(int_argument(0), argument(1), int_argument(2), argument(3),
                       static_cast<unsigned>(argument(4)));
    case SYS_link:
      return on_link(AT_FDCWD, argument(0), AT_FDCWD, argument(1), 0);
    case SYS_linkat:
      return on_link(int_argument(0), argument(1), int_argument(2), argument(3), int_argument(4));
    case SYS_symlink:
      return on_symlink(argument(0), AT_FDCWD, argument(1));
    case SYS_symlinkat:
      return on_symlink(argument(0), int_argument(1), argument(2));
    default:
      return answer_other();
  }
}

// What would take the process where it cannot be followed.
CallAnswer Calls::answer_other() {
  if (call_->data.nr == SYS_setns && (argument(1) & (CLONE_NEWNS | CLONE_NEWUSER)) == 0 &&
      argument(1) != 0)
    return let_run();
  const std::string name = caller().name;
  if (call_->data.nr == SYS_open_by_handle_at)
    stop(fmt::format("process {} ({}): open_by_handle_at is not modelled", thread(), name));
  else
    stop(
        fmt::format("process {} ({}) changes its root, its mounts or its user: that cannot be "
                    "recorded",
                    thread(), name));
  return fail_with(EPERM);
}

// --- What is recorded ---

void Calls::log(TraceEvent event) {
  event.process = static_cast<uint64_t>(thread());
  mapped_.changed(event);
  if (event.begins_sync() || event.kind == TraceEvent::kOut) look_at_mapped(thread());
  journal_.add(std::move(event));
}

void Calls::look_at_mapped(pid_t by) {
  mapped_.look([&](TraceEvent event) {
    event.process = static_cast<uint64_t>(by);
    journal_.add(std::move(event));
  });
}

void Calls::log_unmodelled(const std::string& call, const std::string& path) {
  unmodelled_ = true;
  remark(fmt::format("{} on {} is not modelled", call, path));
  log({.kind = TraceEvent::kUnmodelled, .path = path, .other = call});
}

// One that was done with the call before.
void Calls::log_sync(TraceEvent begin) {
  const uint64_t number = begin.number = ++syncs_;
  log(std::move(begin));
  log({.kind = TraceEvent::kSynced, .number = number});
}

sim::Injection Calls::injected(sim::Op op, const std::string& path, uint64_t size) {
  const sim::Injection injection = faults_.ask(op, path, size);
  const std::string call =
      fmt::format("{} of {}", sim::op_site(op).name, path.empty() ? "./" : path);
  if (injection.error)
    log({.kind = TraceEvent::kNote,
         .other = fmt::format("injected: {} {}fails with {}", call,
                              injection.happens ? "happens, and " : "",
                              errno_name(errno_of(*injection.error)))});
  else if (injection.short_size)
    log({.kind = TraceEvent::kNote,
         .other = fmt::format("injected: {}: {} bytes of {}", call, *injection.short_size, size)});
  return injection;
}

int Calls::failed_by(sim::Op op, const std::string& path) {
  const sim::Injection injection = injected(op, path);
  return injection.error ? errno_of(*injection.error) : 0;
}

void Calls::stop(const std::string& why) {
  if (stopped_.empty()) stopped_ = why;
}

void Calls::remark(const std::string& what) {
  if (std::find(remarks_.begin(), remarks_.end(), what) == remarks_.end()) remarks_.push_back(what);
}

TargetStatus Calls::caller() const { return status_of(thread()).value_or(TargetStatus{}); }

// A look at the caller has failed. Where it has died, or gave a bad address or number, the kernel
// says so itself; what it hides from us cannot be recorded.
CallAnswer Calls::lost() {
  if (errno == EPERM || errno == EACCES) {
    const std::string name = caller().name;
    stop(fmt::format("process {} ({}) hides its memory, so that it cannot be recorded", thread(),
                     name));
    return fail_with(EPERM);
  }
  if (errno == EMFILE || errno == ENFILE)
    stop("more files are open at once than the recorder may have: raise its limit (ulimit -n)");
  return let_run();
}

Fd Calls::file_of(uint64_t fd) {
  Fd file = targets_.open_file(thread(), static_cast<int>(fd));
  struct stat is {};
  if (file && targets_.only_seen() && entry_of(file, is) != nullptr) {
    const std::string name = caller().name;
    stop(
        fmt::format("process {} ({}) is statically linked, or without LD_PRELOAD for another "
                    "reason: that cannot be recorded "
                    "where pidfd_getfd is not permitted",
                    thread(), name));
  }
  return file;
}

Mirror::Entry* Calls::entry_of(const Fd& file, struct stat& is) {
  if (::fstat(file.get(), &is) != 0) return nullptr;
  if (!S_ISREG(is.st_mode) && !S_ISDIR(is.st_mode)) return nullptr;
  Mirror::Entry* entry = mirror_.find(is);
  return entry == nullptr || entry->ignored ? nullptr : entry;
}

// What a file that the caller makes may not have; none: it has another user by now.
std::optional<mode_t> Calls::umask() {
  const auto status = status_of(thread());
  if (!status) return 0;
  if (status->uid == ::geteuid()) return status->umask;
  stop(fmt::format("process {} ({}) became user {}: run powercut record as that one", thread(),
                   status->name, status->uid));
  return std::nullopt;
}

std::optional<std::string> Calls::stream_of(int fd, const struct stat& is) const {
  const bool to_stderr = is_same(is, stderr_);
  if (is_same(is, stdout_) && !(to_stderr && fd == STDERR_FILENO)) return std::string(kStdout);
  if (to_stderr) return std::string(kStderr);
  if (S_ISFIFO(is.st_mode)) return fmt::format("pipe:{}", is.st_ino);
  if (S_ISSOCK(is.st_mode)) return fmt::format("socket:{}", is.st_ino);
  return std::nullopt;
}

// --- Paths ---

std::optional<std::string> Calls::path_at(uint64_t address) {
  return read_string(thread(), address);
}

// What "self" is to the caller, we are not.
std::string Calls::own_view(const std::string& path) const {
  for (const std::string_view self : {"/proc/self/", "/proc/thread-self/"})
    if (path.starts_with(self))
      return fmt::format("/proc/{}/{}", thread(), path.substr(self.size()));
  if (path.starts_with("/dev/fd/")) return fmt::format("/proc/{}/fd/{}", thread(), path.substr(8));
  int fd = 0;
  for (const char* name : {"/dev/stdin", "/dev/stdout", "/dev/stderr"}) {
    if (path == name) return fmt::format("/proc/{}/fd/{}", thread(), fd);
    ++fd;
  }
  return path;
}

std::optional<int> Calls::named_fd(const std::string& path) const {
  const std::string own = own_view(path);
  const std::string prefix = fmt::format("/proc/{}/fd/", thread());
  if (!own.starts_with(prefix)) return std::nullopt;
  int fd = 0;
  const char* end = own.data() + own.size();
  const auto [stopped, wrong] = std::from_chars(own.data() + prefix.size(), end, fd);
  if (wrong != std::errc() || stopped != end) return std::nullopt;
  return fd;
}

Fd Calls::base_of(int directory) {
  if (directory != AT_FDCWD) return targets_.open_file(thread(), directory);
  const std::string cwd = fmt::format("/proc/{}/cwd", thread());
  return Fd(::open(cwd.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

std::optional<Calls::Place> Calls::place_at(int directory, uint64_t path, bool follow) {
  std::optional<std::string> text = path_at(path);
  if (!text) {
    (void)lost();
    return std::nullopt;
  }
  return place_at(directory, std::move(*text), follow);
}

// None: it leads nowhere, which the kernel will say.
std::optional<Calls::Place> Calls::place_at(int directory, std::string path, bool follow) {
  constexpr int kLinksMost = 40;
  path = own_view(path);
  Fd base;
  if (!path.starts_with('/')) base = base_of(directory);
  for (int links = 0; links <= kLinksMost; ++links) {
    const size_t last = path.find_last_not_of('/');
    if (last == std::string::npos) return std::nullopt;  // empty, or the root
    const size_t slash = path.rfind('/', last);
    const std::string in = slash == std::string::npos ? "."
                           : slash == 0               ? "/"
                                                      : path.substr(0, slash);
    Place place;
    place.name = slash == std::string::npos ? path : path.substr(slash + 1);
    place.parent =
        Fd(::openat(base ? base.get() : AT_FDCWD, in.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place.parent) return std::nullopt;
    const std::string bare = place.bare();
    if (bare == "." || bare == "..") return std::nullopt;
    char target[PATH_MAX];
    const ssize_t length =
        follow || bare != place.name
            ? ::readlinkat(place.parent.get(), bare.c_str(), target, sizeof target)
            : -1;
    if (length >= 0) {
      path = std::string(target, static_cast<size_t>(length)) + place.name.substr(bare.size());
      base = std::move(place.parent);
      continue;
    }
    if (::fstat(place.parent.get(), &place.in) != 0) return std::nullopt;
    const Mirror::Entry* entry = mirror_.find(place.in);
    place.recorded = entry != nullptr && entry->directory;
    if (place.recorded) place.path = entry->path.empty() ? bare : entry->path + "/" + bare;
    if (place.recorded && mirror_.is_ignored(place.path)) place.recorded = false;
    return place;
  }
  return std::nullopt;
}

// --- Closes ---

// Is it open in what runs below us, but as these descriptors of this process? All of that is recorded; to look at every process of
// the machine takes longer than the call.
bool Calls::is_open(const struct stat& file, pid_t process, int first, int last) const {
  bool found = false;
  for (const pid_t pid : processes_below(::getpid())) {
    const std::string folder = fmt::format("/proc/{}/fd", pid);
    DIR* fds = ::opendir(folder.c_str());
    if (fds == nullptr) continue;
    while (const dirent* entry = found ? nullptr : ::readdir(fds)) {
      if (entry->d_name[0] == '.') continue;
      const long fd = std::strtol(entry->d_name, nullptr, 10);
      if (pid == process && fd >= first && fd <= last) continue;
      struct stat is {};
      found = ::stat((folder + "/" + entry->d_name).c_str(), &is) == 0 && is_same(is, file);
    }
    ::closedir(fds);
    if (found) break;
  }
  return found;
}

CallAnswer Calls::on_close(int fd) {
  // It is not the program's, which closes whatever there may be.
  if (hand_over_ != nullptr && hand_over_->keeps(caller().process, fd)) return answer_with(0);
  on_closing(fd, fd, false);
  return let_run();
}

CallAnswer Calls::on_dup_to(int fd) {
  if (hand_over_ != nullptr) hand_over_->leave(caller().process, fd);
  on_closing(fd, fd, false);
  return let_run();
}

// These descriptors are about to be closed. Where that is the last close of a file that was emptied, or
// has no name any more, the filesystem does something then.
void Calls::on_closing(int first, int last, bool whole_process) {
  if (whole_process) targets_.forget(thread());
  if (settling_.empty()) return;
  const pid_t process = caller().process;
  std::erase_if(settling_, [&](const struct stat& file) {
    if (is_open(file, process, first, last)) return false;
    if (Mirror::Entry* entry = mirror_.find(file); entry != nullptr && entry->open) {
      entry->open = false;
      log({.kind = TraceEvent::kClose, .file = entry->file});
    }
    return true;
  });
}

}  // namespace powercut::scenarios
