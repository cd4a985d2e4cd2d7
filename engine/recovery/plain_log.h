// Logs of Redis that are read from end to end: a base, or the single log of a server before Redis 7. Commands alone, or a
// checkpoint with commands behind it; the content says which, not the name.
#pragma once

#include <functional>
#include <string>

#include "engine/aof/segment_reader.h"
#include "engine/base/result.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/os/os.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

// What loading a checkpoint failed with, and what to do: every refusal says so.
Error with_remedy(const Error& error);

// Does it begin as a checkpoint does?
Result<bool> begins_as_checkpoint(File& file);

struct PlainLog {
  bool preamble = false;
  RdbInfo checkpoint;  // of the preamble
  SegmentScan scan;    // of what follows; its offsets count from the file's beginning
  uint64_t size = 0;
};

// Loads all of `file`. `expected` is of the commands; its `synced_length` likewise counts from the file's beginning.
//   Errors: as load_rdb() and scan_segment(), with file and offset.
Result<PlainLog> load_plain_log(
    File& file, Keyspace& keyspace, SegmentExpectation expected,
    const std::function<Result<void>(uint64_t lsn, const EntryView& entry)>& on_entry);

}  // namespace powercut::engine
