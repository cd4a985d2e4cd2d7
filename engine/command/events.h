// What happens to keys, for those who subscribe to it (notify-keyspace-events): as Redis names it, a letter for each kind
// of event. It is told as a message on a channel, behind the operation it tells of: nothing is that a cut takes back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace powercut::engine {

class Events {
 public:
  struct Event {
    std::string_view name;  // outlives this
    int db;
    std::string key;
  };

  // "KEA", "Elg": K and E are the channels, the others what is told there. nullopt: a letter that means nothing.
  static std::optional<uint32_t> parse(std::string_view letters);
  // The letters in Redis's order, with A for all but m and n.
  static std::string format(uint32_t flags);

  void set_flags(uint32_t flags) { flags_ = flags; }
  bool wants(char kind) const;
  void add(char kind, std::string_view name, int db, std::string_view key) {
    if (flags_ != 0 && wants(kind)) events_.push_back({name, db, std::string(key)});
  }
  bool any() const { return flags_ != 0; }
  bool empty() const { return events_.empty(); }
  std::vector<Event> take() { return std::exchange(events_, {}); }
  bool on_key_channel() const;    // __keyspace@db__:key, whose message is the event
  bool on_event_channel() const;  // __keyevent@db__:event, whose message is the key

 private:
  uint32_t flags_ = 0;
  std::vector<Event> events_;
};

}  // namespace powercut::engine
