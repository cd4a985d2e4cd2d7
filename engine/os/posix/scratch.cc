#include "engine/os/posix/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "engine/base/check.h"
#include "engine/os/posix/os_error.h"

namespace powercut::engine {

namespace {

// Where the filesystem makes no file without a name, it has this one until it is open. A process has its directory to itself.
constexpr const char* kBriefName = "scratch.unlinked";

// --- SIGBUS ---

struct Copying {
  const char* begin;
  const char* end;
  sigjmp_buf back;
};
thread_local Copying* volatile copying = nullptr;
struct sigaction action_before;

void on_bus(int signal, siginfo_t* info, void* context) {
  const char* at = static_cast<const char*>(info->si_addr);
  Copying* mine = copying;
  if (mine != nullptr && at >= mine->begin && at < mine->end) siglongjmp(mine->back, 1);
  if ((action_before.sa_flags & SA_SIGINFO) != 0)
    return action_before.sa_sigaction(signal, info, context);
  sigaction(SIGBUS, &action_before, nullptr);  // and it comes again
}

bool take_signals() {
  struct sigaction action = {};
  action.sa_sigaction = on_bus;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;  // who jumps out of it leaves the mask as it was
  return sigaction(SIGBUS, &action, &action_before) == 0;
}

// False: the device failed, on the side of `mapped`.
bool copy(char* to, const char* from, size_t size, const char* mapped) {
  Copying mine;
  mine.begin = mapped;
  mine.end = mapped + size;
  if (sigsetjmp(mine.back, 0) != 0) {
    copying = nullptr;
    return false;
  }
  copying = &mine;
  std::memcpy(to, from, size);
  copying = nullptr;
  return true;
}

// --- The mapping ---

class PosixScratch final : public Scratch {
 public:
  PosixScratch(Descriptor file, char* bytes, uint64_t size)
      : file_(std::move(file)), bytes_(bytes), size_(size) {}
  ~PosixScratch() override { munmap(bytes_, size_); }
  PosixScratch(const PosixScratch&) = delete;
  PosixScratch& operator=(const PosixScratch&) = delete;

  uint64_t size() const override { return size_; }
  Result<void> write(uint64_t offset, std::string_view bytes) override {
    CHECK(offset <= size_ && bytes.size() <= size_ - offset);
    char* at = bytes_ + offset;
    return told(copy(at, bytes.data(), bytes.size(), at));
  }
  Result<void> read(uint64_t offset, char* out, size_t size) override {
    CHECK(offset <= size_ && size <= size_ - offset);
    const char* at = bytes_ + offset;
    return told(copy(out, at, size, at));
  }

 private:
  static Result<void> told(bool copied) {
    if (copied) return {};
    return Error{Errc::kIo, "the device behind mapped memory failed"};
  }

  Descriptor file_;
  char* bytes_;
  uint64_t size_;
};

}  // namespace

Result<std::unique_ptr<Scratch>> map_scratch(Descriptor file, uint64_t size) {
  static const bool taken = take_signals();
  CHECK(taken && size > 0);
  void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (bytes == MAP_FAILED) return os_error("mmap", "a file without a name", errno);
  // What lies beside a value is seldom wanted with it.
  (void)madvise(bytes, size, MADV_RANDOM);
  return std::unique_ptr<Scratch>(
      std::make_unique<PosixScratch>(std::move(file), static_cast<char*>(bytes), size));
}

Result<std::unique_ptr<Scratch>> open_posix_scratch(int directory, uint64_t size) {
  int64_t fd =
      retry_eintr([&] { return openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); });
  if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL) {
    fd = retry_eintr([&] {
      return openat(directory, kBriefName, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                    0600);
    });
    if (fd >= 0) unlinkat(directory, kBriefName, 0);
  }
  if (fd < 0) return os_error("open", "a file without a name", static_cast<int>(-fd));
  Descriptor file(static_cast<int>(fd));
  const int64_t set =
      retry_eintr([&] { return fallocate(file.get(), 0, 0, static_cast<off_t>(size)); });
  if (set < 0) return os_error("fallocate", "a file without a name", static_cast<int>(-set));
  return map_scratch(std::move(file), size);
}

}  // namespace powercut::engine
