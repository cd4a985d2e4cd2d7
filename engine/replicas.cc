// What the store lends its replication, and what INFO says of it.
#include <fmt/format.h>

#include "engine/engine.h"
#include "engine/redis_parameters.h"

namespace powercut::engine {

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

std::string Engine::info_replication() {
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
  std::string text = fmt::format("role:master\r\nconnected_slaves:{}\r\n", count);
  if (least_replicas_ != 0) text += fmt::format("min_slaves_good_slaves:{}\r\n", master_.good());
  const Backlog& backlog = master_.backlog();
  const std::string none(40, '0');
  text += replicas;
  text += fmt::format(
      "master_failover_state:no-failover\r\nmaster_replid:{}\r\nmaster_replid2:{}\r\n"
      "master_repl_offset:{}\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:{}\r\n"
      "repl_backlog_size:{}\r\nrepl_backlog_first_byte_offset:{}\r\nrepl_backlog_histlen:{}\r\n",
      master_.active() ? master_.id() : none, none, master_.offset(), master_.active() ? 1 : 0,
      master_.options().backlog_bytes, master_.active() ? backlog.first() : 0, backlog.size());
  return text;
}

}  // namespace powercut::engine
