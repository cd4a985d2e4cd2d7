// A value that is not in memory: in which segment of the cold tier it lies, and where (engine/tier/cold_folder.h); or in which
// region of the warm one (engine/tier/warm_file.h), which is a segment that no base of the log names.
//
// Whoever rests on a segment holds it: each value that lies there, a base of the log that names it, a checkpoint that is
// being written, a reader. One that nobody holds is removed, and no other is.
#pragma once

#include <cstdint>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/time.h"

namespace powercut::engine {

struct ColdSegment;

// Told when nobody but itself holds a segment any more.
class ColdShelf {
 public:
  virtual ~ColdShelf() = default;
  virtual void unheld(ColdSegment& segment) = 0;
};

struct ColdSegment {
  static constexpr uint64_t kWarm = uint64_t{1} << 63;  // of the numbers of regions
  bool warm() const { return (sequence & kWarm) != 0; }

  uint64_t sequence = 0;
  uint64_t nonce = 0;
  uint64_t bytes = 0;          // of the file
  uint64_t values = 0;         // that lie there and are some key's
  uint64_t live_bytes = 0;     // of these
  uint64_t holders = 0;        // the shelf is one of them
  ColdShelf* shelf = nullptr;  // null: it is gone
  Instant used{0};             // when it came, or a value of it was read last
  bool noted = false;          // there may be an object of it in the archive
  bool archived = false;       // and no file
  bool stays = false;          // a backup has its file: it is to be here
  bool moving = false;         // to the archive
};

class SegmentHold {
 public:
  SegmentHold() = default;
  explicit SegmentHold(ColdSegment* segment) : segment_(segment) {
    if (segment_ != nullptr) ++segment_->holders;
  }
  SegmentHold(const SegmentHold& other) : SegmentHold(other.segment_) {}
  SegmentHold(SegmentHold&& other) noexcept : segment_(std::exchange(other.segment_, nullptr)) {}
  SegmentHold& operator=(SegmentHold other) noexcept {
    std::swap(segment_, other.segment_);
    return *this;
  }
  ~SegmentHold() {
    if (segment_ == nullptr) return;
    CHECK(segment_->holders > 0);
    if (--segment_->holders == 0) {
      delete segment_;
    } else if (segment_->holders == 1 && segment_->shelf != nullptr) {
      segment_->shelf->unheld(*segment_);
    }
  }
  ColdSegment& operator*() const { return *segment_; }
  ColdSegment* operator->() const { return segment_; }
  ColdSegment* get() const { return segment_; }

 private:
  ColdSegment* segment_ = nullptr;
};

class Away {
 public:
  // What is longer stays in memory.
  static constexpr uint64_t kLongest = (uint64_t{1} << 29) - 1;
  static constexpr uint64_t kFarthest = UINT32_MAX;

  // `type`: of the value, a Type of engine/store/value.h.
  Away(SegmentHold segment, uint64_t offset, uint64_t length, uint8_t type)
      : segment_(std::move(segment)), offset_(offset), length_(length), type_(type) {
    CHECK(offset <= kFarthest && length <= kLongest && type < 8);
    ++segment_->values;
    segment_->live_bytes += length;
  }
  Away(const Away& other) : Away(other.segment_, other.offset_, other.length_, other.type_) {}
  Away(Away&& other) noexcept
      : segment_(std::move(other.segment_)),
        offset_(other.offset_),
        length_(other.length_),
        type_(other.type_) {}
  Away& operator=(Away other) noexcept {
    std::swap(segment_, other.segment_);
    offset_ = other.offset_;
    length_ = other.length_;
    type_ = other.type_;
    return *this;
  }
  ~Away() {
    if (segment_.get() == nullptr) return;
    --segment_->values;
    segment_->live_bytes -= length_;
  }

  const SegmentHold& segment() const { return segment_; }
  uint64_t offset() const { return offset_; }
  uint64_t length() const { return length_; }
  uint8_t type() const { return type_; }
  bool warm() const { return segment_->warm(); }
  bool operator==(const Away& other) const {
    return segment_.get() == other.segment_.get() && offset_ == other.offset_;
  }

 private:
  SegmentHold segment_;
  uint64_t offset_ : 32;
  uint64_t length_ : 29;
  uint64_t type_ : 3;
};

static_assert(sizeof(Away) == 16);  // or each key would take more

}  // namespace powercut::engine
