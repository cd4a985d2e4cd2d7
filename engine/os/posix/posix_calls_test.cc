// What the kernel is asked for and what becomes of its answers: the calls of the C library and of liburing are taken
// over for this program, and each may be told to fail.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "engine/os/posix/directory_lock.h"
#include "engine/os/posix/os_error.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/posix/process.h"

namespace powercut::engine {
namespace {

// Calls come from a helper thread, too.
struct Kernel {
  std::mutex mutex;
  bool watched = false;  // or every call goes through
  std::map<std::string, std::deque<int>>
      errors;  // of the next calls by that name; 0: it goes through
  std::vector<std::string> made;
  uint64_t seed = 0;
  int unsupported = -1;  // an opcode of io_uring
  std::function<void()> during_fdatasync;
};
Kernel& kernel() {
  static Kernel* one = new Kernel;  // calls are made until the very end
  return *one;
}

// What is to become of this call: an errno, or 0.
int called(const char* name, const std::string& how = "") {
  Kernel& k = kernel();
  std::lock_guard lock(k.mutex);
  if (!k.watched) return 0;
  k.made.push_back(how.empty() ? name : name + (" " + how));
  auto& errors = k.errors[name];
  if (errors.empty()) return 0;
  const int error = errors.front();
  errors.pop_front();
  return error;
}

template <class Call>
Call real(const char* name) {
  return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

constexpr size_t kTooLongForAtOnce = (16 << 10) + 1;
constexpr int kGivesNothing = -1;  // of pwrite: it says 0
constexpr int kClosesInput = -2;   // of getrandom and openat: descriptor 0 is free from now on

// What the ring says first, it says so instead.
void say_instead(io_uring* ring) {
  if (io_uring_cq_ready(ring) == 0) return;
  const int error = called("cqe");
  if (error != 0) ring->cq.cqes[*ring->cq.khead & ring->cq.ring_mask].res = -error;
}

}  // namespace
}  // namespace powercut::engine

// NOLINTBEGIN: the C library's names
#define POWERCUT_TAKEN_OVER(result, name, parameters, arguments, ...)                \
  extern "C" result name parameters __VA_ARGS__ {                                    \
    if (const int error = powercut::engine::called(#name); error != 0) {             \
      errno = error == powercut::engine::kGivesNothing ? 0 : error;                  \
      return static_cast<result>(error == powercut::engine::kGivesNothing ? 0 : -1); \
    }                                                                                \
    static const auto next = powercut::engine::real<result(*) parameters>(#name);    \
    return next arguments;                                                           \
  }

POWERCUT_TAKEN_OVER(ssize_t, pread, (int fd, void* out, size_t size, off_t at), (fd, out, size, at))
POWERCUT_TAKEN_OVER(ssize_t, pwrite, (int fd, const void* in, size_t size, off_t at),
                    (fd, in, size, at))
POWERCUT_TAKEN_OVER(int, fsync, (int fd), (fd))
POWERCUT_TAKEN_OVER(int, fallocate, (int fd, int how, off_t at, off_t size), (fd, how, at, size))
POWERCUT_TAKEN_OVER(int, ftruncate, (int fd, off_t size), (fd, size), noexcept)
POWERCUT_TAKEN_OVER(int, fstat, (int fd, struct stat* out), (fd, out), noexcept)
POWERCUT_TAKEN_OVER(int, fstatat, (int fd, const char* path, struct stat* out, int flags),
                    (fd, path, out, flags), noexcept)
POWERCUT_TAKEN_OVER(int, renameat, (int a, const char* from, int b, const char* to),
                    (a, from, b, to), noexcept)
POWERCUT_TAKEN_OVER(int, linkat, (int a, const char* from, int b, const char* to, int flags),
                    (a, from, b, to, flags), noexcept)
POWERCUT_TAKEN_OVER(int, mkdirat, (int fd, const char* path, mode_t mode), (fd, path, mode),
                    noexcept)
POWERCUT_TAKEN_OVER(int, flock, (int fd, int how), (fd, how), noexcept)
POWERCUT_TAKEN_OVER(pid_t, fork, (), (), noexcept)
POWERCUT_TAKEN_OVER(ssize_t, write, (int fd, const void* in, size_t size), (fd, in, size))
POWERCUT_TAKEN_OVER(int, sigprocmask, (int how, const sigset_t* set, sigset_t* old),
                    (how, set, old), noexcept)
POWERCUT_TAKEN_OVER(int, signalfd, (int fd, const sigset_t* set, int flags), (fd, set, flags),
                    noexcept)
POWERCUT_TAKEN_OVER(int, getrlimit, (__rlimit_resource_t what, rlimit* limit), (what, limit),
                    noexcept)
POWERCUT_TAKEN_OVER(int, eventfd, (unsigned count, int flags), (count, flags), noexcept)

extern "C" int setrlimit(__rlimit_resource_t what, const rlimit* limit) noexcept {
  const std::string how =
      std::to_string(limit->rlim_cur) + " of " + std::to_string(limit->rlim_max);
  if (const int error = powercut::engine::called("setrlimit", how)) {
    errno = error;
    return -1;
  }
  static const auto next =
      powercut::engine::real<int (*)(__rlimit_resource_t, const rlimit*)>("setrlimit");
  return next(what, limit);
}
extern "C" char* getcwd(char* out, size_t size) noexcept {
  if (powercut::engine::called("getcwd") != 0) return nullptr;
  static const auto next = powercut::engine::real<char* (*)(char*, size_t)>("getcwd");
  return next(out, size);
}
extern "C" int unlinkat(int fd, const char* path, int flags) noexcept {
  if (const int error = powercut::engine::called("unlinkat", flags == 0 ? "" : "directory")) {
    errno = error;
    return -1;
  }
  static const auto next = powercut::engine::real<int (*)(int, const char*, int)>("unlinkat");
  return next(fd, path, flags);
}
extern "C" ssize_t getrandom(void* out, size_t size, unsigned flags) {
  const int error = powercut::engine::called("getrandom");
  if (error == powercut::engine::kClosesInput) {
    close(STDIN_FILENO);
  } else if (error != 0) {
    errno = error;
    return -1;
  }
  if (powercut::engine::kernel().seed != 0 && size == 8) {
    std::memcpy(out, &powercut::engine::kernel().seed, 8);
    return 8;
  }
  static const auto next =
      powercut::engine::real<ssize_t (*)(void*, size_t, unsigned)>("getrandom");
  return next(out, size, flags);
}
extern "C" int fdatasync(int fd) {
  if (const int error = powercut::engine::called("fdatasync")) {
    errno = error;
    return -1;
  }
  static const auto next = powercut::engine::real<int (*)(int)>("fdatasync");
  const int result = next(fd);
  if (const auto& during = powercut::engine::kernel().during_fdatasync) during();
  return result;
}
extern "C" int close(int fd) {
  static const auto next = powercut::engine::real<int (*)(int)>("close");
  const int result = next(fd);
  if (result != 0 && errno == EBADF) {
    (void)powercut::engine::called("close of no descriptor");
    errno = EBADF;
  }
  return result;
}
extern "C" DIR* fdopendir(int fd) {
  if (const int error = powercut::engine::called("fdopendir")) {
    errno = error;
    return nullptr;
  }
  static const auto next = powercut::engine::real<DIR* (*)(int)>("fdopendir");
  return next(fd);
}
extern "C" dirent* readdir(DIR* directory) {
  if (const int error = powercut::engine::called("readdir")) {
    errno = error;
    return nullptr;
  }
  static const auto next = powercut::engine::real<dirent* (*)(DIR*)>("readdir");
  return next(directory);
}
extern "C" int openat(int fd, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  char how[32];
  std::snprintf(how, sizeof how, "%o %o", static_cast<unsigned>(flags), mode);
  const int error = powercut::engine::called("openat", how);
  if (error == powercut::engine::kClosesInput) {
    close(STDIN_FILENO);
  } else if (error != 0) {
    errno = error;
    return -1;
  }
  static const auto next = powercut::engine::real<int (*)(int, const char*, int, ...)>("openat");
  return next(fd, path, flags, mode);
}
extern "C" int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (const int error = powercut::engine::called("open")) {
    errno = error;
    return -1;
  }
  static const auto next = powercut::engine::real<int (*)(const char*, int, ...)>("open");
  return next(path, flags, mode);
}
extern "C" int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags) {
  if (const int error = powercut::engine::called("io_uring_queue_init")) return -error;
  static const auto next =
      powercut::engine::real<int (*)(unsigned, io_uring*, unsigned)>("io_uring_queue_init");
  return next(entries, ring, flags);
}
extern "C" io_uring_probe* io_uring_get_probe_ring(io_uring* ring) {
  if (powercut::engine::called("io_uring_get_probe_ring") != 0) return nullptr;
  static const auto next =
      powercut::engine::real<io_uring_probe* (*)(io_uring*)>("io_uring_get_probe_ring");
  io_uring_probe* probe = next(ring);
  const int unsupported = powercut::engine::kernel().unsupported;
  if (probe != nullptr && unsupported >= 0 && unsupported < probe->ops_len) {
    probe->ops[unsupported].flags = 0;
  }
  return probe;
}
extern "C" int io_uring_submit(io_uring* ring) {
  static const auto next = powercut::engine::real<int (*)(io_uring*)>("io_uring_submit");
  const int result = next(ring);
  powercut::engine::say_instead(ring);
  return result;
}
extern "C" int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** out, unsigned count,
                                                __kernel_timespec* timeout, sigset_t* signals) {
  static const auto next =
      powercut::engine::real<int (*)(io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*,
                                     sigset_t*)>("io_uring_submit_and_wait_timeout");
  const int result = next(ring, out, count, timeout, signals);
  powercut::engine::say_instead(ring);
  return result;
}
// NOLINTEND

namespace powercut::engine {
namespace {

template <class T>
std::string outcome_of(const Result<T>& result) {
  return result.ok() ? "ok"
                     : std::string(to_string(result.error().code)) + ": " + result.error().message;
}
#define EXPECT_OK(result) EXPECT_EQ(outcome_of(result), "ok")

template <class T>
Errc code_of(const Result<T>& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? Errc::kTimeout : result.error().code;
}

class PosixCallsTest : public ::testing::TestWithParam<bool> {
 protected:
  PosixCallsTest() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "powercut_calls_XXXXXX").string();
    CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    os_ = std::move(PosixOs::open(root_, options()).value());
  }
  ~PosixCallsTest() override {
    {
      std::lock_guard lock(kernel().mutex);
      kernel().watched = false;
      kernel().errors.clear();
      kernel().seed = 0;
      kernel().unsupported = -1;
    }
    os_.reset();
    std::filesystem::remove_all(root_);
  }
  static PosixOptions options() { return {.use_io_uring = GetParam()}; }

  // From now on these calls by that name end so.
  static void fail(const std::string& name, std::deque<int> errors) {
    std::lock_guard lock(kernel().mutex);
    kernel().watched = true;
    kernel().errors[name] = std::move(errors);
  }
  static std::vector<std::string> made(const std::string& prefix = "") {
    std::lock_guard lock(kernel().mutex);
    kernel().watched = true;
    auto calls = std::exchange(kernel().made, {});
    std::erase_if(calls, [&](const std::string& call) { return !call.starts_with(prefix); });
    return calls;
  }

  std::unique_ptr<File> create(std::string_view path, std::string_view content = "") {
    auto file = os_->open(path, Open::kCreateNew);
    EXPECT_OK(file);
    EXPECT_EQ((*file)->write_at(0, content).value(), content.size());
    return std::move(*file);
  }
  // In a task.
  void run(std::function<void()> body) {
    os_->spawn("test", std::move(body));
    EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  }
  template <class T>
  static std::string said(const Result<T>& result, Errc code) {
    EXPECT_EQ(code_of(result), code);
    return result.ok() ? "" : result.error().message;
  }

  std::string root_;
  std::unique_ptr<PosixOs> os_;
};
INSTANTIATE_TEST_SUITE_P(Posix, PosixCallsTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "IoUring" : "PlainCalls"; });

using Calls = std::vector<std::string>;

// --- Interrupted calls ---

TEST_P(PosixCallsTest, InterruptedCallsAreRepeated) {
  const std::deque<int> twice{EINTR, EINTR};
  fail("openat", twice);
  auto file = create("f");
  fail("pwrite", twice);
  EXPECT_EQ(file->write_at(0, "abc").value(), 3u);
  fail("pread", twice);
  char buffer[3];
  EXPECT_EQ(file->read_at(0, buffer, 3).value(), 3u);
  fail("ftruncate", twice);
  EXPECT_OK(file->truncate(1));
  fail("unlinkat", twice);
  EXPECT_OK(os_->remove("f"));
  fail("openat", twice);
  EXPECT_OK(os_->list(""));
  fail("openat", twice);
  EXPECT_OK(os_->sync_directory("", "test"));
  fail("open", twice);
  EXPECT_OK(PosixOs::open(root_, options()));
  fail("open", twice);
  EXPECT_OK(lock_directory(root_));
}

// After a sync that failed nobody knows what is durable: a second one would say that all is well.
TEST_P(PosixCallsTest, AnInterruptedSyncIsNotRepeated) {
  auto file = create("f", "abc");
  made();
  fail("fdatasync", {EINTR});
  EXPECT_EQ(said(file->sync("test"), Errc::kIo), "fdatasync f: Interrupted system call");
  fail("fsync", {EINTR});
  EXPECT_EQ(said(os_->sync_directory("", "test"), Errc::kIo), "fsync .: Interrupted system call");
  EXPECT_EQ(made("f"), (Calls{"fdatasync", "fsync"}));
}

// --- Failed calls ---

TEST_P(PosixCallsTest, EveryErrorSaysWhatFailedAndWhere) {
  auto file = create("f", "abc");
  char byte;
  fail("pread", {EIO});
  EXPECT_EQ(said(file->read_at(0, &byte, 1), Errc::kIo), "read f: Input/output error");
  fail("pwrite", {ENOSPC});
  EXPECT_EQ(said(file->write_at(0, "x"), Errc::kNoSpace), "write f: No space left on device");
  fail("pwrite", {kGivesNothing});
  EXPECT_EQ(said(file->write_at(0, "x"), Errc::kIo), "write f: Input/output error");
  fail("ftruncate", {EFBIG});
  EXPECT_EQ(said(file->truncate(5), Errc::kNoSpace), "truncate f: File too large");
  EXPECT_EQ(said(file->truncate(UINT64_MAX), Errc::kInvalid), "truncate f: Invalid argument");
  EXPECT_EQ(said(file->read_at(UINT64_MAX, &byte, 1), Errc::kInvalid), "read f: Invalid argument");
  EXPECT_EQ(said(file->write_at(UINT64_MAX, "x"), Errc::kInvalid), "write f: Invalid argument");
  fail("fdatasync", {EIO});
  EXPECT_EQ(said(file->sync("test"), Errc::kIo), "fdatasync f: Input/output error");
  fail("fstat", {EIO});
  EXPECT_EQ(said(file->size(), Errc::kIo), "stat f: Input/output error");
  fail("renameat", {EBUSY});
  EXPECT_EQ(said(os_->rename("f", "g"), Errc::kRefused), "rename f to g: Device or resource busy");
  fail("linkat", {EMLINK});
  EXPECT_EQ(said(os_->link("f", "g"), Errc::kNoSpace), "link f to g: Too many links");
  fail("mkdirat", {EROFS});
  EXPECT_EQ(said(os_->make_directory("d"), Errc::kRefused), "mkdir d: Read-only file system");
  fail("openat", {EACCES});
  EXPECT_EQ(said(os_->open("f", Open::kRead), Errc::kRefused), "open f: Permission denied");
  fail("fstat", {EIO});
  EXPECT_EQ(said(os_->open("f", Open::kRead), Errc::kIo), "open f: Input/output error");
  fail("openat", {EMFILE});
  EXPECT_EQ(said(os_->list(""), Errc::kNoSpace), "list .: Too many open files");
  fail("fdopendir", {ENOMEM});
  EXPECT_EQ(said(os_->list(""), Errc::kIo), "list .: Cannot allocate memory");
  fail("readdir", {0, 0, EIO});
  EXPECT_EQ(said(os_->list(""), Errc::kIo), "list .: Input/output error");
  fail("openat", {ENFILE});
  EXPECT_EQ(said(os_->sync_directory("", "test"), Errc::kNoSpace),
            "fsync .: Too many open files in system");
  fail("fsync", {EIO});
  EXPECT_EQ(said(os_->sync_directory("", "test"), Errc::kIo), "fsync .: Input/output error");
  // None of them did anything.
  EXPECT_EQ(os_->list("").value(), Calls{"f"});
  EXPECT_EQ(file->size().value(), 3u);
}

// Linux says EISDIR of a directory, others EPERM; of a file EPERM means that it may not be removed.
TEST_P(PosixCallsTest, RemovesAFileOrElseADirectory) {
  create("f");
  EXPECT_OK(os_->make_directory("d"));
  fail("unlinkat", {EPERM});
  EXPECT_OK(os_->remove("d"));
  fail("unlinkat", {EPERM});
  EXPECT_EQ(said(os_->remove("f"), Errc::kRefused), "remove f: Operation not permitted");
  made();
  fail("unlinkat", {EACCES});
  EXPECT_EQ(said(os_->remove("f"), Errc::kRefused), "remove f: Permission denied");
  EXPECT_EQ(made("unlinkat"), Calls{"unlinkat"});
  EXPECT_OK(os_->remove("f"));
  EXPECT_EQ(made("unlinkat"), Calls{"unlinkat"});
  EXPECT_OK(os_->make_directory("d"));
  EXPECT_OK(os_->remove("d"));
  EXPECT_EQ(made("unlinkat"), (Calls{"unlinkat", "unlinkat directory"}));
  fail("unlinkat", {EISDIR, EEXIST});  // as some filesystems say of one that is not empty
  EXPECT_EQ(said(os_->remove("d"), Errc::kNotEmpty), "remove d: Directory not empty");
  std::filesystem::create_symlink("elsewhere", root_ + "/link");
  EXPECT_EQ(said(os_->remove("link"), Errc::kRefused), "remove link: Operation not permitted");
}

TEST_P(PosixCallsTest, APipeIsNotOpened) {
  ASSERT_EQ(mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(said(os_->open("pipe", Open::kRead), Errc::kInvalid), "open pipe: Invalid argument");
  EXPECT_EQ(code_of(os_->open("pipe", Open::kReadWrite)), Errc::kInvalid);
  EXPECT_EQ(code_of(os_->open("pipe", Open::kCreateNew)), Errc::kExists);
  EXPECT_OK(os_->make_directory("d"));
  EXPECT_EQ(said(os_->open("d", Open::kRead), Errc::kInvalid), "open d: Is a directory");
}

// --- What is asked for ---

TEST_P(PosixCallsTest, FilesAndDirectoriesAreOpenedAsTheyMust) {
  const auto opened = [&](int flags, int mode) {
    char how[40];
    std::snprintf(how, sizeof how, "openat %o %o", static_cast<unsigned>(flags),
                  static_cast<unsigned>(mode));
    const Calls calls = made("openat");
    EXPECT_EQ(calls, Calls{how});
  };
  made();
  create("f");
  opened(O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  EXPECT_OK(os_->open("f", Open::kReadWrite));
  opened(O_RDWR | O_CLOEXEC, 0);
  EXPECT_OK(os_->open("f", Open::kRead));
  opened(O_RDONLY | O_CLOEXEC, 0);
  EXPECT_OK(os_->list(""));
  opened(O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

TEST_P(PosixCallsTest, NothingIsAskedForNothing) {
  auto file = create("f", "abc");
  made();
  char byte;
  EXPECT_EQ(file->read_at(0, &byte, 0).value(), 0u);
  EXPECT_EQ(file->write_at(0, "").value(), 0u);
  EXPECT_EQ(code_of(file->read_at(uint64_t{1} << 63, &byte, 1)), Errc::kInvalid);
  EXPECT_EQ(code_of(file->write_at(uint64_t{1} << 63, "x")), Errc::kInvalid);
  EXPECT_EQ(code_of(file->truncate(uint64_t{1} << 63)), Errc::kInvalid);
  EXPECT_EQ(made(), Calls{});
  (void)file->read_at(INT64_MAX, &byte, 1);  // the kernel may say what it thinks of that
  EXPECT_EQ(made(), Calls{"pread"});
  (void)file->write_at(INT64_MAX, "x");
  EXPECT_EQ(made(), Calls{"pwrite"});
  fail("ftruncate", {EFBIG});
  (void)file->truncate(INT64_MAX);
  EXPECT_EQ(made(), Calls{"ftruncate"});
}

// Data of files, names of directories; in tasks and outside.
TEST_P(PosixCallsTest, SyncsAreOfTheRightKind) {
  auto file = create("f", "abc");
  made();
  EXPECT_OK(file->sync("test"));
  EXPECT_OK(os_->sync_directory("", "test"));
  EXPECT_EQ(made("f"), (Calls{"fdatasync", "fsync"}));
  run([&] {
    EXPECT_OK(file->sync("test"));
    EXPECT_OK(os_->sync_directory("", "test"));
  });
  if (!os_->uses_io_uring()) {
    EXPECT_EQ(made("f"), (Calls{"fdatasync", "fsync"}));
  }
}

TEST_P(PosixCallsTest, ErrorsArriveInTasks) {
  auto file = create("f", "abc");
  if (os_->uses_io_uring()) return;  // its calls are the kernel's own
  run([&] {
    char byte;
    fail("pread", {EINTR, EIO});
    EXPECT_EQ(said(file->read_at(0, &byte, 1), Errc::kIo), "read f: Input/output error");
    fail("pwrite", {EINTR, ENOSPC});
    EXPECT_EQ(said(file->write_at(0, "x"), Errc::kNoSpace), "write f: No space left on device");
    fail("fdatasync", {EIO});
    EXPECT_EQ(said(file->sync("test"), Errc::kIo), "fdatasync f: Input/output error");
    fail("unlinkat", {EINTR, EROFS});
    EXPECT_EQ(said(os_->remove("f"), Errc::kRefused), "remove f: Read-only file system");
  });
}

// What unwinds is a process that is no more: it asks for nothing.
TEST_P(PosixCallsTest, OnAStackThatUnwindsNothingIsAskedFor) {
  auto file = create("f", "abc");
  std::vector<std::string> outcomes;
  struct AtTheEnd {
    std::function<void()> body;
    ~AtTheEnd() { body(); }
  };
  os_->spawn("unwinds", [&] {
    const AtTheEnd end{[&] {
      char byte;
      made();
      outcomes = {outcome_of(os_->open("g", Open::kCreateNew)),
                  outcome_of(os_->rename("f", "g")),
                  outcome_of(os_->link("f", "g")),
                  outcome_of(os_->remove("f")),
                  outcome_of(os_->make_directory("d")),
                  outcome_of(os_->list("")),
                  outcome_of(os_->sync_directory("", "test")),
                  outcome_of(file->read_at(0, &byte, 1)),
                  outcome_of(file->write_at(0, "x")),
                  outcome_of(file->truncate(1)),
                  outcome_of(file->sync("test")),
                  outcome_of(file->reserve(1))};
      EXPECT_FALSE(os_->wait_readable(0));
      EXPECT_FALSE(os_->wait_writable(0));
      EXPECT_TRUE(file->named());
      EXPECT_EQ(made(), Calls{});
    }};
    os_->park(kForever);
  });
  EXPECT_EQ(os_->run(), RunEnd::kStuck);
  os_->destroy_tasks();
  const std::string canceled = ": Operation canceled";
  Calls expected;
  for (const char* what :
       {"open g", "rename f", "link f", "remove f", "mkdir d", "list .", "fsync .", "read f",
        "write f", "truncate f", "fdatasync f", "reserve f"}) {
    expected.push_back(std::string(to_string(Errc::kIo)) + ": " + what + canceled);
  }
  EXPECT_EQ(outcomes, expected);
  EXPECT_EQ(os_->list("").value(), Calls{"f"});
}

// What a helper has under way writes into the stack of the task that waits for it.
TEST_P(PosixCallsTest, TasksAreDestroyedOnceTheirCallsAreOver) {
  if (os_->uses_io_uring()) return;  // its calls are the kernel's own
  std::atomic<bool> began = false;
  std::atomic<bool> over = false;
  kernel().during_fdatasync = [&] {
    began = true;
    wait_outside_tasks(milliseconds(50));
    over = true;
  };
  auto file = create("f", "abc");
  os_->spawn("syncs", [&] {
    (void)file->sync("test");
    ADD_FAILURE() << "it comes back to a stack that unwinds";
  });
  os_->spawn("ends", [&] {
    while (!began) os_->park(os_->now() + milliseconds(1));
    os_->stop();
    os_->park(kForever);
  });
  EXPECT_EQ(os_->run(), RunEnd::kStopped);
  os_->destroy_tasks();
  EXPECT_TRUE(over);
  kernel().during_fdatasync = {};
}

TEST_P(PosixCallsTest, WhatIsListedIsClosedOnce) {
  create("f");
  made();
  EXPECT_EQ(os_->list("").value(), Calls{"f"});
  EXPECT_EQ(made("close"), Calls{});
  EXPECT_EQ(close(-1), -1);
  EXPECT_EQ(made("close"), Calls{"close of no descriptor"});
}

// --- Where io_uring is refused ---

TEST_P(PosixCallsTest, IoUringServesWhereTheKernelHasIt) {
  io_uring ring;
  bool has = io_uring_queue_init(8, &ring, 0) == 0;
  if (has) {
    io_uring_probe* probe = io_uring_get_probe_ring(&ring);
    for (const int op : {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_POLL_ADD,
                         IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT})
      has = has && probe != nullptr && io_uring_opcode_supported(probe, op) != 0;
    if (probe != nullptr) io_uring_free_probe(probe);
    io_uring_queue_exit(&ring);
  }
  EXPECT_EQ(os_->uses_io_uring(), GetParam() && has);
}

TEST_P(PosixCallsTest, WithoutIoUringThePlainCallsServe) {
  const auto opened = [&] { return PosixOs::open(root_, {.use_io_uring = true}); };
  for (const int refused : {ENOSYS, EPERM, EACCES, ENOMEM, EINVAL}) {
    fail("io_uring_queue_init", {refused});
    const auto os = opened();
    ASSERT_EQ(outcome_of(os), "ok") << refused;
    EXPECT_FALSE((*os)->uses_io_uring());
  }
  for (const int used_up : {EMFILE, ENFILE}) {
    fail("io_uring_queue_init", {used_up});
    const std::string message = said(opened(), Errc::kNoSpace);
    EXPECT_TRUE(message.starts_with("io_uring_setup .: Too many open files")) << message;
  }
  fail("io_uring_get_probe_ring", {ENOMEM});
  EXPECT_FALSE(opened().value()->uses_io_uring());
  fail("eventfd", {EMFILE});
  fail("io_uring_queue_init", {ENOSYS});
  EXPECT_EQ(said(opened(), Errc::kNoSpace), "eventfd .: Too many open files");
  fail("getrandom", {ENOSYS});
  EXPECT_EQ(said(opened(), Errc::kUnsupported), "getrandom .: Function not implemented");
  fail("open", {ELOOP});
  EXPECT_TRUE(said(opened(), Errc::kInvalid).starts_with("open " + root_ + ": "));
  made();
  EXPECT_FALSE(PosixOs::open(root_, {.use_io_uring = false}).value()->uses_io_uring());
  EXPECT_EQ(made("io_uring"), Calls{});
}

TEST_P(PosixCallsTest, EachOperationOfIoUringIsNeededButOne) {
  if (!os_->uses_io_uring()) return;
  for (const int op : {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_POLL_ADD,
                       IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT}) {
    kernel().unsupported = op;
    EXPECT_FALSE(PosixOs::open(root_).value()->uses_io_uring()) << op;
  }
  kernel().unsupported = IORING_OP_UNLINKAT;
  os_ = std::move(PosixOs::open(root_).value());
  EXPECT_TRUE(os_->uses_io_uring());
  kernel().unsupported = -1;
  create("f");
  made();
  run([&] { EXPECT_OK(os_->remove("f")); });
  EXPECT_EQ(made("unlinkat"), Calls{"unlinkat"});
  os_ = std::move(PosixOs::open(root_).value());
  create("f");
  made();
  run([&] { EXPECT_OK(os_->remove("f")); });
  EXPECT_EQ(made("unlinkat"), Calls{});  // the ring did it
  EXPECT_EQ(os_->list("").value(), Calls{});
}

TEST_P(PosixCallsTest, WhereDirectoriesCannotBeSyncedNobodyTries) {
  PosixOptions without = options();
  without.sync_directories = false;
  const auto os = std::move(PosixOs::open(root_, without).value());
  made();
  EXPECT_OK(os->sync_directory("", "test"));
  EXPECT_EQ(made("f"), Calls{});
  EXPECT_EQ(code_of(os->sync_directory("no", "test")), Errc::kNotFound);
}

TEST_P(PosixCallsTest, SpaceIsReservedAndTheSizeStays) {
  auto file = create("f", "abc");
  fail("fallocate", {EINTR, 0});
  const auto reserved = file->reserve(100'000);
  if (reserved.ok()) {
    struct stat status;
    ASSERT_EQ(stat((root_ + "/f").c_str(), &status), 0);
    EXPECT_GE(status.st_blocks * 512, 100'000);
  } else {
    EXPECT_EQ(reserved.error().code, Errc::kUnsupported);
  }
  EXPECT_EQ(made("fallocate").size(), 2u);
  EXPECT_EQ(file->size().value(), 3u);
  fail("fallocate", {ENOSPC});
  EXPECT_EQ(said(file->reserve(1), Errc::kNoSpace), "write f: No space left on device");
  made();
  EXPECT_EQ(said(file->reserve(uint64_t{1} << 63), Errc::kNoSpace), "reserve f: File too large");
  EXPECT_EQ(made(), Calls{});
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  made();
  EXPECT_EQ(said(file->reserve(1001), Errc::kNoSpace), "write f: File too large");
  EXPECT_EQ(made("fallocate"), Calls{});
  (void)file->reserve(1000);
  EXPECT_EQ(made("fallocate").size(), 1u);
  setrlimit(RLIMIT_FSIZE, &before);
}

// Somebody may move a directory under a running store.
TEST_P(PosixCallsTest, AFileKnowsWhetherItsNameLeadsToIt) {
  auto file = create("f", "abc");
  EXPECT_TRUE(file->named());
  EXPECT_OK(os_->rename("f", "g"));
  EXPECT_FALSE(file->named());
  create("f");  // another
  EXPECT_FALSE(file->named());
  EXPECT_OK(os_->rename("g", "f"));
  EXPECT_TRUE(file->named());
  // Where nobody can tell, it does.
  fail("fstatat", {EACCES});
  EXPECT_TRUE(file->named());
}

TEST_P(PosixCallsTest, AFileKnowsWhenItWasWritten) {
  auto file = create("f", "abc");
  const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'001, 234'567'890}};
  ASSERT_EQ(utimensat(AT_FDCWD, (root_ + "/f").c_str(), times, 0), 0);
  EXPECT_EQ(file->modified_ms(), 1'700'000'001'234);
  fail("fstat", {EIO});
  EXPECT_EQ(file->modified_ms(), 0);
}

TEST_P(PosixCallsTest, TheRingIsAskedAgainWhenItSaysSoButNotForASync) {
  if (!os_->uses_io_uring()) return;
  auto file = create("f", "abc");
  run([&] {
    fail("cqe", {EAGAIN, EINTR});
    char buffer[3];
    EXPECT_EQ(outcome_of(file->read_at(0, buffer, 3)), "ok");
    EXPECT_EQ(std::string(buffer, 3), "abc");
    EXPECT_EQ(made("cqe").size(), 3u);
    fail("cqe", {EINTR});
    EXPECT_EQ(outcome_of(file->write_at(0, std::string(kTooLongForAtOnce, 'x'))), "ok");
    EXPECT_EQ(made("cqe").size(), 2u);
    fail("cqe", {EIO});
    EXPECT_EQ(said(file->read_at(0, buffer, 3), Errc::kIo), "read f: Input/output error");
    for (const int error : {EINTR, EAGAIN, EIO}) {
      fail("cqe", {error});
      EXPECT_EQ(said(file->sync("test"), Errc::kIo),
                std::string("fdatasync f: ") + strerror(error));
    }
    made();
    EXPECT_EQ(outcome_of(file->sync("test")), "ok");
    EXPECT_EQ(made("cqe").size(), 1u);
  });
}

// The log's batches: without the ring's worker, but never behind a sync that may take long.
TEST_P(PosixCallsTest, AFewBytesAreWrittenAtOnceUnlessTheDiskIsAtSomething) {
  if (!os_->uses_io_uring()) return;
  auto file = create("f", "abc");
  made();
  run([&] { EXPECT_EQ(file->write_at(0, "x").value(), 1u); });
  EXPECT_EQ(made("pwrite").size(), 1u);
  run([&] {
    const std::string longer(kTooLongForAtOnce, 'x');
    EXPECT_EQ(file->write_at(0, longer).value(), longer.size());
  });
  EXPECT_EQ(made("pwrite"), Calls{});
  os_->spawn("syncs", [&] { EXPECT_OK(file->sync("test")); });
  os_->spawn("writes", [&] { EXPECT_EQ(file->write_at(0, "y").value(), 1u); });
  EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  EXPECT_EQ(made("pwrite"), Calls{});
  run([&] { EXPECT_EQ(file->write_at(0, "z").value(), 1u); });
  EXPECT_EQ(made("pwrite").size(), 1u);
}

// Where nothing is open as the standard input, the store's descriptors begin at 0.
TEST_P(PosixCallsTest, Descriptor0IsOneAsAny) {
  const int input = dup(STDIN_FILENO);
  const auto restored = [input] {
    dup2(input, STDIN_FILENO);
    return true;
  };
  close(STDIN_FILENO);
  EXPECT_EQ(outcome_of(PosixOs::open(root_, options())), "ok");  // the root
  for (const bool use_io_uring : {true, false}) {
    ASSERT_TRUE(restored());
    fail("getrandom", {kClosesInput});
    EXPECT_EQ(outcome_of(PosixOs::open(root_, {.use_io_uring = use_io_uring})), "ok");
  }
  ASSERT_TRUE(restored());
  fail("openat", {kClosesInput});
  EXPECT_EQ(outcome_of(os_->open("f", Open::kCreateNew)), "ok");
  ASSERT_TRUE(restored());
  fail("openat", {kClosesInput});
  EXPECT_EQ(outcome_of(os_->list("")), "ok");
  ASSERT_TRUE(restored());
  fail("openat", {kClosesInput});
  EXPECT_EQ(outcome_of(os_->sync_directory("", "test")), "ok");
  ASSERT_TRUE(restored());
  close(STDIN_FILENO);
  EXPECT_EQ(outcome_of(lock_directory(root_)), "ok");
  ASSERT_TRUE(restored());
  close(input);
}

// --- Readiness ---

struct Pair {
  Pair() {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    ours = Descriptor(ends[0]);
    theirs = Descriptor(ends[1]);
  }
  void say() { CHECK(::write(theirs.get(), "x", 1) == 1); }
  Descriptor ours, theirs;
};

TEST_P(PosixCallsTest, EachWaitEndsWithItsOwnSocket) {
  std::vector<Pair> pairs(6);
  std::vector<int> woken;
  for (int i = 0; i < 6; ++i) {
    os_->spawn("waits", [&, i] {
      EXPECT_TRUE(os_->wait_readable(pairs[static_cast<size_t>(i)].ours.get()));
      woken.push_back(i);
    });
  }
  const std::vector<int> order{2, 0, 5, 3, 1, 4};
  os_->spawn("speaks", [&] {
    for (const int i : order) {
      pairs[static_cast<size_t>(i)].say();
      while (woken.empty() || woken.back() != i) os_->park(os_->now() + microseconds(100));
    }
  });
  EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  EXPECT_EQ(woken, order);
}

// A wait that gives up leaves those beside it.
TEST_P(PosixCallsTest, WaitsGiveUpAloneAndEndWithThePeer) {
  std::vector<Pair> pairs(4);
  int ended = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    os_->spawn("waits", [&, i] {
      const bool short_wait = i % 2 == 0;
      const Instant deadline = short_wait ? os_->now() + milliseconds(1) : kForever;
      EXPECT_EQ(os_->wait_readable(pairs[i].ours.get(), deadline), !short_wait);
      EXPECT_TRUE(os_->wait_writable(pairs[i].ours.get()));
      if (++ended != 2) return;
      for (const size_t other : {1, 3}) pairs[other].theirs = Descriptor();  // closed
    });
  }
  EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  EXPECT_EQ(ended, 4);
}

TEST_P(PosixCallsTest, ATaskThatNeverRestsKeepsNobodyFromBeingWoken) {
  Pair pair;
  pair.say();
  bool woken = false;
  os_->spawn("never rests", [&] {
    for (int i = 0; i < 100'000 && !woken; ++i) os_->park(os_->now());
    EXPECT_TRUE(woken);
  });
  os_->spawn("waits", [&] {
    EXPECT_TRUE(os_->wait_readable(pair.ours.get()));
    woken = true;
  });
  EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
}

TEST_P(PosixCallsTest, WhileNothingHappensNothingIsDone) {
  Pair pair;
  os_->spawn("waits", [&] {
    EXPECT_FALSE(os_->wait_readable(pair.ours.get(), os_->now() + milliseconds(20)));
    EXPECT_FALSE(os_->park(os_->now() + milliseconds(20)));
    // A deadline that passed before anything could wait for it.
    EXPECT_FALSE(os_->wait_readable(pair.ours.get(), Instant{1}));
    EXPECT_FALSE(os_->park(Instant{1}));
  });
  int rounds = 0;
  EXPECT_EQ(os_->run([&] { return ++rounds, false; }), RunEnd::kNoTasks);
  EXPECT_LT(rounds, 50);
}

TEST_P(PosixCallsTest, ItLeavesNoDescriptorOpen) {
  const auto open_now = [] {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
      ++count;
    return count;
  };
  const size_t before = open_now();
  {
    const auto os = std::move(PosixOs::open(root_, options()).value());
    const auto file = std::move(os->open("f", Open::kCreateNew).value());
    EXPECT_OK(os->list(""));
    EXPECT_OK(os->sync_directory("", "test"));
    EXPECT_EQ(code_of(os->open("", Open::kRead)), Errc::kInvalid);
    os->spawn("syncs", [&] { EXPECT_OK(file->sync("test")); });
    EXPECT_EQ(os->run(), RunEnd::kNoTasks);
  }
  EXPECT_EQ(open_now(), before);
}

TEST_P(PosixCallsTest, SyncsOfManyTasksAllEnd) {
  std::vector<std::unique_ptr<File>> files;
  for (int i = 0; i < 8; ++i) files.push_back(create("f" + std::to_string(i), "abc"));
  made();
  if (!os_->uses_io_uring()) fail("fdatasync", {0, EIO, 0, EDQUOT});
  std::vector<std::string> outcomes(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    os_->spawn("syncs", [&, i] {
      const auto outcome = files[i]->sync("test");
      outcomes[i] = outcome.ok() ? "ok" : outcome.error().message;
    });
  }
  EXPECT_EQ(os_->run(), RunEnd::kNoTasks);
  for (size_t i = 0; i < files.size(); ++i) {
    const bool plain = !os_->uses_io_uring();
    // The helper takes them in their order, and each learns its own end.
    EXPECT_EQ(outcomes[i], plain && i == 1   ? "fdatasync f1: Input/output error"
                           : plain && i == 3 ? "fdatasync f3: Disk quota exceeded"
                                             : "ok");
  }
}

// --- Chance ---

uint64_t splitmix64(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

TEST_P(PosixCallsTest, ChancesAreEven) {
  uint64_t state = 0x123456789abcdef0;
  kernel().seed = state;
  fail("getrandom", {0});
  const auto os = std::move(PosixOs::open(root_, options()).value());
  // Of 2^63 + 1 every second draw must be passed over.
  const uint64_t large = (uint64_t{1} << 63) + 1;
  for (const uint64_t n : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1} << 40, large, large,
                           large, large, large, UINT64_MAX}) {
    const uint64_t remainder = (UINT64_MAX % n + 1) % n;
    uint64_t draw = splitmix64(state);
    while (draw < remainder) draw = splitmix64(state);
    EXPECT_EQ(os->choose("test", n), draw % n) << n;
  }
}

TEST_P(PosixCallsTest, TheWallClockIsTheSystems) {
  const auto system_ms = [] {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
  };
  const int64_t before = system_ms();
  const int64_t now = os_->wall_now().unix_ms;
  EXPECT_GE(now, before);
  EXPECT_LE(now, system_ms());
  timespec monotonic;
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  const Instant instant = os_->now();
  EXPECT_GE(instant.ns, int64_t{monotonic.tv_sec} * 1'000'000'000 + monotonic.tv_nsec);
}

// --- The lock ---

TEST_P(PosixCallsTest, OneHoldsADirectory) {
  {
    const auto lock = lock_directory(root_);
    ASSERT_EQ(outcome_of(lock), "ok");
    EXPECT_EQ(fcntl(lock->get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(said(lock_directory(root_), Errc::kRefused),
              root_ + ": another process uses it; give each its own --dir");
  }
  EXPECT_OK(lock_directory(root_));
  fail("flock", {EIO});
  EXPECT_EQ(said(lock_directory(root_), Errc::kIo), "lock " + root_ + ": Input/output error");
  // Filesystems without locks are another matter: whoever knows them may go on.
  for (const int none : {ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL}) {
    fail("flock", {none});
    EXPECT_EQ(said(lock_directory(root_), Errc::kUnsupported),
              "lock " + root_ + ": " + strerror(none));
  }
  EXPECT_OK(lock_directory(root_));
  create("f");
  EXPECT_EQ(code_of(lock_directory(root_ + "/f")), Errc::kInvalid);
  EXPECT_EQ(said(lock_directory(root_ + "/no"), Errc::kNotFound),
            "open " + root_ + "/no: No such file or directory");
}

// --- The process's own ---

TEST_P(PosixCallsTest, WhatAProcessIsRefused) {
  fail("fork", {EAGAIN});
  EXPECT_EQ(said(go_to_background(), Errc::kIo), "fork .: Resource temporarily unavailable");
  fail("sigprocmask", {EINVAL});
  EXPECT_EQ(said(open_signals(), Errc::kInvalid), "sigprocmask .: Invalid argument");
  sigset_t before;
  sigprocmask(SIG_SETMASK, nullptr, &before);
  fail("signalfd", {EMFILE});
  EXPECT_EQ(said(open_signals(), Errc::kNoSpace), "signalfd .: Too many open files");
  sigprocmask(SIG_SETMASK, &before, nullptr);
  fail("getrlimit", {EPERM});
  EXPECT_EQ(raise_descriptor_limit(10), 1024u);  // what every system has
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto raised = [](rlim_t wanted) {
    made();
    fail("setrlimit", {EPERM, EPERM});
    (void)raise_descriptor_limit(wanted);
    return made("setrlimit");
  };
  const std::string most = std::to_string(limit.rlim_max);
  const rlim_t more = limit.rlim_cur + 1;
  const rlim_t beyond = limit.rlim_max + 1;
  EXPECT_EQ(raised(limit.rlim_cur), Calls{});
  if (more <= limit.rlim_max) {
    const std::string asked = "setrlimit " + std::to_string(more) + " of " + most;
    EXPECT_EQ(raised(more), (Calls{asked, asked}));
  }
  const std::string all = std::to_string(beyond);
  EXPECT_EQ(raised(beyond),
            (Calls{"setrlimit " + all + " of " + all, "setrlimit " + most + " of " + most}));
  fail("setrlimit", {EPERM, EPERM});
  EXPECT_EQ(raise_descriptor_limit(beyond), limit.rlim_cur);
  fail("getcwd", {ENOENT});
  EXPECT_EQ(absolute_path("a/b"), "a/b");
  const std::string pid = root_ + "/pid";
  fail("open", {EINTR, EINTR});
  fail("write", {EINTR, EINTR});
  EXPECT_OK(write_pid_file(pid));
  EXPECT_EQ(std::filesystem::file_size(pid), std::to_string(getpid()).size() + 1);
  fail("write", {EDQUOT});
  EXPECT_EQ(said(write_pid_file(pid), Errc::kNoSpace),
            "write the pid file " + pid + ": Disk quota exceeded");
}

// --- Error numbers ---

TEST(OsError, EveryNumberHasItsMeaning) {
  const std::vector<std::pair<Errc, std::vector<int>>> meanings{
      {Errc::kNoSpace, {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, EMLINK}},
      {Errc::kNotFound, {ENOENT}},
      {Errc::kExists, {EEXIST}},
      {Errc::kNotEmpty, {ENOTEMPTY}},
      {Errc::kInvalid, {EINVAL, ENOTDIR, EISDIR, EBADF, ELOOP, EXDEV, ENAMETOOLONG}},
      {Errc::kRefused, {EPERM, EACCES, EROFS, EBUSY, ETXTBSY}},
      {Errc::kTimeout, {ETIMEDOUT}},
      {Errc::kUnsupported, {ENOSYS, EOPNOTSUPP}}};
  std::map<int, Errc> expected;
  for (const auto& [code, numbers] : meanings) {
    for (const int number : numbers) expected[number] = code;
  }
  for (int number = 1; number < 134; ++number) {
    EXPECT_EQ(errc_of(number), expected.contains(number) ? expected[number] : Errc::kIo)
        << strerror(number);
  }
}

TEST(OsError, OnlyInterruptedCallsAreRepeated) {
  int calls = 0;
  EXPECT_EQ(retry_eintr([&] { return errno = EINTR, ++calls < 3 ? -1 : 7; }), 7);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(retry_eintr([&] { return errno = EIO, ++calls, -1; }), -EIO);
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(retry_eintr([] { return 0; }), 0);
}

}  // namespace
}  // namespace powercut::engine
