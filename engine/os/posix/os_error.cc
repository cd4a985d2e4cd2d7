#include "engine/os/posix/os_error.h"

#include <cstring>
#include <string>

namespace powercut::engine {

Errc errc_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:  // no descriptor left: space of another kind
    case ENFILE:
    case EMLINK:
      return Errc::kNoSpace;
    case ENOENT:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kExists;
    case ENOTEMPTY:
      return Errc::kNotEmpty;
    case EINVAL:
    case ENOTDIR:
    case EISDIR:
    case EBADF:
    case ELOOP:
    case EXDEV:
    case ENAMETOOLONG:
      return Errc::kInvalid;
    case EPERM:
    case EACCES:
    case EROFS:
    case EBUSY:
    case ETXTBSY:
      return Errc::kRefused;
    case ETIMEDOUT:
      return Errc::kTimeout;
    case ENOSYS:
    case EOPNOTSUPP:
      return Errc::kUnsupported;
    default:
      return Errc::kIo;
  }
}

Error os_error(std::string_view what, std::string_view path, int error_number) {
  std::string message(what);
  message += ' ';
  message += path.empty() ? "." : path;
  message += ": ";
  message += strerror(error_number);
  return {errc_of(error_number), std::move(message)};
}

}  // namespace powercut::engine
