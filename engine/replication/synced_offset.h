// Up to which offset of a stream a log's synced entries have it: what a replica tells its master (FACK).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace powercut::engine {

class SyncedOffset {
 public:
  // The stream begins at `offset`, with what the entry `lsn` and all before it hold.
  void begin(uint64_t offset, uint64_t lsn) {
    marks_.assign(1, {offset, lsn});
    reached_ = 0;
  }
  // The entries up to `lsn` have it up to `offset`. REQUIRES: neither decreases.
  void note(uint64_t offset, uint64_t lsn) {
    if (!marks_.empty() && marks_.back().lsn == lsn) {
      marks_.back().offset = offset;
      return;
    }
    if (marks_.size() == kMost) thin();
    marks_.push_back({offset, lsn});
  }
  // Entries up to `lsn` are synced, so the stream is up to here; 0: no part of it is known to be.
  uint64_t reach(uint64_t lsn) {
    while (!marks_.empty() && marks_.front().lsn <= lsn) {
      reached_ = marks_.front().offset;
      marks_.pop_front();
    }
    return reached_;
  }
  // Nothing is to be known of it any more.
  void clear() {
    marks_.clear();
    reached_ = 0;
  }
  bool empty() const { return marks_.empty() && reached_ == 0; }

 private:
  static constexpr size_t kMost = 4096;
  struct Mark {
    uint64_t offset;
    uint64_t lsn;
  };
  // A log that is never synced would make them many. Without every other one less is told, and nothing wrong.
  void thin() {
    size_t kept = 0;
    for (size_t i = 1; i < marks_.size(); i += 2) marks_[kept++] = marks_[i];
    marks_.resize(kept);
  }

  std::deque<Mark> marks_;
  uint64_t reached_ = 0;
};

}  // namespace powercut::engine
