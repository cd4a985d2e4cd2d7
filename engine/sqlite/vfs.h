// SQLite's files on the seam: an sqlite3_vfs over engine/os/os.h, which makes the calls that SQLite's own for
// Unix makes, in the same order. sqlite3_open_v2(..., kVfs), by somebody who stands Inside a World.
//
// One connection a World. Locks are SQLite's own for Unix, held against other processes where the seam has any (File::lock):
// two connections of one process, and WAL beside another process, are not for it. What WAL shares between processes is heap
// memory here (xShmMap), which is lost with the World. Open it with SQLITE_OPEN_NOMUTEX.
//
//   Kill-safe, Power-safe: as the seam's calls are. A file of a journal that SQLite may have made is synced
//               together with its directory, the first time that it is synced.
//   Errors:     SQLITE_IOERR_*, SQLITE_FULL, SQLITE_CANTOPEN; for what the seam had to say: World::take_notes().
//   Yields:     where the seam yields, with nobody Inside meanwhile.
//
// Unlike its own for Unix it reports a sync of a directory that failed. Nameless files are not there: say
// `PRAGMA temp_store=memory`.
//
// Sources: SQLite's documentation of sqlite3_vfs and sqlite3_io_methods; os_unix.c of 3.40.1 for the order of
// calls, the sector of 4096 bytes and SQLITE_IOCAP_POWERSAFE_OVERWRITE.
#pragma once

#include <array>

#include "engine/base/site.h"

namespace powercut::engine::sqlite {

inline constexpr const char* kVfs = "powercut";

// The syncs it makes.
inline constexpr Site kSyncDatabase = "sqlite.database";
inline constexpr Site kSyncJournal = "sqlite.journal";
inline constexpr Site kSyncWal = "sqlite.wal";
inline constexpr Site kSyncMade = "sqlite.journal-made";        // of the directory: it is there
inline constexpr Site kSyncRemoved = "sqlite.journal-removed";  // of the directory: it is gone
inline constexpr std::array kSyncs{kSyncDatabase, kSyncJournal, kSyncWal, kSyncMade, kSyncRemoved};

}  // namespace powercut::engine::sqlite
