// Calls on paths: what is opened, made, moved and removed.
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "scenarios/record/calls.h"

namespace powercut::scenarios {

namespace {

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Sockets, pipes and devices hold nothing that a power cut could take.
bool is_kept(const struct stat& file) {
  return S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) || S_ISLNK(file.st_mode);
}

bool look(const Fd& directory, const std::string& name, struct stat& is) {
  return ::fstatat(directory.get(), name.c_str(), &is, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

// --- Opening ---

CallAnswer Calls::on_open(int directory, uint64_t path, uint64_t flags, uint64_t mode) {
  if ((flags & O_PATH) != 0) return let_run();
  const auto text = path_at(path);
  if (!text) return lost();
  const auto file_mode = static_cast<mode_t>(mode & 07777);
  if ((flags & O_TMPFILE) == O_TMPFILE) return open_nameless(directory, *text, flags, file_mode);
  if (const auto fd = named_fd(*text)) return reopen(*fd, flags);
  const bool exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0;
  auto place = place_at(directory, *text, (flags & O_NOFOLLOW) == 0 && !exclusive);
  if (!place || !place->recorded) return let_run();
  return open_place(*place, flags, file_mode);
}

CallAnswer Calls::open_place(Place& place, uint64_t flags, mode_t mode) {
  struct stat before {};
  const bool existed = look(place.parent, place.bare(), before);
  if (existed && (!is_kept(before) || is_left_out(before))) return let_run();
  if (const int error = failed_by(sim::Op::kOpen, place.path)) return fail_with(error);
  mode_t masked = mode;
  if ((flags & O_CREAT) != 0 && !existed) {
    const auto mask = umask();
    if (!mask) return fail_with(EPERM);
    masked &= ~*mask;
  }
  Fd file(::openat(place.parent.get(), place.name.c_str(),
                   static_cast<int>(flags) | O_CLOEXEC | O_NOCTTY, masked));
  if (!file) return fail_with(errno);
  struct stat is {};
  if (::fstat(file.get(), &is) != 0 || !S_ISREG(is.st_mode)) return give(std::move(file), flags);
  if (!existed) {
    Mirror::Entry& entry = mirror_.add_file(is, place.path);
    entry.open = true;
    log({.kind = TraceEvent::kCreate,
         .file = entry.file,
         .mode = is.st_mode & 07777,
         .path = place.path});
    return give(std::move(file), flags);
  }
  Mirror::Entry* entry = mirror_.find(is);
  if (entry == nullptr) {
    log_unmodelled("the opening of a file that came unseen", place.path);
    return give(std::move(file), flags);
  }
  if (!entry->open) log({.kind = TraceEvent::kOpen, .file = entry->file});
  entry->open = true;
  if ((flags & O_TRUNC) != 0 && before.st_size > 0) {
    truncated(*entry, static_cast<uint64_t>(before.st_size), 0);
    settling_.push_back(is);
  }
  return give(std::move(file), flags);
}

CallAnswer Calls::open_nameless(int directory, const std::string& path, uint64_t flags,
                                mode_t mode) {
  const std::string own = own_view(path);
  const Fd base = own.starts_with('/') ? Fd() : base_of(directory);
  const Fd in(
      ::openat(base ? base.get() : AT_FDCWD, own.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat is {};
  if (!in || entry_of(in, is) == nullptr) return let_run();
  const auto mask = umask();
  if (!mask) return fail_with(EPERM);
  if (const int error = failed_by(sim::Op::kOpen, "a nameless file")) return fail_with(error);
  Fd file(::openat(in.get(), ".", static_cast<int>(flags) | O_CLOEXEC, mode & ~*mask));
  if (!file || ::fstat(file.get(), &is) != 0) return fail_with(errno);
  Mirror::Entry& entry = mirror_.add_file(is, "");
  entry.open = true;
  log({.kind = TraceEvent::kNameless, .file = entry.file, .mode = is.st_mode & 07777});
  return give(std::move(file), flags);
}

// "/proc/self/fd/3", once more.
CallAnswer Calls::reopen(int fd, uint64_t flags) {
  const Fd old = file_of(static_cast<uint64_t>(fd));
  if (!old) return lost();
  struct stat is {};
  Mirror::Entry* entry = entry_of(old, is);
  if (entry == nullptr || entry->directory) return let_run();
  const std::string name = fmt::format("/proc/self/fd/{}", old.get());
  Fd file(::open(name.c_str(), static_cast<int>(flags & ~uint64_t{O_NOFOLLOW}) | O_CLOEXEC));
  if (!file) return fail_with(errno);
  if (!entry->open) log({.kind = TraceEvent::kOpen, .file = entry->file});
  entry->open = true;
  if ((flags & O_TRUNC) != 0) truncated(*entry, static_cast<uint64_t>(is.st_size), 0);
  return give(std::move(file), flags);
}

// The caller gets it, and we have it no more before it knows.
CallAnswer Calls::give(Fd file, uint64_t flags) {
  seccomp_notif_addfd add{};
  add.id = call_->id;
  add.srcfd = static_cast<uint32_t>(file.get());
  add.newfd_flags = (flags & O_CLOEXEC) != 0 ? O_CLOEXEC : 0;
  const int fd = ::ioctl(listener_, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
  return fd < 0 ? fail_with(errno) : answer_with(fd);
}

// --- Names ---

CallAnswer Calls::on_mkdir(int directory, uint64_t path, uint64_t mode) {
  const auto place = place_at(directory, path, false);
  if (!place || !place->recorded) return let_run();
  const auto mask = umask();
  if (!mask) return fail_with(EPERM);
  if (const int error = failed_by(sim::Op::kMakeDirectory, place->path)) return fail_with(error);
  if (::mkdirat(place->parent.get(), place->name.c_str(),
                static_cast<mode_t>(mode & 07777) & ~*mask) != 0)
    return fail_with(errno);
  struct stat is {};
  if (look(place->parent, place->bare(), is)) mirror_.add_directory(is, place->path);
  log({.kind = TraceEvent::kMakeDirectory, .mode = is.st_mode & 07777, .path = place->path});
  return answer_with(0);
}

// It is no file of the recording, wherever it stands.
bool Calls::is_left_out(const struct stat& file) {
  const Mirror::Entry* entry = mirror_.find(file);
  return entry != nullptr && entry->ignored;
}

// The file that was there has lost a name; if that was its last, its last close matters.
void Calls::gone(const struct stat& file) {
  if (!S_ISREG(file.st_mode) || file.st_nlink > 1) return;
  if (Mirror::Entry* entry = mirror_.find(file)) {
    entry->gone = true;
    settling_.push_back(file);
    settling_.back().st_nlink = 0;
    on_closing(0, -1, false);  // perhaps nobody has it open
  }
}

CallAnswer Calls::on_unlink(int directory, uint64_t path, int flags) {
  const auto place = place_at(directory, path, false);
  if (!place || !place->recorded) return let_run();
  struct stat is {};
  const bool existed = look(place->parent, place->bare(), is);
  if (existed && is_left_out(is)) return let_run();
  if (const int error = failed_by(sim::Op::kRemove, place->path)) return fail_with(error);
  if (::unlinkat(place->parent.get(), place->name.c_str(), flags) != 0) return fail_with(errno);
  if (!existed || !is_kept(is)) return answer_with(0);
  log({.kind = TraceEvent::kRemove, .path = place->path});
  if (S_ISDIR(is.st_mode)) mirror_.forget(is);
  gone(is);
  return answer_with(0);
}

CallAnswer Calls::on_rename(int from_in, uint64_t from_path, int to_in, uint64_t to_path,
                            unsigned flags) {
  const auto from = place_at(from_in, from_path, false);
  const auto to = place_at(to_in, to_path, false);
  if (!from || !to || (!from->recorded && !to->recorded)) return let_run();
  if (from->in.st_dev != to->in.st_dev) return fail_with(EXDEV);
  struct stat moved {};
  struct stat replaced {};
  const bool there = look(from->parent, from->bare(), moved);
  const bool replaces = look(to->parent, to->bare(), replaced);
  const sim::Injection injection = injected(sim::Op::kRename, from->path);
  const int error = injection.error ? errno_of(*injection.error) : 0;
  if (error != 0 && !injection.happens) return fail_with(error);
  if (::syscall(SYS_renameat2, from->parent.get(), from->name.c_str(), to->parent.get(),
                to->name.c_str(), flags) != 0)
    return fail_with(errno);
  if (!there) return answer_with(0);
  const CallAnswer done = renamed(*from, moved, *to, replaces ? &replaced : nullptr, flags);
  return error != 0 ? fail_with(error) : done;
}

CallAnswer Calls::renamed(const Place& from, const struct stat& moved, const Place& to,
                          const struct stat* replaced, unsigned flags) {
  const std::string both = from.path + " to " + to.path;
  if (replaced != nullptr && is_same_file(moved, *replaced))
    return answer_with(0);  // nothing happens
  if (!from.recorded || !to.recorded) {
    log_unmodelled("rename across the edge of the recorded directory",
                   from.recorded ? from.path : to.path);
  } else if (S_ISDIR(moved.st_mode) || (replaced != nullptr && S_ISDIR(replaced->st_mode))) {
    log_unmodelled("rename of a directory", both);
    mirror_.move_directory(from.path, to.path);
  } else if ((flags & RENAME_WHITEOUT) != 0 || !is_kept(moved) || is_left_out(moved) ||
             (replaced != nullptr && (!is_kept(*replaced) || is_left_out(*replaced)))) {
    log_unmodelled("rename of what is no file", both);
  } else if ((flags & RENAME_EXCHANGE) != 0) {
    log({.kind = TraceEvent::kExchange, .path = from.path, .other = to.path});
  } else {
    log({.kind = TraceEvent::kRename, .path = from.path, .other = to.path});
    if (Mirror::Entry* entry = mirror_.find(moved)) entry->path = to.path;
    if (replaced != nullptr) gone(*replaced);
  }
  return answer_with(0);
}

CallAnswer Calls::on_link(int from_in, uint64_t from_path, int to_in, uint64_t to_path, int flags) {
  const auto to = place_at(to_in, to_path, false);
  const auto path = path_at(from_path);
  if (!path) return lost();
  if (!to || !to->recorded) return let_run();
  // By a descriptor, as a file without a name gets one.
  std::optional<int> fd;
  if ((flags & AT_EMPTY_PATH) != 0 && path->empty()) fd = from_in;
  if ((flags & AT_SYMLINK_FOLLOW) != 0 && !fd) fd = named_fd(*path);
  if (const int error = failed_by(sim::Op::kLink, to->path)) return fail_with(error);
  struct stat is {};
  int done = 0;
  if (fd) {
    const Fd file = file_of(static_cast<uint64_t>(*fd));
    if (!file) return lost();
    if (::fstat(file.get(), &is) != 0) return fail_with(errno);
    const std::string name = fmt::format("/proc/self/fd/{}", file.get());
    done = ::linkat(AT_FDCWD, name.c_str(), to->parent.get(), to->name.c_str(), AT_SYMLINK_FOLLOW);
  } else {
    const auto from = place_at(from_in, *path, (flags & AT_SYMLINK_FOLLOW) != 0);
    if (!from) return let_run();
    if (!look(from->parent, from->bare(), is)) return fail_with(errno);
    done = ::linkat(from->parent.get(), from->name.c_str(), to->parent.get(), to->name.c_str(), 0);
  }
  if (done != 0) return fail_with(errno);
  Mirror::Entry* entry = mirror_.find(is);
  if (entry == nullptr || entry->ignored) {
    log_unmodelled("a link to what is not recorded", to->path);
    return answer_with(0);
  }
  if (entry->path.empty()) entry->path = to->path;
  log({.kind = TraceEvent::kLink, .file = entry->file, .path = to->path});
  return answer_with(0);
}

CallAnswer Calls::on_symlink(uint64_t target, int directory, uint64_t path) {
  const auto text = path_at(target);
  if (!text) return lost();
  const auto place = place_at(directory, path, false);
  if (!place || !place->recorded) return let_run();
  if (const int error = failed_by(sim::Op::kLink, place->path)) return fail_with(error);
  if (::symlinkat(text->c_str(), place->parent.get(), place->name.c_str()) != 0)
    return fail_with(errno);
  log({.kind = TraceEvent::kSymlink, .path = place->path, .other = *text});
  return answer_with(0);
}

}  // namespace powercut::scenarios
