// Evidence that bytes which do not verify had been synced: a later batch that says so.
#pragma once

#include "engine/os/os.h"

namespace powercut::engine {

// Looks for a whole batch, at or behind `offset` of the segment with this nonce, that vouches for
// more than `offset` to be synced.
Search search_evidence(uint64_t offset, uint64_t nonce);

}  // namespace powercut::engine
