// A client that is a replica of this store: what it said of itself, and how far its link has come. What it is sent is
// decided in engine/replication/master.h.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/time.h"

namespace powercut::engine {

struct ReplicaState {
  enum class Phase : unsigned char {
    kNone,       // it has said something of itself (REPLCONF), and asked for nothing yet
    kWaiting,    // for the cut of a checkpoint
    kStreaming,  // it is being sent one
    kLoading,    // it has all of it: what comes next waits until it says that it has read so far
    kOnline,     // it is sent every operation
    kDone,       // it wanted the checkpoint alone
  };
  Phase phase = Phase::kNone;
  bool by_psync = false;          // it asked by PSYNC, not by SYNC
  bool takes_stream = false;      // capa eof: a checkpoint whose length nobody knows
  bool takes_identity = false;    // capa psync2: the identity it goes on with
  bool checkpoint_alone = false;  // rdb-only
  std::string host;               // what it announces; empty: where it comes from
  int port = 0;
  uint64_t begin = 0;      // the offset of its checkpoint's cut
  uint64_t confirmed = 0;  // the offset up to which it has applied, as it says
  uint64_t synced = 0;     // ... and up to which its own log survives a power cut
  Instant confirmed_at;    // when it last said so; before that, when its link last moved

  bool syncs() const { return phase == Phase::kStreaming || phase == Phase::kLoading; }
  const char* name() const {
    switch (phase) {
      case Phase::kNone:
      case Phase::kWaiting:
        return "wait_bgsave";
      case Phase::kStreaming:
      case Phase::kLoading:
        return "send_bulk";
      case Phase::kOnline:
      case Phase::kDone:
        break;
    }
    return "online";
  }
};

}  // namespace powercut::engine
