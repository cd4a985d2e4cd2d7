#include "scenarios/workers.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace powercut::scenarios {

void on_all_cores(size_t count, unsigned jobs, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < std::min<size_t>(std::max(jobs, 1u), count); ++i) {
    threads.emplace_back([&] {
      for (size_t number; (number = next.fetch_add(1)) < count;) work(number);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace powercut::scenarios
