#include "engine/recovery/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/aof/replace.h"
#include "engine/aof/segment_reader.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/recovery/passed_over.h"
#include "engine/recovery/replay.h"

namespace powercut::engine {

namespace {

constexpr uint64_t kHighestLsn = UINT64_MAX / 2;  // a higher one is damage
constexpr uint64_t kSmallestBlock = 1024;         // of a filesystem that a log may be on

std::string in_aof_directory(std::string_view name) {
  std::string path(kAofDirectory);
  path += '/';
  path += name;
  return path;
}

// "appendonly.aof.12.incr.aof" -> 12; nullopt for other names.
std::optional<uint64_t> sequence_of(std::string_view name) {
  constexpr std::string_view kStem = "appendonly.aof.";
  if (!name.starts_with(kStem)) return std::nullopt;
  name.remove_prefix(kStem.size());
  uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), sequence);
  if (error != std::errc() || end == name.data() + name.size() || *end != '.') return std::nullopt;
  if (sequence > kHighestSequence) return std::nullopt;
  return sequence;
}

// Is this a base, or did anybody append to this segment? A first start that was cut, or failed,
// leaves at most a part of a header, or the mark of a first generation. Reads no further than that.
Result<bool> holds_data(SegmentBytes bytes) {
  size_t header = 0;
  size_t searched = 0;
  for (;;) {
    TRY_ASSIGN(const bool more, bytes.more());
    const std::string_view text = bytes.view();
    if (header == 0 && !parse_header(text, header)) {
      if (more && text.size() < kLongestLine) continue;
      return text.starts_with('*') || text.starts_with(kRdbMagic);  // Redis's own, or a base
    }
    if (text.find(kAnnotationPrefix, std::max(header, searched)) != text.npos) return true;
    if (!more) return false;
    searched = text.size() - std::min(text.size(), kAnnotationPrefix.size());
  }
}

class Recovery {
 public:
  Recovery(Os& os, Keyspace& keyspace, const RecoveryOptions& options)
      : os_(os), keyspace_(keyspace), options_(options), replay_(keyspace), started_(os.now()) {}

  Result<Recovered> run() {
    CHECK(keyspace_.memory_bytes() == 0);
    keyspace_.set_now(os_.wall_now());
    keyspace_.set_loading(true);
    TRY_ASSIGN(names_, names_in_aof_directory());
    for (const std::string& name : names_) count_sequence(sequence_of(name).value_or(0));
    if (options_.append_only) {
      TRY(recover_aof());
    } else {
      TRY(load_checkpoint());
    }
    keyspace_.set_loading(false);
    if (report().last_lsn > kHighestLsn) {
      return Error{Errc::kCorrupt,
                   fmt::format("{}: there is no entry {}", report().base, report().last_lsn)};
    }
    report().took = os_.now() - started_;
    check_recovered();
    return std::move(recovered_);
  }

 private:
  RecoveryReport& report() { return recovered_.report; }

  // A number that was seen, even on a file that is gone, is not given again.
  void count_sequence(uint64_t sequence) {
    recovered_.next_sequence = std::max(recovered_.next_sequence, sequence + 1);
  }

  // What the engine rests on from now on.
  void check_recovered() const {
    CHECK(recovered_.next_sequence > recovered_.manifest.highest_sequence());
    if (!recovered_.segment) return;
    const Segment& segment = *recovered_.segment;
    CHECK(options_.append_only && !recovered_.report.dropped_corruption);
    CHECK(segment.sequence == recovered_.manifest.segments.back().sequence);
    CHECK(segment.file != nullptr && segment.synced_offset == segment.size);
  }

  Result<void> recover_aof() {
    if (!has_name(kManifestName)) return start_without_manifest();
    TRY(read_manifest());
    count_sequence(recovered_.manifest.highest_sequence());
    TRY(settle_manifest());
    TRY(load_generation());
    // Last: a start that is refused has moved and removed nothing. What the manifest does not name may be named by
    // an older one, so not before it is settled.
    TRY(set_aside_orphans());
    // It would say that nothing was acknowledged here, should the manifest ever be lost.
    return has_name(kFirstGenerationMark) ? os_.remove(in_aof_directory(kFirstGenerationMark))
                                          : Result<void>();
  }

  Result<void> read_manifest() {
    TRY_ASSIGN(const std::string text, read_whole(os_, in_aof_directory(kManifestName)));
    TRY_ASSIGN(recovered_.manifest, parse_manifest(text));
    recovered_.foreign = !is_our_manifest(text);
    return {};
  }

  Result<void> load_generation() {
    if (recovered_.manifest.base) TRY(load_base(*recovered_.manifest.base));
    const size_t count = recovered_.manifest.segments.size();
    for (size_t i = 0; i < count && !report().dropped_corruption; ++i)
      TRY(load_segment(i, i + 1 == count));
    return {};
  }

  // The manifest's rename may have been seen in the page cache alone, or its directory sync may
  // have failed before the restart, and then a sync that succeeds now proves nothing. So one that
  // is marked as not settled is published again (engine/aof/replace.h).
  Result<void> settle_manifest() {
    TRY(os_.sync_directory(kAofDirectory, "recovery.aof_directory"));
    TRY(os_.sync_directory("", "recovery.root"));
    if (!has_name(replaced_name(std::string(kManifestName)))) return {};
    Replaced left;
    const auto published =
        publish_manifest(os_, std::string(kAofDirectory), recovered_.manifest, left);
    return settled_or_refused(published, in_aof_directory(kManifestName));
  }

  // Where no batch vouches for bytes, a sync of them may have failed before a kill. A block that
  // was new to the file then takes no bytes on ext4 (Linux 6.18), even if they are written again
  // and synced. One of which a part was synced before does, as the header was: no manifest names a
  // segment earlier.
  static bool may_be_hollow(const SegmentScan& scan) {
    const uint64_t synced = std::max<uint64_t>(scan.synced_offset, 1);
    return scan.good_end > synced &&
           (scan.good_end - 1) / kSmallestBlock != (synced - 1) / kSmallestBlock;
  }

  // Writes the bytes again that no batch vouches for: after a failed sync and a kill the page cache
  // may hold them as clean, and a sync would leave them there.
  Result<void> write_tail_again(File& file, std::string_view bytes, const SegmentScan& scan) {
    CHECK(scan.good_end <= bytes.size());
    if (scan.synced_offset >= scan.good_end) return {};
    const auto written =
        write_whole(file, scan.synced_offset,
                    bytes.substr(scan.synced_offset, scan.good_end - scan.synced_offset));
    return !written.ok() && written.error().code == Errc::kNoSpace ? Result<void>() : written;
  }

  Result<std::vector<std::string>> names_in_aof_directory() {
    auto names = os_.list(kAofDirectory);
    if (!names.ok() && names.error().code == Errc::kNotFound) return std::vector<std::string>();
    return names;
  }

  bool has_name(std::string_view name) const {
    return std::find(names_.begin(), names_.end(), name) != names_.end();
  }

  // A first start, or one that was cut before its manifest was published: nothing was acknowledged
  // then.
  Result<void> start_without_manifest() {
    recovered_.marked = has_name(kFirstGenerationMark);
    if (!recovered_.marked) TRY(check_no_data());
    TRY(set_aside_orphans());
    return load_checkpoint();
  }

  Result<void> check_no_data() {
    for (const std::string& name : names_) {
      if (!sequence_of(name) || name.ends_with(kOrphanSuffix)) continue;
      TRY_ASSIGN(const auto file, os_.open(in_aof_directory(name), Open::kRead));
      TRY_ASSIGN(const bool data, holds_data(SegmentBytes(*file)));
      if (data) {
        return Error{
            Errc::kCorrupt,
            fmt::format("{}: data but no {}; restore the manifest from a copy, or move the "
                        "directory away to start empty",
                        in_aof_directory(name), kManifestName)};
      }
    }
    return {};
  }

  // A file that no manifest names is never adopted.
  Result<void> set_aside_orphans() {
    for (const std::string& name : names_) {
      if (!sequence_of(name) || name.ends_with(kOrphanSuffix) || recovered_.manifest.names(name))
        continue;
      const bool history =
          std::any_of(recovered_.manifest.history.begin(), recovered_.manifest.history.end(),
                      [&](const ManifestFile& file) { return file.name == name; });
      if (history && recovered_.foreign) continue;
      if (history) {
        TRY(os_.remove(in_aof_directory(name)));
        continue;
      }
      TRY(os_.rename(in_aof_directory(name), in_aof_directory(name + std::string(kOrphanSuffix))));
      report().set_aside.push_back(name);
    }
    return {};
  }

  // The log is off, and there is no checkpoint: what an earlier log has is not passed over. It is read, and left.
  Result<void> read_log_beside() {
    TRY(read_manifest());
    TRY(load_generation());
    recovered_.manifest = {};
    recovered_.foreign = false;
    report().log_beside = true;
    return {};
  }

  Result<void> load_checkpoint() {
    auto opened = os_.open(kCheckpointName, Open::kRead);
    if (!opened.ok() && opened.error().code == Errc::kNotFound) {
      if (!options_.append_only && has_name(kManifestName)) return read_log_beside();
      if (!options_.append_only && !has_name(kFirstGenerationMark)) TRY(check_no_data());
      TRY(check_nothing_passed_over(os_));
      report().found_nothing = true;
      return {};
    }
    if (!opened.ok()) return opened.error();
    RdbLoadOptions options;
    options.drop_expired = true;
    TRY(load_rdb_file(**opened, std::string(kCheckpointName), options));
    // A checkpoint that was renamed and then seen after a kill must not go away again.
    return settle_checkpoint(os_, **opened);
  }

  Result<void> load_base(const ManifestFile& base) {
    if (base.name.ends_with(".aof")) return load_plain_base(base);
    TRY_ASSIGN(const auto file, open_named(base.name));
    TRY(load_rdb_file(*file, base.name, {}));
    if (base.keys && report().base_keys != *base.keys) {
      return Error{Errc::kCorrupt, fmt::format("{}: {} keys, but the manifest says {}", base.name,
                                               report().base_keys, *base.keys)};
    }
    if (base.check) TRY(check_base(*file, base));
    if (base.lsn) report().last_lsn = *base.lsn;
    return {};
  }

  // Whole and valid, but is it the file the manifest means? Its checksum is its last eight bytes.
  Result<void> check_base(File& file, const ManifestFile& base) {
    TRY_ASSIGN(const uint64_t size, file.size());
    TRY_ASSIGN(const std::string bytes, read_whole(file, size - std::min<uint64_t>(size, 8)));
    uint64_t crc = 0;
    for (size_t i = bytes.size(); i > 0; --i)
      crc = crc << 8 | static_cast<unsigned char>(bytes[i - 1]);
    if (crc == *base.check && size == base.length.value_or(size)) return {};
    return Error{Errc::kCorrupt,
                 fmt::format("{}: an older file of the same name, not the one the manifest means; "
                             "restore it from a copy",
                             base.name)};
  }

  Result<void> load_rdb_file(File& file, const std::string& name, const RdbLoadOptions& options) {
    report().base = name;
    TRY_ASSIGN(const RdbInfo info, load_rdb(file, name, keyspace_, options));
    report().base_keys = info.keys;
    if (const std::string* lsn = info.find_aux(kRdbAuxLsn)) {
      (void)std::from_chars(lsn->data(), lsn->data() + lsn->size(), report().last_lsn);
    }
    return check_time(name);
  }

  // A base in AOF format, as Redis writes without aof-use-rdb-preamble.
  Result<void> load_plain_base(const ManifestFile& base) {
    TRY_ASSIGN(const auto file, open_named(base.name));
    TRY_ASSIGN(const std::string bytes, read_whole(*file));
    report().base = base.name;
    SegmentExpectation expected;
    expected.name = base.name;
    expected.synced_length = bytes.size();
    SegmentBytes whole{std::string_view(bytes)};
    TRY(scan_segment(whole, expected,
                     [&](uint64_t, const EntryView& entry) { return replay_.apply(entry); }));
    return {};
  }

  // A file that the manifest names: without it there is no telling what was lost.
  Result<std::unique_ptr<File>> open_named(const std::string& name) {
    auto file = os_.open(in_aof_directory(name), Open::kReadWrite);
    if (!file.ok() && file.error().code == Errc::kNotFound) {
      return Error{Errc::kCorrupt,
                   fmt::format("{}: named by the manifest but missing; restore it from a copy",
                               in_aof_directory(name))};
    }
    return file;
  }

  Result<void> load_segment(size_t index, bool last) {
    ManifestFile& named = recovered_.manifest.segments[index];
    TRY_ASSIGN(auto file, open_named(named.name));
    SegmentBytes bytes(*file);
    SegmentExpectation expected;
    expected.name = in_aof_directory(named.name);
    expected.first_lsn = report().last_lsn + 1;
    if (named.lsn) {
      expected.ours = named.sequence;
      expected.nonce = named.check;
      if (*named.lsn != expected.first_lsn) {
        return Error{Errc::kCorrupt,
                     fmt::format("{}: begins with entry {}, but entry {} must come next",
                                 expected.name, *named.lsn, expected.first_lsn)};
      }
      expected.first_lsn = *named.lsn;
    }
    expected.synced_length = named.length;
    // Redis itself lets only the last file end early.
    if (!last && !named.length && !expected.ours) {
      TRY(bytes.rest());
      expected.synced_length = bytes.size();
    }
    expected.truncate_corruption = options_.on_corruption == OnCorruption::kTruncate;
    replay_.new_segment();
    uint64_t since_check = 0;
    TRY_ASSIGN(const SegmentScan scan,
               scan_segment(bytes, expected, [&](uint64_t, const EntryView& entry) -> Result<void> {
                 if (++since_check % 1024 == 0) TRY(check_time(named.name));
                 return replay_.apply(entry);
               }));
    // Every entry was handed over once, under the next number.
    CHECK(scan.next_lsn == expected.first_lsn + scan.entries && scan.good_end <= bytes.size());
    CHECK(!scan.corrupt || expected.truncate_corruption);
    ++report().segments;
    report().entries += scan.entries;
    report().batches += scan.batches;
    report().last_lsn = scan.next_lsn - 1;
    if (scan.good_end < bytes.size()) {
      report().dropped_bytes += bytes.size() - scan.good_end;
      report().dropped_reason = scan.dropped_reason;
      report().dropped_corruption = scan.corrupt;
    }
    if (!last && scan.good_end < bytes.size() && !scan.corrupt) {
      return Error{Errc::kCorrupt, fmt::format("{} offset {}: {}, but a later segment follows",
                                               expected.name, scan.good_end, scan.dropped_reason)};
    }
    if ((last || scan.corrupt) && options_.append_only)
      return adopt(std::move(file), named, scan, bytes.view());
    return {};
  }

  // Cuts the torn tail off and makes the rest durable, so that appending behind it is safe.
  Result<void> adopt(std::unique_ptr<File> file, const ManifestFile& named, const SegmentScan& scan,
                     std::string_view bytes) {
    uint64_t end = scan.good_end;
    if (end < bytes.size()) TRY(file->truncate(end));
    CHECK(!scan.annotated || scan.header.sequence == named.sequence || !named.lsn);
    const bool goes_on = scan.annotated && !scan.corrupt && !scan.by_redis;
    if (goes_on && may_be_hollow(scan)) {  // a new generation takes it up
      report().untrusted_bytes = end - scan.synced_offset;
      return {};
    }
    if (goes_on) TRY(write_tail_again(*file, bytes, scan));
    if (goes_on && scan.closed) {
      CHECK(scan.closed_offset < end);
      const std::string mark =
          encode_mark(MarkKind::kOpened, scan.next_lsn, scan.header.nonce, end);
      const auto opened = write_whole(*file, end, mark);
      // A full disk must not keep the store from starting: then the closed mark goes.
      if (!opened.ok() && opened.error().code != Errc::kNoSpace) return opened;
      if (!opened.ok()) TRY(file->truncate(scan.closed_offset));
      end = opened.ok() ? end + mark.size() : scan.closed_offset;
    }
    // A sync that fails here may report what went wrong before the restart. What was replayed is in
    // memory: a new generation takes it up, and this segment is never trusted again.
    if (const auto synced = file->sync("recovery.segment"); !synced.ok()) {
      report().unsynced_reason = synced.error().message;
      return {};
    }
    // A segment that Redis wrote to, or one given up half-way, is not appended to: a new generation
    // follows.
    if (!goes_on) return {};
    recovered_.segment = Segment{std::move(file), named.sequence, scan.header.nonce, end, end};
    return {};
  }

  Result<void> check_time(std::string_view where) {
    if (options_.time_limit.ns == 0 || os_.now() - started_ <= options_.time_limit) return {};
    return Error{
        Errc::kTimeout,
        fmt::format(
            "recovery took longer than its limit of {} ms; it had reached {} with {} keys of the "
            "base and {} entries",
            options_.time_limit.ms(), where, report().base_keys, report().entries)};
  }

  Os& os_;
  Keyspace& keyspace_;
  const RecoveryOptions& options_;
  Replay replay_;
  Instant started_;
  Recovered recovered_;
  std::vector<std::string> names_;
};

}  // namespace

std::string RecoveryReport::summary() const {
  if (found_nothing) return "nothing found: a fresh start";
  std::string text = fmt::format("{} keys from {}, {} entries from {} segments", base_keys,
                                 base.empty() ? "no base" : base, entries, segments);
  if (log_beside) text += "; appendonly is off: the log is left as it is, and dump.rdb takes over";
  if (dropped_bytes != 0)
    text += fmt::format("; {} bytes dropped: {}", dropped_bytes, dropped_reason);
  if (!unsynced_reason.empty())
    text += fmt::format("; a new generation, since a sync failed: {}", unsynced_reason);
  if (untrusted_bytes != 0)
    text +=
        fmt::format("; a new generation, since {} bytes may be in memory alone", untrusted_bytes);
  if (!set_aside.empty()) text += fmt::format("; {} unnamed files set aside", set_aside.size());
  return text;
}

Result<Recovered> recover(Os& os, Keyspace& keyspace, const RecoveryOptions& options) {
  return Recovery(os, keyspace, options).run();
}

}  // namespace powercut::engine
