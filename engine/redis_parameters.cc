#include "engine/redis_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/parameter_values.h"

namespace powercut::engine {

namespace {

using Kind = RedisParameter::Kind;

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
  const auto found = std::lower_bound(
      std::begin(kRedisParameters), std::end(kRedisParameters), name,
      [](const RedisParameter& parameter, std::string_view key) { return parameter.name < key; });
  return found == std::end(kRedisParameters) || found->name != name ? nullptr : found;
}

std::string_view redis_parameter_value(const EngineConfig& config,
                                       const RedisParameter& parameter) {
  const auto given = config.accepted.find(parameter.name);
  return given == config.accepted.end() ? parameter.standard : given->second;
}

std::string_view redis_text(const EngineConfig& config, KnownParameter known) {
  return redis_parameter_value(config, known.parameter);
}

int64_t redis_number(const EngineConfig& config, KnownParameter known) {
  const auto given = config.accepted.find(known.parameter.name);
  const auto number =
      given == config.accepted.end() ? known.standard : parse_integer(given->second);
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
