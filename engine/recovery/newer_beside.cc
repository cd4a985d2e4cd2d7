#include "engine/recovery/newer_beside.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "engine/aof/format.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/recovery/recovery.h"

namespace powercut::engine {

namespace {

constexpr uint64_t kTailBytes = 64 << 10;

std::string date(int64_t unix_ms) {
  if (unix_ms <= 0) return "of unknown date";
  const std::time_t seconds = unix_ms / 1000;
  std::tm broken{};
  gmtime_r(&seconds, &broken);
  char text[32];
  return std::string("of ") +
         std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &broken));
}

int64_t modified_ms(Os& os, const std::string& path) {
  const auto file = os.open(path, Open::kRead);
  return file.ok() ? (*file)->modified_ms() : 0;
}

// What a checkpoint says of itself before its first entry.
struct Peeked {
  RdbInfo info;
  std::optional<uint64_t> lsn;
  int64_t modified_ms = 0;
};

// Nothing if there is none, or what lies there is none: it is not what would be missed.
Result<std::optional<Peeked>> peek_checkpoint(Os& os) {
  const auto file = os.open(kCheckpointName, Open::kRead);
  if (!file.ok() && file.error().code == Errc::kNotFound) return std::optional<Peeked>();
  if (!file.ok()) return file.error();
  auto info = peek_rdb(**file, kCheckpointName);
  if (!info.ok()) return std::optional<Peeked>();
  Peeked peeked;
  peeked.modified_ms = (*file)->modified_ms();
  peeked.lsn = info->lsn();
  peeked.info = std::move(*info);
  return std::optional<Peeked>(std::move(peeked));
}

// The number of the last entry that the end of our own log speaks of.
Result<std::optional<uint64_t>> last_entry(Os& os, const Manifest& manifest) {
  if (manifest.segments.empty()) return std::optional<uint64_t>();
  const ManifestFile& last = manifest.segments.back();
  const auto file = os.open(in_aof_directory(last.name), Open::kRead);
  if (!file.ok() || !last.lsn) return std::optional<uint64_t>();
  TRY_ASSIGN(const uint64_t size, (*file)->size());
  TRY_ASSIGN(const std::string tail, read_whole(**file, size - std::min(size, kTailBytes)));
  uint64_t found = *last.lsn - 1;
  for (size_t at = tail.find("#pc "); at != tail.npos; at = tail.find("#pc ", at + 1)) {
    size_t length = 0;
    const std::string_view line = std::string_view(tail).substr(at);
    if (const auto mark = parse_mark(line, length)) found = std::max(found, mark->next_lsn - 1);
    if (const auto note = parse_annotation(line, length))
      found = std::max(found, note->first_lsn + note->entries - 1);
  }
  return std::optional<uint64_t>(found);
}

Error newer(std::string_view what, std::string_view than, std::string_view remedy) {
  return {Errc::kInvalid, fmt::format("{} is newer than {}, and a start would pass it over; {}",
                                      what, than, remedy)};
}

}  // namespace

int64_t log_modified_ms(Os& os, const Manifest& manifest) {
  int64_t newest = modified_ms(os, in_aof_directory(kManifestName));
  if (manifest.base)
    newest = std::max(newest, modified_ms(os, in_aof_directory(manifest.base->name)));
  for (const ManifestFile& file : manifest.segments)
    newest = std::max(newest, modified_ms(os, in_aof_directory(file.name)));
  return newest;
}

Result<BesideLog> check_beside_log(Os& os, const LogState& log) {
  const std::string own = fmt::format("the log in {}, {}, up to entry {}", kAofDirectory,
                                      date(log.modified_ms), log.last_lsn);
  BesideLog beside;
  TRY_ASSIGN(const auto checkpoint, peek_checkpoint(os));
  if (checkpoint && checkpoint->info.keys > 0) {
    const bool ours = checkpoint->lsn && !log.foreign;
    const bool later = checkpoint->modified_ms > log.modified_ms;
    bool is_newer = false;
    if (ours) {
      const bool ahead = *checkpoint->lsn > log.last_lsn;
      is_newer = log.closed && ahead;
      beside.checkpoint_ahead = ahead;
    } else {
      is_newer = log.foreign ? log.empty && later : log.empty || later;
    }
    const std::string what =
        fmt::format("{}, {}{}", kCheckpointName, date(checkpoint->modified_ms),
                    ours ? fmt::format(", up to entry {}", *checkpoint->lsn) : "");
    if (is_newer) {
      return newer(
          what, own,
          fmt::format(
              "to go by {0}, start with --appendonly no and turn the log on with CONFIG SET "
              "appendonly yes; to go by the log, move {0} away, or start with --on-newer pass-over",
              kCheckpointName));
    }
    if (!ours) beside.text = what;
  }
  const int64_t single = modified_ms(os, std::string(kSingleLog));
  if (single == 0) return beside;
  const std::string what = fmt::format("{}, {}", kSingleLog, date(single));
  if (single > log.modified_ms) {
    return newer(
        what, own,
        fmt::format(
            "to go by {}, move {} away; to go by the log, move {} away, or start with --on-newer "
            "pass-over",
            kSingleLog, kAofDirectory, kSingleLog));
  }
  beside.text += beside.text.empty() ? what : ", and " + what;
  return beside;
}

Result<std::string> check_beside_checkpoint(Os& os, std::optional<uint64_t> lsn) {
  const int64_t checkpoint = modified_ms(os, std::string(kCheckpointName));
  const auto text = read_whole(os, in_aof_directory(kManifestName));
  std::string what;
  bool is_newer = false;
  if (text.ok()) {
    const auto manifest = parse_manifest(*text);
    if (!manifest.ok()) return std::string();
    const int64_t modified = log_modified_ms(os, *manifest);
    TRY_ASSIGN(const auto last, last_entry(os, *manifest));
    what = fmt::format("the log in {}, {}", kAofDirectory, date(modified));
    is_newer = lsn && last ? *last > *lsn : modified > checkpoint;
  } else {
    const int64_t single = modified_ms(os, std::string(kSingleLog));
    if (single == 0) return std::string();
    what = fmt::format("the log {}, {}", kSingleLog, date(single));
    is_newer = single > checkpoint;
  }
  if (!is_newer) return what;
  return newer(
      what, fmt::format("{}, {}", kCheckpointName, date(checkpoint)),
      fmt::format(
          "to go by the log, start with --appendonly yes; to go by {}, move the log away, or start "
          "with --on-newer pass-over",
          kCheckpointName));
}

Result<void> check_no_log_beside(Os& os) {
  const auto refused = [](std::string_view name) {
    return Error{
        Errc::kInvalid,
        fmt::format("{}: a log, and a start with appendonly no goes by the database; start "
                    "with appendonly yes to go by the log, or move it away to go by the "
                    "database",
                    name)};
  };
  const auto listed = os.list(kAofDirectory);
  if (!listed.ok() && listed.error().code != Errc::kNotFound) return listed.error();
  for (const std::string& name : listed.ok() ? *listed : std::vector<std::string>())
    if (name.starts_with(kSingleLog) && !name.ends_with(kOrphanSuffix))
      return refused(in_aof_directory(name));
  if (os.open(kSingleLog, Open::kRead).ok()) return refused(kSingleLog);
  return {};
}

Result<std::string> check_beside_database(Os& os, std::string_view name, uint64_t lsn) {
  TRY_ASSIGN(const auto checkpoint, peek_checkpoint(os));
  if (!checkpoint) return std::string();
  if (!checkpoint->lsn)
    return Error{
        Errc::kInvalid,
        fmt::format("{}, {}: another server wrote it, and {} has rows: a start goes by the "
                    "database; move {} away",
                    kCheckpointName, date(checkpoint->modified_ms), name, kCheckpointName)};
  const std::string what = fmt::format("{}, {}, up to entry {}", kCheckpointName,
                                       date(checkpoint->modified_ms), *checkpoint->lsn);
  if (*checkpoint->lsn <= lsn) return what;
  return newer(what, fmt::format("{}, which is at entry {}", name, lsn),
               fmt::format("to go by the database, move {} away; to go by {}, name a database that "
                           "is empty",
                           kCheckpointName, kCheckpointName));
}

}  // namespace powercut::engine
