// The simulator's check of itself, kept apart from the log of what is pending: which bytes of a
// file were synced and not touched since. They must survive every power cut.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/check.h"

namespace powercut::sim {

class Witness {
 public:
  // Bytes [0, synced()) are durable by all that was promised.
  uint64_t synced() const { return synced_; }

  // Bytes from `offset` on are written, or gone.
  void touch(uint64_t offset) {
    synced_ = std::min(synced_, offset);
    touched_in_flight_ = std::min(touched_in_flight_, offset);
  }
  // A sync begins while no other of the file is in flight.
  void begin_sync() { touched_in_flight_ = UINT64_MAX; }
  // A sync that began at this size has forced all that it covered.
  void finish_sync(uint64_t size) {
    synced_ = std::max(synced_, std::min(size, touched_in_flight_));
  }
  // What is found after a power cut is durable.
  void found(uint64_t size) { synced_ = size; }

 private:
  uint64_t synced_ = 0;
  uint64_t touched_in_flight_ = UINT64_MAX;  // the lowest since a sync began
};

}  // namespace powercut::sim
