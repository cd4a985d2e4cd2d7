// The store as a master: its operations as a stream, sent to replicas as Redis 7.0 does (PSYNC).
//
// Replicas are clients: what they are sent goes out behind their sessions' replies, and by the same rule. A byte of the
// stream, or of a checkpoint, leaves when the operation it rests on is released; so no replica has an operation of which
// no client could have been told, and under appendfsync always none that a power cut of this machine takes back.
//
// One that comes anew is sent a checkpoint as it is made (engine/checkpoint/checkpoint.h), without a file here and
// without fork; then all that came behind its cut. One that comes back is sent what it missed, if the backlog has it.
//
// The replication identity is drawn when the first replica comes, and never kept: who restarts is another master, and
// every replica begins anew with it. So no offset is ever taken for one of another history.
//
// Of a replica the stream is its master's, byte for byte, under that one's identity and offsets, so that what follows it
// may go on with any of them. Promoted, it draws an identity of its own, and remembers the other with the offset up to
// which both are one history: who was not further may go on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/checkpoint/checkpoint.h"
#include "engine/command/client.h"
#include "engine/command/executor.h"
#include "engine/replication/backlog.h"
#include "engine/replication/stream.h"

namespace powercut::engine {

inline constexpr size_t kIdDigits = 40;  // of a replication identity, hexadecimal

struct MasterOptions {
  size_t backlog_bytes = 1 << 20;    // repl-backlog-size
  int64_t backlog_ttl_s = 3600;      // repl-backlog-ttl; 0: for ever
  int64_t ping_s = 10;               // repl-ping-replica-period
  int64_t timeout_s = 60;            // repl-timeout
  uint64_t most_behind = 256 << 20;  // client-output-buffer-limit replica, hard; 0: no limit
  int64_t most_lag_s = 10;           // min-replicas-max-lag
  size_t unsent_bytes = 4 << 20;     // EngineSizes
};

struct MasterStats {
  uint64_t full = 0;
  uint64_t partial = 0;
  uint64_t partial_refused = 0;
};

class Master {
 public:
  // What it needs of the store.
  struct Store {
    std::function<void()> want_cut;  // somebody is to call stream()
    // Why no checkpoint can be streamed now, or a stream is to end; empty: it can go on.
    std::function<std::string()> trouble;
    std::function<void(std::string_view)> log_line;
  };
  Master(Os& os, Clients& clients, OperationLog& log, Store store);

  void set_options(const MasterOptions& options) { options_ = options; }

  // --- The stream ---
  // There is one: replicas read it, or may come back to it.
  bool active() const { return !id_.empty(); }
  // An operation, in the step in which it was applied.
  void append(const Effects& effects, uint64_t lsn);
  const std::string& id() const { return id_; }
  // The identity before this one; empty: none. Both are one history up to the offset before second_offset().
  const std::string& second_id() const { return second_id_; }
  int64_t second_offset() const { return second_id_.empty() ? -1 : static_cast<int64_t>(second_); }
  uint64_t offset() const { return backlog_.end(); }
  const Backlog& backlog() const { return backlog_; }
  const MasterOptions& options() const { return options_; }

  // --- Of a replica (engine/replication/replica.h) ---
  // Its stream is another's from now on, or its own again.
  enum class Source : unsigned char {
    kOwn,
    kNone,
    kMaster
  };  // kNone: another's, which it has not yet
  void set_source(Source source) { source_ = source; }
  bool own() const { return source_ == Source::kOwn; }
  // The data set is another one: that of `id` as it was at `offset`. Whoever reads begins anew.
  void begin_at(std::string_view id, uint64_t offset);
  // What the master said, in the step in which it was applied.
  void relay(std::string_view bytes, uint64_t lsn) { add(bytes, lsn); }
  // The history goes on under another identity, which the master has drawn.
  void rename(std::string_view id);
  // It goes on under one that is drawn now. `one_history`: what there is was the history of before up to here, so that who
  // was not further may go on; else everybody begins anew.
  void promote(bool one_history);

  // --- Replicas ---
  // PSYNC ID OFFSET, the first byte it has not; SYNC: an empty ID. It is told what it gets, never by a reply.
  //   Errors: kUnsupported: it cannot take what this master sends. kRefused: not yet, with the answer's code.
  Result<void> begin(Client& client, std::string_view id, int64_t offset);
  // REPLCONF ACK: it has applied so much. FACK: and so much of that survives a power cut there.
  void confirm(Client& client, uint64_t offset, uint64_t synced);
  // Asks all to confirm what they have.
  void ask();
  // How many have confirmed so much. A replica counts once, by its last link: the one before may stand for as long as nobody
  // notices that it is dead (repl-timeout), and what it confirmed may be lost there. Replicas are told apart by where they are
  // reached: two that announce one host and port count as one.
  uint64_t confirmed(uint64_t offset) const;
  uint64_t synced(uint64_t offset) const;
  // How many are online, and have confirmed lately (min-replicas-max-lag).
  uint64_t good() const;
  const MasterStats& stats() const { return stats_; }

  // --- Checkpoints for them ---
  bool wanted() const;
  // `write` takes a cut, calls what it is given in the same step, and writes the checkpoint to the file it is given.
  // Whoever waits gets it. Yields.
  using Write = std::function<Result<void>(File& out, const std::function<void()>& at_cut)>;
  Result<void> stream(const Write& write);

  // The task that looks after them ends.
  void stop();

 private:
  class Pipe;
  using Phase = ReplicaState::Phase;

  void found();
  void begin_anew(std::string_view why);
  void add(std::string_view bytes, uint64_t lsn);
  void trim();
  bool resume(Client& client, std::string_view id, int64_t offset);
  void go_online(Client& client);
  void send(Client& client, std::string_view bytes, uint64_t lsn);
  void drop(Client& client, std::string_view why);
  Result<void> pass_on(std::string_view bytes);
  void end_stream(const Result<void>& outcome);
  bool any(Phase phase) const;
  bool counts(const Client& client) const;
  void look_after();
  void tick();

  Os& os_;
  Clients& clients_;
  OperationLog& log_;
  const Store store_;
  MasterOptions options_;
  StreamEncoder encoder_;
  Backlog backlog_;
  std::string id_;  // 40 hexadecimal digits; empty: no replica has come yet
  std::string second_id_;
  uint64_t second_ = 0;  // the offset behind what both have
  Source source_ = Source::kOwn;
  std::string piece_;
  std::string mark_;  // the end of the checkpoint that is streamed
  uint64_t cut_lsn_ = 0;
  uint64_t asked_at_ = 0;  // the offset behind the last question
  Instant pinged_at_;
  Instant left_at_;  // when the last replica went
  bool looked_after_ = false;
  bool stopped_ = false;
  WaitQueue wake_;
  MasterStats stats_;
};

}  // namespace powercut::engine
