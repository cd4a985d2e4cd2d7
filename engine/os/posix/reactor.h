// The calls that may take long, and the waiting for them. One interface, three implementations:
// over io_uring; over plain system calls with a helper thread; and a blocking one for outside every
// task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/os/tasks.h"

namespace powercut::engine {

Instant monotonic_now();

// Before every instant of the clock: a deadline for not waiting at all.
inline constexpr Instant kNoWait{0};

// Each returns what the system call would, or -errno. Interrupted calls are repeated, except sync:
// after a failure nobody knows which bytes are durable.
class Calls {
 public:
  virtual ~Calls() = default;
  virtual int64_t read(int fd, uint64_t offset, char* out, size_t size) = 0;
  virtual int64_t write(int fd, uint64_t offset, const char* data, size_t size) = 0;
  // fdatasync or fsync.
  virtual int64_t sync(int fd, bool data_only) = 0;
  virtual int64_t unlink(int directory, const char* path, int flags) = 0;
};

class BlockingCalls final : public Calls {
 public:
  int64_t read(int fd, uint64_t offset, char* out, size_t size) override;
  int64_t write(int fd, uint64_t offset, const char* data, size_t size) override;
  int64_t sync(int fd, bool data_only) override;
  int64_t unlink(int directory, const char* path, int flags) override;
};

// For stacks that unwind: a crashed engine's destructors touch no disk.
class RefusedCalls final : public Calls {
 public:
  int64_t read(int fd, uint64_t offset, char* out, size_t size) override;
  int64_t write(int fd, uint64_t offset, const char* data, size_t size) override;
  int64_t sync(int fd, bool data_only) override;
  int64_t unlink(int directory, const char* path, int flags) override;
};

// Its calls suspend the running task; others run meanwhile.
class Reactor : public Calls {
 public:
  explicit Reactor(Tasks& tasks) : tasks_(tasks) {}

  // Suspends the running task until `fd` is ready for `events` (POLLIN, POLLOUT), closed or broken:
  // true; or until `deadline`: false.
  virtual bool wait_ready(int fd, short events, Instant deadline) = 0;

  // From outside every task: starts what was asked for, waits until a call ends or `deadline`, and
  // wakes the tasks whose calls have ended.
  virtual void turn(Instant deadline) = 0;
  // Does any call run, so that turn() could wake a task before its deadline?
  bool busy() const { return in_flight_ > 0; }
  // Cancels the waits for readiness and waits until no call runs: the kernel must not write into a
  // stack that unwinds.
  void drain();

 protected:
  // A call of a task, on that task's stack.
  struct Operation {
    Task* task = nullptr;
    int64_t result = 0;
    bool done = false;
    int fd = -1;  // the rest for wait_ready only
    short events = 0;
    size_t slot = 0;  // in waits_
  };

  // Both from inside the task: what starts the operation comes between them.
  void begin(Operation& operation);
  int64_t finish(Operation& operation);
  // From outside: the operation has ended.
  void complete(Operation& operation, int64_t result);
  virtual void cancel(Operation& operation) = 0;

  void add_wait(Operation& operation, int fd, short events);
  void remove_wait(Operation& operation);

  Tasks& tasks_;
  std::vector<Operation*> waits_;  // those of wait_ready
  size_t in_flight_ = 0;
};

// Fails with kUnsupported where the kernel or its policy refuses io_uring.
Result<std::unique_ptr<Reactor>> make_uring_reactor(Tasks& tasks, unsigned ring_entries);
Result<std::unique_ptr<Reactor>> make_plain_reactor(Tasks& tasks);

}  // namespace powercut::engine
