#include "scenarios/store/files/redis_layout.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/aof/segment_reader.h"
#include "engine/backup/backups.h"
#include "engine/checkpoint/rdb_encode.h"
#include "engine/config.h"
#include "engine/recovery/recovery.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/store/files/log_manifest.h"
#include "scenarios/store/files/older_checkpoint.h"
#include "sim/sim_os.h"

namespace powercut::scenarios {

namespace {

// Of an entry that was being written as the server was killed.
constexpr std::string_view kNext = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n";

std::string in_log(std::string_view name) {
  return fmt::format("{}/{}", engine::kAofDirectory, name);
}

// The commands of a segment, as far as its batches verify; none: it is not one of ours. `whole`: to its end.
std::optional<std::string> commands_of(std::string_view text, bool& whole) {
  size_t position = 0;
  const auto header = engine::parse_header(text, position);
  if (!header) return std::nullopt;
  std::string commands;
  std::string batch;
  std::vector<std::string_view> words;
  size_t begin = position;  // of the batch
  const auto take_line = [&] {
    size_t length = 0;
    const std::string_view rest = text.substr(position);
    if (const auto note = engine::parse_annotation(rest, length)) {
      if (note->length != position - begin ||
          note->crc != engine::batch_crc(text.substr(begin, note->length), rest.substr(0, length),
                                         header->nonce, begin))
        return false;
      commands += std::exchange(batch, {});
    } else if (const auto mark = engine::parse_mark(rest, length); !mark) {
      length = rest.find('\n') + 1;  // a timestamp
      position += length;
      return length != 0;
    }
    position += length;
    begin = position;
    return true;
  };
  while (position < text.size()) {
    const size_t from = position;
    if (text[from] == '#') {
      if (!take_line()) break;
      continue;
    }
    words.clear();
    if (engine::parse_command(text, position, words) != engine::Parse::kCommand) break;
    batch += text.substr(from, position - from);
  }
  whole = begin == text.size();
  return commands;
}

// What the log says, file by file.
struct Log {
  engine::Manifest manifest;
  std::string base;
  std::vector<std::string> segments;
  bool rewritten = false;  // the base is not the file that the manifest named
};

std::optional<Log> read_log(const sim::Disk& disk) {
  auto manifest = log_manifest(disk);
  if (!manifest) return std::nullopt;
  Log log{std::move(*manifest), {}, {}};
  if (log.manifest.base) {
    auto base = file_content(disk, in_log(log.manifest.base->name));
    if (!base) return std::nullopt;
    log.base = std::move(*base);
  }
  bool whole = true;
  for (const engine::ManifestFile& segment : log.manifest.segments) {
    if (!whole) return std::nullopt;  // only the last one may end anywhere
    const auto bytes = file_content(disk, in_log(segment.name));
    if (!bytes) return std::nullopt;
    auto commands = commands_of(*bytes, whole);
    if (!commands) return std::nullopt;
    log.segments.push_back(std::move(*commands));
  }
  return log;
}

void write_directory(sim::Disk& disk, const Log& log) {
  const bool backed_up = disk.lookup(engine::kBackupsDirectory).ok();
  std::string manifest;
  const auto add = [&](const engine::ManifestFile& file, char type) {
    manifest += fmt::format("file {} seq {} type {}\n", file.name, file.sequence, type);
  };
  if (log.manifest.base) add(*log.manifest.base, 'b');
  if (log.rewritten) {
    (void)disk.remove(in_log(log.manifest.base->name));
    put_file(disk, in_log(log.manifest.base->name), log.base);
  }
  for (size_t i = 0; i < log.segments.size(); ++i) {
    add(log.manifest.segments[i], 'i');
    // Redis changes nothing of a file that it goes on from: this is another, and a backup keeps the one that it has.
    if (backed_up) (void)disk.remove(in_log(log.manifest.segments[i].name));
    put_file(disk, in_log(log.manifest.segments[i].name), log.segments[i]);
  }
  put_file(disk, in_log(engine::kManifestName), manifest);
  for (const engine::ManifestFile& file : log.manifest.history)
    (void)disk.remove(in_log(file.name));  // as it does with its own
}

void remove_directory(sim::Disk& disk) {
  const std::string directory(engine::kAofDirectory);
  const auto names = disk.list(directory);
  for (const std::string& name : *names) (void)disk.remove(directory + "/" + name);
  (void)disk.sync_at_once(directory);
  (void)disk.remove(directory);
}

void write_single(sim::Disk& disk, const Log& log) {
  std::string all = log.base;
  for (const std::string& segment : log.segments) all += segment;
  remove_directory(disk);
  put_file(disk, std::string(engine::kSingleLog), all);
}

// All that a start would find there, in a base of its own, as after BGREWRITEAOF.
std::optional<std::string> compacted(const sim::Disk& disk) {
  sim::WorldState world;
  world.disk = disk;
  sim::SeededChoices choices(1);
  sim::Trace trace;
  sim::SimOs os(world, choices, trace, nullptr);
  std::optional<std::string> base;
  os.spawn("redis", [&] {
    engine::Keyspace keyspace;
    const auto found = engine::recover(os, keyspace, {});
    if (!found.ok()) return;
    engine::RdbHeader header;
    header.aof_base = true;
    header.aux = {{std::string(engine::kRdbAuxLsn), std::to_string(found->report.last_lsn)}};
    base = engine::encode_rdb(keyspace, header);
  });
  os.run();
  os.destroy_tasks();
  return base;
}

// As another version may have written the base, or with all in it.
void rewrite_base(const sim::Disk& disk, Log& log, sim::Choices& choices) {
  if (choices.choose("redis.compacted", 0, 2) == 0) {
    if (auto base = compacted(disk)) {
      log.base = std::move(*base);
      log.segments.assign(log.segments.size(), "");
      log.rewritten = true;
    }
  }
  if (choices.choose("redis.older", 0, 4) != 0) {
    if (auto older = in_older_words(log.base, choices)) {
      log.base = std::move(*older);
      log.rewritten = true;
    }
  }
  if (!log.rewritten || log.manifest.base) return;
  const uint64_t sequence = log.manifest.segments.front().sequence;
  log.manifest.base = {engine::base_name(sequence), sequence};
}

// Does the log end with the mark of a clean end? Behind that a line of Redis's can be told from a batch that was cut.
bool is_closed(std::string_view text) {
  const size_t line = text.rfind("#pc ");
  size_t length = 0;
  if (line == text.npos) return false;
  const auto mark = engine::parse_mark(text.substr(line), length);
  return mark && mark->kind == engine::MarkKind::kClosed && line + length == text.size();
}

// Redis 7 reads our files as they are, and appends to the last one: here the beginnings of entries, and no whole one.
bool append_in_place(sim::Disk& disk, const Log& log, sim::Choices& choices) {
  const std::string path = in_log(log.manifest.segments.back().name);
  std::string text = *file_content(disk, path);
  if (!is_closed(text)) return false;
  if (choices.choose("redis.timestamp", 0, 2) == 0) text += "#TS:1700000000\r\n";
  // In front of SELECT, which would be an entry with it.
  if (choices.choose("redis.empty", 0, 2) == 0) text += "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n";
  text += "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
  if (choices.choose("redis.torn", 0, 2) == 0)
    text += kNext.substr(0, choices.choose("redis.torn", 1, kNext.size()));
  put_file(disk, path, text);
  (void)disk.sync_at_once(engine::kAofDirectory);
  return true;
}

// All there is stands in the base: as of a server without a log, after a SAVE.
bool write_checkpoint(sim::Disk& disk, const Log& log) {
  if (!log.manifest.base) return false;
  for (const std::string& segment : log.segments)
    if (!segment.empty()) return false;
  remove_directory(disk);
  put_file(disk, std::string(engine::kCheckpointName), log.base);
  return true;
}

}  // namespace

bool rewrite_as_redis(sim::Disk& disk, sim::Choices& choices) {
  auto log = read_log(disk);
  if (!log || log->segments.empty()) return false;
  if (choices.choose("redis.in_place", 0, 3) == 0 && append_in_place(disk, *log, choices))
    return true;
  rewrite_base(disk, *log, choices);
  if (choices.choose("redis.checkpoint", 0, 2) == 0 && write_checkpoint(disk, *log)) {
    (void)disk.sync_at_once("");
    return true;
  }
  // It may have been killed in the middle of a write.
  if (choices.choose("redis.torn", 0, 2) == 0)
    log->segments.back() += kNext.substr(0, choices.choose("redis.torn", 1, kNext.size()));
  if (choices.choose("redis.layout", 0, 2) == 0)
    write_directory(disk, *log);
  else
    write_single(disk, *log);
  (void)disk.sync_at_once(engine::kAofDirectory);
  (void)disk.sync_at_once("");
  return true;
}

}  // namespace powercut::scenarios
