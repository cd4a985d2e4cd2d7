#include "engine/command/client.h"

namespace powercut::engine {

Client::Client(Clients& clients)
    : opened_at(clients.now()),
      active_at(opened_at),
      clients_(clients),
      id_(clients.enter(*this)) {}

Client::~Client() {
  unwatch();
  clients_.leave(*this);
}

void Client::clear_transaction() {
  in_multi = false;
  multi_failed = false;
  queued.clear();
  unwatch();
}

void Client::watch(int db_identity, std::string_view key) {
  if (watched_.empty()) clients_.begin_watching();
  watched_.push_back({db_identity, std::string(key)});
}

void Client::unwatch() {
  if (!watched_.empty()) clients_.end_watching();
  watched_.clear();
  watch_broken = false;
}

uint64_t Clients::enter(Client& client) {
  all_.push_back(&client);
  return ++last_id_;
}

void Clients::leave(Client& client) { std::erase(all_, &client); }

}  // namespace powercut::engine
