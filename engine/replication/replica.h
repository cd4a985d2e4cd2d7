// The store as a replica of another: it asks for what that one has (PSYNC, as Redis 7.0 speaks it), takes it over whole,
// and follows its stream.
//
//   state        what it means                                        goes on to
//   -----------  ---------------------------------------------------  -------------------------------------------------
//   connect      there is no link; it is tried again each second      connecting
//   connecting   the master is being asked                            sync: it sends all; connected: it goes on
//   sync         a checkpoint is read, loaded aside and verified      connected; whatever fails: connect
//   connected    each operation is applied as it comes                connect: the link has broken
//
// A checkpoint goes to a file first (kSyncFile, which a start passes over), is loaded into a keyspace of its own, and replaces
// the data set in one step when its checksum has been verified; until then the old one is served. The log gets a new
// generation with that step: a crash leaves the old data set, or the new one.
//
// The stream is done by the executor that clients use, a transaction as one operation; its offset moves in the step in which
// an operation is applied, and never in the middle of one. The offset is known to this life alone, so whoever restarts begins
// anew: no offset is inferred from what a crash left.
//
// Source: Redis 7.0, the behaviour of replication.c as its documentation and its wire protocol show it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/command/control.h"
#include "engine/command/executor.h"
#include "engine/os/net.h"
#include "engine/replication/master.h"
#include "engine/replication/synced_offset.h"

namespace powercut::engine {

inline constexpr std::string_view kSyncFile = "temp-sync.rdb";

struct ReplicaOptions {
  std::string user;  // masteruser, masterauth: empty: it does not say who it is
  std::string password;
  std::string announced_host;  // what the master tells others of it; empty: where it comes from
  int announced_port = 0;
  int64_t timeout_s = 60;  // repl-timeout
};

struct ReplicaStats {
  uint64_t full = 0;  // data sets that were taken over
  uint64_t partial = 0;
  uint64_t failed = 0;                      // attempts, and links that broke
  uint64_t sync_bytes = 0;                  // of the checkpoint that is read, or was last
  std::optional<uint64_t> sync_total = {};  // its length, where the master says it
  std::string last_error;
};

class Replica {
 public:
  // What it needs of the store.
  struct Store {
    // In its turn: `replace`, in one step with a new generation of the log. Yields. As Generations::replace().
    std::function<Result<void>(const std::function<bool()>& is_ready,
                               const std::function<void()>& replace)>
        replace;
    std::function<uint64_t()> count;  // that operation, which stands in no entry: its LSN
    std::function<std::unique_ptr<Keyspace>()> make_keyspace;  // an empty one, like the store's
    // Why nothing can be applied now: the log does not take it; empty: it can.
    std::function<std::string()> trouble;
    std::function<void()> on_change;  // of master_link(), or of linked()
    std::function<void(std::string_view)> log_line;
  };
  Replica(Os& os, Executor& executor, Master& master, Store store);

  // The network; without one it follows nobody. It outlives the tasks.
  void set_net(Net* net) { net_ = net; }
  bool has_net() const { return net_ != nullptr; }
  void set_options(const ReplicaOptions& options) { options_ = options; }

  // Follows that one from now on; what is there stays, and is served, until the master's is whole. Never yields.
  void follow(const std::string& host, int port);
  // The same, of a master that hands over to that one: it is asked to take over with the first question.
  void hand_over(const std::string& host, int port);
  // It has not answered yet.
  bool hands_over() const { return hands_over_; }
  // Follows nobody: what has been applied is the data set, and this store a master. Never yields.
  void promote();
  // The task ends.
  void stop();

  // --- What it is at ---
  bool follows() const { return !link_.host.empty(); }
  bool linked() const { return state_ == State::kConnected; }
  bool syncs() const { return state_ == State::kSync; }
  const MasterLink* master_link();
  Instant heard_at() const { return heard_at_; }  // when the master last said anything
  Instant down_since() const { return down_since_; }
  const ReplicaStats& stats() const { return stats_; }
  // Up to which offset the master's stream survives a power cut here; nothing: no log is kept.
  std::optional<uint64_t> synced_offset();
  // The database that the stream is in.
  int stream_db() const { return db_; }

 private:
  class Attempt;
  enum class State : unsigned char { kConnect, kConnecting, kSync, kConnected };

  void run();
  void enter(State state);
  void fail(const Error& error);
  // What was followed when `generation` was taken is followed still.
  bool current(uint64_t generation) const { return generation == generation_ && !stopped_; }

  Os& os_;
  Executor& executor_;
  Master& master_;
  const Store store_;
  Net* net_ = nullptr;
  ReplicaOptions options_;
  MasterLink link_;  // no host: nobody is followed
  State state_ = State::kConnect;
  uint64_t generation_ = 0;  // counts the changes of whom it follows
  // The data set is that of the master's identity at the master's offset, with nothing besides.
  bool known_ = false;
  bool hands_over_ = false;
  int db_ = 0;
  SyncedOffset synced_;
  bool runs_ = false;
  bool stopped_ = false;
  Instant heard_at_;
  Instant down_since_{-1};
  WaitQueue wake_;
  std::string said_;  // the last line about trouble: it is said once
  ReplicaStats stats_;
};

}  // namespace powercut::engine
