#include "engine/server/listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/os/posix/process.h"
#include "engine/server/tcp.h"

namespace powercut::engine {

namespace {

constexpr Duration kPatience = seconds(3);
constexpr Duration kStep = milliseconds(20);

}  // namespace

Listeners::~Listeners() {
  if (!unix_socket_.empty()) remove_file(unix_socket_);
}

std::vector<std::shared_ptr<Listeners::Listener>> Listeners::not_accepted() {
  Sockets some;
  for (const auto& socket : sockets_)
    if (!std::exchange(socket->accepted, true)) some.push_back(socket);
  return some;
}

std::vector<std::string> Listeners::names() const {
  std::vector<std::string> names;
  for (const auto& socket : sockets_)
    names.push_back(socket->port == 0
                        ? socket->address
                        : local_name(socket->fd.get()) + (socket->tls ? " (TLS)" : ""));
  return names;
}

Result<void> Listeners::change(PosixOs& os, const ServiceConfig& config) {
  TRY_ASSIGN(Sockets next, listen_everywhere(os, config, Duration{0}));
  for (const auto& socket : std::exchange(sockets_, std::move(next))) {
    if (std::find(sockets_.begin(), sockets_.end(), socket) != sockets_.end()) continue;
    socket->closed = true;
    hang_up(socket->fd.get());
  }
  return {};
}

Result<std::unique_ptr<Listeners>> Listeners::open(PosixOs& os, const ServiceConfig& config) {
  auto listeners = std::make_unique<Listeners>();
  TRY_ASSIGN(listeners->sockets_, listeners->listen_everywhere(os, config, kPatience));
  return listeners;
}

Result<Listeners::Sockets> Listeners::listen_everywhere(PosixOs& os, const ServiceConfig& config,
                                                        Duration patience) {
  Sockets sockets;
  if (config.port != 0 || (config.unix_socket.empty() && config.tls.port == 0))
    TRY(listen(os, config, config.port, false, patience, sockets));
  if (config.tls.port != 0) TRY(listen(os, config, config.tls.port, true, patience, sockets));
  if (!config.unix_socket.empty()) {
    auto same = std::find_if(sockets_.begin(), sockets_.end(),
                             [](const auto& socket) { return socket->port == 0; });
    if (same != sockets_.end()) {
      sockets.push_back(*same);
    } else {
      auto socket = std::make_shared<Listener>();
      socket->address = config.unix_socket;
      TRY_ASSIGN(socket->fd,
                 listen_at(config.unix_socket, config.unix_socket_mode, config.tcp_backlog));
      unix_socket_ = config.unix_socket;
      sockets.push_back(std::move(socket));
    }
  }
  if (sockets.empty()) return Error{Errc::kInvalid, "bind: there is no address to listen on"};
  return sockets;
}

Result<void> Listeners::listen(PosixOs& os, const ServiceConfig& config, int port, bool tls,
                               Duration patience, Sockets& out) {
  for (const std::string& word : config.bind) {
    const bool may_be_missing = word.starts_with('-');
    auto socket =
        listen(os, may_be_missing ? word.substr(1) : word, port, config.tcp_backlog, tls, patience);
    if (socket.ok()) {
      port = (*socket)->port;  // one port for all of them
      out.push_back(std::move(*socket));
    } else if (!may_be_missing || socket.error().code != Errc::kUnsupported) {
      return socket.error();
    }
  }
  return {};
}

Result<std::shared_ptr<Listeners::Listener>> Listeners::listen(PosixOs& os,
                                                               const std::string& address, int port,
                                                               int backlog, bool tls,
                                                               Duration patience) {
  for (const auto& socket : sockets_)
    if (socket->address == address && socket->port == port && socket->tls == tls) return socket;
  const Instant deadline = os.now() + patience;
  for (;;) {
    auto fd = listen_on(address, port, backlog);
    if (fd.ok()) {
      auto socket = std::make_shared<Listener>();
      socket->address = address;
      socket->port = local_port(fd->get());
      socket->tls = tls;
      socket->fd = std::move(*fd);
      return socket;
    }
    if (fd.error().code != Errc::kExists || os.now() >= deadline) return fd.error();
    os.park(os.now() + kStep);
  }
}

}  // namespace powercut::engine
