// The one order of all that was recorded.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include "scenarios/base/terminal.h"
#include "scenarios/trace/trace.h"

namespace powercut::scenarios {

class EventJournal {
 public:
  void add(TraceEvent event) {
    const std::lock_guard lock(mutex_);
    event.ms = static_cast<uint64_t>(watch_.seconds() * 1000);
    events_.push_back(std::move(event));
  }
  std::vector<TraceEvent> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  std::mutex mutex_;
  Stopwatch watch_;
  std::vector<TraceEvent> events_;
};

}  // namespace powercut::scenarios
