// Restoring: what a log had at one moment, as the checkpoint of a directory that a server is then started in.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

// Neither: the end. One of them at most.
struct RestoreTo {
  std::optional<uint64_t> lsn = {};
  std::optional<int64_t> unix_s =
      {};  // what was logged up to this second, where the log has timestamps
};

struct Restored {
  uint64_t lsn = 0;            // up to this entry
  uint64_t first_lsn = 0;      // it could have been any from this one
  uint64_t last_lsn = 0;       // ... to this one
  uint64_t dropped_bytes = 0;  // of the end that a crash tore: never of a sealed backup
};

// Loads into `keyspace`, which must be empty, what the log in `os` had then: whole entries, so never a part of a
// transaction. All of the log is read and verified. Changes nothing where `os` is a ReadOnlyOs. Yields.
//   Errors: kInvalid: the log does not reach there, or has no timestamps. Others as recover()'s.
Result<Restored> load_state(Os& os, Keyspace& keyspace, const RestoreTo& to);

// Makes it the checkpoint of `os`, whose root holds nothing but what a restore that was cut has left. A kill or a power
// cut leaves all of it or none. Yields.
//   Errors: kExists: something lies there. As the seam's: nothing that a start would find is there, unless it is all.
Result<void> write_restored(Os& os, Keyspace& keyspace, uint64_t lsn);

}  // namespace powercut::engine
