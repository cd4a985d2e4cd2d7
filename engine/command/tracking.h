// CLIENT TRACKING: which client may hold which key in a cache of its own, and has to be told when it changes. Knows
// clients by their numbers alone; engine/command/news.h tells them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::engine {

// Of a client that has it on.
struct TrackingState {
  enum class Caching : unsigned char { kUnsaid, kYes, kNo };
  bool broadcast = false;              // BCAST: of every key with one of the prefixes, read or not
  bool opt_in = false;                 // only what is read after CACHING YES
  bool opt_out = false;                // all but what is read after CACHING NO
  bool no_loop = false;                // not of what it changes itself
  bool broken = false;                 // whom it redirects to has gone
  Caching caching = Caching::kUnsaid;  // for the next command
  uint64_t redirect = 0;               // who is told; 0: itself
  std::vector<std::string> prefixes;   // BCAST; in no order

  bool remembers() const {
    return !broadcast && !(opt_in && caching != Caching::kYes) &&
           !(opt_out && caching == Caching::kNo);
  }
};

class Tracking {
 public:
  using Ids = std::set<uint64_t>;

  // Clients that have it on; if there are none, nothing has to be noticed.
  size_t clients = 0;

  void set_most_keys(uint64_t most) { most_keys_ = most; }
  bool over_limit() const { return most_keys_ != 0 && keys_.size() > most_keys_; }

  void remember(uint64_t client, std::string_view key) {
    if (keys_[std::string(key)].insert(client).second) ++items_;
  }
  // Who remembers it; from now on nobody does.
  Ids take(std::string_view key) {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return {};
    Ids ids = std::move(found->second);
    items_ -= ids.size();
    keys_.erase(found);
    return ids;
  }
  // One of the keys that are remembered. REQUIRES: there are some.
  const std::string& any_key() const { return keys_.begin()->first; }
  void forget_all() {
    keys_.clear();
    items_ = 0;
  }

  void add_prefix(uint64_t client, const std::string& prefix) { prefixes_[prefix].insert(client); }
  void drop_prefix(uint64_t client, const std::string& prefix) {
    const auto found = prefixes_.find(prefix);
    if (found == prefixes_.end()) return;
    found->second.erase(client);
    if (found->second.empty()) prefixes_.erase(found);
  }
  const std::map<std::string, Ids>& prefixes() const { return prefixes_; }

  size_t keys() const { return keys_.size(); }
  size_t items() const { return items_; }

 private:
  std::map<std::string, Ids, std::less<>> keys_;
  std::map<std::string, Ids> prefixes_;
  size_t items_ = 0;
  uint64_t most_keys_ = 1'000'000;
};

}  // namespace powercut::engine
