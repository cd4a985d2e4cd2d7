#include <liburing.h>
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <memory>

#include "engine/os/posix/os_error.h"
#include "engine/os/posix/reactor.h"

namespace powercut::engine {

namespace {

// One submission's length is 32 bits; more is a short transfer, which the seam allows.
constexpr size_t kTransferBytesMax = size_t{1} << 30;
// So much is copied in less time than the ring's worker takes to come; what a checkpoint writes at once is more.
constexpr size_t kAtOnceBytesMax = size_t{16} << 10;

class UringReactor final : public Reactor {
 public:
  explicit UringReactor(Tasks& tasks) : Reactor(tasks) {}
  ~UringReactor() override {
    if (ready_) io_uring_queue_exit(&ring_);
  }

  // 0 or -errno.
  int init(unsigned entries) {
    if (const int error = io_uring_queue_init(entries, &ring_, 0); error < 0) return error;
    ready_ = true;
    io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
    if (probe == nullptr) return -ENOSYS;
    bool complete = true;
    for (const int op : {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC, IORING_OP_POLL_ADD,
                         IORING_OP_POLL_REMOVE, IORING_OP_TIMEOUT}) {
      complete = complete && io_uring_opcode_supported(probe, op);
    }
    has_unlink_ = io_uring_opcode_supported(probe, IORING_OP_UNLINKAT);
    io_uring_free_probe(probe);
    return complete ? 0 : -ENOSYS;
  }

  int64_t read(int fd, uint64_t offset, char* out, size_t size) override {
    const auto bytes = static_cast<unsigned>(std::min(size, kTransferBytesMax));
    return call([&](io_uring_sqe* sqe) { io_uring_prep_read(sqe, fd, out, bytes, offset); });
  }
  // The ring gives a buffered write to a worker where the filesystem cannot say whether it would wait (ext4), which takes
  // two changes of thread. It waits where something else is under way at the disk: then the ring has it.
  int64_t write(int fd, uint64_t offset, const char* data, size_t size) override {
    if (size <= kAtOnceBytesMax && at_disk_ == 0) {
      const int64_t result = blocking_.write(fd, offset, data, size);
      tasks_.yield();
      return result;
    }
    const auto bytes = static_cast<unsigned>(std::min(size, kTransferBytesMax));
    return call([&](io_uring_sqe* sqe) { io_uring_prep_write(sqe, fd, data, bytes, offset); });
  }
  int64_t sync(int fd, bool data_only) override {
    const unsigned flags = data_only ? IORING_FSYNC_DATASYNC : 0;
    return call_once([&](io_uring_sqe* sqe) { io_uring_prep_fsync(sqe, fd, flags); });
  }
  int64_t unlink(int directory, const char* path, int flags) override {
    if (!has_unlink_) return blocking_.unlink(directory, path, flags);
    return call([&](io_uring_sqe* sqe) { io_uring_prep_unlinkat(sqe, directory, path, flags); });
  }

  bool wait_ready(int fd, short events, Instant deadline) override {
    Operation operation;
    begin(operation);
    io_uring_sqe* sqe = next_entry();
    io_uring_prep_poll_add(sqe, fd, static_cast<unsigned>(events));
    io_uring_sqe_set_data(sqe, &operation);
    add_wait(operation, fd, events);
    while (!operation.done) {
      if (!tasks_.block(deadline) && !operation.done) {
        cancel(operation);
        finish(operation);
      }
    }
    remove_wait(operation);
    return operation.result != -ECANCELED;
  }

  void turn(Instant deadline) override {
    const Duration left = deadline == kNoWait    ? Duration{0}
                          : deadline == kForever ? seconds(3600)
                                                 : deadline - monotonic_now();
    if (left.ns <= 0) {
      submit();
    } else {
      __kernel_timespec timeout{left.ns / 1'000'000'000, left.ns % 1'000'000'000};
      io_uring_cqe* cqe = nullptr;
      const int result = io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &timeout, nullptr);
      // EAGAIN and EBUSY: the kernel wants its completions taken first. The next turn submits
      // again.
      CHECK(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
            result == -EBUSY);
    }
    reap();
  }

 protected:
  void cancel(Operation& operation) override {
    io_uring_sqe* sqe = next_entry();
    io_uring_prep_poll_remove(sqe, reinterpret_cast<uintptr_t>(&operation));
    io_uring_sqe_set_data(sqe, nullptr);
  }

 private:
  template <class Prepare>
  int64_t call_once(Prepare prepare) {
    Operation operation;
    begin(operation);
    io_uring_sqe* sqe = next_entry();
    prepare(sqe);
    io_uring_sqe_set_data(sqe, &operation);
    ++at_disk_;
    const int64_t result = finish(operation);
    --at_disk_;
    return result;
  }
  template <class Prepare>
  int64_t call(Prepare prepare) {
    for (;;) {
      const int64_t result = call_once(prepare);
      // ECANCELED: what the kernel had given to a worker was dropped for a signal, undone.
      const bool again = result == -EINTR || result == -EAGAIN || result == -ECANCELED;
      if (!again || tasks_.destroying()) return result;
    }
  }

  // Entries wait in the ring until turn(): all that one round of tasks asks for is one system call.
  io_uring_sqe* next_entry() {
    for (;;) {
      if (io_uring_sqe* sqe = io_uring_get_sqe(&ring_)) return sqe;
      submit();
      reap();
    }
  }
  void submit() {
    if (io_uring_sq_ready(&ring_) == 0) return;
    const int result = io_uring_submit(&ring_);
    CHECK(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY);
  }
  void reap() {
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring_, &cqe) == 0 && cqe != nullptr) {
      const uint64_t data = cqe->user_data;
      const int result = cqe->res;
      io_uring_cqe_seen(&ring_, cqe);
      // 0: a cancellation; LIBURING_UDATA_TIMEOUT: the library's own, on kernels before 5.11.
      if (data != 0 && data != LIBURING_UDATA_TIMEOUT) {
        complete(*reinterpret_cast<Operation*>(data), result);
      }
    }
  }

  BlockingCalls blocking_;
  io_uring ring_{};
  size_t at_disk_ = 0;  // calls of the ring that have not come back
  bool ready_ = false;
  bool has_unlink_ = false;
};

}  // namespace

Result<std::unique_ptr<Reactor>> make_uring_reactor(Tasks& tasks, unsigned ring_entries) {
  auto reactor = std::make_unique<UringReactor>(tasks);
  const int error = reactor->init(ring_entries);
  switch (-error) {
    case 0:
      return std::unique_ptr<Reactor>(std::move(reactor));
    case EMFILE:
    case ENFILE:
      return os_error("io_uring_setup", "", -error);
    default:
      return Error{Errc::kUnsupported, os_error("io_uring_setup", "", -error).message};
  }
}

}  // namespace powercut::engine
