// A client's replies on their way out: bytes in order, and how far they may go. Each reply is *held* until the log
// has released the entry that it rests on; none overtakes an earlier one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"

namespace powercut::engine {

class Outbox {
 public:
  // Where the next reply is written. It goes nowhere before hold() has ended it.
  std::string& bytes() { return bytes_; }

  // Ends the reply just written: it may go once `lsn` is released, and `released` is now. True if it has to wait.
  bool hold(uint64_t lsn, uint64_t released) {
    const size_t begin = held_.empty() ? released_ : held_.back().end;
    const size_t end = begin_ + bytes_.size();
    CHECK(end >= begin);
    CHECK(end == begin || whole_lines(begin));
    if (held_.empty() && lsn <= released) {
      released_ = end;
      return false;
    }
    held_.push_back({lsn, end});
    return true;
  }

  // Bytes that are no reply, behind those: they may go once `lsn` is released.
  void put(std::string_view bytes, uint64_t lsn) {
    bytes_ += bytes;
    const size_t end = begin_ + bytes_.size();
    if (!held_.empty() && held_.back().lsn == lsn) {
      held_.back().end = end;
    } else {
      held_.push_back({lsn, end});
    }
  }

  // Drops the reply just written, before hold().
  void drop() { bytes_.resize((held_.empty() ? released_ : held_.back().end) - begin_); }

  // What may be sent, now that `released` is. Valid until the next call.
  std::string_view ready(uint64_t released) {
    size_t freed = 0;
    while (freed < held_.size() && held_[freed].lsn <= released) released_ = held_[freed++].end;
    if (freed > 0) held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(freed));
    CHECK(released_ >= sent_ && released_ - begin_ <= bytes_.size());
    return std::string_view(bytes_).substr(sent_ - begin_, released_ - sent_);
  }

  // Drops the first `n` ready bytes: they were sent.
  void consume(size_t n) {
    CHECK(n <= released_ - sent_);
    sent_ += n;
    // A long reply is taken in many pieces: move what is left only when that is the smaller part.
    const size_t gone = sent_ - begin_;
    if (gone < bytes_.size() - gone) return;
    if (gone == bytes_.size()) {
      bytes_.clear();
    } else {
      bytes_.erase(0, gone);
    }
    begin_ = sent_;
  }

  // Bytes that were not sent yet, held or not.
  size_t unsent() const { return bytes_.size() - (sent_ - begin_); }
  size_t room() const { return bytes_.capacity(); }
  void give_back() {
    if (bytes_.empty()) std::string().swap(bytes_);
  }

  // No reply is held.
  bool idle() const { return held_.empty(); }

 private:
  // From there to the end it looks like RESP: a type, and a line end at last.
  bool whole_lines(size_t begin) const {
    const char type = bytes_[begin - begin_];
    return std::string_view("+$:*-%~,_=>#|(").find(type) != std::string_view::npos &&
           bytes_.back() == '\n';
  }

  struct Held {
    uint64_t lsn;  // the reply may go when so much is released
    size_t end;    // offset behind it
  };

  // Offsets count over the client's life.
  std::string bytes_;
  size_t begin_ = 0;        // of bytes_[0]; what stands before it was dropped
  size_t sent_ = 0;         // of the first byte not consumed
  size_t released_ = 0;     // up to which replies may go
  std::vector<Held> held_;  // oldest first
};

}  // namespace powercut::engine
