// Connections: bytes from sockets into sessions and back. Nothing here decides durability: what a session
// releases is sent, nothing else.
//
// One task asks which sockets can be read and queues them; workers feed their sessions, one receive each, and send what
// is released at once. A worker whose client must wait (for room in a checkpoint, for SAVE) is replaced by another. Who
// has replies that the sync policy holds is looked at again whenever the log has come further. So an idle connection
// costs no task.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/wait_queue.h"
#include "engine/server/listeners.h"
#include "engine/server/poller.h"
#include "engine/server/server_log.h"
#include "engine/server/tls.h"
#include "engine/server/traffic.h"

namespace powercut::engine {

class Server {
 public:
  // `most_clients` is what the descriptors allow; `on_stopped` is called once the store has been shut down by a client.
  Server(PosixOs& os, Engine& engine, ServerLog& log, Poller poller, uint64_t most_clients,
         std::function<void()> on_stopped);
  ~Server();

  // Starts the tasks that serve.
  void start();
  // Accepts connections for ever; `tls` null: in plain. Call it in a task.
  void accept_loop(const Listeners::Listener& listener, const TlsContext* tls);
  // Accepts connections for ever. Call it in a task.
  void accept_loop(int listener);
  // Lines of INFO's section "stats".
  std::string info_stats() const { return traffic_.lines(); }
  // Waits until every released reply has been sent, or `deadline`.
  void drain(Instant deadline);

 private:
  struct Connection {
    Descriptor fd;
    std::unique_ptr<TlsChannel> tls;  // null: in plain
    std::unique_ptr<Session> session;
    size_t place = 0;     // in connections_
    bool queued = false;  // for a worker
    bool busy = false;    // a worker is at it
    bool reads = true;    // what the poller was told
    bool writes = false;
    bool held = false;   // in held_
    bool ended = false;  // the client says no more
    bool broken = false;
    Instant over_soft{0};  // since when more waits for it than the soft limit; 0: it does not
  };

  void connect(Descriptor fd, const TlsContext* tls);
  std::string_view why_not(const Descriptor& fd) const;
  void poll_loop();
  void work_loop();
  void flush_loop();
  void tick_loop();
  void queue(Connection& connection);
  void wake_worker();
  void serve(Connection& connection);
  bool receive_once(Connection& connection);
  void send_ready(Connection& connection);
  void settle(Connection& connection);
  bool within_limits(Connection& connection);
  void close(Connection& connection);

  PosixOs& os_;
  Engine& engine_;
  ServerLog& log_;
  Poller poller_;
  const uint64_t most_clients_;
  std::function<void()> on_stopped_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> queue_;
  std::vector<Connection*> held_;  // with replies that the policy holds
  WaitQueue work_;                 // of idle workers
  WaitQueue holds_;                // of the flusher: somebody has held replies
  size_t idle_workers_ = 0;
  Traffic traffic_;
  std::array<char, 64 << 10> buffer_;
};

}  // namespace powercut::engine
