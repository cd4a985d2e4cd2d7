// A client's conversation: request bytes (RESP2 or inline) in, reply bytes out, in order.
//
// A command is executed when its last byte arrives. Its reply is *held* until the sync policy allows it: the
// gate says up to which log sequence number replies may go. The socket layer and the simulator see only
// released bytes, so neither decides durability.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/call.h"
#include "engine/command/command_table.h"
#include "engine/command/request_parser.h"

namespace powercut::engine {

class Executor;

class Session {
 public:
  explicit Session(Executor& executor);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Takes request bytes and executes every complete command. Yields: where a writer must wait (a full
  // checkpoint buffer, SAVE). Replies that the policy holds do not stop later commands.
  void feed(std::string_view bytes);

  // The reply bytes that may be sent. Valid until the next call.
  std::string_view ready();
  // Drops the first `n` ready bytes: they were sent.
  void consume(size_t n);
  // Suspends the task until something is ready or `deadline`; true if ready() is not empty.
  bool wait_ready(Instant deadline = kForever);
  // No request is being executed and no reply is held.
  bool idle() const { return held_.empty(); }
  // QUIT, SHUTDOWN or a protocol error: close once ready() is drained.
  bool closing() const { return closing_; }

  // --- For commands and the executor ---
  Executor& executor() const { return executor_; }
  uint64_t id() const { return id_; }
  std::string name;               // CLIENT SETNAME
  std::string address = "local";  // of the client and of the server; whoever has a socket sets them
  std::string local_address = "local";
  Instant opened_at;
  Instant active_at;  // when bytes last came
  std::string_view last_command = "NULL";
  int db = 0;
  bool in_multi = false;
  bool in_exec = false;       // its transaction is being run: what it runs must not wait
  bool multi_failed = false;  // a queued command was refused: EXEC answers EXECABORT
  std::vector<std::vector<std::string>> queued;
  bool watch_broken = false;                         // a watched key changed: EXEC answers null
  std::vector<std::pair<int, std::string>> watched;  // database identity and key
  void watch(int db_identity, std::string_view key);
  void unwatch();
  void close() { closing_ = true; }
  void clear_transaction();  // MULTI state and watches

 private:
  friend class Executor;
  struct Held {
    uint64_t lsn;  // the reply may go when the gate has passed this
    size_t end;    // offset behind it, counted over the session's life
  };

  // The reply just written may go once `lsn` is released.
  void hold(uint64_t lsn);

  Executor& executor_;
  const uint64_t id_;
  RequestParser parser_;
  std::string out_;         // replies; the first of them may have been consumed
  size_t out_begin_ = 0;    // the session-life offset of out_[0]
  size_t sent_ = 0;         // the session-life offset of the first byte not consumed
  size_t released_ = 0;     // the session-life offset up to which replies may go
  std::vector<Held> held_;  // oldest first
  bool closing_ = false;
};

}  // namespace powercut::engine
