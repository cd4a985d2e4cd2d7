// Executes the requests of all clients, one at a time, in arrival order: the total order of
// operations.
//
// An operation is a command that changed something, an EXEC with what it ran, or a key that
// expired. Each is one entry of the log and has one LSN. A reply waits for the LSN it rests on: a
// writer's for its own entry, a reader's for the last entry that touched the keys it read.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/call.h"
#include "engine/command/client.h"
#include "engine/command/command_table.h"
#include "engine/command/events.h"
#include "engine/command/latency.h"
#include "engine/command/news.h"
#include "engine/command/rows.h"
#include "engine/command/script/scripts.h"
#include "engine/command/slow_log.h"
#include "engine/command/tally.h"
#include "engine/os/os.h"
#include "engine/os/wait_queue.h"
#include "engine/store/eviction.h"

namespace powercut::engine {

// Where operations go, and what decides when replies may leave. The engine implements it over the
// AOF.
class OperationLog {
 public:
  virtual ~OperationLog() = default;
  // Takes the effects of one operation; returns its LSN.
  virtual uint64_t append(const Effects& effects) = 0;
  virtual uint64_t applied_lsn() const = 0;
  // Replies that rest on entries up to here may leave.
  virtual uint64_t released_lsn() const = 0;
  // Entries up to here survive a power cut; nothing: no log is kept.
  virtual std::optional<uint64_t> synced_lsn() const { return std::nullopt; }
  virtual WaitQueue& progress() = 0;
  // Suspends a writer while the checkpoint's buffer is full. May yield; true if it did.
  virtual bool make_room() = 0;
  // Is there space for a write of so many bytes? If not, refusal() says why.
  virtual bool has_space(size_t) { return true; }
  // It is being ended: what nobody asked for, a key that expired or was given up, is for the next life.
  virtual bool ends() const { return false; }
  // Why writes are refused now ("MISCONF ..."); empty if they are not.
  virtual const std::string& refusal() const = 0;
};

class RequestParser;

// For the judge: called after each operation, in the same step.
class OperationListener {
 public:
  virtual ~OperationListener() = default;
  virtual void on_operation(uint64_t lsn) = 0;
  // The client that waited for a key got it, by the operation before.
  virtual void on_served(uint64_t /*client*/, uint64_t /*lsn*/) {}
  // The client that waited for a key has waited in vain, up to that operation.
  virtual void on_in_vain(uint64_t /*client*/, uint64_t /*lsn*/) {}
};

inline constexpr const char* kOutOfMemory =
    "OOM command not allowed when used memory > 'maxmemory'.";

inline constexpr const char* kReadOnlyReplica =
    "READONLY You can't write against a read only replica.";

struct ExecutorStats {
  uint64_t commands = 0;
  uint64_t expired_keys = 0;
  uint64_t evicted_keys = 0;
  uint64_t refused_writes = 0;
  uint64_t held_replies = 0;
  uint64_t hits = 0;  // keys that commands looked up and found, or did not
  uint64_t misses = 0;
  Duration expiring;  // what nobody asked for
};

class Executor final : public Chance,
                       public ExpiryListener,
                       public KeyspaceObserver,
                       public ScriptCommands {
 public:
  Executor(Os& os, Keyspace& keyspace, OperationLog& log, Control& control);
  ~Executor() override;

  // Executes one request of a client; its outbox holds the reply, or releases it. Yields only before
  // it changes anything, or in a command whose Control method yields.
  void run(Client& client, std::span<const std::string_view> args);
  // It will be asked to run what the client's parser has: brings what that looks for into the cache.
  void fetch_ahead(const Client& client, const RequestParser& parser) const;
  // Does what a master's stream has, as its client `master`: whatever clients may not do, and without a reply. In one
  // step; the caller waits until may_follow().
  //   Errors: kUnsupported: this store cannot do it, or not all of it; then it has other data than its master.
  Result<void> follow(Client& master, std::span<const std::string_view> args);
  bool may_follow() const { return !scripts_.busy() && !clients_.writes_paused(); }
  // Puts what `with` holds in the place of all there is, as one operation, which `count` gives an LSN.
  void take_over(Keyspace& with, const std::function<uint64_t()>& count);
  // What clients may do while this store is a replica.
  struct Role {
    bool replica = false;
    bool read_only = true;  // replica-read-only
    bool refuses =
        false;  // all but what says so itself: its link is down, and replica-serve-stale-data is no
    bool keeps_all = true;  // replica-ignore-maxmemory
    bool takes_no_write() const { return replica && read_only; }
  };
  void set_role(const Role& role) { role_ = role; }
  const Role& role() const { return role_; }
  // Who waits for a key, or for replicas, waits no more: this store becomes a replica.
  void end_all_waits();
  // Answers what is no request with an error, in its turn.
  void refuse(Client& client, std::string_view error);
  // Removes up to `limit` expired keys, each an operation of its own; how many it removed.
  size_t expire_some(size_t limit);
  // Answers those that have waited for a key as long as they wanted to.
  void end_overdue_waits();
  // Replicas have confirmed more, or the log has synced more: answers those that waited for that (WAIT, WAITAOF).
  void end_confirmed_waits();
  // The task that does so ends.
  void stop();

  void set_listener(OperationListener* listener) { listener_ = listener; }
  // While a log is loaded, only what does not touch the keyspace is answered.
  void set_loading(bool loading) { loading_ = loading; }
  // Of the data; 0: no limit.
  void set_max_memory(size_t bytes) {
    less_memory_ = bytes != 0 && bytes != max_memory_;
    max_memory_ = bytes;
  }
  // What that limits: keys and their values, buffers of clients, scripts.
  size_t limited_bytes() const;
  Eviction& eviction() { return eviction_; }
  // The operation that is made now gives up a key, for whoever needs memory: it is nobody's.
  bool evicts() const { return evicts_; }
  // notify-keyspace-events
  void set_told_events(uint32_t flags) { events_.set_flags(flags); }
  // Asked of each write and of SORT_RO, also of those in transactions and scripts: why it is refused, as an error; empty: it
  // is not.
  using WriteRule =
      std::function<std::string(const CommandSpec&, std::span<const std::string_view>)>;
  void set_write_rule(WriteRule rule) { write_rule_ = std::move(rule); }
  // How values are brought back that are not in memory: of all these keys (database, name), or of none. Yields. Without it
  // there are none.
  using BringBack = std::function<Result<void>(std::span<const std::pair<int, std::string>>)>;
  void set_bring_back(BringBack bring_back) { bring_back_ = std::move(bring_back); }
  // The rows that a command waits for which names a key that is not here. It outlives the tasks; null: there are none.
  void set_rows(Rows* rows) { rows_ = rows; }
  // A copy of a row was given up.
  void row_left(std::string_view key);
  OperationLog& log() { return log_; }
  Clients& clients() { return clients_; }
  const ExecutorStats& stats() const { return stats_; }
  Tally& tally() { return tally_; }
  SlowLog& slow_log() { return slow_log_; }
  LatencyEvents& latency_events() { return latency_events_; }
  Scripts& scripts() { return scripts_; }
  const Scripts& scripts() const { return scripts_; }
  // latency-tracking: is there to be a histogram of each command?
  void set_latency_tracking(bool on) { latency_tracking_ = on; }
  void reset_stats() {
    stats_ = {};
    tally_.reset();
    clients_.reset_stats();
  }

  // --- Chance, ExpiryListener, KeyspaceObserver ---
  uint64_t choose(Site site, uint64_t n) override { return os_.choose(site, n); }
  void on_expired(int db, std::string_view key) override;
  void before_change(Database& db, std::string_view key, Object* object) override;
  void before_flush(Database& db) override;
  void before_swap(int a, int b) override;

  // --- ScriptCommands (script_calls.cc) ---
  void run_in_script(RunningScript& script, std::span<const std::string_view> words, int protocol,
                     std::string& reply) override;
  std::optional<bool> allowed_in_script(const RunningScript& script,
                                        std::span<const std::string_view> words) override;
  bool short_of_memory() override;
  void let_others_run(const RunningScript& script) override;
  Instant now() override { return os_.now(); }

 private:
  // Keys by hash: the last entry that touched one of them. Two keys that share a slot only wait
  // longer.
  static constexpr size_t kSlots = 512;
  static size_t slot_of(int db_identity, std::string_view key);

  // The reply just written rests on `lsn`.
  void hold(Client& client, uint64_t lsn);
  void queue(Client& client, const CommandSpec& spec, std::span<const std::string_view> args);
  void hear_replica(Client& client, std::span<const std::string_view> args);
  bool is_command(Client& client, const CommandSpec* spec, std::span<const std::string_view> args);
  bool deny(Client& client, const CommandSpec& spec, std::span<const std::string_view> args);
  void reject(Client& client, const CommandSpec& spec, const std::string& error);
  bool deny_late(const Client& client, const CommandSpec& spec,
                 std::span<const std::string_view> args, Reply& reply);
  bool may_go_on(Client& client, const CommandSpec& spec, std::span<const std::string_view> args);
  const char* why_refused(const Client& client, const CommandSpec& spec);
  const char* why_not_of_replica(const Client& client, const CommandSpec& spec) const;
  bool keeps_expired(const Client& client, const CommandSpec& spec) const;
  void note_error(const Reply& reply);
  void refuse_write(Client& client, const CommandSpec& spec, const char* why);
  bool needs_memory(const Client& client, const CommandSpec& spec) const;
  void make_memory();
  size_t bytes_of_data() const;
  size_t bytes_of(const Client& client, const CommandSpec& spec,
                  std::span<const std::string_view> args) const;
  // True if it was answered with an error.
  bool execute_in(Client& client, const CommandSpec& spec, std::span<const std::string_view> args);
  void execute_queued(Client& client);
  // Counts what just ran, from `began` on, for whoever asks what took long.
  void count_call(const Client& client, const CommandSpec& spec,
                  std::span<const std::string_view> args, Instant began, bool failed);
  // After a command that ran: what it shows, and to whom.
  void note_news(Client& client, int db, const CommandSpec& spec,
                 std::span<const std::string_view> args);
  // The client was shown the keys that this names.
  void remember_read(Client& client, const CommandSpec& spec,
                     std::span<const std::string_view> args);
  // Of each key that has changed since: tells who remembers it.
  void settle_changes();
  void forget_changes() {
    changed_keys_.clear();
    settled_ = 0;
    touched_places_.clear();
  }
  void expire_watched(const Client& client);
  void expire_watched_everywhere();
  bool has_live(const Database& db, std::string_view key) const;
  void send_news();
  void execute_counted(Call& call, const CommandSpec& spec);
  Call make_call(Client& client, std::span<const std::string_view> args, int db, Reply& reply,
                 Effects& effects);
  void run_beside_script(Client& client, const CommandSpec& spec,
                         std::span<const std::string_view> args);
  bool denied_to_scripts(const CommandSpec& spec);
  std::string why_not_in_script(RunningScript& script, const CommandSpec* spec,
                                std::span<const std::string_view> words);
  bool must_wait(const Client& client, const CommandSpec& spec) const;
  bool wait_for_turn(Client& client, const CommandSpec& spec);
  // Waits for all that the command needs; false: it was answered, or has nobody to answer to.
  bool wait_for_all(Client& client, const CommandSpec& spec,
                    std::span<const std::string_view> args);
  // --- Values that are not in memory (cold.cc) ---
  using PlacedKeys = std::vector<std::pair<int, std::string>>;  // each with its database
  PlacedKeys away_of(const Client& client, const CommandSpec& spec,
                     std::span<const std::string_view> args);  // that the command needs
  void add_away(PlacedKeys& away, int db, std::string_view key) const;
  void add_away(PlacedKeys& away, const CommandSpec& spec, std::span<const std::string_view> args,
                int first_db, int last_db);
  // Where is moved to by who waits at one of these keys, and on from there; anywhere: databases may change places before.
  void add_away_of_waits(PlacedKeys& away, std::vector<std::string> keys, bool anywhere);
  bool names_away(const Waiting& waiting);
  // False: it was answered.
  bool bring_back(Client& client, const CommandSpec& spec, const PlacedKeys& away);
  std::string reads_away(const Call& call, const CommandSpec& spec);  // why they are not had
  // --- Rows of a database behind the store (unread.cc) ---
  PlacedKeys unread_of(const Client& client, const CommandSpec& spec,
                       std::span<const std::string_view> args, Instant since);
  void add_named(PlacedKeys& named, int db, const CommandSpec& spec,
                 std::span<const std::string_view> args);
  // False: it was answered.
  bool read_unread(Client& client, const CommandSpec& spec, const PlacedKeys& keys, Instant since);
  void execute_with_rows(Call& call, const CommandSpec& spec);
  std::string breaks_rule(const CommandSpec& spec, std::span<const std::string_view> args) const {
    const bool asked = (spec.flags & kWrite) != 0 || spec.name == "sort_ro";
    return write_rule_ && asked ? write_rule_(spec, args) : std::string();
  }
  bool is_write(const Client& client, const CommandSpec& spec) const {
    return has_any(client, spec, kWrite);
  }
  // Of the command, or of one that EXEC will run.
  bool has_any(const Client& client, const CommandSpec& spec, uint32_t flags) const;
  void execute_timed(Client& client, const CommandSpec& spec,
                     std::span<const std::string_view> args);
  uint64_t finish_operation();
  void count_time(CommandTally& tally, const Client& client, const CommandSpec& spec,
                  std::span<const std::string_view> args, Instant began, bool failed);

  // --- Clients that wait for a key (waits.cc) ---
  void begin_wait(Client& client, const CommandSpec& spec, const Call& call);
  bool end_wait(Client& client, bool with_error);
  void wake(Client& client);
  void time_waits();
  void watch_log();
  void note_touched(const Database& db, std::string_view key);
  // Of what was touched: what somebody waits for.
  void find_ready();
  // Gives what is ready to those who wait for it.
  void serve_waits();
  void serve_all_at(const Place& place);
  void serve(Client& client, std::string_view key);
  void tell_bereft(Client& client);
  void release_served(uint64_t lsn);

  uint64_t read_lsn(const Client& client, const CommandSpec& spec,
                    std::span<const std::string_view> args);
  uint64_t watched_lsn(const Client& client) const;

  Os& os_;
  Keyspace& keyspace_;
  OperationLog& log_;
  Control& control_;
  Clients clients_;
  OperationListener* listener_ = nullptr;
  size_t max_memory_ = 0;      // 0: no limit
  bool memory_short_ = false;  // there is more than that, and no key may go
  bool less_memory_ = false;   // it has changed just now
  BringBack bring_back_;
  WriteRule write_rule_;
  Rows* rows_ = nullptr;
  Eviction eviction_;
  bool evicts_ = false;
  bool loading_ = false;
  Role role_;
  std::string* stream_error_ = nullptr;  // of what a master's stream has, while that runs
  Effects effects_;
  std::array<uint64_t, kSlots> touched_lsn_{};
  uint64_t everything_lsn_ = 0;  // the last FLUSHALL or SWAPDB
  std::vector<uint16_t> touched_slots_;
  bool touched_everything_ = false;
  Events events_;                         // of what runs
  std::vector<ChangedKey> changed_keys_;  // while some client has CLIENT TRACKING on
  size_t settled_ = 0;                    // of these
  uint64_t running_ = 0;                  // the client whose command runs
  std::vector<size_t> positions_;
  ExecutorStats stats_;
  Tally tally_;
  Scripts scripts_;
  static constexpr size_t kScriptPlaces = 256;
  std::vector<std::pair<const CommandSpec*, bool>> denied_to_scripts_;  // once a script has run
  SlowLog slow_log_;
  LatencyEvents latency_events_;
  bool latency_tracking_ = true;

  std::vector<Place> touched_places_;  // by the command that runs, where somebody waits
  std::vector<Place> ready_;           // in the order in which they became so
  struct Served {
    Client* client;
    bool failed;
  };
  std::vector<Served> served_;  // by the operation that is being made
  WaitQueue sooner_;            // of the task that looks at deadlines
  Instant looks_at_ = kForever;
  bool times_waits_ = false;  // there is that task
  bool watches_log_ = false;  // ... and that one
  bool stopped_ = false;
};

}  // namespace powercut::engine
