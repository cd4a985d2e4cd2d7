// The stream of operations as replicas read it: each byte has an offset, counted from 1 over the life of one
// replication identity; the newest of them are kept for whoever comes back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"

namespace powercut::engine {

class Backlog {
 public:
  // `end`: the offset of the last byte before those that it will keep.
  explicit Backlog(uint64_t end = 0) : dropped_(end) {}
  void append(std::string_view bytes) { bytes_ += bytes; }
  // The offset of the last byte; 0: there is none yet.
  uint64_t end() const { return dropped_ + bytes_.size(); }
  // The offset of the first byte that is kept, or would be.
  uint64_t first() const { return dropped_ + 1; }
  size_t size() const { return bytes_.size(); }

  // Is everything kept from that offset on?
  bool has(uint64_t offset) const { return offset >= first() && offset <= end() + 1; }
  // REQUIRES: has(offset).
  std::string_view from(uint64_t offset) const {
    CHECK(has(offset));
    return std::string_view(bytes_).substr(offset - first());
  }

  // Drops what is older than the newest `most` bytes, but nothing behind the offset `needed`. Not at once: what is
  // moved is always the smaller part.
  void trim(size_t most, uint64_t needed) {
    if (bytes_.size() <= most) return;
    const uint64_t older = bytes_.size() - most;
    const uint64_t unneeded = needed > dropped_ ? needed - dropped_ : 0;
    const uint64_t gone = older < unneeded ? older : unneeded;
    if (gone <= bytes_.size() - gone) return;
    bytes_.erase(0, gone);
    dropped_ += gone;
  }

 private:
  std::string bytes_;
  uint64_t dropped_;  // the bytes in front of them
};

}  // namespace powercut::engine
