#include "scenarios/base/workers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace powercut::scenarios {

void on_all_cores(size_t count, unsigned jobs, const std::function<void(size_t)>& work,
                  const Watching& watching) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::condition_variable changed;
  size_t done = 0;
  size_t working = std::min<size_t>(std::max(jobs, 1u), count);
  const auto go_on = [&] {
    while (watching.stop == nullptr || !watching.stop->load()) {
      const size_t number = next.fetch_add(1);
      if (number >= count) break;
      work(number);
      const std::lock_guard lock(mutex);
      ++done;
    }
    const std::lock_guard lock(mutex);
    --working;
    changed.notify_one();
  };
  std::vector<std::thread> threads;
  for (size_t i = working; i > 0; --i) threads.emplace_back(go_on);
  std::unique_lock lock(mutex);
  while (working != 0) {
    changed.wait_for(lock, std::chrono::milliseconds(200), [&] { return working == 0; });
    const size_t so_far = done;
    lock.unlock();
    if (watching.on_tick) watching.on_tick(so_far);
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace powercut::scenarios
