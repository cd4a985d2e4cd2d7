// The registry of the bugs that a decorator of the seam plants. The numbers of the sources are
// those systems' own issue and commit numbers.
#include <array>

#include "faults/mutants.h"

namespace powercut::faults {

namespace {

using D = DecoratorKind;

constexpr MutantInfo no_sync(std::string_view name, Site fence, std::string_view story,
                             std::string_view source, std::string_view trigger) {
  return {name, story, source, trigger, Mutant::kNone, D::kNoSync, fence};
}
// A sync that only a full disk makes matter: what it covers is published again otherwise.
constexpr MutantInfo no_sync_unseen(std::string_view name, Site fence, std::string_view story,
                                    std::string_view source) {
  MutantInfo info = no_sync(name, fence, story, source, "enospc");
  info.equivalent =
      "not seen in 62,000 seeds: what was not settled is published again, so it takes a failed "
      "sync, a kill, a disk that is full just then, and a power cut";
  return info;
}
constexpr MutantInfo decorated(std::string_view name, DecoratorKind kind, std::string_view story,
                               std::string_view source, std::string_view trigger) {
  return {name, story, source, trigger, Mutant::kNone, kind};
}

const std::array kMutants = {
    no_sync("no-sync:segment.create", "segment.create",
            "a fresh segment's header is not synced before a manifest names it", "InfluxDB #9982",
            "power-cut"),
    no_sync("no-sync:segment.directory", "segment.directory",
            "a fresh segment's name is not synced before a manifest names it", "Kafka KAFKA-3968",
            "power-cut"),
    no_sync("no-sync:first_generation.mark", "first_generation.mark",
            "the mark that a first generation is being made may be gone while its files are not",
            "bbolt #567", "power-cut"),
    no_sync("no-sync:segment.commit", "segment.commit",
            "policy always: replies go out without their sync", "etcd #14370", "power-cut"),
    no_sync("no-sync:segment.everysec", "segment.everysec",
            "policy everysec: the sync of each second does nothing", "NATS #7564", "power-cut"),
    no_sync("no-sync:segment.rotate", "segment.rotate",
            "the old segment is not synced before its successor takes over", "Redis #11004",
            "power-cut"),
    no_sync("no-sync:segment.finish", "segment.finish",
            "a clean shutdown does not sync what is written", "RocksDB #12556", "power-cut"),
    no_sync("no-sync:manifest.temporary", "manifest.temporary",
            "a new manifest is renamed into place unsynced", "LevelDB #189", "power-cut"),
    no_sync("no-sync:manifest.rename", "manifest.rename",
            "the manifest's rename is not synced before old files are removed", "Redis #10737",
            "power-cut"),
    no_sync("no-sync:base.sync", "base.sync",
            "a base is named by the manifest before its bytes are durable", "ZOOKEEPER-2310",
            "power-cut"),
    no_sync("no-sync:base.directory", "base.directory",
            "a base's name is made durable together with the manifest's, not before it",
            "Pebble #5825", "power-cut"),
    no_sync("no-sync:checkpoint.sync", "checkpoint.sync",
            "a checkpoint is renamed over the old one unsynced", "Git bc22d845c", "power-cut"),
    no_sync("no-sync:checkpoint.rename", "checkpoint.rename",
            "a checkpoint is reported as done before its rename is durable", "RocksDB #10573",
            "power-cut"),
    no_sync("no-sync:recovery.segment", "recovery.segment",
            "what was replayed after a kill is served while it is only in the page cache",
            "RocksDB #9922", "recovery-cut"),
    no_sync_unseen("no-sync:recovery.aof_directory", "recovery.aof_directory",
                   "recovery does not sync the manifest's name, which it saw in the page cache, "
                   "and a full disk keeps it from publishing it again",
                   "Redis #3487"),
    no_sync_unseen("no-sync:recovery.root", "recovery.root",
                   "recovery does not sync a checkpoint's name, which it saw in the page cache, "
                   "and a full disk keeps it from publishing it again",
                   "RocksDB #5287"),
    no_sync("no-sync:root.aof_directory", "root.aof_directory",
            "the log's directory is made, filled and acknowledged on; its own name is not synced",
            "mongo-rocks #35", "power-cut"),
    decorated("sync-error-ignored", D::kSyncErrorIgnored, "the result of a sync is not looked at",
              "Redis #8111", "eio"),
    decorated("sync-error-retried", D::kSyncErrorRetried,
              "a failed sync is called again, and the second answer is believed",
              "PostgreSQL 11.2, \"PANIC on fsync() failure\"", "eio"),
    decorated("no-sync-after-error", D::kNoSyncAfterError,
              "after the first failed sync none is issued any more, and all report success",
              "CouchDB 1.0.0", "eio"),
    decorated("write-error-ignored", D::kWriteErrorIgnored,
              "a write that failed counts as written in full", "Redis #1604", "enospc"),
    decorated("rename-without-sync", D::kRenameWithoutSync,
              "the directory sync that follows a rename does nothing", "Redis 99a425d0f",
              "power-cut"),
    decorated("ack-first", D::kSyncAckFirst, "a sync reports success at once and runs afterwards",
              "Redis 75987431f", "power-cut"),
    decorated("directory-ack-first", D::kDirectorySyncAckFirst,
              "a directory sync reports success at once, so removals overtake renames",
              "LevelDB #195", "power-cut"),
    decorated("directory-sync-only-first", D::kDirectorySyncOnlyFirst,
              "only the first sync of each directory does anything", "RocksDB 7.4.5", "power-cut"),
    decorated("directory-sync-error-ignored", D::kDirectorySyncErrorIgnored,
              "the result of a directory sync is not looked at, that of a file sync is",
              "Pebble 4e40d1dc4", "eio"),
};

}  // namespace

std::span<const MutantInfo> seam_mutants() { return kMutants; }

}  // namespace powercut::faults
