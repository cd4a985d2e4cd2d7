#include "engine/replication/failover.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace powercut::engine {

namespace {

constexpr Duration kStep = milliseconds(5);

Error refused(std::string_view why) { return {Errc::kRefused, std::string(why)}; }
}  // namespace

std::string_view Failover::state() const {
  constexpr std::string_view kNames[] = {"no-failover", "waiting-for-sync", "failover-in-progress"};
  return kNames[static_cast<size_t>(state_)];
}

bool Failover::is_meant(const Client& client) const {
  return wish_.host.empty() ||
         (client.replica_host() == wish_.host && client.replica->port == wish_.port);
}

Result<void> Failover::check(const FailoverWish& wish) const {
  if (state_ != State::kNone) return refused("FAILOVER already in progress.");
  if (replica_.follows()) return refused("FAILOVER is not valid when server is a replica.");
  const auto& replicas = executor_.clients().replicas;
  if (replicas.empty()) return refused("FAILOVER requires connected replicas.");
  if (wish.force && (wish.timeout_ms == 0 || wish.host.empty()))
    return refused("FAILOVER with force option requires both a timeout and target HOST and IP.");
  if (wish.host.empty()) return {};
  const auto found = std::find_if(replicas.begin(), replicas.end(), [&](const Client* client) {
    return client->replica_host() == wish.host && client->replica->port == wish.port;
  });
  if (found == replicas.end()) return refused("FAILOVER target HOST and PORT is not a replica.");
  if ((*found)->replica->phase != ReplicaState::Phase::kOnline)
    return refused("FAILOVER target replica is not online.");
  return {};
}

Result<void> Failover::begin(FailoverWish wish) {
  TRY(check(wish));
  wish_ = std::move(wish);
  aborted_ = false;
  state_ = State::kWaiting;
  os_.spawn("failover", [this] { run(); });
  return {};
}

Result<void> Failover::abort() {
  if (state_ == State::kNone) return refused("No failover in progress.");
  aborted_ = true;
  return {};
}

// One that has confirmed all there is.
const Client* Failover::ready() const {
  if (executor_.scripts().busy()) return nullptr;  // it may write on
  for (const Client* client : executor_.clients().replicas) {
    const ReplicaState& replica = *client->replica;
    const bool all =
        replica.phase == ReplicaState::Phase::kOnline && replica.confirmed == master_.offset();
    if (all && is_meant(*client)) return client;
  }
  return nullptr;
}

void Failover::run() {
  executor_.clients().close_writes(true);
  if (wait_for_one()) hand_over();
  state_ = State::kNone;
  executor_.clients().close_writes(false);
}

bool Failover::wait_for_one() {
  const Instant until =
      wish_.timeout_ms == 0
          ? kForever
          : os_.now() + milliseconds(std::min(wish_.timeout_ms, kLongestTimeoutMs));
  for (;;) {
    if (aborted_ || replica_.follows()) break;
    if (const Client* client = ready()) {
      wish_.host = client->replica_host();
      wish_.port = client->replica->port;
      return true;
    }
    if (os_.now() >= until) {
      if (wish_.force) return true;
      store_.log_line("failover: no replica has confirmed all in time; this store stays a master");
      return false;
    }
    master_.ask();
    os_.park(os_.now() + kStep);
  }
  store_.log_line("failover: given up; this store stays a master");
  return false;
}

void Failover::hand_over() {
  state_ = State::kHanding;
  const uint64_t failed = replica_.stats().failed;
  store_.hand_over(wish_.host, wish_.port);
  while (replica_.hands_over() && !aborted_ && replica_.stats().failed == failed)
    os_.park(os_.now() + kStep);
  if (!replica_.hands_over()) {
    store_.log_line(fmt::format("failover: {}:{} has taken over", wish_.host, wish_.port));
    return;
  }
  store_.take_back();
  store_.log_line(fmt::format("failover: {}:{} has not taken over ({}); this store is a master",
                              wish_.host, wish_.port,
                              aborted_ ? "given up" : replica_.stats().last_error));
}

}  // namespace powercut::engine
