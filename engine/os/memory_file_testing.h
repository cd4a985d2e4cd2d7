// For tests: a File in memory that reads as short as it may.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "engine/os/os.h"

namespace powercut::engine {

// Read-only. Each read returns up to `read_max` bytes, a different number each time.
class MemoryFile : public File {
 public:
  explicit MemoryFile(std::string bytes, size_t read_max = SIZE_MAX)
      : bytes_(std::move(bytes)), read_max_(read_max) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    if (offset >= fail_from) return Error{Errc::kIo, "a sector cannot be read"};
    if (offset >= bytes_.size()) return size_t{0};
    const size_t most = std::min({size, bytes_.size() - static_cast<size_t>(offset), read_max_});
    const size_t n = read_max_ == SIZE_MAX ? most : 1 + ++reads_ * 7919 % most;
    std::memcpy(out, bytes_.data() + offset, n);
    return n;
  }
  Result<size_t> write_at(uint64_t, std::string_view) override { return refused(); }
  Result<void> truncate(uint64_t) override { return refused(); }
  Result<void> sync(Site) override { return refused(); }
  Result<uint64_t> size() override { return bytes_.size() + lies_bytes; }

  uint64_t fail_from = UINT64_MAX;  // reads from here on are kIo
  uint64_t lies_bytes = 0;          // size() says so many more than there are

 private:
  static Error refused() { return {Errc::kRefused, "read-only"}; }

  std::string bytes_;
  size_t read_max_;
  size_t reads_ = 0;
};

}  // namespace powercut::engine
