// The manifest: which files, in which order, are the store. Redis's format, with pairs of our own
// that it skips and a comment line with a CRC.
//
//   # powercut manifest 1
//   file appendonly.aof.2.base.rdb seq 2 type b lsn 120 len 3456 keys 7 check 812
//   file appendonly.aof.2.incr.aof seq 2 type i lsn 121 len 999 check 77
//   file appendonly.aof.3.incr.aof seq 3 type i lsn 140 check 78
//   # crc 0a1b2c3d
//
// `lsn` is the last entry a base contains, or the first of a segment. `len` on a segment means it
// was synced to that length before this manifest was published; the last segment has none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/os/os.h"

namespace powercut::engine {

inline constexpr std::string_view kManifestName = "appendonly.aof.manifest";
inline constexpr std::string_view kManifestTemporary = "temp-appendonly.aof.manifest";

// Higher ones are damage: there is always a next.
inline constexpr uint64_t kHighestSequence = UINT64_MAX / 2;

struct ManifestFile {
  std::string name;
  uint64_t sequence = 0;
  std::optional<uint64_t> lsn = {};
  std::optional<uint64_t> length = {};
  std::optional<uint64_t> keys = {};  // of a base
  // Of a base its CRC64, of a segment its nonce: an older file of the same name is not this one.
  std::optional<uint64_t> check = std::nullopt;
  bool operator==(const ManifestFile&) const = default;
};

struct Manifest {
  std::optional<ManifestFile> base;
  std::vector<ManifestFile> segments;  // ascending
  std::vector<ManifestFile> history;   // to be removed; Redis may leave some

  bool names(std::string_view file) const;
  uint64_t highest_sequence() const;
  bool operator==(const Manifest&) const = default;
};

std::string base_name(uint64_t sequence);
std::string segment_name(uint64_t sequence);
// Does it begin as ours do? Else another server wrote it.
bool is_our_manifest(std::string_view text);
// `note`: further lines, each of which begins with '#', which no reader of a log looks at.
std::string encode_manifest(const Manifest& manifest, std::string_view note = {});
// Error: kCorrupt, with the line and what is wrong with it.
Result<Manifest> parse_manifest(std::string_view text);

// Makes `manifest` the one that recovery will find in `directory`: temporary file, sync, rename,
// directory sync. `left` is as of replace_durably (engine/aof/replace.h).
enum class Replaced : unsigned char;
Result<void> publish_manifest(Os& os, const std::string& directory, const Manifest& manifest,
                              Replaced& left);

// Reads a whole file, taking short reads as they come.
Result<std::string> read_whole(Os& os, const std::string& path);
Result<std::string> read_whole(File& file, uint64_t from = 0);
// Writes all of `data`, taking short writes as they come.
Result<void> write_whole(File& file, uint64_t offset, std::string_view data);

}  // namespace powercut::engine
