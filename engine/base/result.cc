#include "engine/base/result.h"

namespace powercut {

const char* to_string(Errc code) {
  switch (code) {
    case Errc::kIo:
      return "input/output error";
    case Errc::kNoSpace:
      return "no space left on device";
    case Errc::kNotFound:
      return "no such file or directory";
    case Errc::kExists:
      return "file exists";
    case Errc::kNotEmpty:
      return "directory not empty";
    case Errc::kInvalid:
      return "invalid argument";
    case Errc::kRefused:
      return "operation refused";
    case Errc::kCorrupt:
      return "corrupt data";
    case Errc::kUnsupported:
      return "unsupported";
    case Errc::kTimeout:
      return "timed out";
  }
  return "unknown error";
}

}  // namespace powercut
