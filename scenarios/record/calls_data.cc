// Calls on open files: what is written, and what is synced.
#include <fmt/format.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "scenarios/record/calls.h"

namespace powercut::scenarios {

namespace {

// A call may write less than it was asked to.
constexpr size_t kWriteMost = size_t{64} << 20;
constexpr size_t kOutMost = size_t{1} << 20;  // of what is said, so much is kept

bool is_vectored(int call) {
  return call == SYS_writev || call == SYS_pwritev || call == SYS_pwritev2;
}
bool has_offset(int call) {
  return call == SYS_pwrite64 || call == SYS_pwritev || call == SYS_pwritev2;
}

// The bytes where O_DIRECT wants them: as aligned as they were with the caller.
class Bounce {
 public:
  Bounce(const std::string& bytes, uint64_t address)
      : at_(static_cast<char*>(std::aligned_alloc(kAlign, (bytes.size() / kAlign + 2) * kAlign))) {
    std::memcpy(data(address), bytes.data(), bytes.size());
  }
  char* data(uint64_t address) const { return at_.get() + address % kAlign; }

 private:
  static constexpr size_t kAlign = 4096;
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> at_;
};

}  // namespace

// --- Writes ---

// `address`: where it begins.
std::optional<std::string> Calls::data_of_write(uint64_t& address, size_t most) {
  if (is_vectored(call_->data.nr))
    return read_vector(thread(), argument(1), argument(2), most, address);
  address = argument(1);
  std::string bytes(std::min<uint64_t>(argument(2), most), '\0');
  if (bytes.empty()) return bytes;
  const ssize_t got = read_memory(thread(), address, bytes.data(), bytes.size());
  if (got < 0) return std::nullopt;
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

CallAnswer Calls::on_write() {
  const Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  if (::fstat(file.get(), &is) != 0) return let_run();
  const Mirror::Entry* entry = S_ISREG(is.st_mode) ? mirror_.find(is) : nullptr;
  if (entry != nullptr && !entry->directory && !entry->ignored) return perform_write(file, *entry);
  const auto stream = stream_of(int_argument(0), is);
  if (!stream) return let_run();
  uint64_t address = 0;
  std::optional<std::string> bytes = data_of_write(address, kOutMost);
  if (!bytes) return lost();
  if (!bytes->empty())
    log({.kind = TraceEvent::kOut, .other = *stream, .bytes = std::move(*bytes)});
  return let_run();
}

CallAnswer Calls::perform_write(const Fd& file, const Mirror::Entry& entry) {
  uint64_t address = 0;
  errno = 0;
  std::optional<std::string> bytes = data_of_write(address, kWriteMost);
  if (!bytes) return errno == EPERM || errno == EACCES ? lost() : fail_with(errno);
  const int call = call_->data.nr;
  const int open_flags = ::fcntl(file.get(), F_GETFL);
  const int flags = call == SYS_pwritev2 ? int_argument(5) : 0;
  const auto offset = has_offset(call) ? static_cast<int64_t>(argument(3)) : -1;
  if (has_offset(call) && (offset < -1 || (offset == -1 && call != SYS_pwritev2)))
    return fail_with(EINVAL);
  // One that goes past the cache writes its sectors or does not.
  const bool direct = (open_flags & O_DIRECT) != 0;
  if (!bytes->empty()) {
    const auto injection = injected(sim::Op::kWrite, entry.path, direct ? 0 : bytes->size());
    if (injection.error) return fail_with(errno_of(*injection.error));
    if (injection.short_size) bytes->resize(*injection.short_size);
  }
  const std::unique_ptr<Bounce> bounce =
      direct ? std::make_unique<Bounce>(*bytes, address) : nullptr;
  const iovec buffer{bounce ? bounce->data(address) : bytes->data(), bytes->size()};
  const ssize_t done = ::pwritev2(file.get(), &buffer, 1, offset, flags);
  if (done < 0) return fail_with(errno);
  if (done == 0) return answer_with(0);
  const bool appends = (open_flags & O_APPEND) != 0 || (flags & RWF_APPEND) != 0;
  uint64_t at = static_cast<uint64_t>(offset);
  if (appends) {
    struct stat after {};
    (void)::fstat(file.get(), &after);
    at = static_cast<uint64_t>(after.st_size - done);
  } else if (offset == -1) {
    at = static_cast<uint64_t>(::lseek(file.get(), 0, SEEK_CUR) - done);
  }
  bytes->resize(static_cast<size_t>(done));
  log({.kind = TraceEvent::kWrite, .file = entry.file, .offset = at, .bytes = std::move(*bytes)});
  if ((open_flags & O_DSYNC) != 0)
    log_sync({.kind = TraceEvent::kSync, .file = entry.file, .other = "O_DSYNC"});
  else if ((flags & (RWF_DSYNC | RWF_SYNC)) != 0)
    log_sync({.kind = TraceEvent::kSync, .file = entry.file, .other = "RWF_DSYNC"});
  return answer_with(done);
}

// To a socket: it may be a promise.
CallAnswer Calls::on_send() {
  const Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  if (::fstat(file.get(), &is) != 0) return let_run();
  const auto stream = stream_of(int_argument(0), is);
  if (!stream) return let_run();
  const auto note = [&](std::optional<std::string> bytes) {
    if (bytes && !bytes->empty())
      log({.kind = TraceEvent::kOut, .other = *stream, .bytes = std::move(*bytes)});
  };
  uint64_t address = 0;
  if (call_->data.nr == SYS_sendto) {
    note(data_of_write(address, kOutMost));
    return let_run();
  }
  const uint64_t count = call_->data.nr == SYS_sendmmsg ? argument(2) : 1;
  for (uint64_t i = 0; i < std::min<uint64_t>(count, 1024); ++i) {
    msghdr message{};
    const uint64_t at = argument(1) + i * sizeof(mmsghdr);
    if (read_memory(thread(), at, &message, sizeof message) != sizeof message) return lost();
    note(read_vector(thread(), reinterpret_cast<uint64_t>(message.msg_iov), message.msg_iovlen,
                     kOutMost, address));
  }
  return let_run();
}

// --- Sizes ---

void Calls::truncated(Mirror::Entry& entry, uint64_t before, uint64_t after) {
  if (before != after) log({.kind = TraceEvent::kTruncate, .file = entry.file, .length = after});
}

CallAnswer Calls::on_ftruncate() {
  const Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  Mirror::Entry* entry = entry_of(file, is);
  if (entry == nullptr || entry->directory) return let_run();
  if (const int error = failed_by(sim::Op::kTruncate, entry->path)) return fail_with(error);
  if (::ftruncate(file.get(), static_cast<off_t>(argument(1))) != 0) return fail_with(errno);
  truncated(*entry, static_cast<uint64_t>(is.st_size), argument(1));
  if (argument(1) == 0 && is.st_size > 0) settling_.push_back(is);
  return answer_with(0);
}

CallAnswer Calls::on_truncate() {
  const auto place = place_at(AT_FDCWD, argument(0), true);
  if (!place || !place->recorded) return let_run();
  const Fd file(
      ::openat(place->parent.get(), place->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat is {};
  Mirror::Entry* entry = file ? entry_of(file, is) : nullptr;
  if (entry == nullptr || entry->directory) return let_run();
  if (const int error = failed_by(sim::Op::kTruncate, entry->path)) return fail_with(error);
  const std::string name = fmt::format("/proc/self/fd/{}", file.get());
  if (::truncate(name.c_str(), static_cast<off_t>(argument(1))) != 0) return fail_with(errno);
  truncated(*entry, static_cast<uint64_t>(is.st_size), argument(1));
  return answer_with(0);
}

CallAnswer Calls::on_fallocate() {
  const Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  Mirror::Entry* entry = entry_of(file, is);
  if (entry == nullptr || entry->directory) return let_run();
  const int mode = int_argument(1);
  const uint64_t offset = argument(2), length = argument(3);
  if (const int error = failed_by(sim::Op::kTruncate, entry->path)) return fail_with(error);
  if (::fallocate(file.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) != 0)
    return fail_with(errno);
  if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0) {
    log_unmodelled(fmt::format("fallocate of mode {:#x}", mode), entry->path);
    return answer_with(0);
  }
  // Space that is reserved shows in nothing that is modelled.
  const auto size = static_cast<uint64_t>(is.st_size);
  if ((mode & FALLOC_FL_KEEP_SIZE) == 0) truncated(*entry, size, std::max(size, offset + length));
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
    log({.kind = TraceEvent::kZero, .file = entry->file, .offset = offset, .length = length});
  return answer_with(0);
}

// From file to file within the kernel: into a recorded one it is answered as where it cannot be done, and
// programs read and write instead.
CallAnswer Calls::on_copy(int to, int refusal) {
  const Fd file = file_of(static_cast<uint64_t>(to));
  if (!file) return lost();
  struct stat is {};
  if (::fstat(file.get(), &is) != 0) return let_run();
  if (S_ISREG(is.st_mode)) {
    const Mirror::Entry* entry = entry_of(file, is);
    return entry == nullptr ? let_run() : fail_with(refusal);
  }
  if (const auto stream = stream_of(to, is))
    log({.kind = TraceEvent::kNote,
         .other = fmt::format("a copy within the kernel to {}: not seen", *stream)});
  return let_run();
}

// --- Syncs ---

CallAnswer Calls::on_sync_file_range() {
  const Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  if (const Mirror::Entry* entry = entry_of(file, is); entry != nullptr && !entry->directory)
    log({.kind = TraceEvent::kNote,
         .other = fmt::format("sync_file_range of {}: it promises nothing", entry->path)});
  return let_run();
}

CallAnswer Calls::on_fsync() {
  Fd file = file_of(argument(0));
  if (!file) return lost();
  struct stat is {};
  const Mirror::Entry* entry = entry_of(file, is);
  if (entry == nullptr) return let_run();
  const bool data_only = call_->data.nr == SYS_fdatasync;
  return sync_file(std::move(file), *entry, data_only ? "fdatasync" : "fsync", data_only);
}

CallAnswer Calls::sync_file(Fd file, const Mirror::Entry& entry, const std::string& name,
                            bool data_only) {
  const uint64_t number = ++syncs_;
  if (entry.directory)
    log({.kind = TraceEvent::kSyncDirectory, .number = number, .path = entry.path, .other = name});
  else
    log({.kind = TraceEvent::kSync, .file = entry.file, .number = number, .other = name});
  const int error =
      failed_by(entry.directory ? sim::Op::kSyncDirectory : sim::Op::kSync, entry.path);
  if (error != 0) {
    end_sync(number, thread(), error);
    return fail_with(error);
  }
  // std::function wants to be copied.
  auto shared = std::make_shared<Fd>(std::move(file));
  pool_.add([this, shared, data_only, number, id = call_->id, by = thread()]() mutable {
    const int done = data_only ? ::fdatasync(shared->get()) : ::fsync(shared->get());
    const CallAnswer answer = done == 0 ? answer_with(0) : fail_with(errno);
    end_sync(number, by, done == 0 ? 0 : errno);
    shared.reset();
    send_answer(listener_, id, answer);
  });
  return {CallAnswer::kLater, 0};
}

// By whoever did it: a thread of the pool as well.
void Calls::end_sync(uint64_t number, pid_t by, int error) {
  TraceEvent event{.kind = error == 0 ? TraceEvent::kSynced : TraceEvent::kFailed,
                   .process = static_cast<uint64_t>(by),
                   .number = number};
  if (error != 0) event.other = errno_name(error);
  journal_.add(std::move(event));
}

CallAnswer Calls::on_sync_all() {
  const bool one = call_->data.nr == SYS_syncfs;
  std::shared_ptr<Fd> file;
  if (one) {
    file = std::make_shared<Fd>(file_of(argument(0)));
    if (!*file) return lost();
  }
  const uint64_t number = ++syncs_;
  log({.kind = TraceEvent::kSyncAll, .number = number, .other = one ? "syncfs" : "sync"});
  pool_.add([this, file, number, id = call_->id, by = thread()]() mutable {
    if (!file) ::sync();
    const int done = file ? ::syncfs(file->get()) : 0;
    const CallAnswer answer = done == 0 ? answer_with(0) : fail_with(errno);
    end_sync(number, by, done == 0 ? 0 : errno);
    file.reset();
    send_answer(listener_, id, answer);
  });
  return {CallAnswer::kLater, 0};
}

// --- Mappings: what is written through them is no call. So a recorded file has none that writes, or is looked at ---

// From now on, if that is wanted. `path`: leads to the file.
bool Calls::sampled(const Mirror::Entry& entry, const std::string& path, const std::string& call) {
  if (!sample_) return false;
  Fd readable(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!readable) return false;
  if (!mapped_.knows(entry.file)) {
    remark(
        fmt::format("{} is mapped shared and writable: what is written there is sampled, where "
                    "something is synced or said",
                    entry.path));
    log({.kind = TraceEvent::kNote,
         .other = fmt::format("{} of {}, shared and writable{}", call, entry.path, kSampled)});
  }
  mapped_.add(std::move(readable), entry.file);
  return true;
}

CallAnswer Calls::on_mmap() {
  const Fd file = file_of(argument(4));
  if (!file) return lost();
  struct stat is {};
  if (::fstat(file.get(), &is) != 0) return let_run();
  const Mirror::Entry* entry = entry_of(file, is);
  if (entry == nullptr) return let_run();
  if (sampled(*entry, fmt::format("/proc/self/fd/{}", file.get()), "mmap")) return let_run();
  remark(
      fmt::format("{} was to be mapped shared and writable: refused with ENODEV; --ignore leaves "
                  "a file out that need not be kept, --mmap sample looks at it now and then",
                  entry->path));
  log({.kind = TraceEvent::kNote,
       .other = fmt::format("mmap of {}, shared and writable: refused", entry->path)});
  return fail_with(ENODEV);
}

// The recorded file that is mapped there and shared, and its path; null: none.
const Mirror::Entry* Calls::mapped_at(uint64_t address, std::string& path) {
  const auto mapping = shared_mapping_at(thread(), address);
  if (!mapping) return nullptr;
  struct stat is {};
  if (::stat(mapping->file.c_str(), &is) != 0 || is.st_ino != mapping->inode) return nullptr;
  path = mapping->file;
  const Mirror::Entry* entry = mirror_.find(is);
  return entry == nullptr || entry->ignored ? nullptr : entry;
}

CallAnswer Calls::on_mprotect() {
  std::string path;
  const Mirror::Entry* entry = mapped_at(argument(0), path);
  if (entry == nullptr || sampled(*entry, path, "mprotect")) return let_run();
  remark(
      fmt::format("the mapping of {} was to be made writable: refused with EACCES; --ignore leaves "
                  "a file out that need not be kept, --mmap sample looks at it now and then",
                  entry->path));
  log({.kind = TraceEvent::kNote,
       .other = fmt::format("mprotect of a mapping of {}, writable: refused", entry->path)});
  return fail_with(EACCES);
}

CallAnswer Calls::on_msync() {
  std::string path;
  if ((argument(2) & MS_SYNC) == 0) return let_run();
  const Mirror::Entry* entry = mapped_at(argument(0), path);
  if (entry == nullptr) return let_run();
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file && mapped_.knows(entry->file)) return sync_file(std::move(file), *entry, "msync", true);
  log_unmodelled("msync", entry->path);
  return let_run();
}

}  // namespace powercut::scenarios
