#include "scenarios/store/replicas/served.h"

#include <vector>

namespace powercut::scenarios {

namespace {

constexpr size_t kMostAtOnce = 16 << 10;
constexpr Duration kSlice = milliseconds(200);

// One link: a task reads, and another one writes.
struct Connection {
  std::unique_ptr<engine::Link> link;
  std::unique_ptr<engine::Session> session;
  engine::Engine& engine;
  bool over = false;

  void end() {
    over = true;
    session->client().closing = true;
    engine.aof().progress().notify_all();
  }
};

void read_from(engine::Os& os, Connection& connection) {
  std::vector<char> buffer(kMostAtOnce);
  while (!connection.over) {
    const auto count = connection.link->receive(buffer.data(), buffer.size(), os.now() + kSlice);
    if (!count.ok() && count.error().code == Errc::kTimeout) continue;
    if (!count.ok() || *count == 0) return connection.end();
    if (!connection.over) connection.session->feed({buffer.data(), *count});
  }
}

void write_to(engine::Os& os, Connection& connection) {
  while (!connection.over) {
    connection.session->resume();
    const std::string_view ready = connection.session->wait_ready(os.now() + kSlice);
    if (ready.empty()) {
      if (connection.session->closing()) return connection.end();
      continue;
    }
    const std::string piece(
        ready.substr(0, kMostAtOnce));  // more may be written behind it meanwhile
    const auto sent = connection.link->send(piece, os.now() + kSlice);
    if (!sent.ok() && sent.error().code == Errc::kTimeout) continue;
    if (!sent.ok()) return connection.end();
    connection.session->consume(*sent);
  }
}

}  // namespace

void serve_links(engine::Os& os, engine::Net& net, const std::string& name,
                 engine::Engine& engine) {
  os.spawn("accept", [&os, &net, name, &engine] {
    const auto listener = net.listen(name, kNodePort);
    CHECK(listener.ok());
    for (;;) {
      auto link = (*listener)->accept(kForever);
      if (!link.ok()) {  // its machine has died, and this task with it
        os.park(os.now() + kSlice);
        continue;
      }
      auto connection = std::shared_ptr<Connection>(
          new Connection{std::move(link).value(), engine.connect(), engine});
      engine::Client& client = connection->session->client();
      client.hang_up = [held = connection.get()] { held->over = true; };
      client.on_news = [&engine] { engine.aof().progress().notify_all(); };
      os.spawn("link.in", [&os, connection] { read_from(os, *connection); });
      os.spawn("link.out", [&os, connection] { write_to(os, *connection); });
    }
  });
}

}  // namespace powercut::scenarios
