// What Redis does under appendfsync everysec, as a model: no code of it runs here. As of 7.0: one thread; after each
// round of requests the buffer is written, unless a sync is under way: then it waits, until 2 s have passed by a clock of
// whole seconds, and is written all the same. A sync is begun after a write in a new second, in the background, if none is
// under way. Replies are never held.
#pragma once

#include <algorithm>

#include "experiments/common/stream.h"

namespace powercut::experiments {

// What a write meets while the file is being synced: it depends on the filesystem.
enum class RedisWrite : uint8_t { kWaitsForTheSync, kPasses };

class RedisRule {
 public:
  // One client that sends at this interval; if it `waits`, not before it is answered.
  RedisRule(RedisWrite write, Duration sync, Duration interval, bool waits)
      : write_(write), sync_(sync), interval_(interval), waits_(waits) {}

  Stream run(Duration length) {
    const Duration cron = milliseconds(100);
    Instant next_cron{0};
    Instant end = Instant{0} + length;
    for (Instant next{0}; next < end || next_cron < end;) {
      const Instant at = std::min(next, next_cron);
      now_ = std::max(now_, at);
      finish_sync();
      clock_ = now_.ns / 1'000'000'000;
      if (next_cron == at) {
        next_cron = next_cron + cron;
        flush();
      } else {
        stream_.operations.push_back({next});
        flush();
        stream_.operations.back().acked = now_;
        if (waits_) next = std::max(next, now_ - interval_);
        next = next + interval_;
      }
    }
    return std::move(stream_);
  }

 private:
  bool syncing() const { return sync_ends_ > now_; }
  void finish_sync() {
    if (sync_ends_ > now_) return;
    for (; synced_ < covered_; ++synced_) stream_.operations[synced_].synced = sync_ends_;
  }

  void flush() {
    // Of the round's beginning, as all that follows looks at it.
    const bool under_way = syncing();
    if (written_ < stream_.operations.size()) {
      if (under_way) {
        if (postponed_ < 0) postponed_ = clock_;
        if (clock_ - postponed_ < 2) return;
        if (write_ == RedisWrite::kWaitsForTheSync) now_ = sync_ends_;
        finish_sync();
      }
      postponed_ = -1;
      written_ = stream_.operations.size();
    } else if (under_way) {
      return;
    }
    if (written_ == covered_ || clock_ <= last_sync_) return;
    if (!under_way) {
      covered_ = written_;
      sync_ends_ = now_ + sync_;
      ++stream_.syncs;
    }
    last_sync_ = clock_;
  }

  RedisWrite write_;
  Duration sync_;
  Duration interval_;
  bool waits_;
  Stream stream_;
  Instant now_{0};
  int64_t clock_ = 0;       // whole seconds
  int64_t last_sync_ = 0;   // by that clock
  int64_t postponed_ = -1;  // since when the buffer waits; below 0: it does not
  Instant sync_ends_{0};
  size_t written_ = 0;
  size_t covered_ = 0;  // by the sync under way, or the last one
  size_t synced_ = 0;
};

}  // namespace powercut::experiments
