#include "scenarios/record/looks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "scenarios/trace/replay.h"

namespace powercut::scenarios {

namespace {

constexpr uint64_t kSector =
    512;                  // what is copied at once: no sector of a persona is smaller but 1
constexpr int kCwd = -1;  // instead of the number of an argument

std::string link_of(const std::string& name) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(name.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<size_t>(length));
}

}  // namespace

void Looks::stop(const std::string& why) {
  if (stopped_.empty()) stopped_ = why;
}

CallAnswer Looks::answer(const seccomp_notif& call) {
  call_ = &call;
  if (!on_path()) on_file();
  return let_run();
}

// --- Paths ---

// False: it is a call of another kind.
bool Looks::on_path() {
  const auto opened = [](uint64_t flags) {
    return (flags & O_TRUNC) != 0 ? What::kEmptied : What::kName;
  };
  const auto follows = [&](size_t flags) { return (argument(flags) & AT_SYMLINK_NOFOLLOW) == 0; };
  switch (call_->data.nr) {
    case SYS_open:
      return look_path(kCwd, 0, (argument(1) & O_NOFOLLOW) == 0, opened(argument(1)));
    case SYS_openat:
      return look_path(0, 1, (argument(2) & O_NOFOLLOW) == 0, opened(argument(2)));
    case SYS_creat:
      return look_path(kCwd, 0, true, What::kEmptied);
    case SYS_stat:
      return look_path(kCwd, 0, true, What::kSize);
    case SYS_lstat:
      return look_path(kCwd, 0, false, What::kSize);
    case SYS_newfstatat:
      return look_path(0, 1, follows(3), What::kSize);
    case SYS_statx:
      return look_path(0, 1, follows(2), What::kSize);
    case SYS_execve:
    case SYS_truncate:
      return look_path(kCwd, 0, true, What::kContent);
    case SYS_execveat:
      return look_path(0, 1, true, What::kContent);
    case SYS_rename:
    case SYS_link:
      return look_moved(kCwd, 0) && look_path(kCwd, 1, false, What::kName);
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
      return look_moved(0, 1) && look_path(2, 3, false, What::kName);
    case SYS_symlink:
      return look_path(kCwd, 1, false, What::kName);
    case SYS_symlinkat:
      return look_path(1, 2, false, What::kName);
    default:
      return on_name();
  }
}

// Calls that a name is enough for.
bool Looks::on_name() {
  switch (call_->data.nr) {
    case SYS_rmdir:
      return look_path(kCwd, 0, false, What::kNames);
    case SYS_unlinkat:
      return look_path(0, 1, false, (argument(2) & AT_REMOVEDIR) != 0 ? What::kNames : What::kName);
    case SYS_access:
    case SYS_readlink:
    case SYS_chdir:
    case SYS_unlink:
    case SYS_mkdir:
    case SYS_chmod:
    case SYS_chown:
    case SYS_lchown:
      return look_path(kCwd, 0, true, What::kName);
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_readlinkat:
    case SYS_mkdirat:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_utimensat:
      return look_path(0, 1, true, What::kName);
    default:
      return false;
  }
}

// Absolute, as the caller means it; none: it is no path.
std::optional<std::string> Looks::text_of(int directory, size_t path) {
  const auto text = read_string(thread(), argument(path));
  if (!text) {
    if (errno == EPERM || errno == EACCES)
      stop(fmt::format("process {} hides its memory: what it looks at cannot be seen", thread()));
    return std::nullopt;
  }
  if (text->starts_with('/')) return text;
  const int in = directory == kCwd ? AT_FDCWD : int_argument(static_cast<size_t>(directory));
  const std::string base = link_of(in == AT_FDCWD ? fmt::format("/proc/{}/cwd", thread())
                                                  : fmt::format("/proc/{}/fd/{}", thread(), in));
  if (base.empty()) return std::nullopt;
  return text->empty() ? base : base + "/" + *text;
}

// From the root of the image; none: it lies elsewhere.
std::optional<std::string> Looks::below_root(const std::string& path) const {
  std::string plain = std::filesystem::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  if (plain == image_.root) return std::string();
  if (!plain.starts_with(image_.root + "/")) return std::nullopt;
  return plain.substr(image_.root.size() + 1);
}

// The path in argument number `path`, from the directory in number `directory`, or from where the caller is.
bool Looks::look_path(int directory, size_t path, bool follow, What what) {
  if (argument(path) == 0) return true;  // utimensat of an open file
  if (auto text = text_of(directory, path)) look(std::move(*text), follow, what);
  return true;
}

// It gets another name. What is undecided in a directory is known by its path, so that stays.
bool Looks::look_moved(int directory, size_t path) {
  look_path(directory, path, true, What::kName);
  const auto text = text_of(directory, path);
  const auto below = text ? below_root(*text) : std::nullopt;
  struct stat is {};
  if (below && ::lstat((image_.root + "/" + *below).c_str(), &is) == 0 && S_ISDIR(is.st_mode))
    stop("the recovery renames a directory");
  return true;
}

// Settles each name on the way, and goes where symbolic links lead.
void Looks::look(std::string path, bool follow, What what) {
  constexpr int kLinksMost = 40;
  for (int links = 0; links < kLinksMost; ++links) {
    const auto below = below_root(path);
    if (!below || below->empty()) return;
    std::string next;
    for (size_t end = 0; end != std::string::npos && next.empty();) {
      end = below->find('/', end + 1);
      const std::string prefix = below->substr(0, end);
      settle(prefix);
      if (end == std::string::npos && !follow) break;
      const std::string target = link_of(image_.root + "/" + prefix);
      if (target.empty()) continue;
      const std::string from = target.starts_with('/')
                                   ? ""
                                   : image_.root + "/" + prefix.substr(0, prefix.rfind('/') + 1);
      next = from + target + (end == std::string::npos ? "" : below->substr(end));
    }
    if (!next.empty()) {
      path = std::move(next);
      continue;
    }
    if (what == What::kName) return;
    if (what == What::kNames) return list(*below);
    struct stat is {};
    if (::lstat((image_.root + "/" + *below).c_str(), &is) != 0) return;
    const auto state = states_.find({is.st_dev, is.st_ino});
    if (state != states_.end()) need(state->second, what);
    return;
  }
}

void Looks::settle(const std::string& path) {
  if (!settled_.insert(path).second) return;
  lazy_.before_path(path);
  make(path);
}

// What is there by that name is in the image from now on.
void Looks::make(const std::string& path) {
  const auto found = disk_.lookup(path);
  if (!found.ok()) return;
  const std::string full = image_.root + "/" + path;
  const auto mode = image_.modes->find(path);
  const auto failed = [&] { stop(fmt::format("{}: {}", full, std::strerror(errno))); };
  if (disk_.is_directory(*found)) {
    const auto bits = mode == image_.modes->end() ? 0755 : mode->second | 0700;
    if (::mkdir(full.c_str(), static_cast<mode_t>(bits)) != 0) failed();
    return;
  }
  for (auto& [key, state] : states_) {
    if (state.inode != *found) continue;
    const std::string name = fmt::format("/proc/self/fd/{}", state.path.get());
    if (::linkat(AT_FDCWD, name.c_str(), AT_FDCWD, full.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
    if (errno != ENOENT) return failed();
    // The recovery has removed all names that it knew of: one that comes now finds the same again.
    std::error_code wrong;
    std::filesystem::copy_file(name, full, wrong);
    struct stat is {};
    if (wrong || ::lstat(full.c_str(), &is) != 0) return failed();
    states_[{is.st_dev, is.st_ino}] = {*found, Fd(::open(full.c_str(), O_PATH | O_CLOEXEC)),
                                       state.sized, state.copied};
    return;
  }
  if (image_.symlinks->contains(path)) {
    lazy_.before_size(*found);
    for (uint64_t at = 0; at < disk_.size(*found);)
      at += lazy_.before_read(*found, at, disk_.size(*found) - at);
    const auto content = disk_.read_whole(*found);
    const auto target = content.ok() ? symlink_target(*content) : std::nullopt;
    if (target) {
      if (::symlink(target->c_str(), full.c_str()) != 0) failed();
      return;
    }
  }
  const auto bits = mode == image_.modes->end() ? 0644 : mode->second | 0600;
  const Fd file(::open(full.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  struct stat is {};
  if (!file || ::fchmod(file.get(), static_cast<mode_t>(bits)) != 0 ||
      ::fstat(file.get(), &is) != 0)
    return failed();
  State& state = states_[{is.st_dev, is.st_ino}];
  state.inode = *found;
  state.path = Fd(::open(full.c_str(), O_PATH | O_CLOEXEC));
}

// Of a directory, all names and what each is.
void Looks::list(const std::string& path) {
  const auto found = path.empty() ? Result<sim::InodeId>(sim::kRootInode) : disk_.lookup(path);
  if (!found.ok() || !disk_.is_directory(*found)) return;
  lazy_.before_names_in(path);
  const auto names = disk_.list(path);
  if (!names.ok()) return;
  for (const std::string& name : *names) settle(path.empty() ? name : path + "/" + name);
}

// --- Open files ---

Looks::State* Looks::state_of(int fd, Fd& file, struct stat& is) {
  file = targets_.open_file(thread(), fd);
  if (!file) {
    if (errno == EPERM || errno == EACCES)
      stop(fmt::format("process {} hides its files: what it looks at cannot be seen", thread()));
    return nullptr;
  }
  if (::fstat(file.get(), &is) != 0) return nullptr;
  const auto at = states_.find({is.st_dev, is.st_ino});
  if (at == states_.end()) return nullptr;
  if (targets_.only_seen())
    stop(fmt::format("process {} has not loaded the library: what it looks at cannot be seen",
                     thread()));
  return &at->second;
}

void Looks::on_file() {
  const int call = call_->data.nr;
  const int fd = call == SYS_mmap       ? int_argument(4)
                 : call == SYS_sendfile ? int_argument(1)
                                        : int_argument(0);
  Fd file;
  struct stat is {};
  State* state = state_of(fd, file, is);
  if (call == SYS_getdents64) {
    const auto below = below_root(link_of(fmt::format("/proc/{}/fd/{}", thread(), fd)));
    if (below && S_ISDIR(is.st_mode)) list(*below);
    return;
  }
  if (call == SYS_copy_file_range || call == SYS_splice) {
    Fd other;
    struct stat to {};
    if (State* target = state_of(int_argument(2), other, to)) need(*target, What::kContent);
  }
  if (state == nullptr) return;
  const auto offset = [&] { return static_cast<uint64_t>(::lseek(file.get(), 0, SEEK_CUR)); };
  switch (call) {
    case SYS_read:
      return need_range(*state, offset(), argument(2));
    case SYS_pread64:
      return need_range(*state, argument(3), argument(2));
    case SYS_mmap:
      return need_range(*state, argument(5), argument(1));
    case SYS_fstat:
      return need(*state, What::kSize);
    case SYS_lseek:
      if (int_argument(2) != SEEK_SET && int_argument(2) != SEEK_CUR)
        need(*state, int_argument(2) == SEEK_END ? What::kSize : What::kContent);
      return;
    case SYS_write: {
      need(*state, What::kSize);
      const bool appends = (::fcntl(file.get(), F_GETFL) & O_APPEND) != 0;
      (void)::fstat(file.get(), &is);
      return before_write(*state, appends ? static_cast<uint64_t>(is.st_size) : offset(),
                          argument(2));
    }
    case SYS_pwrite64:
      return before_write(*state, argument(3), argument(2));
    case SYS_ftruncate:
      return before_truncate(*state, argument(1));
    default:  // what is seldom done
      return need(*state, What::kContent);
  }
}

void Looks::need(State& state, What what) {
  if (what == What::kName || what == What::kNames) return;
  if (what == What::kEmptied) return before_truncate(state, 0);
  if (!state.sized) {
    lazy_.before_size(state.inode);
    state.sized = true;
    const std::string name = fmt::format("/proc/self/fd/{}", state.path.get());
    if (::truncate(name.c_str(), static_cast<off_t>(disk_.size(state.inode))) != 0)
      stop(fmt::format("an image cannot be written: {}", std::strerror(errno)));
  }
  if (what == What::kContent) need_range(state, 0, disk_.size(state.inode));
}

void Looks::need_range(State& state, uint64_t offset, uint64_t n) {
  need(state, What::kSize);
  const uint64_t size = disk_.size(state.inode);
  if (offset >= size) return;
  n = std::min(n, size - offset);
  for (uint64_t done = 0; done < n;)
    done += lazy_.before_read(state.inode, offset + done, n - done);
  copy(state, offset, offset + n);
}

void Looks::before_write(State& state, uint64_t offset, uint64_t n) {
  need(state, What::kSize);
  lazy_.before_write(state.inode, offset, n);
  copy(state, offset, offset + n);
}

void Looks::before_truncate(State& state, uint64_t size) {
  need(state, What::kSize);
  lazy_.before_truncate(state.inode, size);
  if (size < disk_.size(state.inode)) {
    copy(state, size, size + 1);
    disk_.truncate(state.inode, size);
  }
}

// What is settled in these sectors, once each: what the recovery has written there since stays.
void Looks::copy(State& state, uint64_t from, uint64_t to) {
  to = std::min(to, disk_.size(state.inode));
  Fd file;
  for (uint64_t sector = from / kSector; sector * kSector < to; ++sector) {
    if (sector >= state.copied.size()) state.copied.resize(sector + 1);
    if (state.copied[sector]) continue;
    state.copied[sector] = true;
    char bytes[kSector];
    const auto got = disk_.read(state.inode, sector * kSector, bytes, kSector);
    if (!got.ok() || *got == 0) continue;
    if (!file) {
      const std::string name = fmt::format("/proc/self/fd/{}", state.path.get());
      file = Fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
    }
    if (::pwrite(file.get(), bytes, *got, static_cast<off_t>(sector * kSector)) !=
        static_cast<ssize_t>(*got))
      stop(fmt::format("an image cannot be written: {}", std::strerror(errno)));
  }
}

}  // namespace powercut::scenarios
