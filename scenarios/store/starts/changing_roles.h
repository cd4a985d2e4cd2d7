// Three machines that change roles, in a world of its own: one has the disk that a life of a replicated target has left, two have
// none. Each is promoted, made to follow any other, cut off, killed and started again, in a drawn order, also one that was a
// master before and has written on alone, while clients write, wait and ask how many have what they wrote. Held there:
//
//   streams     what each says of its stream is so (scenarios/store/replicas/stream_ledger.h)
//   told        what WAIT counts is on so many machines
//   reign       what a master has acknowledged is there for as long as it is one
//   waits       nobody waits for a key of a replica
//   shown       what a client has read there is there behind a power cut, under `always`
//   handed over who has handed over is followed by a master; who has not takes writes again
//   the end     left alone, all that follow one machine hold what it holds
//
// It draws and counts nothing of the run.
#pragma once

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// REQUIRES: as TargetType::other_starts().
TargetType::OtherStarts changing_roles_of_store(const sim::WorldState& world,
                                                const sim::Settings& settings,
                                                sim::Choices& choices);

}  // namespace powercut::scenarios
