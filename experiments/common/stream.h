// A steady stream of SETs into the store, on a simulated disk where nothing fails: of each operation when it was sent,
// acknowledged and synced. From that follows what a power cut at any moment would take, if of all that no sync has
// forced nothing is left: the worst that the disk may do, and no draw.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "faults/mutants.h"
#include "faults/personas.h"
#include "sim/disk.h"

namespace powercut::experiments {

struct StreamSpec {
  std::string_view policy;
  Duration sync_min{0};  // each sync takes a time between these
  Duration sync_max{0};
  uint64_t clients = 1;
  uint64_t pipeline = 1;  // requests that a client sends at once
  Duration interval{0};   // between two sends of a client
  bool even = true;       // each as long; or drawn, from none to twice that
  bool waits = true;      // it sends when all it sent is answered, and not before
  Duration length{0};     // how long it sends
  uint64_t seed = 1;
  const faults::MutantInfo* mutant = nullptr;  // planted in the engine, if any
  // One that does no work by itself, if none is given: then only a sync keeps anything.
  const faults::Persona* persona = nullptr;
  std::vector<Instant> copies = {};  // when the disk is copied, in order
};

struct StreamOperation {
  Instant sent;
  Instant acked = kForever;
  Instant synced = kForever;
};

struct Stream {
  std::vector<StreamOperation> operations;  // in the order in which they took effect
  uint64_t syncs = 0;                       // of the log, while it ran
  std::vector<sim::Disk> copies;
};

Stream run_stream(const StreamSpec& spec);

// What a cut at one moment takes of it.
struct StreamLoss {
  uint64_t operations = 0;
  Duration span{0};  // from the first lost acknowledgement to the last
  Duration age{0};   // of the first, at the cut
};

// The loss from `from` on, until `next`: nothing is acknowledged or synced in between.
struct StreamState {
  Instant from;
  Instant until;
  StreamLoss loss;  // at `from`; its age grows until `until`
};
// All from `begin` to `end`.
std::vector<StreamState> states_of(const Stream& stream, Instant begin, Instant end);

// What a cut at `at` takes where recovery came to the first `kept` operations.
StreamLoss loss_of(const Stream& stream, Instant at, uint64_t kept);

// The longest that a reply took, of what was sent from `begin` to `end`.
Duration longest_wait(const Stream& stream, Instant begin, Instant end);

}  // namespace powercut::experiments
