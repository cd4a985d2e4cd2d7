#include "engine/server/tcp.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "engine/os/posix/os_error.h"

namespace powercut::engine {

namespace {

std::string name_of(const sockaddr_storage& address, socklen_t length) {
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, host, sizeof host, port,
                  sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?:0";
  }
  return address.ss_family == AF_INET6 ? fmt::format("[{}]:{}", host, port)
                                       : fmt::format("{}:{}", host, port);
}

}  // namespace

Result<Descriptor> listen_on(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0) {
    return Error{Errc::kInvalid, fmt::format("bind {}: {}", address, gai_strerror(error))};
  }
  Descriptor fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  const bool listening =
      fd.get() >= 0 && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 && listen(fd.get(), 511) == 0;
  const int error = errno;
  freeaddrinfo(found);
  if (!listening) return os_error("listen on", fmt::format("{}:{}", address, port), error);
  return fd;
}

Result<Descriptor> accept_from(int listener) {
  const int64_t fd = retry_eintr(
      [&] { return accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
  if (fd == -EAGAIN || fd == -ECONNABORTED) return Error{Errc::kNotFound, "no connection waits"};
  if (fd < 0) return os_error("accept", "", static_cast<int>(-fd));
  const int on = 1;
  setsockopt(static_cast<int>(fd), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return Descriptor(static_cast<int>(fd));
}

std::string local_name(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return name_of(address, length);
}

std::string peer_name(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return name_of(address, length);
}

Io receive(int fd, char* out, size_t size, size_t& count) {
  const int64_t got = retry_eintr([&] { return recv(fd, out, size, 0); });
  count = got > 0 ? static_cast<size_t>(got) : 0;
  if (got > 0) return Io::kDone;
  return got == -EAGAIN ? Io::kWouldBlock : Io::kClosed;
}

Io send_some(int fd, std::string_view data, size_t& count) {
  const int64_t sent =
      retry_eintr([&] { return send(fd, data.data(), data.size(), MSG_NOSIGNAL); });
  count = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (sent >= 0) return Io::kDone;
  return sent == -EAGAIN ? Io::kWouldBlock : Io::kClosed;
}

void hang_up(int fd) { shutdown(fd, SHUT_RDWR); }

Result<Descriptor> open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return os_error("sigprocmask", "", errno);
  Descriptor fd(signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (fd.get() < 0) return os_error("signalfd", "", errno);
  return fd;
}

void take_signal(int fd) {
  signalfd_siginfo info;
  // Not retried: a spurious wake-up leaves nothing to take.
  (void)!read(fd, &info, sizeof info);
}

}  // namespace powercut::engine
