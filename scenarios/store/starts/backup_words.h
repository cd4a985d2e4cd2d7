// A store started on a copy of a disk that a life has left, where operators say a drawn row of words of backups: begin one, seal it,
// give it up, remove it, under two names, with rewrites and writes between. Behind each word what it is answered, what LIST and
// STATUS say and what folders there are follow from the words before; and what was sealed restores to what there was then.
// On another copy some are sealed under retention, while the wall clock is set forward and back: behind each SEAL those are there
// that it keeps, and the one that was sealed last in any case.
#pragma once

#include <optional>

#include "scenarios/judge/verdict.h"

namespace powercut::scenarios {

class CopiedStarts;

// As other_starts_of_store() says.
std::optional<Violation> judge_backup_words(const CopiedStarts& as);

}  // namespace powercut::scenarios
