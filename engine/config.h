// What an engine is told when it opens. Redis's names stand beside each field.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/aof/aof_log.h"
#include "engine/backup/backups.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/recovery/recovery.h"
#include "engine/sink/sink.h"
#include "engine/store/eviction.h"
#include "engine/tier/tier.h"

namespace powercut::engine {

// The store's own tables and buffers, roughly: what an empty store uses, of maxmemory too.
inline constexpr size_t kFixedBytes = 256 << 10;

struct SaveRule {
  int64_t seconds;
  uint64_t changes;
};

// How large the engine's own steps are. No client sets them; the judge draws them, so that a run of some hundred
// operations meets what else takes gigabytes.
struct EngineSizes {
  CheckpointSizes checkpoint;
  Duration expire_lag{0};    // how long a key that has expired may stay before the expirer looks
  size_t expire_batch = 64;  // keys that it removes in one step
  int script_step = 0;       // instructions of a script; then others are let in. 0: when it is slow
  size_t unsent_bytes =
      4 << 20;  // of a checkpoint: it goes on when less waits for the slowest replica
  TierSizes tier = {};
};

// How much may wait for a client that does not read, by class of client: above `hard`, or above `soft` for `soft_seconds`,
// it is disconnected; 0: no limit.
struct OutputLimit {
  uint64_t hard = 0;
  uint64_t soft = 0;
  int64_t soft_seconds = 0;
};

// What the process around the store goes by: its addresses, its clients, its log. Read by engine/server/, kept here
// because CONFIG GET and SET show it with the rest.
struct TlsConfig {
  int port = 0;                      // tls-port; 0: none
  std::string cert_file;             // tls-cert-file
  std::string key_file;              // tls-key-file
  std::string key_password;          // tls-key-file-pass
  std::string ca_file;               // tls-ca-cert-file
  std::string ca_directory;          // tls-ca-cert-dir
  std::string auth_clients = "yes";  // tls-auth-clients
  std::string protocols;             // tls-protocols; "": TLSv1.2 and TLSv1.3
  std::string ciphers;               // tls-ciphers
  std::string ciphersuites;          // tls-ciphersuites
  bool prefer_server_ciphers = false;
  bool replication = false;         // tls-replication: to a master over TLS too
  std::string client_cert_file;     // tls-client-cert-file: of a replica; "": as the server's
  std::string client_key_file;      // tls-client-key-file
  std::string client_key_password;  // tls-client-key-file-pass
};

struct ServiceConfig {
  std::vector<std::string> bind{"*", "-::*"};  // bind; "-": where it cannot be had, go on without
  bool bind_given = false;                     // not the default: then protected mode trusts it
  int port = 6379;
  std::string unix_socket;                      // unixsocket
  uint64_t unix_socket_mode = 0;                // unixsocketperm, as a number; 0: as the umask says
  bool protected_mode = true;                   // protected-mode
  std::string password;                         // requirepass
  std::string acl_file;                         // aclfile
  std::vector<std::vector<std::string>> users;  // user NAME RULE ..., each
  uint64_t max_clients = 10'000;                // maxclients
  int64_t idle_timeout_s = 0;                   // timeout; 0: never
  int64_t tcp_keepalive_s = 300;                // tcp-keepalive
  int tcp_backlog = 511;                        // tcp-backlog
  OutputLimit output_normal{};                  // client-output-buffer-limit normal
  OutputLimit output_replica{256 << 20, 64 << 20, 60};  // ... replica
  OutputLimit output_pubsub{32 << 20, 8 << 20, 60};     // ... pubsub
  uint64_t query_buffer_limit = 1 << 30;                // client-query-buffer-limit
  std::string log_level = "notice";                     // loglevel
  std::string log_file;                                 // logfile
  bool syslog = false;                                  // syslog-enabled: instead of logfile
  std::string syslog_ident = "redis";                   // syslog-ident
  std::string syslog_facility = "local0";               // syslog-facility
  std::string pid_file;                                 // pidfile
  bool daemonize = false;
  std::string supervised = "no";
  std::string log_name = "appendonly.aof";      // appendfilename
  std::string log_directory = "appendonlydir";  // appenddirname
  std::string checkpoint_name = "dump.rdb";     // dbfilename
  bool directory_sync = true;                   // directory-sync
  bool directory_lock = true;                   // directory-lock
  bool io_uring = true;                         // io-uring
  int64_t slowlog_slower_us = 10'000;           // slowlog-log-slower-than; below 0: never
  uint64_t slowlog_most = 128;                  // slowlog-max-len
  TlsConfig tls;
  int64_t metrics_port = 0;                   // metrics-port; 0: no endpoint
  std::string metrics_address = "127.0.0.1";  // metrics-address
  std::string config_file;                    // for CONFIG REWRITE and INFO
};

struct EngineConfig {
  RecoveryOptions recovery;               // appendonly, on-corruption, recovery-time-limit
  AofOptions aof;                         // appendfsync, aof-loss-window-ms
  std::vector<SaveRule> save;             // save
  bool save_given = false;                // else a server without a log takes Redis's own rules
  uint64_t rewrite_percentage = 100;      // auto-aof-rewrite-percentage; 0: never by itself
  uint64_t rewrite_min_bytes = 64 << 20;  // auto-aof-rewrite-min-size
  uint64_t max_memory_bytes = 0;          // maxmemory; 0: no limit
  EvictionPolicy eviction = EvictionPolicy::kNoEviction;  // maxmemory-policy
  uint32_t told_events = 0;               // notify-keyspace-events (engine/command/events.h)
  bool refuse_after_failed_save = false;  // stop-writes-on-bgsave-error
  int databases = 16;                     // databases
  Retention retention;                    // backup-retain-count, backup-retain-seconds
  EngineSizes sizes;
  SinkOptions sink;  // sink-file and the others
  TierOptions tier;  // cold-tier-path and the others
  ServiceConfig service;
  // Directives of Redis that cannot matter here, where they were given another value than Redis's own default.
  std::map<std::string, std::string, std::less<>> accepted;
  std::string directory = ".";  // dir: where the Os's root is, for CONFIG GET alone
};

// May a store with this configuration read rows of its database (sink-read-through)?
//   Errors: kInvalid, with what is in the way.
Result<void> check_read_through(const EngineConfig& config);

// May a store with this configuration have the cold tier that it names?
//   Errors: kInvalid, with what is in the way.
Result<void> check_tier(const EngineConfig& config);

}  // namespace powercut::engine
