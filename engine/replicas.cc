// What the store lends its replication, and what INFO says of it.
#include <fmt/format.h>

#include <algorithm>

#include "engine/command/number.h"
#include "engine/engine.h"
#include "engine/parameter_values.h"
#include "engine/redis_parameters.h"

namespace powercut::engine {

namespace {
constexpr const char* kTieredFollowsNobody = "a store with a cold tier follows no master yet";
constexpr const char* kReaderFollowsNobody = "a store with sink-read-through follows no master yet";
constexpr const char* kAloneFollowsNobody =
    "a store without a log, whose database is all that persists, follows no master: start it with "
    "appendonly yes";
}  // namespace

Master::Store Engine::lend_to_master() {
  return {.want_cut = [this] { keeper_.request_send(); },
          .trouble = [this] { return why_not_sent(); },
          .log_line = [this](std::string_view text) { log_line(text); }};
}

void Engine::set_master_options() {
  MasterOptions options;
  options.backlog_bytes = static_cast<size_t>(redis_number(config_, "repl-backlog-size"));
  options.backlog_ttl_s = redis_number(config_, "repl-backlog-ttl");
  options.ping_s = redis_number(config_, "repl-ping-replica-period");
  options.timeout_s = redis_number(config_, "repl-timeout");
  options.most_behind = config_.service.output_replica.hard;
  options.most_lag_s = redis_number(config_, "min-replicas-max-lag");
  options.unsent_bytes = config_.sizes.unsent_bytes;
  master_.set_options(options);
  least_replicas_ = options.most_lag_s == 0
                        ? 0
                        : static_cast<uint64_t>(redis_number(config_, "min-replicas-to-write"));
}

// What a sent checkpoint waits for would not come while the log is blocked, and the keeper, who sends it, heals the log.
std::string Engine::why_not_sent() const {
  if (shutting_down_) return "the store ends";
  if (!aof_.blocked().empty()) return fmt::format("the log is blocked: {}", aof_.blocked());
  const uint64_t most = config_.service.output_replica.hard;
  if (most != 0 && generations_.checkpoint().extra_bytes() > most)
    return "more changed while it was sent than client-output-buffer-limit replica";
  return {};
}

std::optional<uint64_t> Engine::synced_lsn() const {
  if (!aof_.active()) return std::nullopt;
  return aof_.synced_lsn();
}

// --- As a replica ---

Replica::Store Engine::lend_to_replica() {
  return {.replace =
              [this](const std::function<bool()>& is_ready, const std::function<void()>& replace) {
                const auto replaced =
                    keeper_.replace([&] { return generations_.replace(is_ready, replace); });
                // A dump.rdb is all that a start would find.
                if (!aof_.active() && !config_.save.empty())
                  (void)keeper_.request(Keeper::Job::kSave);
                return replaced;
              },
          .count = [this] { return aof_.count_without_entry(); },
          .make_keyspace = [this] { return make_keyspace(); },
          .trouble = [this] { return aof_.blocked(); },
          .on_change = [this] { set_role(); },
          .log_line = [this](std::string_view text) { log_line(text); }};
}

std::unique_ptr<Keyspace> Engine::make_keyspace() {
  auto made = std::make_unique<Keyspace>(config_.databases);
  made->set_encoding_limits(keyspace_.encoding_limits());
  made->accesses() = keyspace_.accesses();
  return made;
}

void Engine::set_replica_options() {
  ReplicaOptions options;
  options.user = redis_text(config_, "masteruser");
  options.password = redis_text(config_, "masterauth");
  options.announced_host = redis_text(config_, "replica-announce-ip");
  const int64_t port = redis_number(config_, "replica-announce-port");
  const ServiceConfig& service = config_.service;
  const int own = service.tls.replication ? service.tls.port : service.port;
  options.announced_port = port != 0 ? static_cast<int>(port) : own;
  options.timeout_s = redis_number(config_, "repl-timeout");
  replica_.set_options(options);
  set_role();
}

void Engine::set_role() {
  Executor::Role role;
  role.replica = replica_.follows();
  role.read_only = redis_text(config_, "replica-read-only") == "yes";
  role.refuses =
      role.replica && !replica_.linked() && redis_text(config_, "replica-serve-stale-data") == "no";
  role.keeps_all = redis_text(config_, "replica-ignore-maxmemory") == "yes";
  const bool changes = role.replica != executor_.role().replica;
  executor_.set_role(role);
  if (changes) wake_expirer_.notify_all();
}

// As the configuration says.
Result<void> Engine::begin_following() {
  const std::vector<std::string> words = words_of(redis_text(config_, "replicaof"));
  if (words.empty()) return {};
  return follow_master(words[0], static_cast<int>(*parse_integer(words[1])));
}

Result<void> Engine::follow_master(std::string_view host, int port) {
  if (!replica_.has_net())
    return Error{Errc::kUnsupported, "there is no network around this store"};
  if (shutting_down_) return Error{Errc::kRefused, "the store ends"};
  if (tier_ != nullptr) return Error{Errc::kInvalid, kTieredFollowsNobody};
  if (copies_ != nullptr) return Error{Errc::kInvalid, kReaderFollowsNobody};
  if (sink_alone()) return Error{Errc::kInvalid, kAloneFollowsNobody};
  config_.accepted["replicaof"] = fmt::format("{} {}", host, port);
  replica_.follow(std::string(host), port);
  return {};
}

Result<void> Engine::fail_over(FailoverWish wish) {
  if (tier_ != nullptr) return Error{Errc::kInvalid, kTieredFollowsNobody};
  if (copies_ != nullptr) return Error{Errc::kInvalid, kReaderFollowsNobody};
  if (sink_alone()) return Error{Errc::kInvalid, kAloneFollowsNobody};
  return failover_.begin(std::move(wish));
}

void Engine::follow_nobody() {
  config_.accepted.erase("replicaof");
  replica_.promote();
}

Result<void> Engine::take_over_from(std::string_view id) {
  if (!replica_.follows())
    return Error{Errc::kRefused, "PSYNC FAILOVER can't be sent to a master."};
  if (id != master_.id())
    return Error{Errc::kRefused, "PSYNC FAILOVER replid must match my replid."};
  log_line("failover: the master hands over to this store");
  follow_nobody();
  return {};
}

Failover::Store Engine::lend_to_failover() {
  return {.hand_over =
              [this](const std::string& host, int port) {
                config_.accepted["replicaof"] = fmt::format("{} {}", host, port);
                replica_.hand_over(host, port);
              },
          .take_back = [this] { follow_nobody(); },
          .log_line = [this](std::string_view text) { log_line(text); }};
}

// --- INFO ---

std::string Engine::info_master_link() {
  const MasterLink& link = *replica_.master_link();
  const ReplicaStats& stats = replica_.stats();
  const bool up = replica_.linked();
  std::string text = fmt::format(
      "master_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\n"
      "master_last_io_seconds_ago:{}\r\nmaster_sync_in_progress:{}\r\n"
      "slave_read_repl_offset:{}\r\nslave_repl_offset:{}\r\n",
      link.host, link.port, up ? "up" : "down",
      up ? (os_.now() - replica_.heard_at()).ms() / 1000 : -1, replica_.syncs() ? 1 : 0,
      link.offset, link.offset);
  if (replica_.syncs()) {
    const uint64_t total = stats.sync_total.value_or(0);
    const double share =
        total == 0 ? 0 : 100.0 * static_cast<double>(stats.sync_bytes) / static_cast<double>(total);
    text += fmt::format(
        "master_sync_total_bytes:{}\r\nmaster_sync_read_bytes:{}\r\nmaster_sync_left_bytes:{}\r\n"
        "master_sync_perc:{:.2f}\r\nmaster_sync_last_io_seconds_ago:{}\r\n",
        total, stats.sync_bytes, total - std::min(total, stats.sync_bytes), share,
        (os_.now() - replica_.heard_at()).ms() / 1000);
  }
  if (!up) {
    const int64_t since =
        replica_.down_since() < Instant{0} ? -1 : (os_.now() - replica_.down_since()).ms() / 1000;
    text += fmt::format("master_link_down_since_seconds:{}\r\n", since);
  }
  return text + fmt::format("slave_priority:{}\r\nslave_read_only:{}\r\nreplica_announced:{}\r\n",
                            redis_text(config_, "replica-priority"),
                            executor_.role().read_only ? 1 : 0,
                            redis_text(config_, "replica-announced") == "yes" ? 1 : 0);
}

std::string Engine::info_replicas() {
  const Clients& clients = executor_.clients();
  std::string replicas;
  size_t count = 0;
  for (const Client* client : clients.replicas) {
    if (!client->replicates()) continue;
    const ReplicaState& replica = *client->replica;
    const Duration lag = os_.now() - replica.confirmed_at;
    replicas += fmt::format("slave{}:ip={},port={},state={},offset={},lag={}\r\n", count++,
                            client->replica_host(), replica.port, replica.name(), replica.confirmed,
                            lag.ms() / 1000);
  }
  std::string text = fmt::format("connected_slaves:{}\r\n", count);
  if (least_replicas_ != 0) text += fmt::format("min_slaves_good_slaves:{}\r\n", master_.good());
  return text + replicas;
}

std::string Engine::info_replication() {
  std::string text = replica_.follows() ? "role:slave\r\n" + info_master_link() : "role:master\r\n";
  text += info_replicas();
  const Backlog& backlog = master_.backlog();
  const std::string none(40, '0');
  text += fmt::format(
      "master_failover_state:{}\r\nmaster_replid:{}\r\nmaster_replid2:{}\r\n"
      "master_repl_offset:{}\r\nsecond_repl_offset:{}\r\nrepl_backlog_active:{}\r\n"
      "repl_backlog_size:{}\r\nrepl_backlog_first_byte_offset:{}\r\nrepl_backlog_histlen:{}\r\n",
      failover_.state(), master_.active() ? master_.id() : none,
      master_.second_id().empty() ? none : master_.second_id(), master_.offset(),
      master_.second_offset(), master_.active() ? 1 : 0, master_.options().backlog_bytes,
      master_.active() ? backlog.first() : 0, backlog.size());
  return text;
}

}  // namespace powercut::engine
