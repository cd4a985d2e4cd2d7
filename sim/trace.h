// What happened, as a running hash: two runs are the same run if their hashes are equal. A listener
// may take the events themselves, for `replay --trace`.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/check.h"
#include "engine/base/site.h"
#include "engine/base/time.h"

namespace powercut::sim {

struct Event {
  uint64_t number;        // counts from 0 in a run
  Instant at;             // virtual time
  std::string_view what;  // "write", "sync", "schedule", "cut", ...
  std::string_view path;  // of a file, or a task's name
  uint64_t a = 0;         // offset, size, task: as `what` says
  uint64_t b = 0;
  bool ok = true;
};

class TraceListener {
 public:
  virtual ~TraceListener() = default;
  virtual void on_event(const Event& event) = 0;
};

class Trace {
 public:
  void set_listener(TraceListener* listener) { listener_ = listener; }

  void add(Instant at, Site what, std::string_view path, uint64_t a, uint64_t b, bool ok) {
    mix(static_cast<uint64_t>(at.ns));
    mix(what.hash ^ (ok ? 0 : 1));
    mix(a);
    mix(b);
    if (listener_ != nullptr) [[unlikely]] {
      listener_->on_event({count_, at, what.name, path, a, b, ok});
    }
    ++count_;
    if ((count_ & (count_ - 1)) == 0) [[unlikely]]  // a power of two
      checkpoints_[static_cast<size_t>(std::countr_zero(count_))] = hash_;
  }
  void mix(uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15u;
    hash_ ^= hash_ >> 29;
  }
  uint64_t hash() const { return hash_; }
  uint64_t count() const { return count_; }
  // The hash after event number 2^i - 1. REQUIRES: 2^i <= count().
  uint64_t checkpoint(size_t i) const {
    CHECK(i < checkpoints_.size() && uint64_t{1} << i <= count_);
    return checkpoints_[i];
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
  uint64_t count_ = 0;
  std::array<uint64_t, 64> checkpoints_;  // as many as there are powers of two up to count_
  TraceListener* listener_ = nullptr;
};

}  // namespace powercut::sim
