#include "engine/recovery/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/aof/replace.h"
#include "engine/aof/segment_reader.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/recovery/newer_beside.h"
#include "engine/recovery/passed_over.h"
#include "engine/recovery/plain_log.h"
#include "engine/recovery/replay.h"

namespace powercut::engine {

std::string in_aof_directory(std::string_view name) {
  std::string path(kAofDirectory);
  path += '/';
  path += name;
  return path;
}

std::string unsealed_name(std::string_view id) {
  return fmt::format("{}{}{}", kBackupMarkPrefix, id, kUnsealedSuffix);
}

std::string removed_name(std::string_view id) {
  return fmt::format("{}{}{}", kBackupMarkPrefix, id, kRemovedSuffix);
}

namespace {

// How long a start waits for a value in the archive, and between two tries.
constexpr Duration kArchivePatience = seconds(30);
constexpr Duration kArchivePause = milliseconds(500);

constexpr uint64_t kHighestLsn = UINT64_MAX / 2;  // a higher one is damage
constexpr uint64_t kSmallestBlock = 1024;         // of a filesystem that a log may be on

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
      // A base, or another server's, however little there is of it.
      return text.starts_with('*') || text.starts_with(kRdbMagic) || begins_as_others_do(text);
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
    recovered_.unsealed_backups = marked_backups(kUnsealedSuffix);
    recovered_.removed_backups = marked_backups(kRemovedSuffix);
    for (const std::string& name : names_)
      if (sequence_of(name) && name.ends_with(kOrphanSuffix)) recovered_.orphans.push_back(name);
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

  std::vector<std::string> marked_backups(std::string_view suffix) const {
    std::vector<std::string> ids;
    for (std::string_view name : names_) {
      if (!name.starts_with(kBackupMarkPrefix) || !name.ends_with(suffix)) continue;
      name.remove_prefix(kBackupMarkPrefix.size());
      name.remove_suffix(std::min(name.size(), suffix.size()));
      if (!name.empty()) ids.emplace_back(name);
    }
    return ids;
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
    // A publication was cut before its rename: no name leads to it, and the next one writes it anew.
    if (has_name(kManifestTemporary)) (void)os_.remove(in_aof_directory(kManifestTemporary));
    // As a mark of the first generation was, that was to replace an earlier one.
    const std::string next_mark = std::string(kFirstGenerationMark) + ".next";
    if (has_name(next_mark)) (void)os_.remove(in_aof_directory(next_mark));
    remove_second_names();
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
    if (asks_beside()) modified_ms_ = log_modified_ms(os_, recovered_.manifest);
    TRY(measure_generation());
    if (recovered_.manifest.base) TRY(load_base(*recovered_.manifest.base));
    const size_t count = recovered_.manifest.segments.size();
    for (size_t i = 0; i < count && !report().dropped_corruption; ++i)
      TRY(load_segment(i, i + 1 == count));
    if (count == 0) return look_beside_log(false);
    return {};
  }

  bool asks_beside() const { return options_.append_only && options_.on_newer == OnNewer::kRefuse; }

  // Before anything is changed, and once it is known where the log ends.
  Result<void> look_beside_log(bool closed) {
    if (!asks_beside()) return {};
    LogState log;
    log.foreign = recovered_.foreign;
    log.closed = closed;
    log.last_lsn = report().last_lsn;
    log.empty = log.last_lsn == 0 && report().base_keys == 0;
    log.modified_ms = modified_ms_;
    TRY_ASSIGN(BesideLog beside, check_beside_log(os_, log));
    report().passed_over = std::move(beside.text);
    // What was given up as damaged may stand there still.
    report().checkpoint_ahead = beside.checkpoint_ahead && !report().dropped_corruption;
    return {};
  }

  // For who looks on: how much there is to load.
  Result<void> measure_generation() {
    if (options_.progress == nullptr) return {};
    std::vector<std::string> names;
    if (recovered_.manifest.base) names.push_back(recovered_.manifest.base->name);
    for (const ManifestFile& file : recovered_.manifest.segments) names.push_back(file.name);
    for (const std::string& name : names) {
      TRY_ASSIGN(const auto file, open_named(name));
      TRY_ASSIGN(const uint64_t size, file->size());
      options_.progress->total_bytes += size;
    }
    return {};
  }

  // Now and then: has it taken too long? Who looks on sees how far it is, and others run.
  Result<void> between_entries(std::string_view where, uint64_t done) {
    if (++since_check_ % 1024 != 0) return {};
    if (options_.progress != nullptr) {
      options_.progress->loaded_bytes = loaded_before_ + done;
      os_.park(os_.now());
    }
    return check_time(where);
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

  // Of a manifest that bears no mark. The mark goes last, once a directory sync has succeeded: a power cut that kept another
  // second name, and not the mark, has left what nothing rests on.
  void remove_second_names() {
    const std::string mark = replaced_name(std::string(kManifestName));
    if (has_name(mark)) return;  // a publication has removed them
    const std::string_view begins = std::string_view(mark).substr(0, mark.rfind('.') + 1);
    for (const std::string& name : names_)
      if (name.starts_with(begins)) (void)os_.remove(in_aof_directory(name));
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
    // A start that was cut while it took the single log over may have moved it already.
    if (has_name(kSingleLog)) {
      TRY_ASSIGN(const auto moved, open_named(std::string(kSingleLog)));
      TRY(load_single_log(*moved, in_aof_directory(kSingleLog)));
    } else {
      TRY(load_checkpoint());
    }
    return set_aside_orphans();
  }

  Result<std::unique_ptr<File>> open_if_there(const std::string& path) {
    auto file = os_.open(path, Open::kRead);
    if (!file.ok() && file.error().code == Errc::kNotFound) return std::unique_ptr<File>();
    return file;
  }

  // That of a server before Redis 7. A crash may have cut its end, as that server allows for.
  Result<void> load_single_log(File& file, const std::string& name) {
    SegmentExpectation expected;
    expected.name = name;
    TRY(load_whole(file, std::move(expected)));
    recovered_.single_log = true;
    if (options_.on_newer == OnNewer::kRefuse && os_.open(kCheckpointName, Open::kRead).ok()) {
      report().passed_over = kCheckpointName;
    }
    return {};
  }

  Result<void> load_whole(File& file, SegmentExpectation expected) {
    const std::string name = expected.name;
    expected.truncate_corruption = options_.on_corruption == OnCorruption::kTruncate;
    expected.until_unix_s = options_.until_unix_s;
    if (options_.progress != nullptr && options_.progress->total_bytes == 0) {
      TRY_ASSIGN(options_.progress->total_bytes, file.size());
    }
    report().base = name;
    replay_.new_segment();
    TRY_ASSIGN(const PlainLog log,
               load_plain_log(file, keyspace_, expected,
                              [&](uint64_t lsn, const EntryView& entry) -> Result<void> {
                                if (lsn > options_.until_lsn) return {};
                                TRY(between_entries(name, 0));
                                if (options_.on_entry) options_.on_entry(UINT64_MAX);
                                return replay_.apply(entry);
                              }));
    loaded_before_ += log.size;
    report().base_keys = log.checkpoint.keys;
    report().base_expired = log.checkpoint.expired_dropped;
    report().entries += log.scan.entries;
    take_lsn(log.checkpoint);
    report().last_lsn += log.scan.entries;
    TRY(note_end(name, log.scan, log.size));
    return check_time(name);
  }

  // What of a file's end is dropped, if it may be.
  Result<void> note_end(const std::string& name, const SegmentScan& scan, uint64_t size) {
    if (!scan.corrupt && scan.good_end >= size) return {};
    if (!scan.corrupt && !options_.drops_torn_end)
      return Error{
          Errc::kCorrupt,
          fmt::format("{} offset {}: {}, and aof-load-truncated is no; start with yes to drop the "
                      "last {} bytes, or look with powercut-check-aof; nothing was changed",
                      name, scan.good_end, scan.dropped_reason, size - scan.good_end)};
    report().dropped_bytes += size - scan.good_end;
    report().dropped_reason = scan.dropped_reason;
    report().dropped_corruption = scan.corrupt;
    return {};
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
      if (name.ends_with(kOrphanSuffix) || recovered_.manifest.names(name)) continue;
      const bool history =
          std::any_of(recovered_.manifest.history.begin(), recovered_.manifest.history.end(),
                      [&](const ManifestFile& file) { return file.name == name; });
      if (history && recovered_.foreign) continue;
      if (history) {
        TRY(os_.remove(in_aof_directory(name)));
        continue;
      }
      if (!sequence_of(name)) continue;
      const std::string aside = name + std::string(kOrphanSuffix);
      // A cut amid an earlier start may have left both names to the one file: then a rename does nothing (rename(2)).
      if (has_name(aside)) {
        TRY(os_.remove(in_aof_directory(aside)));
        std::erase(recovered_.orphans, aside);
      }
      TRY(os_.rename(in_aof_directory(name), in_aof_directory(aside)));
      report().set_aside.push_back(name);
    }
    return bound_orphans();
  }

  // What an earlier start set aside is not kept for ever: the manifest that does not name it is durable.
  Result<void> bound_orphans() {
    const bool settled = has_name(kManifestName) && !recovered_.foreign;
    if (settled) {
      for (const std::string& name : recovered_.orphans) TRY(os_.remove(in_aof_directory(name)));
      recovered_.orphans.clear();
    }
    for (const std::string& name : report().set_aside)
      recovered_.orphans.push_back(name + std::string(kOrphanSuffix));
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
      TRY_ASSIGN(const bool single,
                 check_nothing_passed_over(os_, options_.append_only ? kSingleLog : ""));
      report().found_nothing = !single;
      if (!single) return {};
    }
    if (options_.append_only) {  // of an older server's two, the log counts
      TRY_ASSIGN(auto single, open_if_there(std::string(kSingleLog)));
      if (single) return load_single_log(*single, std::string(kSingleLog));
    }
    if (!opened.ok()) return opened.error();
    RdbLoadOptions options;
    options.drop_expired = true;
    options.allow_stray = true;
    TRY(load_rdb_file(**opened, std::string(kCheckpointName), options));
    if (!options_.append_only && options_.on_newer == OnNewer::kRefuse) {
      TRY_ASSIGN(report().passed_over, check_beside_checkpoint(os_, checkpoint_lsn_));
    }
    // A checkpoint that was renamed and then seen after a kill must not go away again.
    return settle_checkpoint(os_, **opened);
  }

  Result<void> load_base(const ManifestFile& base) {
    TRY_ASSIGN(const auto file, open_named(base.name));
    if (!base.lsn) return load_plain_base(*file, base);
    RdbLoadOptions options;
    if (options_.cold != nullptr) look_into_cold(options);
    TRY(load_rdb_file(*file, base.name, options));
    if (base.keys && report().base_keys != *base.keys) {
      return Error{Errc::kCorrupt, fmt::format("{}: {} keys, but the manifest says {}", base.name,
                                               report().base_keys, *base.keys)};
    }
    if (base.check) TRY(check_base(*file, base));
    if (base.lsn) report().last_lsn = *base.lsn;
    return {};
  }

  // A base may refer to values in the cold tier.
  void look_into_cold(RdbLoadOptions& options) {
    options.take_in = [this](std::string_view rests_on) -> Result<void> {
      TRY_ASSIGN(recovered_.rests_on, options_.cold->adopt(rests_on));
      return {};
    };
    options.segment_of = [this](uint64_t sequence) { return options_.cold->find(sequence); };
    replay_.set_bring_back([this](int db, std::string_view key) { return bring_back(db, key); });
  }

  Result<void> bring_back(int db, std::string_view key) {
    Table::Entry* entry = keyspace_.entry_of(keyspace_.mutable_database(db), key);
    if (entry == nullptr || entry->value.value.away() == nullptr) return {};
    auto value = read_away(*entry->value.value.away());
    if (!value.ok()) return not_had(value.error(), key);
    keyspace_.bring_back(*entry, std::move(*value));
    return {};
  }

  // The log changes it, so there is no start without it: one in the archive is asked for again and again.
  Result<Value> read_away(const Away& away) {
    const Instant deadline = os_.now() + kArchivePatience;
    for (;;) {
      auto value = options_.cold->read(away, keyspace_.encoding_limits());
      if (value.ok() || !away.segment()->archived) return value;
      const Errc code = value.error().code;
      if (code != Errc::kIo && code != Errc::kTimeout) return value;
      if (os_.now() >= deadline)
        return Error{code, fmt::format("{}; the log changes a value that lies there: start again "
                                       "when the archive is reached (nothing was changed)",
                                       value.error().message)};
      os_.park(os_.now() + kArchivePause);
    }
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

  void take_lsn(const RdbInfo& info) {
    if (info.find_aux(kRdbAuxLsn) == nullptr) return;
    checkpoint_lsn_ = report().last_lsn = info.lsn().value_or(report().last_lsn);
  }

  Result<void> load_rdb_file(File& file, const std::string& name, const RdbLoadOptions& options) {
    report().base = name;
    auto loaded = load_rdb(file, name, keyspace_, options);
    if (!loaded.ok()) return with_remedy(loaded.error());
    const RdbInfo info = std::move(*loaded);
    report().base_keys = info.keys;
    report().base_expired = info.expired_dropped;
    if (const std::string* made = info.find_aux("ctime"))
      report().base_unix_s = std::strtoll(made->c_str(), nullptr, 10);
    if (const std::string* queue = info.find_aux(kRdbAuxQueue)) recovered_.queue = *queue;
    take_lsn(info);
    loaded_before_ += info.bytes;
    if (options_.progress != nullptr) options_.progress->loaded_bytes = loaded_before_;
    return check_time(name);
  }

  // A base of Redis: a checkpoint, commands as without aof-use-rdb-preamble, or both, as of a server before Redis 7. It is
  // whole: only behind it may a log be cut.
  Result<void> load_plain_base(File& file, const ManifestFile& base) {
    SegmentExpectation expected;
    expected.name = in_aof_directory(base.name);
    TRY_ASSIGN(expected.synced_length, file.size());
    TRY(load_whole(file, std::move(expected)));
    report().base = base.name;
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
    expected.until_unix_s = options_.until_unix_s;
    replay_.new_segment();
    const auto on_entry = [&](uint64_t lsn, const EntryView& entry) -> Result<void> {
      if (lsn > options_.until_lsn) return {};
      if (options_.on_entry) options_.on_entry(lsn);
      const auto at = entry.command(0)[0].data() - bytes.view().data();
      TRY(between_entries(named.name, static_cast<uint64_t>(at)));
      return replay_.apply(entry);
    };
    const auto on_ahead = [&](const EntryView& batch, size_t next) {
      replay_.fetch_ahead(batch, next);
    };
    TRY_ASSIGN(SegmentScan scan, scan_segment(bytes, expected, on_entry, on_ahead));
    loaded_before_ += bytes.size();
    // Every entry was handed over once, under the next number.
    CHECK(scan.next_lsn == expected.first_lsn + scan.entries && scan.good_end <= bytes.size());
    CHECK(!scan.corrupt || expected.truncate_corruption);
    // What another segment follows was synced to its end.
    if (!last && scan.good_end < bytes.size() && !scan.corrupt) {
      if (!expected.truncate_corruption)
        return Error{Errc::kCorrupt,
                     fmt::format("{} offset {}: {}, but a later segment follows", expected.name,
                                 scan.good_end, scan.dropped_reason)};
      scan.corrupt = true;
    }
    ++report().segments;
    report().entries += scan.entries;
    report().batches += scan.batches;
    report().last_lsn = scan.next_lsn - 1;
    TRY(note_end(expected.name, scan, bytes.size()));
    if (last || scan.corrupt) TRY(look_beside_log(scan.closed));
    if ((last || scan.corrupt) && options_.append_only)
      return adopt(std::move(file), named, scan, bytes.view());
    return {};
  }

  // Cuts the torn tail off and makes the rest durable, so that appending behind it is safe. A segment that another server
  // wrote to, or one given up half-way, is not appended to: a new generation follows, and until that is published the
  // next start has to find this file as it was.
  Result<void> adopt(std::unique_ptr<File> file, const ManifestFile& named, const SegmentScan& scan,
                     std::string_view bytes) {
    CHECK(!scan.annotated || scan.header.sequence == named.sequence || !named.lsn);
    if (!scan.annotated || scan.corrupt || scan.by_redis) return {};
    uint64_t end = scan.good_end;
    if (end < bytes.size()) TRY(file->truncate(end));
    if (may_be_hollow(scan)) {  // a new generation takes it up
      report().untrusted_bytes = end - scan.synced_offset;
      return {};
    }
    TRY(write_tail_again(*file, bytes, scan));
    if (scan.closed) {
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
  int64_t modified_ms_ = 0;  // the log, before this start
  std::optional<uint64_t> checkpoint_lsn_;
  uint64_t since_check_ = 0;
  uint64_t loaded_before_ = 0;
};

}  // namespace

std::string RecoveryReport::summary() const {
  if (found_nothing) return "nothing found: a fresh start";
  std::string text = fmt::format("{} keys from {}, {} entries from {} segments", base_keys,
                                 base.empty() ? "no base" : base, entries, segments);
  if (log_beside) text += "; appendonly is off: the log is left as it is, and dump.rdb takes over";
  if (dropped_bytes != 0 || dropped_corruption)
    text += fmt::format("; {} bytes dropped: {}", dropped_bytes, dropped_reason);
  if (!unsynced_reason.empty())
    text += fmt::format("; a new generation, since a sync failed: {}", unsynced_reason);
  if (untrusted_bytes != 0)
    text +=
        fmt::format("; a new generation, since {} bytes may be in memory alone", untrusted_bytes);
  if (!passed_over.empty()) text += fmt::format("; beside it and not read: {}", passed_over);
  if (checkpoint_ahead)
    text += "; dump.rdb has entries that a crash took from the log, and is written again";
  if (!set_aside.empty()) text += fmt::format("; {} unnamed files set aside", set_aside.size());
  return text;
}

Result<Recovered> recover(Os& os, Keyspace& keyspace, const RecoveryOptions& options) {
  return Recovery(os, keyspace, options).run();
}

}  // namespace powercut::engine
