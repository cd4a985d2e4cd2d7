// Reads the primitives of an RDB file, from memory or through a buffer from a File.
//
// Nothing the bytes say is believed before it is checked against what is left, so damage costs
// neither memory nor time. The first thing that is wrong is kept: each read returns false from then
// on, and error() says what and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

class RdbReader {
 public:
  static constexpr size_t kBufferBytes = 256 * 1024;

  // The whole input. `name` is what errors call it.
  RdbReader(std::string_view memory, std::string_view name);
  // The first `size` bytes of `file`, read `buffer_bytes` at a time. Reading yields.
  RdbReader(File& file, uint64_t size, std::string_view name, size_t buffer_bytes = kBufferBytes);
  RdbReader(const RdbReader&) = delete;
  RdbReader& operator=(const RdbReader&) = delete;

  uint64_t offset() const { return begin_offset_ + static_cast<uint64_t>(pos_ - begin_); }
  uint64_t remaining() const {
    CHECK(offset() <= size_);
    return size_ - offset();
  }

  bool read_byte(uint8_t& out);
  // A little-endian number of `bytes` bytes, at most 8.
  bool read_little(uint64_t& out, size_t bytes);
  bool read_length(uint64_t& out);
  // A length of items that take at least `item_bytes` each: no more than can follow.
  bool read_count(uint64_t& out, size_t item_bytes);
  bool read_string(std::string& out);
  // As read_string; the view holds until the next read.
  bool read_string_view(std::string_view& out);

  // The CRC64 of everything read so far.
  uint64_t crc();

  // Notes what is wrong at the current offset, or at `offset`; returns false.
  bool fail(std::string_view what, Errc code = Errc::kCorrupt) {
    return fail_at(offset(), what, code);
  }
  bool fail_at(uint64_t offset, std::string_view what, Errc code = Errc::kCorrupt);
  bool failed() const { return failed_; }
  // Adds to what is wrong. REQUIRES: failed().
  void say_more(std::string_view text) {
    CHECK(failed_);
    error_.message += text;
  }
  // REQUIRES: failed().
  const Error& error() const {
    CHECK(failed_);
    return error_;
  }

 private:
  // Makes `n` bytes lie at pos_. REQUIRES: n fits the buffer.
  bool require(size_t n) { return static_cast<size_t>(end_ - pos_) >= n || fill(n); }
  bool fill(size_t n);
  bool truncated(uint64_t wanted);
  bool read_big(uint64_t& out, size_t bytes);
  bool read_bytes(std::string& out, uint64_t n);
  bool read_length_or_encoding(uint64_t& length, uint8_t& encoding);
  bool read_integer(uint8_t encoding);
  bool read_compressed();

  std::string name_;
  File* file_ = nullptr;
  uint64_t size_;
  size_t buffer_bytes_ = 0;
  std::unique_ptr<char[]> buffer_;  // not cleared first; none when reading from memory
  const char* begin_;               // of what is in memory, at begin_offset_ of the input
  const char* pos_;
  const char* end_;
  const char* crc_pos_;  // crc_ covers everything before it
  uint64_t begin_offset_ = 0;
  uint64_t crc_ = 0;
  std::string scratch_;     // strings that do not lie in the input as they are
  std::string compressed_;  // LZF input longer than the buffer
  bool failed_ = false;
  Error error_;
};

}  // namespace powercut::engine
