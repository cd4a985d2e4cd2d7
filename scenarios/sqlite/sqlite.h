// SQLite as a target of the judge: Debian's library, unchanged, on engine/sqlite/vfs.h. One target a pair of
// journal_mode and synchronous: sqlite:wal/normal.
//
// A request is SQL TEXT: the statements of one transaction, without BEGIN and COMMIT. It is answered when COMMIT
// has returned; what fails is rolled back, and answered with an error. Each transaction that writes also writes
// its number into the database (PRAGMA user_version), as whoever recovers must know how far it is. A workload
// may be a file of SQL (scenarios/sqlite/sql_text.h).
//
// After every start the database is put to `PRAGMA integrity_check`; what is not "ok" is refused.
#pragma once

#include <span>

#include "scenarios/judge/target_type.h"

namespace powercut::scenarios {

// Of all pairs.
std::span<const TargetType* const> sqlite_types();

}  // namespace powercut::scenarios
