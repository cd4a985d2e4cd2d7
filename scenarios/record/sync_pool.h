// Syncs that were asked for, each done by a thread that may wait: the supervisor goes on meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace powercut::scenarios {

class SyncPool {
 public:
  explicit SyncPool(size_t threads) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }
  ~SyncPool() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  void add(std::function<void()> sync) {
    {
      const std::lock_guard lock(mutex_);
      todo_.push_back(std::move(sync));
    }
    changed_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> sync;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ended_ || !todo_.empty(); });
        if (todo_.empty()) return;
        sync = std::move(todo_.front());
        todo_.pop_front();
      }
      sync();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> todo_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace powercut::scenarios
