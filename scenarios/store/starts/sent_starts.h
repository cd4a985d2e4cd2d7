// A store started on a copy of a disk that a life has left, which sends its data set to replicas that take it slowly, while clients
// change much and ask for what has to wait for its turn. Whoever asks is answered; a replica that stays gets a checkpoint, and
// behind it all that was written since its cut: what a store comes to that starts on the two is what is there.
#pragma once

#include <optional>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_sent_starts(const CopiedStarts& as);
// REQUIRES: as TargetType::other_starts().
TargetType::OtherStarts sent_starts_of_store(const sim::WorldState& world,
                                             const sim::Settings& settings, sim::Choices& choices);

}  // namespace powercut::scenarios
