// What server and persistence commands ask of the engine. The engine implements it; a fake does in tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/command/latency.h"
#include "engine/command/slow_log.h"
#include "engine/store/stream.h"

namespace powercut::engine {

class Client;
class Tally;

// In bytes, for MEMORY STATS.
struct MemoryReport {
  uint64_t peak = 0;
  uint64_t total = 0;
  uint64_t startup = 0;
  uint64_t clients = 0;
  uint64_t aof_buffer = 0;
  uint64_t keys = 0;
  uint64_t dataset = 0;
  std::vector<std::pair<int, std::pair<uint64_t, uint64_t>>>
      databases;  // tables of keys, of expiry
};

// A backup, as far as it is known.
struct BackupFacts {
  std::string id;
  bool sealed = false;
  // It can be restored to what there was after any entry from the first on; to the last, once it is sealed.
  uint64_t first_lsn = 0;
  uint64_t last_lsn = 0;
  int64_t sealed_unix_s = 0;
  uint64_t bytes = 0;  // of files that it shares with the log while that has them
};

// Of a replica: whom it follows, and how far.
struct MasterLink {
  std::string host;
  int port = 0;
  std::string_view state = "connect";  // as ROLE says it: connect, connecting, sync, connected
  int64_t offset = -1;                 // up to which the master's stream is applied; -1: nothing is
};

// What a client may wait: more than a century is the same as for ever.
inline constexpr int64_t kLongestTimeoutMs = int64_t{1} << 42;

// FAILOVER's words. No host: to whichever replica has all first.
struct FailoverWish {
  std::string host;
  int port = 0;
  bool force = false;      // behind the timeout, whatever the replica has
  int64_t timeout_ms = 0;  // 0: for ever
};

class Control {
 public:
  virtual ~Control() = default;

  // --- Persistence. save() and shutdown() yield; the others only start something. ---
  virtual Result<void> save() = 0;  // SAVE: returns when the checkpoint is published
  virtual Result<std::string> background_save() = 0;  // BGSAVE: the reply's text
  virtual Result<std::string> rewrite_aof() = 0;      // BGREWRITEAOF: the reply's text
  virtual int64_t last_save_unix_s() = 0;             // LASTSAVE
  virtual Result<void> shutdown(bool save) = 0;       // SHUTDOWN: returns only on failure

  // --- BACKUP (engine/backup/backups.h); all but the last yield ---
  // An empty ID: one is made up. Returns it.
  virtual Result<std::string> start_backup(std::string_view) { return no_process(); }
  virtual Result<BackupFacts> seal_backup() { return no_process(); }
  virtual Result<void> abort_backup() { return no_process(); }
  virtual Result<void> remove_backup(std::string_view) { return no_process(); }
  virtual Result<std::vector<BackupFacts>> sealed_backups() { return no_process(); }
  virtual std::optional<BackupFacts> backup_under_way() { return std::nullopt; }

  // --- Configuration ---
  // CONFIG GET: the parameters whose names match the glob, sorted by name.
  virtual std::vector<std::pair<std::string, std::string>> config_get(std::string_view pattern) = 0;
  // CONFIG SET: the error's message is what Redis answers after "ERR ". Yields.
  virtual Result<void> config_set(std::string_view name, std::string_view value) = 0;
  // CONFIG REWRITE
  virtual Result<void> config_rewrite() {
    return Error{Errc::kInvalid, "The server is running without a config file"};
  }
  // ACL LOAD, for a client that may lose its own user by it, and ACL SAVE. Yield.
  virtual Result<void> load_users(Client*) { return no_users_file(); }
  virtual Result<void> save_users() { return no_users_file(); }
  // CONFIG RESETSTAT
  virtual void reset_stats() = 0;

  // --- PFADD, PFMERGE ---
  virtual uint64_t sparse_sketch_most() { return 3'000; }  // hll-sparse-max-bytes

  // --- XADD, XTRIM ---
  virtual StreamLimits stream_limits() { return {}; }

  // --- MEMORY ---
  virtual MemoryReport memory_report() { return {}; }
  // Gives what is free back to the system, if the process can.
  virtual void purge() {}

  // --- Scripts ---
  // Lets other tasks run while a script takes long; `wrote`: what it did is not logged yet. Yields, and does not come
  // back to a store that has ended meanwhile.
  virtual void let_others_run(bool /*wrote*/) {}
  // DEBUG SET-DISABLE-DENY-SCRIPTS
  virtual void set_lax_scripts(bool) {}

  // --- LATENCY ---
  virtual LatencyEvents& latency() { return no_events_; }
  virtual Tally* tally() { return nullptr; }

  // --- DEBUG: nothing here changes what is stored ---
  // As enable-debug-command says.
  virtual bool debug_allowed(const Client&) { return false; }
  // Writes a checkpoint, or waits until the log is written; reads it back, and compares it to what is stored, while no
  // write runs. Yields.
  virtual Result<void> check_checkpoint() { return no_process(); }
  virtual Result<void> check_log() { return no_process(); }
  // The whole process does nothing for so long.
  virtual Result<void> stall(Duration) { return no_process(); }
  // False: keys that have expired go only when somebody looks for them.
  virtual void set_active_expire(bool) {}
  // So many bytes that nobody can guess; none where there is no source of them.
  virtual std::string secret_bytes(size_t) { return {}; }
  // A line in the process's log.
  virtual void log_line(std::string_view) {}

  // --- SLOWLOG ---
  virtual const SlowLog* slow_log() { return nullptr; }
  virtual void reset_slow_log() {}

  // --- Replication (engine/replication/master.h) ---
  // Of the last byte of the stream that replicas read; 0: there is none.
  virtual uint64_t replication_offset() { return 0; }
  // How many replicas have confirmed so much; asks them all to confirm what they have.
  virtual uint64_t confirmed_replicas(uint64_t /*offset*/) { return 0; }
  virtual void ask_replicas() {}
  // How many have it in logs of their own, where a power cut leaves it; and up to which LSN this store has. Nothing: it
  // keeps no log.
  virtual uint64_t synced_replicas(uint64_t /*offset*/) { return 0; }
  virtual std::optional<uint64_t> synced_lsn() const { return std::nullopt; }
  // The client becomes a replica, behind what is under way; as Master::begin().
  virtual Result<void> begin_replica(Client&, std::string_view /*id*/, int64_t /*offset*/) {
    return Error{Errc::kUnsupported, "this store has no replicas"};
  }
  // It has applied so much, and synced so much of that.
  virtual void replica_confirms(Client&, uint64_t /*offset*/, uint64_t /*synced*/) {}

  // --- As a replica (engine/replication/replica.h) ---
  // nullptr: it follows nobody. Valid until the next call.
  virtual const MasterLink* master_link() { return nullptr; }
  // REPLICAOF; errors: kUnsupported. It is followed from some time on, if it can be.
  virtual Result<void> follow_master(std::string_view /*host*/, int /*port*/) {
    return Error{Errc::kUnsupported, "there is no network around this store"};
  }
  virtual void follow_nobody() {}
  // Of a replica: its master hands over to it, if it has that history. Errors: kRefused: it has not.
  virtual Result<void> take_over_from(std::string_view /*id*/) { return no_process(); }
  // FAILOVER, as Failover::begin() and abort().
  virtual Result<void> fail_over(FailoverWish) { return no_process(); }
  virtual Result<void> abort_failover() { return no_process(); }

  // --- INFO ---
  // The "name:value" lines of a section ("server", "clients", "memory", "persistence", "stats", "keyspace",
  // ...), without its header; empty if unknown.
  virtual std::string info_section(std::string_view section) = 0;

 private:
  static Error no_process() { return {Errc::kInvalid, "there is no process around this store"}; }
  LatencyEvents no_events_;

 protected:
  static Error no_users_file() {
    return {Errc::kInvalid,
            "This Redis instance is not configured to use an ACL file: start it with aclfile, or "
            "keep its users by CONFIG REWRITE"};
  }
};

}  // namespace powercut::engine
