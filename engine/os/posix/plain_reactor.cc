#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/os/posix/descriptor.h"
#include "engine/os/posix/os_error.h"
#include "engine/os/posix/reactor.h"

namespace powercut::engine {

namespace {

// Reads and writes meet the page cache and run at once; then the others get their turn, for a task
// that only reads and writes must not starve them. What waits for the device (sync, unlink)
// runs on one helper thread, which tells of its end through an eventfd.
class PlainReactor final : public Reactor {
 public:
  PlainReactor(Tasks& tasks, Descriptor event) : Reactor(tasks), event_(std::move(event)) {}
  ~PlainReactor() override {
    {
      std::lock_guard lock(mutex_);
      quit_ = true;
    }
    work_waits_.notify_one();
    if (helper_.joinable()) helper_.join();
  }

  int64_t read(int fd, uint64_t offset, char* out, size_t size) override {
    const int64_t result = blocking_.read(fd, offset, out, size);
    tasks_.yield();
    return result;
  }
  int64_t write(int fd, uint64_t offset, const char* data, size_t size) override {
    const int64_t result = blocking_.write(fd, offset, data, size);
    tasks_.yield();
    return result;
  }
  int64_t sync(int fd, bool data_only) override {
    return on_helper([=, this] { return blocking_.sync(fd, data_only); });
  }
  int64_t unlink(int directory, const char* path, int flags) override {
    return on_helper([=, this] { return blocking_.unlink(directory, path, flags); });
  }

  bool wait_ready(int fd, short events, Instant deadline) override {
    Operation operation;
    begin(operation);
    add_wait(operation, fd, events);
    while (!operation.done) {
      if (!tasks_.block(deadline) && !operation.done) cancel(operation);
    }
    remove_wait(operation);
    return operation.result != -ECANCELED;
  }

  void turn(Instant deadline) override {
    if (deadline == kNoWait && !busy()) return;
    polled_.assign(1, {event_.get(), POLLIN, 0});
    for (const Operation* wait : waits_) {
      polled_.push_back({wait->done ? -1 : wait->fd, wait->events, 0});
    }
    Duration left = deadline == kForever ? seconds(3600) : deadline - monotonic_now();
    if (left.ns < 0) left = {0};
    const timespec timeout{left.ns / 1'000'000'000, left.ns % 1'000'000'000};
    if (ppoll(polled_.data(), polled_.size(), &timeout, nullptr) < 0) {
      CHECK(errno == EINTR || errno == ENOMEM);
      return;
    }
    for (size_t i = 0; i < waits_.size(); ++i) {
      if (polled_[i + 1].revents != 0) complete(*waits_[i], polled_[i + 1].revents);
    }
    if (polled_[0].revents != 0) reap();
  }

 protected:
  void cancel(Operation& operation) override { complete(operation, -ECANCELED); }

 private:
  struct Job {
    std::function<int64_t()> work;
    Operation* operation;
    int64_t result = 0;
  };

  int64_t on_helper(std::function<int64_t()> work) {
    Operation operation;
    begin(operation);
    {
      std::lock_guard lock(mutex_);
      work_.push_back({std::move(work), &operation});
    }
    work_waits_.notify_one();
    if (!helper_.joinable()) helper_ = std::thread([this] { help(); });
    return finish(operation);
  }

  void help() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_waits_.wait(lock, [this] { return quit_ || !work_.empty(); });
      if (work_.empty()) return;
      Job job = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      job.result = job.work();
      lock.lock();
      ended_.push_back(std::move(job));
      eventfd_write(event_.get(), 1);
    }
  }

  void reap() {
    eventfd_t count = 0;
    eventfd_read(event_.get(), &count);
    std::vector<Job> ended;
    {
      std::lock_guard lock(mutex_);
      ended.swap(ended_);
    }
    for (const Job& job : ended) complete(*job.operation, job.result);
  }

  BlockingCalls blocking_;
  Descriptor event_;
  std::vector<pollfd> polled_;

  std::mutex mutex_;  // of what follows
  std::condition_variable work_waits_;
  std::deque<Job> work_;
  std::vector<Job> ended_;
  bool quit_ = false;
  std::thread helper_;
};

}  // namespace

Result<std::unique_ptr<Reactor>> make_plain_reactor(Tasks& tasks) {
  Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event.get() < 0) return os_error("eventfd", "", errno);
  return std::unique_ptr<Reactor>(std::make_unique<PlainReactor>(tasks, std::move(event)));
}

}  // namespace powercut::engine
