// A store with a database behind it, started on copies of what a life has left, where that database is slow, fails in the middle of
// a batch, loses an answer, or is an older one by the time it is opened again; and clients change, delete, flush, swap and read
// meanwhile. Held there, at each moment and at the end:
//
//   age         the queue says to be no younger than the oldest operation that is not committed, and nothing when all is
//   through     no reply leaves before the commit of its operation
//   window      without a log what may leave and is not committed spans one window
//   an answer   of a row of another program is what that was within the time to live, and never what the store has deleted
//   the end     once nothing is in its way, and with nothing else being written, the rows become those of the keyspace
//
// It draws and counts nothing of the run.
#pragma once

#include "scenarios/judge/target_type.h"
#include "scenarios/store/store_target.h"

namespace powercut::scenarios {

// `reads`: sink-read-through. REQUIRES: as TargetType::other_starts().
TargetType::OtherStarts sunk_starts_of_store(const sim::WorldState& world,
                                             const sim::Settings& settings, const Behind& behind,
                                             bool reads, sim::Choices& choices);

}  // namespace powercut::scenarios
