// Connections: bytes from sockets into sessions and back. Nothing here decides durability: what a session
// releases is sent, nothing else.
//
// A reader task a connection feeds its session and sends what is released at once; a writer task sends what the
// sync policy held.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/wait_queue.h"
#include "engine/server/server_log.h"

namespace powercut::engine {

class Server {
 public:
  // `on_stopped` is called once the store has been shut down by a client.
  // `most_clients` is what the descriptors allow.
  Server(PosixOs& os, Engine& engine, ServerLog& log, uint64_t most_clients,
         std::function<void()> on_stopped)
      : os_(os),
        engine_(engine),
        log_(log),
        most_clients_(most_clients),
        on_stopped_(std::move(on_stopped)) {}

  // Accepts connections for ever. Call it in a task.
  void accept_loop(int listener);
  // Waits until every released reply has been sent, or `deadline`.
  void drain(Instant deadline);

 private:
  struct Connection {
    Connection(Os& os, Descriptor descriptor, std::unique_ptr<Session> client)
        : fd(std::move(descriptor)), session(std::move(client)), work(os), sent(os) {}
    Descriptor fd;
    std::unique_ptr<Session> session;
    WaitQueue work;  // of the writer: there is something to send, or to wait for
    WaitQueue sent;  // of the reader: the client has taken some
    bool sending = false;
    bool read_all = false;  // the client sends no more
    bool broken = false;
  };

  void connect(Descriptor fd);
  std::string_view why_not(const Descriptor& fd) const;
  void read_loop(Connection& connection);
  void write_loop(Connection& connection);
  void send_ready(Connection& connection);

  PosixOs& os_;
  Engine& engine_;
  ServerLog& log_;
  const uint64_t most_clients_;
  std::function<void()> on_stopped_;
  std::vector<Connection*> connections_;
};

}  // namespace powercut::engine
