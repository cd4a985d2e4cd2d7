#include "engine/command/client.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::engine {

Client::Client(Clients& clients)
    : opened_at(clients.now()), active_at(opened_at), clients_(clients), id_(clients.enter(*this)) {
  begin_as_default();
}

void Client::begin_as_default() {
  user = &clients_.users.default_user();
  authenticated = !clients_.users.must_log_in();
}

void Client::end() {
  give_up();
  hung_up = true;
  if (hang_up) hang_up();
}

Client::~Client() {
  give_up();
  unwatch();
  stop_tracking();
  stop_listening();
  stop_monitoring();
  std::erase(clients_.replicas, this);
  clients_.leave(*this);
}

void Client::give_up() {
  closing = true;
  if (waits) clients_.waiters.take(id_);
  waits = false;
}

void Client::clear_transaction() {
  in_multi = false;
  multi_failed = false;
  queued.clear();
  queued_bytes = 0;
  unwatch();
}

void Client::queue(std::span<const std::string_view> words) {
  queued.emplace_back(words.begin(), words.end());
  for (const std::string_view word : words) queued_bytes += word.size() + sizeof(std::string);
}

// Of names only how many there are.
size_t Client::memory() const {
  constexpr size_t kName = 64;
  size_t names = watched_.size();
  if (tracking != nullptr) names += tracking->prefixes.size();
  if (subscriptions != nullptr)
    names += subscriptions->channels.size() + subscriptions->patterns.size() +
             subscriptions->shards.size();
  return sizeof(Client) + request_bytes + argument_bytes + request_room + queued_bytes +
         outbox.room() + names * kName;
}

void Client::watch(int db, std::string_view key) {
  CHECK(!in_multi);  // what it watches is settled when MULTI comes
  if (watched_.empty()) clients_.begin_watching();
  watched_.push_back({db, std::string(key)});
}

void Client::unwatch() {
  if (!watched_.empty()) clients_.end_watching();
  watched_.clear();
  watch_broken = false;
}

// --- What it is told unasked ---

void Client::tell(std::string bytes, uint64_t lsn) { show({std::move(bytes), lsn, false}); }

void Client::send_raw(std::string bytes, uint64_t lsn) { show({std::move(bytes), lsn, true}); }

void Client::show(News news) {
  if (executing_) {
    news_.push_back(std::move(news));
    return;
  }
  if (news.raw) {
    outbox.put(news.bytes, news.lsn);
  } else {
    outbox.bytes() += news.bytes;
    outbox.hold(news.lsn, 0);
  }
  clients_.count(*this);
  if (on_news) on_news();
}

void Client::end_command() {
  executing_ = false;
  for (News& news : std::exchange(news_, {})) show(std::move(news));
}

void Client::become_replica() {
  if (replica != nullptr) return;
  replica = std::make_unique<ReplicaState>();
  clients_.replicas.push_back(this);
}

void Client::stop_monitoring() {
  if (monitors) --clients_.monitors;
  monitors = false;
}

void Client::stop_tracking() {
  if (tracking == nullptr) return;
  for (const std::string& prefix : tracking->prefixes) clients_.tracking.drop_prefix(id_, prefix);
  tracking.reset();
  CHECK(clients_.tracking.clients > 0);
  if (--clients_.tracking.clients == 0) clients_.tracking.forget_all();
}

void Client::stop_listening() {
  if (subscriptions == nullptr) return;
  Channels& all = clients_.channels;
  for (const std::string& name : subscriptions->channels) all.unsubscribe(all.channels, id_, name);
  for (const std::string& name : subscriptions->patterns) all.unsubscribe(all.patterns, id_, name);
  for (const std::string& name : subscriptions->shards) all.unsubscribe(all.shards, id_, name);
  subscriptions.reset();
}

std::string Client::replica_host() const {
  if (replica != nullptr && !replica->host.empty()) return replica->host;
  return address.substr(0, address.rfind(':'));
}

// --- All clients ---

Client* Clients::find(uint64_t id) const {
  const auto found = std::lower_bound(all_.begin(), all_.end(), id,
                                      [](const Client* a, uint64_t b) { return a->id() < b; });
  return found != all_.end() && (*found)->id() == id ? *found : nullptr;
}

void Clients::log_out(const User& user, Client* asking) {
  for (Client* client : all_) {
    if (client->user != &user) continue;
    client->user = &users.default_user();
    client->authenticated = false;
    if (client == asking) {
      client->closing = true;
    } else {
      client->end();
    }
  }
}

void Clients::pause(Instant until, bool all) {
  const bool paused = now() < paused_until_;
  all_paused_ = all || (paused && all_paused_);
  paused_until_ = paused ? std::max(paused_until_, until) : until;
}

void Clients::unpause() {
  paused_until_ = kNever;
  all_paused_ = false;
  unpaused_.notify_all();
}

void Clients::close_writes(bool closed) {
  closed_ = closed;
  if (!closed) unpaused_.notify_all();
}

void Clients::wait_for_unpause(Client& client) {
  ++waiting_;
  client.paused = true;
  unpaused_.wait(closed_ ? kForever : paused_until_);
  client.paused = false;
  --waiting_;
}

uint64_t Clients::enter(Client& client) {
  all_.push_back(&client);
  return ++last_id_;
}

// --- Their memory ---

void Clients::count(Client& client) {
  static constexpr size_t kNeeded = 16 << 10;
  const bool counts =
      !client.hung_up && !client.is_master && !client.replicates() && !client.monitors;
  const size_t pending = counts ? client.pending() : 0;
  memory_ -= client.counted_;
  buffered_ -= client.counted_pending_;
  client.counted_ = counts ? client.memory() : 0;
  client.counted_pending_ = pending - std::min(pending, kNeeded);
  memory_ += client.counted_;
  buffered_ += client.counted_pending_;
}

void Clients::evict() {
  while (most_memory_ != 0 && memory_ > most_memory_) {
    Client* most = nullptr;
    for (Client* client : all_)
      if (client->counted_ != 0 && !client->no_evict &&
          (most == nullptr || client->counted_ > most->counted_))
        most = client;
    if (most == nullptr) return;
    ++evicted_;
    if (on_evict) on_evict(*most);
    most->end();
    count(*most);
  }
}

void Clients::leave(Client& client) {
  client.hung_up = true;
  count(client);
  const size_t left = std::erase(all_, &client);
  CHECK(left == 1 && watching_ <= all_.size());
}

void Clients::begin_watching() {
  ++watching_;
  CHECK(watching_ <= all_.size());
}

void Clients::end_watching() {
  CHECK(watching_ > 0);
  --watching_;
}

}  // namespace powercut::engine
