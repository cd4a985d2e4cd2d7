// A digest of a keyspace: equal for equal content, whatever the order in tables. A sum of hashes of
// entries, so that an operation changes it in the time its keys take.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/store/keyspace.h"

namespace powercut::scenarios {

class ColdHashes;

// Here and below: `cold` knows the values that are not in memory; null: there are none.
// Of the key, the type, the value and the expiry.
uint64_t entry_hash(std::string_view key, const engine::Object& object,
                    const ColdHashes* cold = nullptr);
// REQUIRES: it is in memory.
uint64_t value_hash(const engine::Value& value);
// Of a library of functions.
uint64_t library_hash(std::string_view name, std::string_view text);
// Of one database, given the sum of its entries' hashes.
uint64_t database_hash(int db, uint64_t sum);
// Where the libraries stand, behind all databases.
inline constexpr int kLibraries = engine::Keyspace::kDatabases;
// Of all databases, and the libraries of functions. Entries that have expired at `now_ms` count as absent; INT64_MIN: none has.
uint64_t keyspace_digest(const engine::Keyspace& keyspace, int64_t now_ms,
                         const ColdHashes* cold = nullptr);

}  // namespace powercut::scenarios
