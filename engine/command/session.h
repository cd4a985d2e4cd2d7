// A client's conversation: request bytes (RESP2 or inline) in, reply bytes out, in order.
//
// A command is executed when its last byte arrives. Its reply is *held* until the sync policy allows it: the
// log says up to which sequence number replies may go. The socket layer and the simulator see only
// released bytes, so neither decides durability.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/time.h"
#include "engine/command/client.h"
#include "engine/command/executor.h"
#include "engine/command/request_parser.h"

namespace powercut::engine {

class Session {
 public:
  explicit Session(Executor& executor) : executor_(executor), client_(executor.clients()) {}

  // Takes request bytes and executes every complete command. Yields: where a writer must wait (a full
  // checkpoint buffer, SAVE). Replies that the policy holds do not stop later commands.
  void feed(std::string_view bytes);

  // Runs no request while more than so much waits to be sent; resume() goes on with those that came.
  void set_most_unsent(size_t bytes) { most_unsent_ = bytes; }
  bool stalled() const { return stalled_; }
  // The client waits for a key: what it says meanwhile is kept, and run by resume() once it has been answered.
  bool waits() const { return client_.waits; }
  void resume();
  // Bytes of a request that is not whole, or that wait for resume().
  size_t buffered() const { return parser_.buffered(); }
  // Gives back what an idle client needs no more.
  void give_back() {
    parser_.give_back();
    client_.outbox.give_back();
    client_.request_room = parser_.room();
    client_.peers().count(client_);
  }

  // The reply bytes that may be sent. Valid until the next call.
  std::string_view ready() { return client_.outbox.ready(executor_.log().released_lsn()); }
  // Drops the first `n` ready bytes: they were sent.
  void consume(size_t n) {
    client_.outbox.consume(n);
    client_.peers().count(client_);
  }
  // Suspends the task until something is ready or `deadline`; then ready().
  std::string_view wait_ready(Instant deadline = kForever) {  // inline: see WaitQueue
    for (;;) {
      const std::string_view bytes = ready();
      if (!bytes.empty()) return bytes;
      if (!executor_.log().progress().wait(deadline)) return ready();
    }
  }
  // No request is being executed and no reply is held.
  bool idle() const { return client_.outbox.idle(); }
  // QUIT, SHUTDOWN or a protocol error: close once ready() is drained.
  bool closing() const { return client_.closing; }

  Client& client() { return client_; }

 private:
  void run();
  void count_memory();

  Executor& executor_;
  Client client_;
  RequestParser parser_;
  size_t most_unsent_ = SIZE_MAX;
  bool stalled_ = false;
  bool left_off_ = false;  // because the client waits
};

}  // namespace powercut::engine
