// The parameters of the process around the store: addresses, clients, its log. engine/server/ goes by them.
#include <algorithm>

#include "engine/parameter_values.h"
#include "engine/parameters.h"

namespace powercut::engine {

namespace {

using Config = const EngineConfig&;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& one : words) text += (text.empty() ? "" : " ") + one;
  return text;
}

Result<void> set_bind(EngineConfig& config, std::string_view value) {
  config.service.bind = words_of(value);
  config.service.bind_given = true;
  return {};
}

template <class Number>
Result<void> set_number(Number& field, std::string_view value, int64_t least, int64_t most) {
  TRY_ASSIGN(const int64_t number, integer(value, least, most));
  field = static_cast<Number>(number);
  return {};
}

Result<void> set_text(std::string& field, std::string_view value) {
  field = value;
  return {};
}

// A file's name, in the store's directory.
Result<void> set_name(std::string& field, std::string_view value) {
  if (value.empty() || value == "." || value == ".." || value.find('/') != value.npos)
    return invalid("it must be the name of a file, not a path");
  field = value;
  return {};
}

Result<void> set_socket_mode(EngineConfig& config, std::string_view value) {
  uint64_t mode = 0;
  for (const char c : value) {
    if (c < '0' || c > '7' || mode > 0777)
      return invalid("argument couldn't be parsed into an integer");
    mode = mode * 8 + static_cast<uint64_t>(c - '0');
  }
  if (mode > 0777) return invalid("argument must be between 0 and 777 inclusive");
  config.service.unix_socket_mode = mode;
  return {};
}

std::string octal(uint64_t mode) { return fmt::format("{:o}", mode); }

std::string get_output_limits(Config config) {
  const auto one = [](std::string_view name, const OutputLimit& limit) {
    return fmt::format("{} {} {} {}", name, limit.hard, limit.soft, limit.soft_seconds);
  };
  const ServiceConfig& service = config.service;
  return one("normal", service.output_normal) + " " + one("slave", service.output_replica) + " " +
         one("pubsub", service.output_pubsub);
}

// "normal 0 0 0 pubsub 32mb 8mb 60": those that are not named stay.
Result<void> set_output_limits(EngineConfig& config, std::string_view value) {
  const auto words = words_of(value);
  if (words.empty() || words.size() % 4 != 0)
    return invalid("Wrong number of arguments in buffer limit configuration.");
  for (size_t i = 0; i < words.size(); i += 4) {
    const auto which = word(words[i], {"normal", "slave", "replica", "pubsub"});
    if (!which.ok())
      return invalid("Invalid client class specified in buffer limit configuration.");
    const auto hard = parse_bytes(words[i + 1]);
    const auto soft = parse_bytes(words[i + 2]);
    const auto seconds = parse_integer(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0)
      return invalid("Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    OutputLimit& limit = *which == 0   ? config.service.output_normal
                         : *which == 3 ? config.service.output_pubsub
                                       : config.service.output_replica;
    limit = {*hard, *soft, *seconds};
  }
  return {};
}

Result<void> set_log_level(EngineConfig& config, std::string_view value) {
  static constexpr std::string_view kLevels[] = {"debug", "verbose", "notice", "warning"};
  TRY_ASSIGN(const size_t which, word(value, {"debug", "verbose", "notice", "warning"}));
  config.service.log_level = kLevels[which];
  return {};
}

Result<void> set_supervised(EngineConfig& config, std::string_view value) {
  static constexpr std::string_view kModes[] = {"no", "upstart", "systemd", "auto"};
  TRY_ASSIGN(const size_t which, word(value, {"no", "upstart", "systemd", "auto"}));
  if (which == 1) return invalid("only systemd is known: no, systemd or auto");
  config.service.supervised = kModes[which];
  return {};
}

Result<void> set_auth_clients(EngineConfig& config, std::string_view value) {
  static constexpr std::string_view kAnswers[] = {"no", "yes", "optional"};
  TRY_ASSIGN(const size_t which, word(value, {"no", "yes", "optional"}));
  config.service.tls.auth_clients = kAnswers[which];
  return {};
}

Result<void> set_syslog_facility(EngineConfig& config, std::string_view value) {
  TRY(word(value, {"user", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
                   "local7"}));
  config.service.syslog_facility = value;
  return {};
}

constexpr auto kStart = Settable::kStart;
constexpr auto kRunTime = Settable::kRunTime;

constexpr Parameter kServiceParameters[] = {
    {"aclfile", kStart, [](Config c) { return c.service.acl_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.acl_file, v); },
     "a file of users, for ACL LOAD and SAVE"},
    {"appenddirname", kStart, [](Config c) { return c.service.log_directory; },
     [](EngineConfig& c, std::string_view v) { return set_name(c.service.log_directory, v); }, ""},
    {"appendfilename", kStart, [](Config c) { return c.service.log_name; },
     [](EngineConfig& c, std::string_view v) { return set_name(c.service.log_name, v); }, ""},
    {"bind", kRunTime, [](Config c) { return joined(c.service.bind); }, set_bind,
     "addresses to listen on; one with - before it may be missing"},
    {"client-output-buffer-limit", kRunTime, get_output_limits, set_output_limits, ""},
    {"client-query-buffer-limit", kRunTime,
     [](Config c) { return std::to_string(c.service.query_buffer_limit); },
     [](EngineConfig& c, std::string_view v) { return set_bytes(c.service.query_buffer_limit, v); },
     ""},
    {"daemonize", kStart, [](Config c) { return yes_no(c.service.daemonize); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.daemonize, v); }, ""},
    {"dbfilename", Settable::kProtected, [](Config c) { return c.service.checkpoint_name; },
     [](EngineConfig& c, std::string_view v) { return set_name(c.service.checkpoint_name, v); },
     ""},
    {"directory-lock", Settable::kSame, [](Config c) { return yes_no(c.service.directory_lock); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.directory_lock, v); },
     "no: where the filesystem has no locks; then nothing keeps a second server out"},
    {"directory-sync", Settable::kSame, [](Config c) { return yes_no(c.service.directory_sync); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.directory_sync, v); },
     "no: where the filesystem cannot sync a directory; then nothing is promised on a power cut"},
    {"io-uring", Settable::kSame, [](Config c) { return yes_no(c.service.io_uring); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.io_uring, v); },
     "no: plain system calls for the disk"},
    {"logfile", kStart, [](Config c) { return c.service.log_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.log_file, v); }, ""},
    {"loglevel", kRunTime, [](Config c) { return c.service.log_level; }, set_log_level, ""},
    {"maxclients", kRunTime, [](Config c) { return std::to_string(c.service.max_clients); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.max_clients, v, 1, UINT32_MAX);
     },
     ""},
    {"metrics-address", Settable::kSame, [](Config c) { return c.service.metrics_address; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.metrics_address, v); },
     "where metrics-port is"},
    {"metrics-port", Settable::kSame,
     [](Config c) { return std::to_string(c.service.metrics_port); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.metrics_port, v, 0, 65535);
     },
     "http://ADDRESS:PORT/metrics for Prometheus; 0: none"},
    {"pidfile", kStart, [](Config c) { return c.service.pid_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.pid_file, v); }, ""},
    {"port", kRunTime, [](Config c) { return std::to_string(c.service.port); },
     [](EngineConfig& c, std::string_view v) { return set_number(c.service.port, v, 0, 65535); },
     "TCP port; 0: any that is free, or none where there is a unixsocket"},
    {"protected-mode", kRunTime, [](Config c) { return yes_no(c.service.protected_mode); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.protected_mode, v); }, ""},
    {"requirepass", kRunTime, [](Config c) { return c.service.password; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.password, v); },
     "the password that clients must give"},
    {"slowlog-log-slower-than", kRunTime,
     [](Config c) { return std::to_string(c.service.slowlog_slower_us); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.slowlog_slower_us, v, -1, INT64_MAX);
     },
     ""},
    {"slowlog-max-len", kRunTime, [](Config c) { return std::to_string(c.service.slowlog_most); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.slowlog_most, v, 0, INT64_MAX);
     },
     ""},
    {"supervised", kStart, [](Config c) { return c.service.supervised; }, set_supervised, ""},
    {"syslog-enabled", kStart, [](Config c) { return yes_no(c.service.syslog); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.syslog, v); }, ""},
    {"syslog-facility", kStart, [](Config c) { return c.service.syslog_facility; },
     set_syslog_facility, ""},
    {"syslog-ident", kStart, [](Config c) { return c.service.syslog_ident; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.syslog_ident, v); }, ""},
    {"tcp-backlog", kStart, [](Config c) { return std::to_string(c.service.tcp_backlog); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.tcp_backlog, v, 0, INT32_MAX);
     },
     ""},
    {"tcp-keepalive", kRunTime, [](Config c) { return std::to_string(c.service.tcp_keepalive_s); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.tcp_keepalive_s, v, 0, INT32_MAX);
     },
     ""},
    {"timeout", kRunTime, [](Config c) { return std::to_string(c.service.idle_timeout_s); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.idle_timeout_s, v, 0, INT32_MAX);
     },
     ""},
    {"tls-auth-clients", Settable::kSame, [](Config c) { return c.service.tls.auth_clients; },
     set_auth_clients, ""},
    {"tls-ca-cert-dir", Settable::kSame, [](Config c) { return c.service.tls.ca_directory; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.ca_directory, v); },
     ""},
    {"tls-ca-cert-file", Settable::kSame, [](Config c) { return c.service.tls.ca_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.ca_file, v); },
     "whose certificates clients may have"},
    {"tls-cert-file", Settable::kSame, [](Config c) { return c.service.tls.cert_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.cert_file, v); },
     "of the server, PEM"},
    {"tls-ciphers", Settable::kSame, [](Config c) { return c.service.tls.ciphers; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.ciphers, v); }, ""},
    {"tls-ciphersuites", Settable::kSame, [](Config c) { return c.service.tls.ciphersuites; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.ciphersuites, v); },
     ""},
    {"tls-client-cert-file", Settable::kSame,
     [](Config c) { return c.service.tls.client_cert_file; },
     [](EngineConfig& c, std::string_view v) {
       return set_text(c.service.tls.client_cert_file, v);
     },
     "of a replica, for its master; without it tls-cert-file"},
    {"tls-client-key-file", Settable::kSame, [](Config c) { return c.service.tls.client_key_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.client_key_file, v); },
     ""},
    {"tls-client-key-file-pass", Settable::kSame,
     [](Config c) { return c.service.tls.client_key_password; },
     [](EngineConfig& c, std::string_view v) {
       return set_text(c.service.tls.client_key_password, v);
     },
     ""},
    {"tls-key-file", Settable::kSame, [](Config c) { return c.service.tls.key_file; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.key_file, v); },
     "its key"},
    {"tls-key-file-pass", Settable::kSame, [](Config c) { return c.service.tls.key_password; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.key_password, v); },
     ""},
    {"tls-port", Settable::kSame, [](Config c) { return std::to_string(c.service.tls.port); },
     [](EngineConfig& c, std::string_view v) {
       return set_number(c.service.tls.port, v, 0, 65535);
     },
     "TLS, on the same addresses; 0: none"},
    {"tls-prefer-server-ciphers", Settable::kSame,
     [](Config c) { return yes_no(c.service.tls.prefer_server_ciphers); },
     [](EngineConfig& c, std::string_view v) {
       return set_bool(c.service.tls.prefer_server_ciphers, v);
     },
     ""},
    {"tls-protocols", Settable::kSame, [](Config c) { return c.service.tls.protocols; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.tls.protocols, v); }, ""},
    {"tls-replication", Settable::kSame, [](Config c) { return yes_no(c.service.tls.replication); },
     [](EngineConfig& c, std::string_view v) { return set_bool(c.service.tls.replication, v); },
     "a replica's link to its master is TLS"},
    {"unixsocket", kStart, [](Config c) { return c.service.unix_socket; },
     [](EngineConfig& c, std::string_view v) { return set_text(c.service.unix_socket, v); }, ""},
    {"unixsocketperm", kStart, [](Config c) { return octal(c.service.unix_socket_mode); },
     set_socket_mode, ""},
};

}  // namespace

std::span<const Parameter> service_parameters() { return kServiceParameters; }

}  // namespace powercut::engine
