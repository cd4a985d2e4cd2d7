#include "engine/server/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "engine/base/check.h"
#include "engine/os/posix/os_error.h"

namespace powercut::engine {

namespace {

epoll_event wanted(void* who, bool readable, bool writable) {
  epoll_event event{};
  event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
  // A hang-up comes unasked for: once, where nothing is to be done about it yet.
  if (event.events == 0) event.events = EPOLLET;
  event.data.ptr = who;
  return event;
}

}  // namespace

Result<Poller> Poller::open() {
  Descriptor fd(epoll_create1(EPOLL_CLOEXEC));
  if (fd.get() < 0) return os_error("epoll_create", "", errno);
  return Poller(std::move(fd));
}

void Poller::watch(int fd, void* who, bool readable, bool writable) {
  epoll_event event = wanted(who, readable, writable);
  CHECK(epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
}

void Poller::change(int fd, void* who, bool readable, bool writable) {
  epoll_event event = wanted(who, readable, writable);
  CHECK(epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poller::forget(int fd) { CHECK(epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0); }

size_t Poller::take(std::span<Event> out) {
  std::array<epoll_event, 512> events;
  const int most = static_cast<int>(std::min(events.size(), out.size()));
  const int64_t count = retry_eintr([&] { return epoll_wait(fd_.get(), events.data(), most, 0); });
  for (int64_t i = 0; i < count; ++i) {
    const auto& event = events[static_cast<size_t>(i)];
    const bool ended = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    out[static_cast<size_t>(i)] = {event.data.ptr, ended || (event.events & EPOLLIN) != 0,
                                   (event.events & EPOLLOUT) != 0};
  }
  return count < 0 ? 0 : static_cast<size_t>(count);
}

}  // namespace powercut::engine
