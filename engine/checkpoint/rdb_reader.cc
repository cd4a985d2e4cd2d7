#include "engine/checkpoint/rdb_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/base/check.h"
#include "engine/base/crc64.h"
#include "engine/checkpoint/lzf.h"
#include "engine/checkpoint/rdb_format.h"

namespace powercut::engine {

namespace {

constexpr size_t kBufferMin = 16;  // the longest thing that is required at once, and a reserve

// What read_length_or_encoding found when it was a plain length.
constexpr uint8_t kPlain = 0;

}  // namespace

RdbReader::RdbReader(std::string_view memory, std::string_view name)
    : name_(name),
      size_(memory.size()),
      begin_(memory.data()),
      pos_(begin_),
      end_(begin_ + memory.size()),
      crc_pos_(begin_) {}

RdbReader::RdbReader(File& file, uint64_t size, std::string_view name, size_t buffer_bytes)
    : name_(name),
      file_(&file),
      size_(size),
      buffer_bytes_(std::max(buffer_bytes, kBufferMin)),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes_)),
      begin_(buffer_.get()),
      pos_(begin_),
      end_(begin_),
      crc_pos_(begin_) {}

bool RdbReader::fail_at(uint64_t offset, std::string_view what, Errc code) {
  if (failed_) return false;
  failed_ = true;
  error_ = {code, fmt::format("{}: offset {}: {}", name_, offset, what)};
  pos_ = end_;  // nothing is read from here on
  return false;
}

bool RdbReader::truncated(uint64_t wanted) {
  return fail(fmt::format("cut short: {} bytes wanted, {} left", wanted, remaining()));
}

uint64_t RdbReader::crc() {
  CHECK(begin_ <= crc_pos_ && crc_pos_ <= pos_ && pos_ <= end_);
  crc_ = crc64({crc_pos_, static_cast<size_t>(pos_ - crc_pos_)}, crc_);
  crc_pos_ = pos_;
  return crc_;
}

bool RdbReader::fill(size_t n) {
  if (failed_) return false;
  if (n > remaining()) return truncated(n);
  CHECK(file_ != nullptr && n <= buffer_bytes_);
  crc();
  begin_offset_ = offset();
  size_t have = static_cast<size_t>(end_ - pos_);
  std::memmove(buffer_.get(), pos_, have);
  begin_ = pos_ = crc_pos_ = buffer_.get();
  end_ = begin_ + have;
  while (have < n) {
    const uint64_t at = begin_offset_ + have;
    const auto want = static_cast<size_t>(std::min<uint64_t>(buffer_bytes_ - have, size_ - at));
    const auto got = file_->read_at(at, buffer_.get() + have, want);
    if (!got.ok()) return fail_at(at, got.error().message, got.error().code);
    if (*got == 0) return fail_at(at, "the file became shorter while it was read");
    CHECK(*got <= want);
    have += *got;
    end_ = begin_ + have;
  }
  return true;
}

// --- Numbers ---

bool RdbReader::read_byte(uint8_t& out) {
  if (!require(1)) return false;
  out = static_cast<uint8_t>(*pos_++);
  return true;
}

bool RdbReader::read_little(uint64_t& out, size_t bytes) {
  CHECK(bytes <= sizeof out);
  if (!require(bytes)) return false;
  out = 0;
  for (size_t i = bytes; i-- > 0;) out = out << 8 | static_cast<uint8_t>(pos_[i]);
  pos_ += bytes;
  return true;
}

bool RdbReader::read_big(uint64_t& out, size_t bytes) {
  if (!require(bytes)) return false;
  out = 0;
  for (size_t i = 0; i < bytes; ++i) out = out << 8 | static_cast<uint8_t>(pos_[i]);
  pos_ += bytes;
  return true;
}

bool RdbReader::read_length_or_encoding(uint64_t& length, uint8_t& encoding) {
  const uint64_t at = offset();
  uint8_t first;
  if (!read_byte(first)) return false;
  encoding = kPlain;
  switch (first & 0xc0) {
    case 0:
      length = first;
      return true;
    case kRdbLength14: {
      uint8_t second;
      if (!read_byte(second)) return false;
      length = static_cast<uint64_t>(first & 0x3f) << 8 | second;
      return true;
    }
    case kRdbInt8:
      if (first > kRdbLzf) break;
      encoding = first;
      return true;
  }
  if (first == kRdbLength32) return read_big(length, 4);
  if (first == kRdbLength64) return read_big(length, 8);
  return fail_at(at, fmt::format("unknown length byte {:#04x}", first));
}

bool RdbReader::read_length(uint64_t& out) {
  const uint64_t at = offset();
  uint8_t encoding;
  if (!read_length_or_encoding(out, encoding)) return false;
  return encoding == kPlain || fail_at(at, "an encoded string where a length belongs");
}

bool RdbReader::read_count(uint64_t& out, size_t item_bytes) {
  CHECK(item_bytes > 0);
  const uint64_t at = offset();
  if (!read_length(out)) return false;
  if (out <= remaining() / item_bytes) return true;
  return fail_at(at, fmt::format("{} items do not fit the {} bytes left", out, remaining()));
}

// --- Strings ---

bool RdbReader::read_bytes(std::string& out, uint64_t n) {
  if (n > remaining()) return truncated(n);
  out.clear();
  out.reserve(static_cast<size_t>(n));
  while (out.size() < n) {
    if (!require(1)) return false;
    const auto piece =
        static_cast<size_t>(std::min<uint64_t>(n - out.size(), static_cast<uint64_t>(end_ - pos_)));
    CHECK(piece > 0);
    out.append(pos_, piece);
    pos_ += piece;
  }
  return true;
}

bool RdbReader::read_integer(uint8_t encoding) {
  uint64_t bits;
  switch (encoding) {
    case kRdbInt8:
      if (!read_little(bits, 1)) return false;
      scratch_ = std::to_string(static_cast<int8_t>(bits));
      return true;
    case kRdbInt16:
      if (!read_little(bits, 2)) return false;
      scratch_ = std::to_string(static_cast<int16_t>(bits));
      return true;
    default:
      if (!read_little(bits, 4)) return false;
      scratch_ = std::to_string(static_cast<int32_t>(bits));
      return true;
  }
}

bool RdbReader::read_compressed() {
  const uint64_t at = offset();
  uint64_t in_size;
  uint64_t size;
  if (!read_length(in_size) || !read_length(size)) return false;
  if (in_size > remaining()) return truncated(in_size);
  if (size == 0 || size / kLzfExpansionMax > in_size) {
    return fail_at(at, fmt::format("{} compressed bytes cannot be {} bytes", in_size, size));
  }
  std::string_view in;
  if (in_size <= static_cast<uint64_t>(end_ - pos_)) {
    in = {pos_, static_cast<size_t>(in_size)};
    pos_ += in_size;
  } else {
    if (!read_bytes(compressed_, in_size)) return false;
    in = compressed_;
  }
  scratch_.resize(static_cast<size_t>(size));
  return lzf_expand(in, scratch_.data(), scratch_.size()) ||
         fail_at(at, "the compressed string is damaged");
}

bool RdbReader::read_string_view(std::string_view& out) {
  uint64_t length;
  uint8_t encoding;
  if (!read_length_or_encoding(length, encoding)) return false;
  if (encoding == kPlain) {
    if (length <= static_cast<uint64_t>(end_ - pos_)) {
      out = {pos_, static_cast<size_t>(length)};
      pos_ += length;
      return true;
    }
    if (!read_bytes(scratch_, length)) return false;
  } else if (!(encoding == kRdbLzf ? read_compressed() : read_integer(encoding))) {
    return false;
  }
  out = scratch_;
  return true;
}

bool RdbReader::read_string(std::string& out) {
  std::string_view view;
  if (!read_string_view(view)) return false;
  if (view.data() == scratch_.data() && scratch_.size() > 64) {
    out = std::move(scratch_);
    scratch_.clear();
  } else {
    out.assign(view);
  }
  return true;
}

}  // namespace powercut::engine
