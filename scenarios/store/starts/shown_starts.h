// Stores started on copies of a disk that a life has left, and what they show their clients there:
//
//   unreleased  a reply that differs by a write leaves when that write may be told, and not before
//   unsynced    WAITAOF counts the log once it has synced what its client has written, or was served
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_shown_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
