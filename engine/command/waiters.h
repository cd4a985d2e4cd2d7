// Clients that wait for a key (BLPOP and the like): what for, in which order, and until when. Who serves them, and
// answers them, is the executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/time.h"
#include "engine/store/value.h"

namespace powercut::engine {

struct CommandSpec;

// A key by the number of its database: that is what a client waits at, whatever SWAPDB puts there.
struct Place {
  int db = 0;
  std::string key;
  bool operator==(const Place&) const = default;
};

struct Waiting {
  const CommandSpec* spec = nullptr;
  std::vector<std::string> words;  // the request
  int db = 0;
  Type type = Type::kList;  // what a key must be
  size_t first_key = 1;     // of `words`
  size_t keys = 0;
  bool moves = false;  // it names further keys: what it is served with goes there
  Instant until = kForever;
  bool word_each =
      false;  // behind the keys stands a word for each; else, in front of several, how many they are
  // Has a key of that type something for this client? `request` is for that key alone. nullptr: it has.
  bool (*is_ready)(const Value& value, std::span<const std::string_view> request) = nullptr;
  // The error that it is told where a key has gone, or is of another type; empty: it goes on waiting.
  std::string_view gone = {};
};

// The same request, for one of its keys: what the client is served with is what became ready, not what stands first.
std::vector<std::string_view> request_for(const Waiting& waiting, std::string_view key);

class Waiters {
 public:
  // REQUIRES: it does not wait yet.
  void add(uint64_t client, Waiting waiting);
  // It waits no more; what it waited for. REQUIRES: it waits.
  Waiting take(uint64_t client);

  bool empty() const { return clients_.empty(); }
  size_t count() const { return clients_.size(); }
  size_t with_deadline() const { return deadlines_.size(); }

  // What a client waits for. REQUIRES: it waits.
  const Waiting& of(uint64_t client) const { return clients_.at(client).waiting; }

  // Does anybody wait there?
  bool any_at(int db, std::string_view key) const;
  struct Turn {
    uint64_t turn = 0;
    uint64_t client = 0;  // 0: nobody
  };
  // Who came first, behind that turn, of those that wait there for a key of that type.
  Turn next_at(const Place& place, Type type, uint64_t behind = 0) const;
  // Who is to be told, as `gone` says, that there is no key, or one of that type.
  std::vector<uint64_t> bereft_at(const Place& place, std::optional<Type> type) const;
  // Does anybody wait who moves what he is served with; and who does there.
  bool any_moves() const { return moves_ > 0; }
  std::vector<uint64_t> moving_at(int db, std::string_view key) const;
  // Who waits for no key, but for replicas to confirm what they have (WAIT).
  std::vector<uint64_t> for_replicas() const;
  // Where somebody waits in that database.
  std::vector<Place> places(int db) const;

  // When the first one has waited long enough; kForever: nobody ever has.
  Instant next_deadline() const {
    return deadlines_.empty() ? kForever : Instant{deadlines_.begin()->first};
  }
  // One that has by then; 0: none.
  uint64_t overdue(Instant now) const;

 private:
  struct Entry {
    Waiting waiting;
    uint64_t turn;
  };
  struct Before {
    using is_transparent = void;
    using View = std::pair<int, std::string_view>;
    static View view(const Place& place) { return {place.db, place.key}; }
    static View view(const View& place) { return place; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return view(a) < view(b);
    }
  };

  std::map<uint64_t, Entry> clients_;
  std::map<Place, std::map<uint64_t, uint64_t>, Before> queues_;  // clients by their turn
  std::set<std::pair<int64_t, uint64_t>> deadlines_;              // and whose
  size_t may_be_bereft_ = 0;                                      // clients
  size_t for_replicas_ = 0;                                       // clients
  size_t moves_ = 0;                                              // clients
  uint64_t turns_ = 0;
};

}  // namespace powercut::engine
