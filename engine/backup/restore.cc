#include "engine/backup/restore.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

#include "engine/aof/replace.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

namespace {

uint64_t first_of(const Manifest& manifest) {
  if (manifest.base) return manifest.base->lsn.value_or(0);
  return manifest.segments.empty() ? 0 : manifest.segments.front().lsn.value_or(1) - 1;
}

// Up to the first entry that was logged later than that second; nothing: none was.
Result<std::optional<Recovered>> before_second(Os& os, int databases, int64_t second) {
  Keyspace scratch(databases);
  ColdFolder cold(os, "");
  RecoveryOptions options;
  options.cold = &cold;
  options.on_corruption = OnCorruption::kTruncate;
  options.until_unix_s = second;
  TRY_ASSIGN(Recovered found, recover(os, scratch, options));
  if (!found.report.dropped_corruption) return std::optional<Recovered>();
  return std::optional<Recovered>(std::move(found));
}

// Damage looks late here, and is found by who reads it all.
Result<std::optional<uint64_t>> lsn_at(Os& os, int databases, int64_t second) {
  TRY_ASSIGN(const auto found, before_second(os, databases, second));
  if (!found) {
    TRY_ASSIGN(const auto any, before_second(os, databases, std::numeric_limits<int64_t>::min()));
    if (any) return std::optional<uint64_t>();
    return Error{Errc::kInvalid,
                 "the log has no timestamps (aof-timestamp-enabled); name an entry instead"};
  }
  const uint64_t lsn = found->report.last_lsn;
  const bool before =
      lsn == first_of(found->manifest) && found->report.base_unix_s.value_or(second + 1) > second;
  if (before)
    return Error{
        Errc::kInvalid,
        fmt::format("the log does not reach back to {}: it begins with entry {}", second, lsn)};
  return std::optional<uint64_t>(lsn);
}

}  // namespace

Result<Restored> load_state(Os& os, Keyspace& keyspace, const RestoreTo& to) {
  CHECK(!to.lsn || !to.unix_s);
  std::optional<uint64_t> lsn = to.lsn;
  if (to.unix_s) {
    TRY_ASSIGN(lsn, lsn_at(os, keyspace.databases(), *to.unix_s));
  }
  ColdFolder cold(os, "");
  RecoveryOptions options;
  options.cold = &cold;
  options.until_lsn = lsn.value_or(UINT64_MAX);
  TRY_ASSIGN(const Recovered found, recover(os, keyspace, options));
  TRY(cold.bring_all_back(keyspace));
  Restored restored;
  restored.first_lsn = first_of(found.manifest);
  restored.last_lsn = found.report.last_lsn;
  restored.lsn = lsn.value_or(restored.last_lsn);
  restored.dropped_bytes = found.report.dropped_bytes;
  if (restored.lsn < restored.first_lsn || restored.lsn > restored.last_lsn)
    return Error{Errc::kInvalid, fmt::format("entry {} is not there: the log has {} to {}",
                                             restored.lsn, restored.first_lsn, restored.last_lsn)};
  return restored;
}

Result<void> write_restored(Os& os, Keyspace& keyspace, uint64_t lsn) {
  TRY_ASSIGN(const auto names, os.list(""));
  for (const std::string& name : names)
    if (name != kCheckpointTemporary)
      return Error{Errc::kExists, fmt::format("{} lies there already", name)};
  RdbHeader header;
  header.ctime_s = os.wall_now().unix_ms / 1000;
  header.used_mem_bytes = keyspace.memory_bytes();
  header.aux.emplace_back(kRdbAuxLsn, std::to_string(lsn));
  Checkpoint checkpoint(os, keyspace);
  checkpoint.begin(header);
  TRY_ASSIGN(const auto file, create_fresh(os, std::string(kCheckpointTemporary)));
  if (const auto written = checkpoint.write(*file); !written.ok()) return written.error();
  return publish_checkpoint(os, *file);
}

}  // namespace powercut::engine
