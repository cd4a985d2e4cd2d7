// Fetching ahead: who has several requests in hand knows which keys will be looked for, and brings the memory that those
// look-ups read into the cache a step at a time for all of them, so that the waits overlap instead of following each other.
// Nothing changes by it, and what is fetched in vain costs a little time alone.
// Chen, Ailamaki, Gibbons, Mowry: Improving Hash Join Performance through Prefetching (ICDE 2004), group prefetching.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace powercut::engine {

class Keyspace;

// What a request names first, and next: a member where the key is a set, a field where it is a hash.
struct Sought {
  std::string_view key;
  std::string_view member;  // empty: none
};

// About as many reads of memory as a core has under way at once: more are no use.
inline constexpr size_t kFetchedAtOnce = 16;

// Few keys and small values are in the cache anyway: then it is not worth finding out what is sought.
bool pays_to_fetch(const Keyspace& keyspace, int db);
// REQUIRES: there are no more than kFetchedAtOnce.
void fetch_ahead(const Keyspace& keyspace, int db, std::span<const Sought> sought);

}  // namespace powercut::engine
