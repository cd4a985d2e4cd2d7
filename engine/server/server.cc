#include "engine/server/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/server/tcp.h"

namespace powercut::engine {

namespace {

constexpr size_t kReadBytes = 64 << 10;
// A client that does not take its replies is not read from while so much waits for it.
constexpr size_t kMostUnsent = 32 << 20;
constexpr Duration kAcceptRetry = milliseconds(100);
constexpr Duration kDrainStep = milliseconds(1);

constexpr std::string_view kProtected =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. To connect from elsewhere, set a password (requirepass), say which addresses are "
    "meant (bind), or start with --protected-mode no if no stranger can reach it.\r\n";

}  // namespace

void Server::accept_loop(int listener) {
  for (;;) {
    auto accepted = accept_from(listener);
    if (accepted.ok()) {
      connect(std::move(*accepted));
    } else if (accepted.error().code == Errc::kNotFound) {
      os_.wait_readable(listener);
    } else {
      log_.warning(accepted.error().message);
      os_.park(os_.now() + kAcceptRetry);
    }
  }
}

// Who is not let in, is told why.
std::string_view Server::why_not(const Descriptor& fd) const {
  const ServiceConfig& service = engine_.config().service;
  if (connections_.size() >= std::min(service.max_clients, most_clients_))
    return "-ERR max number of clients reached\r\n";
  if (service.protected_mode && service.password.empty() && !service.bind_given &&
      !peer_is_local(fd.get()))
    return kProtected;
  return {};
}

void Server::connect(Descriptor fd) {
  if (const std::string_view why = why_not(fd); !why.empty()) {
    size_t count = 0;
    (void)send_some(fd.get(), why, count);
    return;
  }
  keep_alive(fd.get(), engine_.config().service.tcp_keepalive_s);
  auto connection = std::make_shared<Connection>(os_, std::move(fd), engine_.connect());
  Client& client = connection->session->client();
  client.address = peer_name(connection->fd.get());
  client.local_address = local_name(connection->fd.get());
  connections_.push_back(connection.get());
  os_.spawn("connection.reader", [this, connection] { read_loop(*connection); });
  os_.spawn("connection.writer", [this, connection] {
    write_loop(*connection);
    std::erase(connections_, connection.get());
  });
}

// --- Reading ---

void Server::read_loop(Connection& connection) {
  const int fd = connection.fd.get();
  const auto buffer = std::make_unique<std::array<char, kReadBytes>>();
  while (!connection.broken && !connection.session->closing()) {
    size_t count = 0;
    const Io io = receive(fd, buffer->data(), buffer->size(), count);
    if (io == Io::kClosed) break;
    if (io == Io::kWouldBlock) {
      os_.wait_readable(fd);
      continue;
    }
    connection.session->feed({buffer->data(), count});
    if (engine_.stopped()) on_stopped_();
    if (!connection.sending) send_ready(connection);
    if (!connection.session->idle() || !connection.session->ready().empty())
      connection.work.notify_all();
    while (!connection.broken && connection.session->ready().size() > kMostUnsent)
      connection.sent.wait();
    if (count == buffer->size())
      os_.park(os_.now());  // a client that always sends must not keep the others waiting
  }
  connection.read_all = true;
  connection.work.notify_all();
}

// --- Writing ---

// What can be sent without waiting.
void Server::send_ready(Connection& connection) {
  while (!connection.broken) {
    const std::string_view ready = connection.session->ready();
    if (ready.empty()) return;
    size_t count = 0;
    const Io io = send_some(connection.fd.get(), ready, count);
    if (io == Io::kWouldBlock) return;
    if (io == Io::kClosed) connection.broken = true;
    connection.session->consume(count);
  }
}

void Server::write_loop(Connection& connection) {
  Session& session = *connection.session;
  while (!connection.broken) {
    send_ready(connection);
    if (connection.broken) break;
    if (!session.ready().empty()) {
      connection.sending = true;
      os_.wait_writable(connection.fd.get());
      connection.sending = false;
      connection.sent.notify_all();
    } else if (!session.idle()) {
      session.wait_ready();
    } else if (connection.read_all) {
      break;
    } else {
      connection.work.wait();
    }
  }
  connection.sent.notify_all();
  hang_up(connection.fd.get());  // the reader, if it still reads, sees the end
}

void Server::drain(Instant deadline) {
  const auto unsent = [](const Connection* connection) {
    return !connection->broken && !connection->session->ready().empty();
  };
  while (os_.now() < deadline && std::any_of(connections_.begin(), connections_.end(), unsent)) {
    os_.park(os_.now() + kDrainStep);
  }
}

}  // namespace powercut::engine
