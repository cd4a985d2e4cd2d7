// Starts upon files that no life has left and any may: of another server, cut anywhere, without their manifest, under another
// name; and a checkpoint of any operation beside the log.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_foreign_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
