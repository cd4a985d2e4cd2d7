#include "scenarios/store/undone.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "engine/aof/format.h"
#include "engine/aof/manifest.h"
#include "engine/aof/replace.h"
#include "engine/recovery/checkpoint_file.h"
#include "scenarios/judge/file_content.h"
#include "scenarios/store/files/log_manifest.h"
#include "scenarios/store/held_back.h"

namespace powercut::scenarios {

namespace {

using engine::Keyspace;
using engine::SyncPolicy;

// Jobs take milliseconds, and the expirer looks again each tenth of a second.
constexpr Duration kSoon = seconds(10);

std::string expired(engine::Engine& engine, int64_t wall_ms) {
  const int64_t late_ms = kSoon.ms() + engine.config().sizes.expire_lag.ms();
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    const engine::Table& table = engine.keyspace().database(db).table();
    for (size_t i = 0; i < table.size(); ++i) {
      const auto& entry = table.at(i);
      if (entry.value.expires() && entry.value.expire_at_ms < wall_ms - late_ms)
        return fmt::format("a key of database {} expired {} ms ago and is there", db,
                           wall_ms - entry.value.expire_at_ms);
    }
  }
  return {};
}

std::string unsynced(engine::Engine& engine) {
  const engine::AofLog& log = engine.aof();
  if (!log.active()) return {};
  const bool syncs = engine.config().aof.policy != SyncPolicy::kNo;
  const uint64_t reached = syncs ? log.synced_lsn() : log.written_lsn();
  if (reached == log.applied_lsn()) return {};
  return fmt::format("operation {} of {} is {}", reached, log.applied_lsn(),
                     syncs ? "the last that is synced" : "the last that is written");
}

std::string behind(engine::Engine& engine) {
  const engine::Sink* sink = engine.sink();
  if (sink == nullptr || sink->caught_up()) return {};
  return fmt::format("the database behind it is at operation {} of {}", sink->committed_lsn(),
                     engine.aof().applied_lsn());
}

std::string due(engine::Engine& engine, Instant now) {
  const engine::Generations& generations = engine.generations();
  for (const engine::SaveRule& rule : engine.config().save)
    if (generations.changes_since_save() >= rule.changes &&
        now >= generations.saved_at() + seconds(rule.seconds) + kSoon)
      return fmt::format("a save is due: {} changes in {} s", generations.changes_since_save(),
                         (now - generations.saved_at()).ms() / 1000);
  const uint64_t percentage = engine.config().rewrite_percentage;
  if (!engine.aof().active() || percentage == 0) return {};
  const uint64_t bytes = generations.log_bytes();
  const uint64_t base = std::max<uint64_t>(generations.bytes_after_rewrite(), 1);
  // It looks with each entry, and counts an entry's bytes with the next: twice as much is beyond doubt.
  const uint64_t due = 2 * (base + base * percentage / 100);
  if (bytes < std::max<uint64_t>(2 * engine.config().rewrite_min_bytes, due)) return {};
  return fmt::format("a rewrite is due: {} bytes, and {} after the last", bytes, base);
}

// What it goes by for the next rewrite: the log has the base that the last one made, and since then it has grown.
std::string sizes(engine::Engine& engine, const sim::Disk& disk) {
  if (!engine.aof().active()) return {};
  const auto manifest = log_manifest(disk);
  if (!manifest || !manifest->base || !manifest->base->length) return {};
  const uint64_t told = engine.generations().bytes_after_rewrite();
  const uint64_t base = *manifest->base->length;
  const uint64_t all = engine.generations().log_bytes();
  if (told >= base && told <= all) return {};
  return fmt::format("its base has {} bytes, its log {}, and it counts {} behind the last rewrite",
                     base, all, told);
}

std::string memory(engine::Engine& engine) {
  size_t counted = 0;
  for (int db = 0; db < Keyspace::kDatabases; ++db) {
    const engine::Database& database = engine.keyspace().database(db);
    counted += database.table().memory_bytes() + database.due_bytes();
    for (size_t i = 0; i < database.table().size(); ++i)
      counted += database.table().at(i).value.value.memory_bytes();
  }
  counted += engine.keyspace().library_bytes();
  const size_t told = engine.keyspace().memory_bytes();
  if (told == counted) return {};
  return fmt::format("its data take {} bytes, and it counts {}", counted, told);
}

// Another server's log stays, as history, until the start after the one that took it over.
bool keeps_another_log(const engine::Manifest& manifest, const sim::Disk& disk) {
  return std::any_of(
      manifest.history.begin(), manifest.history.end(), [&](const engine::ManifestFile& file) {
        const auto text = file_content(disk, engine::in_aof_directory(file.name));
        if (file.name == engine::kSingleLog) return text.has_value();
        return text && !text->starts_with(engine::kHeaderPrefix) && !text->starts_with("REDIS");
      });
}

// What nothing refers to any more, or never did.
std::string cold_litter(engine::Engine& engine, const sim::Disk& disk) {
  if (engine.tier() == nullptr || engine.tier()->stats().failures != 0) return {};
  const engine::ColdFolder& folder = engine.tier()->folder();
  const auto names = disk.list(folder.path());
  for (size_t i = 0; names.ok() && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    const engine::ColdSegment* segment = folder.find(std::strtoull(name.c_str(), nullptr, 10));
    const bool archived = name.ends_with(".archive");
    if (archived && engine.archiver()->stats().reached && !folder.any_doomed() &&
        (segment == nullptr || !segment->noted))
      return folder.path() + "/" + name + " lies about";
    if (!archived && (segment == nullptr || segment->holders == 1 || segment->archived))
      return folder.path() + "/" + name + " lies about";
  }
  return {};
}

// Objects of this life of which no segment knows, when all that is doomed is gone. Those that are being written have other
// names. What a device that lies has taken the note of stays.
std::string bucket_litter(engine::Engine& engine, const sim::Disk& disk,
                          const sim::SimObjectStore* bucket) {
  if (bucket == nullptr || !engine.archiver()->stats().reached) return {};
  const engine::ColdFolder& folder = engine.tier()->folder();
  if (folder.any_doomed()) return {};
  const auto names = disk.list(sim::kElsewhere);
  for (size_t i = 0; names.ok() && i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    if (!bucket->has_put(fmt::format("{}/{}", sim::kElsewhere, name))) continue;
    const size_t begin = name.rfind('%') + 1;
    const engine::ColdSegment* segment =
        folder.find(std::strtoull(name.c_str() + begin, nullptr, 10));
    const uint64_t nonce = std::strtoull(name.c_str() + name.find('-', begin) + 1, nullptr, 16);
    if (segment == nullptr || !segment->noted || segment->nonce != nonce)
      return "object " + name + " lies about";
  }
  return {};
}

// What a publication or a rewrite should have removed. Without the log, or a save, nobody has looked.
std::string litter(engine::Engine& engine, const sim::Disk& disk, bool log) {
  const auto names = disk.list(engine::kAofDirectory);
  if (log && engine.aof().active() && names.ok()) {
    const auto manifest = log_manifest(disk);
    const bool kept = manifest && keeps_another_log(*manifest, disk);
    const auto is_kept = [&](const std::string& name) {
      return kept && std::any_of(manifest->history.begin(), manifest->history.end(),
                                 [&](const auto& file) { return file.name == name; });
    };
    const auto under_way = engine.backup_under_way();
    const std::string mark = under_way ? engine::unsealed_name(under_way->id) : std::string();
    for (const std::string& name : *names)
      if (name != engine::kManifestName && name != mark && !name.ends_with(engine::kOrphanSuffix) &&
          !(manifest && manifest->names(name)) && !is_kept(name))
        return engine::in_aof_directory(name) + " lies about";
  }
  const std::string replaced = engine::replaced_name(std::string(engine::kCheckpointName));
  for (const std::string_view name : {engine::kCheckpointTemporary, std::string_view(replaced)})
    if (engine.keeper().stats().saves != 0 && disk.lookup(name).ok())
      return fmt::format("{} lies about", name);
  return {};
}

}  // namespace

std::string undone_by(engine::Engine& engine, const sim::WorldState& world, bool log,
                      const sim::SimObjectStore* bucket) {
  const int64_t wall_ms = world.wall_offset_ms + world.now.ns / 1'000'000;
  for (const std::string& line :
       {expired(engine, wall_ms), unsynced(engine), held_back(engine), behind(engine),
        due(engine, world.now), memory(engine), sizes(engine, world.disk),
        cold_litter(engine, world.disk), bucket_litter(engine, world.disk, bucket),
        litter(engine, world.disk, log)})
    if (!line.empty()) return line;
  return {};
}

}  // namespace powercut::scenarios
