#include "engine/store/stream_group.h"

#include "engine/base/check.h"
#include "engine/store/slab_map.h"

namespace powercut::engine {

StreamGroup::StreamGroup(const StreamGroup& other)
    : last_id(other.last_id), entries_read(other.entries_read) {
  for (const auto& [name, consumer] : other.consumers_) {
    Consumers::value_type* copy = add_consumer(name, consumer.seen_ms);
    for (const StreamId id : consumer.pending) {
      const Pending& pending = other.pending_.at(id);
      deliver(id, copy, pending.delivered_ms, pending.deliveries);
    }
  }
  CHECK(pending_.size() == other.pending_.size());
}

StreamGroup::Consumers::value_type* StreamGroup::find_consumer(std::string_view name) {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &*found;
}

const StreamGroup::Consumers::value_type* StreamGroup::find_consumer(std::string_view name) const {
  const auto found = consumers_.find(name);
  return found == consumers_.end() ? nullptr : &*found;
}

StreamGroup::Consumers::value_type* StreamGroup::add_consumer(std::string_view name,
                                                              int64_t seen_ms) {
  const auto [added, is_new] = consumers_.emplace(std::string(name), Consumer{seen_ms, {}});
  CHECK(is_new);
  name_bytes_ += heap_bytes(added->first);
  return &*added;
}

void StreamGroup::erase_consumer(std::string_view name) {
  const auto found = consumers_.find(name);
  CHECK(found != consumers_.end());
  for (const StreamId id : found->second.pending) pending_.erase(id);
  name_bytes_ -= heap_bytes(found->first);
  consumers_.erase(found);
}

const StreamGroup::Pending* StreamGroup::find_pending(StreamId id) const {
  const auto found = pending_.find(id);
  return found == pending_.end() ? nullptr : &found->second;
}

const StreamGroup::Pending& StreamGroup::deliver(StreamId id, Consumers::value_type* owner,
                                                 int64_t delivered_ms, uint64_t deliveries) {
  CHECK(owner != nullptr);
  Pending& pending = pending_[id];
  if (pending.owner != owner) {
    if (pending.owner != nullptr) pending.owner->second.pending.erase(id);
    owner->second.pending.insert(id);
  }
  pending = {delivered_ms, deliveries, owner};
  return pending;
}

bool StreamGroup::acknowledge(StreamId id) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return false;
  found->second.owner->second.pending.erase(id);
  pending_.erase(found);
  return true;
}

size_t StreamGroup::memory_bytes() const {
  return consumers_.size() * heap_bytes(kTreeNodeBytes + sizeof(Consumers::value_type)) +
         name_bytes_ +
         pending_.size() * (heap_bytes(kTreeNodeBytes + sizeof(Pendings::value_type)) +
                            heap_bytes(kTreeNodeBytes + sizeof(StreamId)));
}

}  // namespace powercut::engine
