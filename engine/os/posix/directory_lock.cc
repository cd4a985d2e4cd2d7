#include "engine/os/posix/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "engine/os/posix/os_error.h"

namespace powercut::engine {

Result<Descriptor> lock_directory(const std::string& directory) {
  const int64_t fd =
      retry_eintr([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (fd < 0) return os_error("open", directory, static_cast<int>(-fd));
  Descriptor descriptor(static_cast<int>(fd));
  if (flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return descriptor;
  if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
    return Error{Errc::kUnsupported, os_error("lock", directory, errno).message};
  if (errno != EWOULDBLOCK) return os_error("lock", directory, errno);
  return Error{Errc::kRefused, directory + ": another process uses it; give each its own --dir"};
}

}  // namespace powercut::engine
