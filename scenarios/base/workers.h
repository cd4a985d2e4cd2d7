// Independent pieces of work on several threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace powercut::scenarios {

struct Watching {
  // Called on the caller's thread, now and then, and at the end: how many are done.
  std::function<void(size_t done)> on_tick;
  const std::atomic<bool>* stop = nullptr;  // true: begin no more
};

// Calls work(0) to work(count - 1), each at most once, on `jobs` threads; returns when all that
// were begun are done.
void on_all_cores(size_t count, unsigned jobs, const std::function<void(size_t)>& work,
                  const Watching& watching = {});

}  // namespace powercut::scenarios
