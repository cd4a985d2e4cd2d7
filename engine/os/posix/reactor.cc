#include "engine/os/posix/reactor.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/os/posix/os_error.h"

namespace powercut::engine {

Instant monotonic_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec};
}

int64_t BlockingCalls::read(int fd, uint64_t offset, char* out, size_t size) {
  return retry_eintr([&] { return pread(fd, out, size, static_cast<off_t>(offset)); });
}
int64_t BlockingCalls::write(int fd, uint64_t offset, const char* data, size_t size) {
  return retry_eintr([&] { return pwrite(fd, data, size, static_cast<off_t>(offset)); });
}
int64_t BlockingCalls::sync(int fd, bool data_only) {
  return (data_only ? fdatasync(fd) : fsync(fd)) == 0 ? 0 : -errno;
}
int64_t BlockingCalls::unlink(int directory, const char* path, int flags) {
  return retry_eintr([&] { return unlinkat(directory, path, flags); });
}

int64_t RefusedCalls::read(int, uint64_t, char*, size_t) { return -ECANCELED; }
int64_t RefusedCalls::write(int, uint64_t, const char*, size_t) { return -ECANCELED; }
int64_t RefusedCalls::sync(int, bool) { return -ECANCELED; }
int64_t RefusedCalls::unlink(int, const char*, int) { return -ECANCELED; }

void Reactor::begin(Operation& operation) {
  operation.task = tasks_.current();
  CHECK(operation.task != nullptr);
  operation.done = false;
  ++in_flight_;
}

int64_t Reactor::finish(Operation& operation) {
  while (!operation.done) tasks_.block(kForever);
  return operation.result;
}

void Reactor::complete(Operation& operation, int64_t result) {
  CHECK(!operation.done && in_flight_ > 0);
  operation.result = result;
  operation.done = true;
  --in_flight_;
  tasks_.wake(operation.task);
}

void Reactor::add_wait(Operation& operation, int fd, short events) {
  operation.fd = fd;
  operation.events = events;
  operation.slot = waits_.size();
  waits_.push_back(&operation);
}

void Reactor::remove_wait(Operation& operation) {
  const size_t slot = operation.slot;
  CHECK(slot < waits_.size() && waits_[slot] == &operation);
  waits_[slot] = waits_.back();
  waits_[slot]->slot = slot;
  waits_.pop_back();
}

void Reactor::drain() {
  const std::vector<Operation*> waits = waits_;
  for (Operation* wait : waits) {
    if (!wait->done) cancel(*wait);
  }
  CHECK(tasks_.current() == nullptr);
  while (busy()) turn(kForever);
  waits_.clear();  // their tasks unwind without coming back to take them out
}

}  // namespace powercut::engine
