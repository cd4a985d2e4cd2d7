// The syncs in flight: each begun, none finished. A sync forces nothing before it is finished.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/base/check.h"
#include "sim/inode.h"

namespace powercut::sim {

// Covers what was pending when it began.
struct SyncTicket {
  uint64_t id = 0;
  InodeId inode = kNoInode;
  bool directory = false;
  uint64_t seq = 0;          // micro-ops up to here are covered
  uint64_t journal_seq = 0;  // a commit that this sync drags along reaches here
  uint64_t size = 0;         // when it began
  bool operator==(const SyncTicket&) const = default;
};

class SyncFlights {
 public:
  bool empty() const { return tickets_.empty(); }
  // The oldest first.
  const std::vector<SyncTicket>& tickets() const { return tickets_; }

  // Gives it its id.
  SyncTicket begin(SyncTicket ticket) {
    CHECK(ticket.id == 0 && ticket.inode != kNoInode);
    ticket.id = next_id_++;
    tickets_.push_back(ticket);
    return ticket;
  }
  // REQUIRES: it is in flight, and as it began.
  void end(const SyncTicket& ticket) {
    const auto at = std::find(tickets_.begin(), tickets_.end(), ticket);
    CHECK(at != tickets_.end());
    tickets_.erase(at);
  }
  void clear() { tickets_.clear(); }
  uint64_t last_id() const { return next_id_ - 1; }

 private:
  std::vector<SyncTicket> tickets_;
  uint64_t next_id_ = 1;
};

}  // namespace powercut::sim
