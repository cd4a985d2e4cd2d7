#include "engine/server/listeners.h"

#include <fmt/format.h>

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

Result<std::unique_ptr<Listeners>> Listeners::open(PosixOs& os, const ServiceConfig& config) {
  auto listeners = std::make_unique<Listeners>();
  if (config.port != 0 || (config.unix_socket.empty() && config.tls.port == 0))
    TRY(listeners->listen(os, config, config.port, false));
  if (config.tls.port != 0) TRY(listeners->listen(os, config, config.tls.port, true));
  if (!config.unix_socket.empty()) {
    TRY_ASSIGN(auto fd, listen_at(config.unix_socket, config.unix_socket_mode, config.tcp_backlog));
    listeners->sockets_.push_back({std::move(fd), false});
    listeners->names_.push_back(config.unix_socket);
    listeners->unix_socket_ = config.unix_socket;
  }
  if (listeners->sockets_.empty())
    return Error{Errc::kInvalid, "bind: there is no address to listen on"};
  return listeners;
}

Result<void> Listeners::listen(PosixOs& os, const ServiceConfig& config, int port, bool tls) {
  for (const std::string& word : config.bind) {
    const bool may_be_missing = word.starts_with('-');
    const auto listening =
        listen(os, may_be_missing ? word.substr(1) : word, port, config.tcp_backlog, tls);
    if (listening.ok()) continue;
    if (!may_be_missing || listening.error().code != Errc::kUnsupported) return listening.error();
  }
  return {};
}

Result<void> Listeners::listen(PosixOs& os, const std::string& address, int& port, int backlog,
                               bool tls) {
  const Instant deadline = os.now() + kPatience;
  for (;;) {
    auto fd = listen_on(address, port, backlog);
    if (fd.ok()) {
      port = local_port(fd->get());  // one port for all of them
      names_.push_back(local_name(fd->get()) + (tls ? " (TLS)" : ""));
      sockets_.push_back({std::move(*fd), tls});
      return {};
    }
    if (fd.error().code != Errc::kExists || os.now() >= deadline) return fd.error();
    os.park(os.now() + kStep);
  }
}

std::vector<Listeners::Listener> Listeners::all() const {
  std::vector<Listener> all;
  for (const Socket& socket : sockets_) all.push_back({socket.fd.get(), socket.tls});
  return all;
}

}  // namespace powercut::engine
