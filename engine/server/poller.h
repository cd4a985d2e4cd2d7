// Which of many sockets can be read or written: epoll, level-triggered. Its own descriptor becomes readable when one can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/result.h"
#include "engine/os/posix/descriptor.h"

namespace powercut::engine {

class Poller {
 public:
  struct Event {
    void* who = nullptr;
    bool readable = false;  // or its end is reached
    bool writable = false;
  };

  static Result<Poller> open();
  int descriptor() const { return fd_.get(); }

  // From now on until `fd` is closed, or watched anew. `who` comes back with its events.
  void watch(int fd, void* who, bool readable, bool writable);
  void change(int fd, void* who, bool readable, bool writable);
  // No more: for who gives `fd` back without closing it.
  void forget(int fd);
  // Those that can now; how many of `out` were filled. Never waits.
  size_t take(std::span<Event> out);

 private:
  explicit Poller(Descriptor fd) : fd_(std::move(fd)) {}
  Descriptor fd_;
};

}  // namespace powercut::engine
