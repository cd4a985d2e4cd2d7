#include "engine/server/server.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/server/tcp.h"

namespace powercut::engine {

namespace {

// Of a client that does not take its replies, no request is run while so much waits for it.
constexpr size_t kMostUnsent = 32 << 20;
constexpr int kPieces = 16;  // of a long request, taken in one turn
constexpr Duration kAcceptRetry = milliseconds(100);
constexpr Duration kDrainStep = milliseconds(1);
constexpr Duration kTick = milliseconds(500);
constexpr Duration kGiveBack = seconds(2);  // who was silent for so long needs no buffers

constexpr std::string_view kProtected =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. To connect from elsewhere, set a password (requirepass), say which addresses are "
    "meant (bind), or start with --protected-mode no if no stranger can reach it.\r\n";

}  // namespace

Server::Server(PosixOs& os, Engine& engine, ServerLog& log, Poller poller, uint64_t most_clients,
               std::function<void()> on_stopped)
    : os_(os),
      engine_(engine),
      log_(log),
      poller_(std::move(poller)),
      most_clients_(most_clients),
      on_stopped_(std::move(on_stopped)),
      work_(os),
      holds_(os) {}

Server::~Server() = default;

void Server::start() {
  engine_.executor().clients().on_evict = [this](const Client& client) {
    log_.warning(fmt::format(
        "{} is disconnected: clients take more than maxmemory-clients, and it takes most, {} bytes",
        client.address, client.memory()));
  };
  os_.spawn("poller", [this] { poll_loop(); });
  os_.spawn("flusher", [this] { flush_loop(); });
  os_.spawn("tick", [this] { tick_loop(); });
}

// --- Coming and going ---

void Server::accept_loop(const Listeners::Listener& listener, const TlsContext* tls) {
  while (!listener.closed) {
    auto accepted = accept_from(listener.fd.get());
    if (accepted.ok()) {
      connect(std::move(*accepted), tls);
    } else if (accepted.error().code == Errc::kNotFound) {
      os_.wait_readable(listener.fd.get());
    } else if (!listener.closed) {
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
  if (service.protected_mode && engine_.executor().clients().users.default_user().no_password &&
      !service.bind_given && !peer_is_local(fd.get()))
    return kProtected;
  return {};
}

void Server::connect(Descriptor fd, const TlsContext* tls) {
  if (const std::string_view why = why_not(fd); !why.empty()) {
    size_t count = 0;
    ++traffic_.rejected;
    if (tls == nullptr) (void)send_some(fd.get(), why, count);
    return;
  }
  keep_alive(fd.get(), engine_.config().service.tcp_keepalive_s);
  auto connection = std::make_unique<Connection>();
  if (tls != nullptr && (connection->tls = tls->accept(fd.get())) == nullptr) return;
  connection->fd = std::move(fd);
  connection->session = engine_.connect();
  connection->session->set_most_unsent(kMostUnsent);
  connection->place = connections_.size();
  const int socket = connection->fd.get();
  Client& client = connection->session->client();
  client.address = peer_name(socket);
  client.local_address = local_name(socket);
  client.descriptor = socket;
  client.hang_up = [socket] { hang_up(socket); };
  // Of one that a worker is at, that worker sends.
  client.on_news = [this, told = connection.get()] {
    if (told->busy) return;
    queue(*told);
    wake_worker();
  };
  poller_.watch(socket, connection.get(), true, false);
  connections_.push_back(std::move(connection));
}

// REQUIRES: no worker is at it.
void Server::close(Connection& connection) {
  CHECK(!connection.busy && connections_[connection.place].get() == &connection);
  if (connection.queued) std::erase(queue_, &connection);
  if (connection.held) std::erase(held_, &connection);
  const size_t place = connection.place;
  std::swap(connections_[place], connections_.back());
  connections_[place]->place = place;
  connections_.pop_back();
}

// --- Reading ---

void Server::poll_loop() {
  std::vector<Poller::Event> events(512);
  for (;;) {
    const size_t count = poller_.take(events);
    if (count == 0) os_.wait_readable(poller_.descriptor());
    for (size_t i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].who);
      // Of one that a worker is at, the poller says no more until that ends.
      connection.busy ? settle(connection) : queue(connection);
    }
    // A worker that must wait leaves the rest to another. The log's tasks get their turn as well; and the workers, where
    // news have queued somebody while nothing was to be read.
    do {
      if (!queue_.empty()) wake_worker();
      if (count != 0 || !queue_.empty()) os_.park(os_.now());
    } while (!queue_.empty());
  }
}

void Server::queue(Connection& connection) {
  if (connection.queued) return;
  connection.queued = true;
  queue_.push_back(&connection);
}

void Server::wake_worker() {
  if (idle_workers_ == 0) os_.spawn("worker", [this] { work_loop(); });
  work_.notify_all();
}

void Server::work_loop() {
  for (;;) {
    if (queue_.empty()) {
      if (idle_workers_ > 0) return;  // one that waits is enough
      ++idle_workers_;
      work_.wait();
      --idle_workers_;
      continue;
    }
    Connection& connection = *queue_.front();
    queue_.pop_front();
    connection.queued = false;
    serve(connection);
  }
}

void Server::serve(Connection& connection) {
  connection.busy = true;
  Session& session = *connection.session;
  send_ready(connection);
  session.resume();  // what waited until the client had taken some
  for (int n = 0; n < kPieces && !connection.broken && !connection.ended && !session.stalled() &&
                  !session.closing() && receive_once(connection);
       ++n) {
  }
  if (engine_.stopped()) on_stopped_();
  send_ready(connection);
  connection.busy = false;
  settle(connection);
}

// True if what came is a part of a long request, and more may be there.
bool Server::receive_once(Connection& connection) {
  size_t count = 0;
  const Io io = connection.tls != nullptr
                    ? connection.tls->receive(buffer_.data(), buffer_.size(), count)
                    : receive(connection.fd.get(), buffer_.data(), buffer_.size(), count);
  if (io == Io::kClosed || io == Io::kBroken) {
    connection.ended = true;
    if (connection.session->waits()) connection.session->client().give_up();
  }
  if (io != Io::kDone) return false;
  ++traffic_.reads;
  traffic_.input_bytes += count;
  Session& session = *connection.session;
  session.feed({buffer_.data(), count});
  const ServiceConfig& service = engine_.config().service;
  if (session.buffered() > service.query_buffer_limit) {
    log_.warning(
        fmt::format("{} is disconnected: its request is longer than client-query-buffer-limit",
                    session.client().address));
    connection.broken = true;
  }
  return count == buffer_.size() && session.buffered() >= count;
}

// --- Writing ---

// What can be sent without waiting.
void Server::send_ready(Connection& connection) {
  while (!connection.broken) {
    const std::string_view ready = connection.session->ready();
    if (ready.empty()) return;
    size_t count = 0;
    const Io io = connection.tls != nullptr ? connection.tls->send(ready, count)
                                            : send_some(connection.fd.get(), ready, count);
    if (io == Io::kWouldBlock) return;
    if (io == Io::kClosed) connection.broken = true;
    ++traffic_.writes;
    traffic_.output_bytes += count;
    connection.session->consume(count);
  }
}

// What is to be waited for now; or its end. Who calls it does not touch the connection again.
void Server::settle(Connection& connection) {
  Session& session = *connection.session;
  const bool unsent = !connection.broken && !session.ready().empty();
  if (!connection.busy) {
    const bool said_all =
        (session.closing() || connection.ended) && session.idle() && !unsent && !session.stalled();
    if (connection.broken || said_all || !within_limits(connection)) return close(connection);
    if (!session.idle() && !connection.held) {
      connection.held = true;
      held_.push_back(&connection);
      holds_.notify_all();
    }
  }
  const bool reads =
      !connection.busy && !session.stalled() && !session.closing() && !connection.ended;
  const bool writes = unsent || (connection.tls != nullptr && connection.tls->wants_write());
  if (reads == connection.reads && writes == connection.writes) return;
  connection.reads = reads;
  connection.writes = writes;
  poller_.change(connection.fd.get(), &connection, reads, writes);
}

bool Server::within_limits(Connection& connection) {
  const ServiceConfig& service = engine_.config().service;
  const Client& client = connection.session->client();
  // Who monitors takes as much as a replica does.
  const bool as_replica = client.monitors || client.replicates();
  const OutputLimit& limit = as_replica                        ? service.output_replica
                             : client.subscriptions != nullptr ? service.output_pubsub
                                                               : service.output_normal;
  const size_t waits = connection.session->client().outbox.unsent();
  const bool soft = limit.soft != 0 && waits > limit.soft;
  if (!soft) connection.over_soft = Instant{0};
  if (soft && connection.over_soft == Instant{0}) connection.over_soft = os_.now();
  const bool too_long = soft && os_.now() - connection.over_soft >= seconds(limit.soft_seconds);
  if ((limit.hard == 0 || waits <= limit.hard) && !too_long) return true;
  log_.warning(
      fmt::format("{} is disconnected: {} bytes wait for it, more than client-output-buffer-limit",
                  client.address, waits));
  return false;
}

void Server::flush_loop() {
  for (;;) {
    if (held_.empty()) {
      holds_.wait();
      continue;
    }
    engine_.aof().progress().wait();
    // settle() may put some back, and close others.
    std::vector<Connection*> looked_at;
    looked_at.swap(held_);
    for (Connection* connection : looked_at) connection->held = false;
    for (Connection* connection : looked_at) {
      if (connection->busy) {  // its worker looks at it
        if (connection->session->idle()) continue;
        connection->held = true;
        held_.push_back(connection);
        send_ready(*connection);
        continue;
      }
      send_ready(*connection);
      if (connection->session->stalled()) queue(*connection);
      settle(*connection);
    }
    if (!queue_.empty()) wake_worker();
  }
}

// --- Now and then ---

void Server::tick_loop() {
  for (;;) {
    os_.park(os_.now() + kTick);
    traffic_.look(os_.now(), engine_.executor().stats().commands);
    const int64_t timeout_s = engine_.config().service.idle_timeout_s;
    for (size_t i = connections_.size(); i-- > 0;) {
      Connection& connection = *connections_[i];
      if (connection.busy) continue;
      const Duration silent = os_.now() - connection.session->client().active_at;
      if (silent >= kGiveBack) connection.session->give_back();
      if (timeout_s > 0 && silent >= seconds(timeout_s) && connection.session->idle() &&
          !connection.session->waits() && !connection.session->client().replicates())
        connection.broken = true;
      settle(connection);
    }
  }
}

void Server::drain(Instant deadline) {
  const auto unsent = [](const auto& connection) {
    return !connection->broken && !connection->session->ready().empty();
  };
  while (os_.now() < deadline && std::any_of(connections_.begin(), connections_.end(), unsent)) {
    os_.park(os_.now() + kDrainStep);
  }
}

}  // namespace powercut::engine
