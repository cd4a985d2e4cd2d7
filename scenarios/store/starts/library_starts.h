// A store started on a copy of a disk that a life has left, and told to load, delete, dump and restore libraries of functions: what
// is there then, and behind a restart, is what a model of them says.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_library_starts(const CopiedStarts& as);

}  // namespace powercut::scenarios
