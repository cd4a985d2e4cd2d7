// What the database behind the store is to hold, and what it does: as lines, so that two sets of them tell the difference.
// Written without the sink's own code.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/store/keyspace.h"

namespace powercut::scenarios {

// Every key goes to it.
inline constexpr const char* kBehindFile = "sink.db";
inline constexpr const char* kBehindTable = "kv";

using BehindRows = std::set<std::string>;

BehindRows rows_to_be(const engine::Keyspace& keyspace);

struct BehindContent {
  uint64_t lsn = 0;
  BehindRows rows;
};
// Reads the file by a connection of its own, while nobody writes it. Yields.
//   Errors: kCorrupt: what SQLite says, or its integrity_check.
Result<BehindContent> read_behind(engine::Os& os);
// The same of what another program says to it, in SQL. Yields.
Result<void> say_behind(engine::Os& os, const std::string& sql);

// The first row that is in one alone, for people; empty: there is none.
std::string difference(const BehindRows& database, const BehindRows& store);

}  // namespace powercut::scenarios
