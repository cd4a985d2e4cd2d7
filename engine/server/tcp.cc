#include "engine/server/tcp.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "engine/os/posix/os_error.h"
#include "engine/os/posix/process.h"

namespace powercut::engine {

namespace {

std::string name_of(const sockaddr_storage& address, socklen_t length) {
  if (address.ss_family == AF_UNIX) {
    const char* path = reinterpret_cast<const sockaddr_un*>(&address)->sun_path;
    return fmt::format("{}:0", length > offsetof(sockaddr_un, sun_path) ? path : "unixsocket");
  }
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

Result<Descriptor> listen_on(const std::string& address, int port, int backlog) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  const bool all = address == "*" || address == "::*";
  if (address == "*") hints.ai_family = AF_INET;
  if (address == "::*") hints.ai_family = AF_INET6;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(all ? nullptr : address.c_str(), std::to_string(port).c_str(),
                                    &hints, &found);
      error != 0) {
    return Error{Errc::kUnsupported, fmt::format("bind {}: {}", address, gai_strerror(error))};
  }
  Descriptor fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  // "::" must not take the port of IPv4 as well.
  if (fd.get() >= 0 && found->ai_family == AF_INET6)
    (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool listening =
      fd.get() >= 0 && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd.get(), found->ai_addr, found->ai_addrlen) == 0 && listen(fd.get(), backlog) == 0;
  const int error = errno;
  freeaddrinfo(found);
  if (listening) return fd;
  Error failed = os_error("listen on", fmt::format("{}:{}", address, port), error);
  if (error == EADDRINUSE) failed.code = Errc::kExists;
  if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT)
    failed.code = Errc::kUnsupported;
  return failed;
}

Result<Descriptor> listen_at(const std::string& path, uint64_t mode, int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error{Errc::kInvalid, fmt::format("unixsocket {}: the path is too long", path)};
  std::memcpy(address.sun_path, path.data(), path.size());
  Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  remove_file(path);
  if (fd.get() < 0 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      (mode != 0 && !change_mode(path, mode)) || listen(fd.get(), backlog) != 0) {
    return os_error("listen at", path, errno);
  }
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

Result<Descriptor> begin_to_connect(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
      error != 0)
    return Error{Errc::kNotFound, fmt::format("connect to {}: {}", host, gai_strerror(error))};
  Descriptor fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int64_t outcome = fd.get() < 0 ? -errno : retry_eintr([&] {
    return connect(fd.get(), found->ai_addr, found->ai_addrlen);
  });
  freeaddrinfo(found);
  if (outcome == 0 || outcome == -EINPROGRESS) {
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
  }
  return os_error("connect to", fmt::format("{}:{}", host, port), static_cast<int>(-outcome));
}

Result<void> connected(int fd, const std::string& host, int port) {
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0) return {};
  Error failed = os_error("connect to", fmt::format("{}:{}", host, port), error);
  if (error == ECONNREFUSED) failed.code = Errc::kRefused;
  if (error == ETIMEDOUT) failed.code = Errc::kTimeout;
  return failed;
}

std::string local_name(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return name_of(address, length);
}

int local_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

bool peer_is_local(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return false;
  if (address.ss_family == AF_UNIX) return true;
  if (address.ss_family == AF_INET6) {
    const in6_addr& peer = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&peer) || (IN6_IS_ADDR_V4MAPPED(&peer) && peer.s6_addr[12] == 127);
  }
  const uint32_t peer = ntohl(reinterpret_cast<const sockaddr_in*>(&address)->sin_addr.s_addr);
  return peer >> 24 == 127;
}

void keep_alive(int fd, int64_t seconds) {
  if (seconds == 0) return;
  const int on = 1;
  const int idle = static_cast<int>(seconds);
  const int interval = std::max(1, idle / 3);
  const int probes = 3;
  (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
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
  if (got == 0) return Io::kClosed;
  return got == -EAGAIN ? Io::kWouldBlock : Io::kBroken;
}

Io send_some(int fd, std::string_view data, size_t& count) {
  const int64_t sent =
      retry_eintr([&] { return send(fd, data.data(), data.size(), MSG_NOSIGNAL); });
  count = sent > 0 ? static_cast<size_t>(sent) : 0;
  if (sent >= 0) return Io::kDone;
  return sent == -EAGAIN ? Io::kWouldBlock : Io::kClosed;
}

void hang_up(int fd) { shutdown(fd, SHUT_RDWR); }

}  // namespace powercut::engine
