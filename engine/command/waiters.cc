#include "engine/command/waiters.h"

#include <algorithm>

#include "engine/base/check.h"

namespace powercut::engine {

std::vector<std::string_view> request_for(const Waiting& waiting, std::string_view key) {
  const auto& words = waiting.words;
  const size_t behind = waiting.first_key + waiting.keys;
  CHECK(waiting.first_key > 0 && waiting.keys > 0 && behind <= words.size());
  std::vector<std::string_view> request(words.begin(),
                                        words.begin() + static_cast<ptrdiff_t>(waiting.first_key));
  if (request.size() > 1 && !waiting.word_each) request.back() = "1";  // how many keys there are
  request.push_back(key);
  if (waiting.word_each) {
    const auto first = words.begin() + static_cast<ptrdiff_t>(waiting.first_key);
    const auto place = std::find(first, first + static_cast<ptrdiff_t>(waiting.keys), key) - first;
    request.push_back(words[behind + static_cast<size_t>(place)]);
    return request;
  }
  request.insert(request.end(), words.begin() + static_cast<ptrdiff_t>(behind), words.end());
  return request;
}

void Waiters::add(uint64_t client, Waiting waiting) {
  const uint64_t turn = ++turns_;
  for (size_t i = 0; i < waiting.keys; ++i)
    queues_[{waiting.db, waiting.words[waiting.first_key + i]}].emplace(turn, client);
  if (waiting.until != kForever) deadlines_.emplace(waiting.until.ns, client);
  if (!waiting.gone.empty()) ++may_be_bereft_;
  if (waiting.keys == 0) ++for_replicas_;
  if (waiting.moves) ++moves_;
  const bool is_new = clients_.emplace(client, Entry{std::move(waiting), turn}).second;
  CHECK(is_new);
}

Waiting Waiters::take(uint64_t client) {
  const auto found = clients_.find(client);
  CHECK(found != clients_.end());
  const Entry entry = std::move(found->second);
  clients_.erase(found);
  const Waiting& waiting = entry.waiting;
  for (size_t i = 0; i < waiting.keys; ++i) {
    const auto queue = queues_.find(Before::View{waiting.db, waiting.words[waiting.first_key + i]});
    if (queue == queues_.end()) continue;  // a key that it named twice
    queue->second.erase(entry.turn);
    if (queue->second.empty()) queues_.erase(queue);
  }
  deadlines_.erase({waiting.until.ns, client});
  if (!waiting.gone.empty()) --may_be_bereft_;
  if (waiting.keys == 0) --for_replicas_;
  if (waiting.moves) --moves_;
  return entry.waiting;
}

bool Waiters::any_at(int db, std::string_view key) const {
  return queues_.find(Before::View{db, key}) != queues_.end();
}

Waiters::Turn Waiters::next_at(const Place& place, Type type, uint64_t behind) const {
  const auto queue = queues_.find(place);
  if (queue == queues_.end()) return {};
  for (auto at = queue->second.upper_bound(behind); at != queue->second.end(); ++at)
    if (of(at->second).type == type) return {at->first, at->second};
  return {};
}

std::vector<uint64_t> Waiters::bereft_at(const Place& place, std::optional<Type> type) const {
  std::vector<uint64_t> bereft;
  const auto queue = may_be_bereft_ == 0 ? queues_.end() : queues_.find(place);
  if (queue == queues_.end()) return bereft;
  for (const auto& [turn, client] : queue->second)
    if (!of(client).gone.empty() && of(client).type != type) bereft.push_back(client);
  return bereft;
}

std::vector<uint64_t> Waiters::moving_at(int db, std::string_view key) const {
  std::vector<uint64_t> moving;
  const auto queue = moves_ == 0 ? queues_.end() : queues_.find(Before::View{db, key});
  if (queue == queues_.end()) return moving;
  for (const auto& [turn, client] : queue->second)
    if (of(client).moves) moving.push_back(client);
  return moving;
}

std::vector<uint64_t> Waiters::for_replicas() const {
  std::vector<uint64_t> found;
  if (for_replicas_ == 0) return found;
  for (const auto& [client, entry] : clients_)
    if (entry.waiting.keys == 0) found.push_back(client);
  return found;
}

std::vector<Place> Waiters::places(int db) const {
  std::vector<Place> places;
  for (auto at = queues_.lower_bound(Before::View{db, ""});
       at != queues_.end() && at->first.db == db; ++at)
    places.push_back(at->first);
  return places;
}

uint64_t Waiters::overdue(Instant now) const {
  return next_deadline() <= now && !deadlines_.empty() ? deadlines_.begin()->second : 0;
}

}  // namespace powercut::engine
