#include "engine/os/posix/posix_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <limits>
#include <utility>

#include "engine/base/check.h"
#include "engine/os/posix/os_error.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {

namespace {

// Also keeps the offset -1 away from io_uring, to which it means "the file's position".
constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();

class PosixFile final : public File {
 public:
  PosixFile(PosixOs& os, Descriptor descriptor, FileIdentity identity, std::string path)
      : os_(os), descriptor_(std::move(descriptor)), identity_(identity), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    if (offset > kOffsetMax) return os_error("read", path_, EINVAL);
    if (size == 0) return size_t{0};
    const int64_t n = os_.calls().read(descriptor_.get(), offset, out, size);
    if (n < 0) return os_error("read", path_, static_cast<int>(-n));
    CHECK(static_cast<uint64_t>(n) <= size);
    return static_cast<size_t>(n);
  }

  Result<size_t> write_at(uint64_t offset, std::string_view data) override {
    if (offset > kOffsetMax) return os_error("write", path_, EINVAL);
    if (data.empty()) return size_t{0};
    const int64_t n = os_.calls().write(descriptor_.get(), offset, data.data(), data.size());
    if (n < 0) return os_error("write", path_, static_cast<int>(-n));
    if (n == 0) return os_error("write", path_, EIO);  // the seam promises progress
    CHECK(static_cast<uint64_t>(n) <= data.size());
    return static_cast<size_t>(n);
  }

  Result<void> truncate(uint64_t size) override {
    if (size > kOffsetMax) return os_error("truncate", path_, EINVAL);
    if (os_.unwinding()) return os_error("truncate", path_, ECANCELED);
    const int64_t result =
        retry_eintr([&] { return ftruncate(descriptor_.get(), static_cast<off_t>(size)); });
    if (result < 0) return os_error("truncate", path_, static_cast<int>(-result));
    return {};
  }

  // fdatasync suffices: POSIX has it write all metadata that reading the data back needs, and the
  // size is of that kind, whether it grew or shrank (fdatasync(2)). It leaves out the times, which
  // cost a second journal write and which nobody here reads.
  Result<void> sync(Site) override {
    const int64_t result = os_.calls().sync(descriptor_.get(), true);
    if (result < 0) return os_error("fdatasync", path_, static_cast<int>(-result));
    return {};
  }

  Result<uint64_t> size() override {
    struct stat status;
    if (fstat(descriptor_.get(), &status) < 0) return os_error("stat", path_, errno);
    return static_cast<uint64_t>(status.st_size);
  }

  // Beyond the end: the size stays. Other filesystems than those that have it say so.
  Result<void> reserve(uint64_t size) override {
    if (size > kOffsetMax) return os_error("reserve", path_, EFBIG);
    if (os_.unwinding()) return os_error("reserve", path_, ECANCELED);
    rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
      return os_error("write", path_, EFBIG);
    const int64_t result = retry_eintr([&] {
      return fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size));
    });
    if (result < 0) return os_error("write", path_, static_cast<int>(-result));
    return {};
  }

  int64_t modified_ms() override {
    struct stat status;
    if (fstat(descriptor_.get(), &status) < 0) return 0;
    return int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
  }

  bool named() override { return os_.leads_to(path_, identity_); }

  // Of the open file, not of the process: another descriptor of it may be closed.
  Result<void> lock(uint64_t offset, uint64_t size, Lock lock) override {
    struct flock range {};
    range.l_type = static_cast<short>(lock == Lock::kNone     ? F_UNLCK
                                      : lock == Lock::kShared ? F_RDLCK
                                                              : F_WRLCK);
    range.l_whence = SEEK_SET;
    range.l_start = static_cast<off_t>(offset);
    range.l_len = static_cast<off_t>(size);
    if (fcntl(descriptor_.get(), F_OFD_SETLK, &range) == 0) return {};
    if (errno == EACCES || errno == EAGAIN)
      return Error{Errc::kRefused, "lock " + path_ + ": another process has it"};
    return {};
  }

 private:
  PosixOs& os_;
  Descriptor descriptor_;
  const FileIdentity identity_;
  std::string path_;
};

}  // namespace

std::unique_ptr<File> make_posix_file(PosixOs& os, Descriptor descriptor, FileIdentity identity,
                                      std::string path) {
  return std::make_unique<PosixFile>(os, std::move(descriptor), identity, std::move(path));
}

}  // namespace powercut::engine
