// A segment's bytes, read piece by piece as the reader asks for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

// The bytes of a segment, as far as they were read. Views into them last until the next read.
class SegmentBytes {
 public:
  explicit SegmentBytes(File& file) : file_(&file) {}
  explicit SegmentBytes(std::string_view whole) : view_(whole), ended_(true) {}  // nothing to read

  std::string_view view() const { return view_; }
  size_t size() const { return view_.size(); }
  // Reads on; false at the end of the file.
  Result<bool> more();
  Result<void> rest();
  // As the file's.
  Found search(const Search& what) { return ended_ ? Found::kReadOn : file_->search(what); }

 private:
  File* file_ = nullptr;
  struct Freed {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  // Room for what is read, not cleared first. By realloc(), which moves the pages of a large one, not its bytes.
  std::unique_ptr<char[], Freed> bytes_;
  size_t capacity_ = 0;
  std::string_view view_;
  size_t chunk_ = size_t{64} << 10;
  bool ended_ = false;
};

}  // namespace powercut::engine
