// A consumer group of a stream: how far it has read, and what was delivered to whom and is not acknowledged yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "engine/store/stream_id.h"

namespace powercut::engine {

class StreamGroup {
 public:
  struct Consumer {
    int64_t seen_ms = 0;         // when it last read or claimed something: of no consequence
    std::set<StreamId> pending;  // of the group's, what is its own
  };
  using Consumers = std::map<std::string, Consumer, std::less<>>;
  struct Pending {
    int64_t delivered_ms = 0;  // last, Unix milliseconds
    uint64_t deliveries = 0;
    Consumers::value_type* owner = nullptr;
  };
  using Pendings = std::map<StreamId, Pending>;

  static constexpr int64_t kUnknown = -1;

  explicit StreamGroup(StreamId last = {}, int64_t read = kUnknown)
      : last_id(last), entries_read(read) {}
  // What is pending points to its consumer.
  StreamGroup(const StreamGroup& other);
  StreamGroup& operator=(const StreamGroup&) = delete;

  StreamId last_id;      // delivered: of the entries behind it the group knows nothing
  int64_t entries_read;  // of all that were ever added, up to last_id; kUnknown

  const Consumers& consumers() const { return consumers_; }
  // nullptr: there is none of that name.
  Consumers::value_type* find_consumer(std::string_view name);
  const Consumers::value_type* find_consumer(std::string_view name) const;
  // REQUIRES: there is none of that name.
  Consumers::value_type* add_consumer(std::string_view name, int64_t seen_ms);
  // With all that is pending for it.
  void erase_consumer(std::string_view name);

  const Pendings& pending() const { return pending_; }
  const Pending* find_pending(StreamId id) const;
  // An entry was delivered to `owner`, whoever had it before.
  const Pending& deliver(StreamId id, Consumers::value_type* owner, int64_t delivered_ms,
                         uint64_t deliveries);
  // False: it was not pending.
  bool acknowledge(StreamId id);

  size_t memory_bytes() const;

 private:
  Consumers consumers_;
  Pendings pending_;
  size_t name_bytes_ = 0;
};

}  // namespace powercut::engine
