#include "engine/command/client.h"

#include "engine/base/check.h"

namespace powercut::engine {

Client::Client(Clients& clients)
    : opened_at(clients.now()), active_at(opened_at), clients_(clients), id_(clients.enter(*this)) {
  authenticated = clients.password.empty();
}

bool Clients::accepts(std::string_view given) const {
  unsigned char difference = given.size() == password.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i] ^ (i < password.size() ? password[i] : 0));
  return difference == 0;
}

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
  CHECK(!in_multi);  // what it watches is settled when MULTI comes
  if (watched_.empty()) clients_.begin_watching();
  watched_.push_back({db_identity, std::string(key)});
}

void Client::watch_across_swap(int one_identity, int other_identity) {
  for (Watched& watched : watched_) {
    if (watched.db_identity == one_identity)
      watched.db_identity = other_identity;
    else if (watched.db_identity == other_identity)
      watched.db_identity = one_identity;
  }
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

void Clients::leave(Client& client) {
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
