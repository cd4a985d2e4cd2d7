// Memory with a file behind it, of which the kernel may keep as much in memory as there is room: a part of the seam
// (engine/os/os.h). Nobody else sees the file, and nothing of it outlives the process.
//
//   Kill-safe, Power-safe: no: neither the bytes nor the file. A start finds nothing of an earlier one.
//   Yields:                no call does. One may wait for the device, where the kernel has taken the memory for others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace powercut::engine {

class Scratch {
 public:
  virtual ~Scratch() = default;

  virtual uint64_t size() const = 0;

  // REQUIRES, of both: it lies within size().
  //   Errors: kIo: the device failed, or has no space after all; what stands in that range is not known.
  virtual Result<void> write(uint64_t offset, std::string_view bytes) = 0;
  // What was written last; NUL where nothing was.
  //   Errors: kIo.
  virtual Result<void> read(uint64_t offset, char* out, size_t size) = 0;
};

}  // namespace powercut::engine
