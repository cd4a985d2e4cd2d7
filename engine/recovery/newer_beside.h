// A log and a checkpoint in one directory: a start goes by one of them. Is the other one newer?
//
// Our own files say by their entries' numbers. What another server wrote says by its date, as far as that means
// anything: a redis-server that keeps a log writes a checkpoint after it whenever it ends, so of its own two the log
// counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/aof/manifest.h"
#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

// What is known of a log.
struct LogState {
  bool foreign = false;  // another server wrote it
  bool closed = false;   // it was ended cleanly, so nothing of it was lost
  uint64_t last_lsn = 0;
  bool empty = false;       // it never held anything
  int64_t modified_ms = 0;  // of its newest file; 0: unknown
};

// When the newest file of a log was modified, in Unix milliseconds; 0: unknown. Call it before anything is changed.
int64_t log_modified_ms(Os& os, const Manifest& manifest);

struct BesideLog {
  std::string text;  // in words, or nothing
  // A checkpoint of ours has entries behind the last of the log, which was not ended cleanly: a crash took them from it.
  bool checkpoint_ahead = false;
};
// Before a start goes by a log: what else lies there.
//   Errors: kInvalid: a checkpoint, or a single log of an older server, that is newer than the log, with both dates
//   and what to do. Others as the seam's.
Result<BesideLog> check_beside_log(Os& os, const LogState& log);

// Before a start without a log goes by a checkpoint whose last entry is `lsn`, if it says so.
//   Errors: kInvalid, likewise: a log that is newer.
Result<std::string> check_beside_checkpoint(Os& os, std::optional<uint64_t> lsn);

// Before a start without a log that goes by a database: there is no log beside it.
//   Errors: kInvalid, with its name and what to do. Others as the seam's.
Result<void> check_no_log_beside(Os& os);
// Before it goes by a database, named so, that is at operation `lsn`: a checkpoint beside it, in words, or nothing.
//   Errors: kInvalid: one that is newer, or does not say what it is at. Others as the seam's.
Result<std::string> check_beside_database(Os& os, std::string_view name, uint64_t lsn);

}  // namespace powercut::engine
