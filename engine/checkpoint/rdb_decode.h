// Loads RDB files of Redis 7.0 and older, and ours.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/os.h"
#include "engine/store/keyspace.h"

namespace powercut::engine {

struct RdbLoadOptions {
  // Drops keys that have expired by keyspace.now(), as Redis does for a checkpoint of its own. The
  // base of an AOF keeps them: the log may still say PERSIST.
  bool drop_expired = false;
  // Bytes may follow the checksum, as in the single-file AOF of older versions. RdbInfo::bytes is
  // where they begin.
  bool allow_tail = false;
  // Bytes behind the checksum of another server's file that can hold no data are left alone: blanks and NULs, or one
  // byte of any kind. Copies through a terminal, or a transfer, leave such.
  bool allow_stray = false;
  // For a file that refers to values in the cold tier: takes in the segments that it says it rests on (kRdbAuxCold), and may
  // yield; and finds one of them, or null. Empty: such a file is refused.
  std::function<Result<void>(std::string_view rests_on)> take_in = {};
  std::function<ColdSegment*(uint64_t sequence)> segment_of = {};
};

struct RdbInfo {
  int version = 0;
  std::vector<std::pair<std::string, std::string>> aux;
  uint64_t libraries = 0;  // of functions
  uint64_t keys = 0;       // loaded
  uint64_t expiring = 0;   // of these with an expiry
  uint64_t away = 0;       // of these in the cold tier
  uint64_t expired_dropped = 0;
  uint64_t empty_skipped = 0;  // collections without items, a bug of old versions of Redis
  bool checksum_present = false;
  uint64_t bytes = 0;  // up to and with the checksum

  // The value of an auxiliary field; nullptr if it is not there.
  const std::string* find_aux(std::string_view name) const;
  // What our own field says: entries up to this number are contained. None: it is not there, or no number.
  std::optional<uint64_t> lsn() const;
};

// Loads a file into an empty keyspace whose set_loading(true) was called. The error is one line:
// file, offset, what; kUnsupported for what is newer than this build, kIo when reading failed, else
// kCorrupt. After an error discard the keyspace: the checksum comes last, so nothing loaded can be
// trusted. Yields.
Result<RdbInfo> load_rdb(File& file, std::string_view name, Keyspace& keyspace,
                         const RdbLoadOptions& options = {});
// The same from memory; never yields.
Result<RdbInfo> load_rdb(std::string_view bytes, std::string_view name, Keyspace& keyspace,
                         const RdbLoadOptions& options = {});

// Reads a file to its end and tells what is in it, as load_rdb would, but keeps nothing. Duplicate
// keys are not noticed. Yields.
Result<RdbInfo> check_rdb(File& file, std::string_view name, const RdbLoadOptions& options = {});

// What a file says of itself before its first entry: version and auxiliary fields; `keys` is 0 if there is no entry, else
// 1. Yields.
Result<RdbInfo> peek_rdb(File& file, std::string_view name);

}  // namespace powercut::engine
