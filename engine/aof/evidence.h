// Evidence that bytes which do not verify had been synced: then they are damaged, not torn.
//
// A power cut tears what no sync has covered. So whatever a torn tail holds, no line in it says that more was synced
// than what stands before the tear. A line that does say so, of this very segment, proves damage, and it need not
// stand where it was written: bytes that were removed before it, or put in, move it. Evidence is
//   - a batch's annotation that says more was synced,
//   - a closed mark, or an opened one: a clean end syncs everything first.
// A line is of this segment if the place that its CRC was made for (batch_origin()) is a likely one, and its numbers
// go on from those before the damage.
#pragma once

#include "engine/os/os.h"

namespace powercut::engine {

// Looks at or behind `offset` of the segment with this nonce, which is whole up to there and has all before entry
// `next_lsn`: is there evidence that more than `offset` was synced?
Search search_evidence(uint64_t offset, uint64_t nonce, uint64_t next_lsn);

// The same in `text`, which stands at `at`; of the lines at `from` of it, and behind.
bool vouches(const Search& search, uint64_t at, std::string_view text, size_t from);

}  // namespace powercut::engine
