// One client as commands and the executor see it: what it selected, queued and watches, its name, its replies; and
// all clients together. The executor runs requests for a Client; who has its bytes (session.h) stands above both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/command/channels.h"
#include "engine/command/denials.h"
#include "engine/command/outbox.h"
#include "engine/command/replica.h"
#include "engine/command/tracking.h"
#include "engine/command/user/user.h"
#include "engine/command/waiters.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"

namespace powercut::engine {

class Clients;

class Client {
 public:
  // One more of `clients`, which outlives it.
  explicit Client(Clients& clients);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  uint64_t id() const { return id_; }  // counts from 1
  Clients& peers() const { return clients_; }

  std::string name;               // CLIENT SETNAME
  std::string address = "local";  // of the client and of the server; whoever has a socket sets them
  std::string local_address = "local";
  int descriptor = -1;  // of its socket
  Instant opened_at;
  Instant active_at;  // when bytes last came
  std::string_view last_command = "NULL";
  int db = 0;
  int protocol = 2;  // RESP 2 or 3
  Outbox outbox;
  // For CLIENT LIST: of the request that runs and what is behind it, or what is yet to be parsed of one that is not whole;
  // what is free there; and what has been parsed of it.
  size_t request_bytes = 0;
  size_t request_room = 0;
  size_t argument_bytes = 0;
  // What it takes, as CLIENT LIST shows it (tot-mem): requests, a transaction, replies, what it watches and listens to.
  size_t memory() const;
  // Of that, what is yet to be done, and what is yet to be sent.
  size_t pending() const { return request_bytes + argument_bytes + queued_bytes + outbox.unsent(); }
  bool paused = false;     // it waits for the end of CLIENT PAUSE
  bool waits = false;      // for a key, as one of peers().waiters: no request of it is run
  bool mute = false;       // CLIENT REPLY OFF
  bool told = false;       // what answers it now is no reply, and comes all the same: to SUBSCRIBE
  bool skip_next = false;  // CLIENT REPLY SKIP: the next reply, and this one
  bool skip_now = false;
  // Ends its connection; empty where there is none to end.
  std::function<void()> hang_up;
  const User* user;            // whose rules bind it; never null
  bool authenticated = false;  // it said who it is, or nobody asked when it came
  bool closing = false;        // QUIT, SHUTDOWN or a protocol error: no more requests
  bool hung_up = false;        // by end(): it only waits for its socket
  bool no_evict = false;       // CLIENT NO-EVICT
  // It has yet to say who it is.
  bool is_stranger() const;
  // As one that has just come.
  void begin_as_default();
  // Ends it, though it asked for nothing.
  void end();
  // It has gone, or must: whatever it waits for is not for it, and nothing more that it said is done.
  void give_up();

  // --- What it is told unasked ---
  // Writes `bytes` behind its last reply; they may go once `lsn` is released. While a command of its own runs, behind
  // the reply to that.
  void tell(std::string bytes, uint64_t lsn);
  // The same, of bytes that are no reply: what a replica is sent.
  void send_raw(std::string bytes, uint64_t lsn);
  // A command of it begins, or has been answered.
  void begin_command() { executing_ = true; }
  void end_command();
  // Called when it was told something; empty where its bytes are fetched anyway.
  std::function<void()> on_news;
  bool monitors = false;  // MONITOR
  void stop_monitoring();
  std::unique_ptr<TrackingState> tracking;  // CLIENT TRACKING; none: off
  void stop_tracking();
  struct Subscriptions {
    std::set<std::string, std::less<>> channels;
    std::set<std::string, std::less<>> patterns;
    std::set<std::string, std::less<>> shards;
    bool empty() const { return channels.empty() && patterns.empty() && shards.empty(); }
  };
  std::unique_ptr<Subscriptions> subscriptions;  // none: it listens to nothing
  void stop_listening();

  // --- As a replica of this store ---
  std::unique_ptr<ReplicaState> replica;  // none: it has said nothing of the kind
  void become_replica();
  // It asked for what is replicated: nothing else is answered, for that would come in between.
  bool replicates() const {
    return replica != nullptr && replica->phase != ReplicaState::Phase::kNone;
  }
  // Where it is reached: as it says, or where it comes from.
  std::string replica_host() const;
  // It is the link to this store's master (engine/replication/replica.h): what it says is done, and answered nothing.
  bool is_master = false;
  // Of the last operation of its own, for WAIT and WAITAOF: the offset behind it, and its LSN.
  uint64_t written_offset = 0;
  uint64_t written_lsn = 0;

  // --- Its transaction ---
  bool in_multi = false;
  bool in_exec = false;       // its transaction is being run: what it runs must not wait
  bool multi_failed = false;  // a queued command was refused: EXEC answers EXECABORT
  std::vector<std::vector<std::string>> queued;
  size_t queued_bytes = 0;
  void queue(std::span<const std::string_view> words);
  bool watch_broken = false;  // a watched key changed: EXEC answers null
  void clear_transaction();   // MULTI state and watches

  struct Watched {
    int db;
    std::string key;
  };
  const std::vector<Watched>& watched() const { return watched_; }
  void watch(int db, std::string_view key);
  void unwatch();

 private:
  friend class Clients;
  struct News {
    std::string bytes;
    uint64_t lsn;
    bool raw;
  };
  void show(News news);
  Clients& clients_;
  const uint64_t id_;
  std::vector<Watched> watched_;
  std::vector<News> news_;  // that came while it executed
  bool executing_ = false;
  // In Clients: of its memory, and of what is pending.
  size_t counted_ = 0;
  size_t counted_pending_ = 0;
};

class Clients {
 public:
  explicit Clients(Os& os) : os_(os), unpaused_(os) {}
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  const std::vector<Client*>& all() const { return all_; }  // oldest first
  Client* find(uint64_t id) const;                          // nullptr: it has gone
  Instant now() const { return os_.now(); }
  // How many there were since the last reset.
  uint64_t connections() const { return last_id_ - first_counted_; }
  void reset_stats() {
    first_counted_ = last_id_;
    evicted_ = 0;
  }

  // --- ACL ---
  Users users;
  Denials denials;
  // Ends those that are logged in as this user, which is about to go; `asking` when it has had its answer.
  void log_out(const User& user, Client* asking);

  // --- What they are told: news.h sends it ---
  Tracking tracking;
  Channels channels;
  size_t monitors = 0;            // clients with MONITOR
  Waiters waiters;                // for a key
  std::vector<Client*> replicas;  // those with Client::replica, in the order in which they came
  // Answers one that waits, in place of what it waits for: that there is nothing, or with an error. False: it did
  // not wait.
  std::function<bool(Client&, bool with_error)> end_wait;
  // To be told once the command that runs has been answered.
  struct News {
    uint64_t client;
    std::string bytes;
  };
  std::vector<News> news;

  // --- CLIENT PAUSE ---
  // Until then no write runs, or no command at all. What was asked for before stays, if it is more.
  void pause(Instant until, bool all);
  void unpause();
  bool writes_paused() const {
    return closed_ || (paused_until_ != kNever && now() < paused_until_);
  }
  bool all_paused() const { return all_paused_ && now() < paused_until_; }
  // Suspends a client's command until the pause may be over. Yields.
  void wait_for_unpause(Client& client);
  size_t paused() const { return waiting_; }  // clients that wait
  // For the store itself: keeps writes out, whatever clients ask for.
  void close_writes(bool closed);
  bool writes_closed() const { return closed_; }

  // Does any of them watch a key? If none does, there is nothing to break.
  bool watching() const { return watching_ != 0; }
  // Breaks the transaction of each that watches a key of which `changes(db, key)` is true.
  template <class Changes>
  void break_watches(const Changes& changes) {
    for (Client* client : all_) {
      for (const Client::Watched& watched : client->watched()) {
        if (changes(watched.db, watched.key)) client->watch_broken = true;
      }
    }
  }

  // --- Their memory ---
  // After whatever may have changed what a client takes.
  void count(Client& client);
  // What is pending of them beyond what each needs to be served, for maxmemory; not of replicas, nor of the link to the
  // master.
  size_t buffered() const { return buffered_; }
  // Of all together; 0: no limit.
  void limit_memory(uint64_t bytes) {
    most_memory_ = bytes;
    evict();
  }
  // Ends those that take most, until all together are within the limit; none that said NO-EVICT, and none whose memory
  // is not counted.
  void evict();
  std::function<void(const Client&)> on_evict;
  uint64_t evicted() const { return evicted_; }

  // --- For Client alone ---
  uint64_t enter(Client& client);  // its id
  void leave(Client& client);
  void begin_watching();
  void end_watching();

 private:
  Os& os_;
  std::vector<Client*> all_;
  uint64_t last_id_ = 0;
  uint64_t first_counted_ = 0;  // the last id before the reset
  size_t watching_ = 0;         // clients with watches
  uint64_t most_memory_ = 0;
  size_t memory_ = 0;  // each as it was counted
  size_t buffered_ = 0;
  uint64_t evicted_ = 0;
  static constexpr Instant kNever{INT64_MIN};
  Instant paused_until_ = kNever;
  bool all_paused_ = false;
  bool closed_ = false;
  size_t waiting_ = 0;
  WaitQueue unpaused_;
};

inline bool Client::is_stranger() const { return !authenticated && clients_.users.must_log_in(); }

}  // namespace powercut::engine
