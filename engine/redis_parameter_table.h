// The table behind redis_parameters.h, where the compiler can read it.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>

#include "engine/base/decimal.h"

namespace powercut::engine {

struct RedisParameter {
  enum class Kind : unsigned char {
    kBool,
    kNumber,
    kBytes,
    kShare,
    kWord,
    kText,
    kPercentiles,
    kMaster
  };
  std::string_view name;
  Kind kind;
  std::string_view standard;  // Redis's own default
  // kShare: bytes, or so many per cent. kPercentiles: numbers from 0 to 100.
  // kWord: the words there are, separated by '|'. kNumber: the least and the most, as "0|100". Else nothing.
  std::string_view values = "";
  // If any other value than the default is refused: why.
  std::string_view refusal = "";
  bool at_run_time = true;  // CONFIG SET may change it
};

// Sorted by name.
inline constexpr RedisParameter kRedisParameters[] = {
    {"acl-pubsub-default", RedisParameter::Kind::kWord, "resetchannels",
     "allchannels|resetchannels", "", true},
    {"acllog-max-len", RedisParameter::Kind::kNumber, "128", "0|9223372036854775807", "", true},
    {"active-defrag-cycle-max", RedisParameter::Kind::kNumber, "25", "0|2147483647", "", true},
    {"active-defrag-cycle-min", RedisParameter::Kind::kNumber, "1", "0|2147483647", "", true},
    {"active-defrag-ignore-bytes", RedisParameter::Kind::kBytes, "104857600", "", "", true},
    {"active-defrag-max-scan-fields", RedisParameter::Kind::kNumber, "1000", "0|2147483647", "",
     true},
    {"active-defrag-threshold-lower", RedisParameter::Kind::kNumber, "10", "0|2147483647", "",
     true},
    {"active-defrag-threshold-upper", RedisParameter::Kind::kNumber, "100", "0|2147483647", "",
     true},
    {"active-expire-effort", RedisParameter::Kind::kNumber, "1", "1|10", "", true},
    {"activedefrag", RedisParameter::Kind::kBool, "no", "", "", true},
    {"activerehashing", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"always-show-logo", RedisParameter::Kind::kBool, "no", "", "", false},
    {"aof-disable-auto-gc", RedisParameter::Kind::kBool, "no", "", "", true},
    {"aof-rewrite-incremental-fsync", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"aof_rewrite_cpulist", RedisParameter::Kind::kText, "", "", "", false},
    {"bgsave_cpulist", RedisParameter::Kind::kText, "", "", "", false},
    {"bind-source-addr", RedisParameter::Kind::kText, "", "",
     "the system chooses from where the store connects", true},
    {"bio_cpulist", RedisParameter::Kind::kText, "", "", "", false},
    {"busy-reply-threshold", RedisParameter::Kind::kNumber, "5000", "0|9223372036854775807", "",
     true},
    {"cluster-allow-pubsubshard-when-down", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"cluster-allow-reads-when-down", RedisParameter::Kind::kBool, "no", "", "", true},
    {"cluster-allow-replica-migration", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"cluster-announce-bus-port", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-announce-hostname", RedisParameter::Kind::kText, "", "", "", true},
    {"cluster-announce-ip", RedisParameter::Kind::kText, "", "", "", true},
    {"cluster-announce-port", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-announce-tls-port", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-config-file", RedisParameter::Kind::kText, "nodes.conf", "", "", false},
    {"cluster-enabled", RedisParameter::Kind::kBool, "no", "", "there is no cluster mode", false},
    {"cluster-link-sendbuf-limit", RedisParameter::Kind::kBytes, "0", "", "", true},
    {"cluster-migration-barrier", RedisParameter::Kind::kNumber, "1", "0|2147483647", "", true},
    {"cluster-node-timeout", RedisParameter::Kind::kNumber, "15000", "0|2147483647", "", true},
    {"cluster-port", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", false},
    {"cluster-preferred-endpoint-type", RedisParameter::Kind::kWord, "ip",
     "ip|hostname|unknown-endpoint", "", true},
    {"cluster-replica-no-failover", RedisParameter::Kind::kBool, "no", "", "", true},
    {"cluster-replica-validity-factor", RedisParameter::Kind::kNumber, "10", "0|2147483647", "",
     true},
    {"cluster-require-full-coverage", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"crash-log-enabled", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"crash-memcheck-enabled", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"disable-thp", RedisParameter::Kind::kBool, "yes", "", "", false},
    {"dynamic-hz", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"enable-debug-command", RedisParameter::Kind::kWord, "no", "no|yes|local", "", false},
    {"enable-module-command", RedisParameter::Kind::kWord, "no", "no|yes|local", "", false},
    {"enable-protected-configs", RedisParameter::Kind::kWord, "no", "no|yes|local", "", false},
    {"hash-max-listpack-entries", RedisParameter::Kind::kNumber, "512", "0|9223372036854775807", "",
     true},
    {"hash-max-listpack-value", RedisParameter::Kind::kBytes, "64", "", "", true},
    {"hll-sparse-max-bytes", RedisParameter::Kind::kBytes, "3000", "", "", true},
    {"hz", RedisParameter::Kind::kNumber, "10", "0|2147483647", "", true},
    {"ignore-warnings", RedisParameter::Kind::kText, "", "", "", true},
    {"io-threads", RedisParameter::Kind::kNumber, "1", "1|128", "", false},
    {"io-threads-do-reads", RedisParameter::Kind::kBool, "no", "", "", false},
    {"jemalloc-bg-thread", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"latency-monitor-threshold", RedisParameter::Kind::kNumber, "0", "0|9223372036854775807", "",
     true},
    {"latency-tracking", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"latency-tracking-info-percentiles", RedisParameter::Kind::kPercentiles, "50 99 99.9", "", "",
     true},
    {"lazyfree-lazy-eviction", RedisParameter::Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-expire", RedisParameter::Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-server-del", RedisParameter::Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-user-del", RedisParameter::Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-user-flush", RedisParameter::Kind::kBool, "no", "", "", true},
    {"lfu-decay-time", RedisParameter::Kind::kNumber, "1", "0|2147483647", "", true},
    {"lfu-log-factor", RedisParameter::Kind::kNumber, "10", "0|2147483647", "", true},
    {"list-compress-depth", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"list-max-listpack-size", RedisParameter::Kind::kNumber, "-2", "-2147483648|2147483647", "",
     true},
    {"masterauth", RedisParameter::Kind::kText, "", "", "", true},
    {"masteruser", RedisParameter::Kind::kText, "", "", "", true},
    {"maxmemory-clients", RedisParameter::Kind::kShare, "0", "", "", true},
    {"maxmemory-eviction-tenacity", RedisParameter::Kind::kNumber, "10", "0|100", "", true},
    {"maxmemory-samples", RedisParameter::Kind::kNumber, "5", "1|64", "", true},
    {"min-replicas-max-lag", RedisParameter::Kind::kNumber, "10", "0|2147483647", "", true},
    {"min-replicas-to-write", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"no-appendfsync-on-rewrite", RedisParameter::Kind::kBool, "no", "", "", true},
    {"oom-score-adj", RedisParameter::Kind::kWord, "no", "no|yes|relative|absolute", "", true},
    {"oom-score-adj-values", RedisParameter::Kind::kText, "0 200 800", "", "", true},
    {"proc-title-template", RedisParameter::Kind::kText, "{title} {listen-addr} {server-mode}", "",
     "", true},
    {"propagation-error-behavior", RedisParameter::Kind::kWord, "ignore",
     "ignore|panic|panic-on-replicas", "", true},
    {"proto-max-bulk-len", RedisParameter::Kind::kBytes, "536870912", "", "", true},
    {"rdb-del-sync-files", RedisParameter::Kind::kBool, "no", "", "", true},
    {"rdb-save-incremental-fsync", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"rdbchecksum", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"rdbcompression", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"repl-backlog-size", RedisParameter::Kind::kBytes, "1048576", "", "", true},
    {"repl-backlog-ttl", RedisParameter::Kind::kNumber, "3600", "0|2147483647", "", true},
    {"repl-disable-tcp-nodelay", RedisParameter::Kind::kBool, "no", "", "", true},
    {"repl-diskless-load", RedisParameter::Kind::kWord, "disabled", "disabled|on-empty-db|swapdb",
     "", true},
    {"repl-diskless-sync", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"repl-diskless-sync-delay", RedisParameter::Kind::kNumber, "5", "0|2147483647", "", true},
    {"repl-diskless-sync-max-replicas", RedisParameter::Kind::kNumber, "0", "0|2147483647", "",
     true},
    {"repl-ping-replica-period", RedisParameter::Kind::kNumber, "10", "0|2147483647", "", true},
    {"repl-timeout", RedisParameter::Kind::kNumber, "60", "0|2147483647", "", true},
    {"replica-announce-ip", RedisParameter::Kind::kText, "", "", "", true},
    {"replica-announce-port", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", true},
    {"replica-announced", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"replica-ignore-disk-write-errors", RedisParameter::Kind::kBool, "no", "", "", true},
    {"replica-ignore-maxmemory", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"replica-lazy-flush", RedisParameter::Kind::kBool, "no", "", "", true},
    {"replica-priority", RedisParameter::Kind::kNumber, "100", "0|2147483647", "", true},
    {"replica-read-only", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"replica-serve-stale-data", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"replicaof", RedisParameter::Kind::kMaster, "", "", "", false},
    {"sanitize-dump-payload", RedisParameter::Kind::kWord, "no", "no|yes|clients", "", true},
    {"server_cpulist", RedisParameter::Kind::kText, "", "", "", false},
    {"set-max-intset-entries", RedisParameter::Kind::kNumber, "512", "0|9223372036854775807", "",
     true},
    {"set-proc-title", RedisParameter::Kind::kBool, "yes", "", "", false},
    {"shutdown-on-sigint", RedisParameter::Kind::kText, "default", "", "", true},
    {"shutdown-on-sigterm", RedisParameter::Kind::kText, "default", "", "", true},
    {"shutdown-timeout", RedisParameter::Kind::kNumber, "10", "0|2147483647", "", true},
    {"socket-mark-id", RedisParameter::Kind::kNumber, "0", "0|2147483647", "", false},
    {"stream-node-max-bytes", RedisParameter::Kind::kBytes, "4096", "", "", true},
    {"stream-node-max-entries", RedisParameter::Kind::kNumber, "100", "0|9223372036854775807", "",
     true},
    {"tls-cluster", RedisParameter::Kind::kBool, "no", "", "there is no cluster", true},
    {"tls-dh-params-file", RedisParameter::Kind::kText, "", "", "", true},
    {"tls-session-cache-size", RedisParameter::Kind::kNumber, "20480", "0|2147483647", "", true},
    {"tls-session-cache-timeout", RedisParameter::Kind::kNumber, "300", "0|2147483647", "", true},
    {"tls-session-caching", RedisParameter::Kind::kBool, "yes", "", "", true},
    {"tracking-table-max-keys", RedisParameter::Kind::kNumber, "1000000", "0|9223372036854775807",
     "", true},
    {"zset-max-listpack-entries", RedisParameter::Kind::kNumber, "128", "0|9223372036854775807", "",
     true},
    {"zset-max-listpack-value", RedisParameter::Kind::kBytes, "64", "", "", true},
};
static_assert(std::is_sorted(std::begin(kRedisParameters), std::end(kRedisParameters),
                             [](const RedisParameter& a, const RedisParameter& b) {
                               return a.name < b.name;
                             }));

// One that the store's own text names. The compiler finds it: an engine asks for twenty when it opens.
struct KnownParameter {
  consteval KnownParameter(const char* name)
      : parameter(*std::find_if(
            std::begin(kRedisParameters), std::end(kRedisParameters),
            [&](const RedisParameter& each) { return each.name == std::string_view(name); })),
        standard(parse_integer(parameter.standard)) {}
  const RedisParameter& parameter;
  std::optional<int64_t> standard;  // where it is a number
};

}  // namespace powercut::engine
