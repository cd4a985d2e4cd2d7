// ACL LOG: what was denied to whom, the newest first.
#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <utility>

#include "engine/base/time.h"

namespace powercut::engine {

struct Denial {
  std::string reason;   // "command", "key", "channel", "auth"
  std::string context;  // "toplevel", "multi", "lua"
  std::string object;   // the command, the key, the channel
  std::string user;
  std::string client;  // as CLIENT LIST shows the last one
  Instant at;
  uint64_t count = 1;

  bool same_as(const Denial& other) const {
    return reason == other.reason && context == other.context && object == other.object &&
           user == other.user;
  }
};

class Denials {
 public:
  // The same again within a minute is one entry, if it is among the newest.
  void note(Denial denial) {
    constexpr Duration kSame = seconds(60);
    constexpr size_t kLooked = 10;
    size_t looked = 0;
    for (auto one = entries_.begin(); one != entries_.end() && looked < kLooked; ++one, ++looked) {
      if (!one->same_as(denial) || denial.at - one->at > kSame) continue;
      denial.count += one->count;
      entries_.erase(one);
      break;
    }
    entries_.push_front(std::move(denial));
    while (entries_.size() > most_) entries_.pop_back();
  }
  const std::list<Denial>& entries() const { return entries_; }
  void forget() { entries_.clear(); }
  void set_most(size_t most) { most_ = most; }  // acllog-max-len

 private:
  std::list<Denial> entries_;
  size_t most_ = 128;
};

}  // namespace powercut::engine
