#include "engine/redis_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/parameter_values.h"

namespace powercut::engine {

namespace {

using Kind = RedisParameter::Kind;

constexpr RedisParameter kRedisParameters[] = {
    {"acl-pubsub-default", Kind::kWord, "resetchannels", "allchannels|resetchannels", "", true},
    {"acllog-max-len", Kind::kNumber, "128", "0|9223372036854775807", "", true},
    {"active-defrag-cycle-max", Kind::kNumber, "25", "0|2147483647", "", true},
    {"active-defrag-cycle-min", Kind::kNumber, "1", "0|2147483647", "", true},
    {"active-defrag-ignore-bytes", Kind::kBytes, "104857600", "", "", true},
    {"active-defrag-max-scan-fields", Kind::kNumber, "1000", "0|2147483647", "", true},
    {"active-defrag-threshold-lower", Kind::kNumber, "10", "0|2147483647", "", true},
    {"active-defrag-threshold-upper", Kind::kNumber, "100", "0|2147483647", "", true},
    {"active-expire-effort", Kind::kNumber, "1", "1|10", "", true},
    {"activedefrag", Kind::kBool, "no", "", "", true},
    {"activerehashing", Kind::kBool, "yes", "", "", true},
    {"always-show-logo", Kind::kBool, "no", "", "", false},
    {"aof-disable-auto-gc", Kind::kBool, "no", "", "", true},
    {"aof-rewrite-incremental-fsync", Kind::kBool, "yes", "", "", true},
    {"aof_rewrite_cpulist", Kind::kText, "", "", "", false},
    {"bgsave_cpulist", Kind::kText, "", "", "", false},
    {"bind-source-addr", Kind::kText, "", "", "the system chooses from where the store connects",
     true},
    {"bio_cpulist", Kind::kText, "", "", "", false},
    {"busy-reply-threshold", Kind::kNumber, "5000", "0|9223372036854775807", "", true},
    {"cluster-allow-pubsubshard-when-down", Kind::kBool, "yes", "", "", true},
    {"cluster-allow-reads-when-down", Kind::kBool, "no", "", "", true},
    {"cluster-allow-replica-migration", Kind::kBool, "yes", "", "", true},
    {"cluster-announce-bus-port", Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-announce-hostname", Kind::kText, "", "", "", true},
    {"cluster-announce-ip", Kind::kText, "", "", "", true},
    {"cluster-announce-port", Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-announce-tls-port", Kind::kNumber, "0", "0|2147483647", "", true},
    {"cluster-config-file", Kind::kText, "nodes.conf", "", "", false},
    {"cluster-enabled", Kind::kBool, "no", "", "there is no cluster mode", false},
    {"cluster-link-sendbuf-limit", Kind::kBytes, "0", "", "", true},
    {"cluster-migration-barrier", Kind::kNumber, "1", "0|2147483647", "", true},
    {"cluster-node-timeout", Kind::kNumber, "15000", "0|2147483647", "", true},
    {"cluster-port", Kind::kNumber, "0", "0|2147483647", "", false},
    {"cluster-preferred-endpoint-type", Kind::kWord, "ip", "ip|hostname|unknown-endpoint", "",
     true},
    {"cluster-replica-no-failover", Kind::kBool, "no", "", "", true},
    {"cluster-replica-validity-factor", Kind::kNumber, "10", "0|2147483647", "", true},
    {"cluster-require-full-coverage", Kind::kBool, "yes", "", "", true},
    {"crash-log-enabled", Kind::kBool, "yes", "", "", true},
    {"crash-memcheck-enabled", Kind::kBool, "yes", "", "", true},
    {"disable-thp", Kind::kBool, "yes", "", "", false},
    {"dynamic-hz", Kind::kBool, "yes", "", "", true},
    {"enable-debug-command", Kind::kWord, "no", "no|yes|local", "", false},
    {"enable-module-command", Kind::kWord, "no", "no|yes|local", "", false},
    {"enable-protected-configs", Kind::kWord, "no", "no|yes|local", "", false},
    {"hash-max-listpack-entries", Kind::kBytes, "512", "", "", true},
    {"hash-max-listpack-value", Kind::kBytes, "64", "", "", true},
    {"hll-sparse-max-bytes", Kind::kBytes, "3000", "", "", true},
    {"hz", Kind::kNumber, "10", "0|2147483647", "", true},
    {"ignore-warnings", Kind::kText, "", "", "", true},
    {"io-threads", Kind::kNumber, "1", "1|128", "", false},
    {"io-threads-do-reads", Kind::kBool, "no", "", "", false},
    {"jemalloc-bg-thread", Kind::kBool, "yes", "", "", true},
    {"latency-monitor-threshold", Kind::kNumber, "0", "0|9223372036854775807", "", true},
    {"latency-tracking", Kind::kBool, "yes", "", "", true},
    {"latency-tracking-info-percentiles", Kind::kPercentiles, "50 99 99.9", "", "", true},
    {"lazyfree-lazy-eviction", Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-expire", Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-server-del", Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-user-del", Kind::kBool, "no", "", "", true},
    {"lazyfree-lazy-user-flush", Kind::kBool, "no", "", "", true},
    {"lfu-decay-time", Kind::kNumber, "1", "0|2147483647", "", true},
    {"lfu-log-factor", Kind::kNumber, "10", "0|2147483647", "", true},
    {"list-compress-depth", Kind::kNumber, "0", "0|2147483647", "", true},
    {"list-max-listpack-size", Kind::kNumber, "-2", "-2147483648|2147483647", "", true},
    {"masterauth", Kind::kText, "", "", "", true},
    {"masteruser", Kind::kText, "", "", "", true},
    {"maxmemory-clients", Kind::kShare, "0", "",
     "clients are limited one by one: client-output-buffer-limit, client-query-buffer-limit", true},
    {"maxmemory-eviction-tenacity", Kind::kNumber, "10", "0|100", "", true},
    {"maxmemory-samples", Kind::kNumber, "5", "1|64", "", true},
    {"min-replicas-max-lag", Kind::kNumber, "10", "0|2147483647", "", true},
    {"min-replicas-to-write", Kind::kNumber, "0", "0|2147483647", "", true},
    {"no-appendfsync-on-rewrite", Kind::kBool, "no", "", "", true},
    {"oom-score-adj", Kind::kWord, "no", "no|yes|relative|absolute", "", true},
    {"oom-score-adj-values", Kind::kText, "0 200 800", "", "", true},
    {"proc-title-template", Kind::kText, "{title} {listen-addr} {server-mode}", "", "", true},
    {"propagation-error-behavior", Kind::kWord, "ignore", "ignore|panic|panic-on-replicas", "",
     true},
    {"proto-max-bulk-len", Kind::kBytes, "536870912", "", "", true},
    {"rdb-del-sync-files", Kind::kBool, "no", "", "", true},
    {"rdb-save-incremental-fsync", Kind::kBool, "yes", "", "", true},
    {"rdbchecksum", Kind::kBool, "yes", "", "", true},
    {"rdbcompression", Kind::kBool, "yes", "", "", true},
    {"repl-backlog-size", Kind::kBytes, "1048576", "", "", true},
    {"repl-backlog-ttl", Kind::kNumber, "3600", "0|2147483647", "", true},
    {"repl-disable-tcp-nodelay", Kind::kBool, "no", "", "", true},
    {"repl-diskless-load", Kind::kWord, "disabled", "disabled|on-empty-db|swapdb", "", true},
    {"repl-diskless-sync", Kind::kBool, "yes", "", "", true},
    {"repl-diskless-sync-delay", Kind::kNumber, "5", "0|2147483647", "", true},
    {"repl-diskless-sync-max-replicas", Kind::kNumber, "0", "0|2147483647", "", true},
    {"repl-ping-replica-period", Kind::kNumber, "10", "0|2147483647", "", true},
    {"repl-timeout", Kind::kNumber, "60", "0|2147483647", "", true},
    {"replica-announce-ip", Kind::kText, "", "", "", true},
    {"replica-announce-port", Kind::kNumber, "0", "0|2147483647", "", true},
    {"replica-announced", Kind::kBool, "yes", "", "", true},
    {"replica-ignore-disk-write-errors", Kind::kBool, "no", "", "", true},
    {"replica-ignore-maxmemory", Kind::kBool, "yes", "", "", true},
    {"replica-lazy-flush", Kind::kBool, "no", "", "", true},
    {"replica-priority", Kind::kNumber, "100", "0|2147483647", "", true},
    {"replica-read-only", Kind::kBool, "yes", "", "", true},
    {"replica-serve-stale-data", Kind::kBool, "yes", "", "", true},
    {"replicaof", Kind::kMaster, "", "", "", false},
    {"sanitize-dump-payload", Kind::kWord, "no", "no|yes|clients", "", true},
    {"server_cpulist", Kind::kText, "", "", "", false},
    {"set-max-intset-entries", Kind::kNumber, "512", "0|9223372036854775807", "", true},
    {"set-proc-title", Kind::kBool, "yes", "", "", false},
    {"shutdown-on-sigint", Kind::kText, "default", "", "", true},
    {"shutdown-on-sigterm", Kind::kText, "default", "", "", true},
    {"shutdown-timeout", Kind::kNumber, "10", "0|2147483647", "", true},
    {"socket-mark-id", Kind::kNumber, "0", "0|2147483647", "", false},
    {"stream-node-max-bytes", Kind::kBytes, "4096", "", "", true},
    {"stream-node-max-entries", Kind::kNumber, "100", "0|9223372036854775807", "", true},
    {"tls-client-cert-file", Kind::kText, "", "", "", true},
    {"tls-client-key-file", Kind::kText, "", "", "", true},
    {"tls-client-key-file-pass", Kind::kText, "", "", "", true},
    {"tls-cluster", Kind::kBool, "no", "", "there is no cluster", true},
    {"tls-dh-params-file", Kind::kText, "", "", "", true},
    {"tls-replication", Kind::kBool, "no", "", "a master is connected to without TLS", true},
    {"tls-session-cache-size", Kind::kNumber, "20480", "0|2147483647", "", true},
    {"tls-session-cache-timeout", Kind::kNumber, "300", "0|2147483647", "", true},
    {"tls-session-caching", Kind::kBool, "yes", "", "", true},
    {"tracking-table-max-keys", Kind::kNumber, "1000000", "0|9223372036854775807", "", true},
    {"zset-max-listpack-entries", Kind::kBytes, "128", "", "", true},
    {"zset-max-listpack-value", Kind::kBytes, "64", "", "", true},
};
constexpr bool comes_before(const RedisParameter& parameter, std::string_view name) {
  return parameter.name < name;
}
static_assert(std::is_sorted(std::begin(kRedisParameters), std::end(kRedisParameters),
                             [](const RedisParameter& a, const RedisParameter& b) {
                               return comes_before(a, b.name);
                             }));

struct Names {
  std::string_view older;
  std::string_view newer;
};
constexpr Names kNames[] = {
    {"cluster-slave-no-failover", "cluster-replica-no-failover"},
    {"cluster-slave-validity-factor", "cluster-replica-validity-factor"},
    {"hash-max-ziplist-entries", "hash-max-listpack-entries"},
    {"hash-max-ziplist-value", "hash-max-listpack-value"},
    {"list-max-ziplist-size", "list-max-listpack-size"},
    {"lua-time-limit", "busy-reply-threshold"},
    {"min-slaves-max-lag", "min-replicas-max-lag"},
    {"min-slaves-to-write", "min-replicas-to-write"},
    {"repl-ping-slave-period", "repl-ping-replica-period"},
    {"slave-announce-ip", "replica-announce-ip"},
    {"slave-announce-port", "replica-announce-port"},
    {"slave-ignore-maxmemory", "replica-ignore-maxmemory"},
    {"slave-lazy-flush", "replica-lazy-flush"},
    {"slave-priority", "replica-priority"},
    {"slave-read-only", "replica-read-only"},
    {"slave-serve-stale-data", "replica-serve-stale-data"},
    {"slaveof", "replicaof"},
    {"zset-max-ziplist-entries", "zset-max-listpack-entries"},
    {"zset-max-ziplist-value", "zset-max-listpack-value"},
};

struct Refused {
  std::string_view name;
  std::string_view why;
};
constexpr Refused kRefused[] = {
    {"loadmodule", "there are no modules"},
    {"rename-command", "commands keep their names; a password keeps strangers out (requirepass)"},
    {"sentinel", "this is no sentinel"},
};

Result<std::string> canonical_share(std::string_view value) {
  if (!value.ends_with('%')) {
    const auto bytes = parse_bytes(value);
    return bytes ? Result<std::string>(std::to_string(*bytes))
                 : invalid("argument must be a memory or percent value");
  }
  const auto percent = parse_integer(value.substr(0, value.size() - 1));
  if (!percent || *percent < 0) return invalid("argument must be a memory or percent value");
  if (*percent > 100) return invalid("percentage argument must be less or equal to 100");
  return std::string(value);
}

Result<std::string> canonical_master(std::string_view value) {
  const std::vector<std::string> words = words_of(value);
  if (words.empty()) return std::string();
  const auto port = words.size() == 2 ? parse_integer(words[1]) : std::nullopt;
  if (port && *port > 0 && *port <= 65535) return fmt::format("{} {}", words[0], words[1]);
  return invalid("argument must be the host and the port of a master");
}

Result<std::string> canonical_percentiles(std::string_view value) {
  std::string text;
  for (const std::string& word : words_of(value)) {
    const auto percent = parse_double(word);
    if (!percent) return invalid("Invalid latency-tracking-info-percentiles parameters");
    if (!(*percent >= 0 && *percent <= 100))
      return invalid("latency-tracking-info-percentiles should be between 0 and 100");
    text += fmt::format("{}{:g}", text.empty() ? "" : " ", *percent);
  }
  return text;
}

Result<std::string> canonical(const RedisParameter& parameter, std::string_view value) {
  switch (parameter.kind) {
    case Kind::kBool:
      if (equals_ignoring_case(value, "YES")) return std::string("yes");
      if (equals_ignoring_case(value, "NO")) return std::string("no");
      return invalid("argument must be 'yes' or 'no'");
    case Kind::kNumber: {
      const auto number = parse_integer(value);
      if (!number) return invalid("argument couldn't be parsed into an integer");
      const size_t bar = parameter.values.find('|');
      const int64_t least = *parse_integer(parameter.values.substr(0, bar));
      const int64_t most = *parse_integer(parameter.values.substr(bar + 1));
      if (*number < least || *number > most)
        return invalid(fmt::format("argument must be between {} and {} inclusive", least, most));
      return std::string(value);
    }
    case Kind::kBytes: {
      const auto bytes = parse_bytes(value);
      if (!bytes) return invalid("argument must be a memory value");
      return std::to_string(*bytes);
    }
    case Kind::kWord: {
      std::string all;
      for (std::string_view rest = parameter.values; !rest.empty();) {
        const size_t bar = std::min(rest.find('|'), rest.size());
        const std::string_view word = rest.substr(0, bar);
        if (engine::word(value, {word}).ok()) return std::string(word);
        all += fmt::format("{}{}", all.empty() ? "" : ", ", word);
        rest.remove_prefix(std::min(bar + 1, rest.size()));
      }
      return invalid("argument(s) must be one of the following: " + all);
    }
    case Kind::kShare:
      return canonical_share(value);
    case Kind::kPercentiles:
      return canonical_percentiles(value);
    case Kind::kMaster:
      return canonical_master(value);
    case Kind::kText:
      return std::string(value);
  }
  return std::string(value);
}

}  // namespace

std::span<const RedisParameter> redis_parameters() { return kRedisParameters; }

const RedisParameter* find_redis_parameter(std::string_view name) {
  const auto found = std::lower_bound(std::begin(kRedisParameters), std::end(kRedisParameters),
                                      name, comes_before);
  return found == std::end(kRedisParameters) || found->name != name ? nullptr : found;
}

std::string_view redis_parameter_value(const EngineConfig& config,
                                       const RedisParameter& parameter) {
  const auto given = config.accepted.find(parameter.name);
  return given == config.accepted.end() ? parameter.standard : given->second;
}

std::string_view redis_text(const EngineConfig& config, std::string_view name) {
  const RedisParameter* parameter = find_redis_parameter(name);
  CHECK(parameter != nullptr);
  return redis_parameter_value(config, *parameter);
}

int64_t redis_number(const EngineConfig& config, std::string_view name) {
  const auto number = parse_integer(redis_text(config, name));
  CHECK(number.has_value());
  return *number;
}

Result<void> set_redis_parameter(EngineConfig& config, const RedisParameter& parameter,
                                 std::string_view value) {
  TRY_ASSIGN(const std::string text, canonical(parameter, value));
  const std::string name(parameter.name);
  if (text == parameter.standard) {
    config.accepted.erase(name);
    return {};
  }
  if (!parameter.refusal.empty()) return Error{Errc::kUnsupported, std::string(parameter.refusal)};
  config.accepted[name] = text;
  return {};
}

std::string_view why_refused_directive(std::string_view name) {
  for (const Refused& refused : kRefused)
    if (refused.name == name) return refused.why;
  return {};
}

std::string_view newer_name(std::string_view name) {
  for (const Names& names : kNames)
    if (names.older == name) return names.newer;
  return name;
}

std::string_view older_name(std::string_view name) {
  for (const Names& names : kNames)
    if (names.newer == name) return names.older;
  return {};
}

}  // namespace powercut::engine
