// The registry: the story of each planted bug, and the real one it stands for. The numbers are
// those systems' own issue and commit numbers; papers/ has the notes.
#include "faults/mutants.h"

#include <array>

namespace powercut::faults {

namespace {

using D = DecoratorKind;

constexpr MutantInfo no_sync(std::string_view name, Site fence, std::string_view story,
                             std::string_view source) {
  return {name, story, source, Mutant::kNone, D::kNoSync, fence};
}
constexpr MutantInfo decorated(std::string_view name, DecoratorKind kind, std::string_view story,
                               std::string_view source) {
  return {name, story, source, Mutant::kNone, kind};
}
constexpr MutantInfo branch(std::string_view name, Mutant mutant, std::string_view story,
                            std::string_view source) {
  return {name, story, source, mutant};
}

const std::array kMutants = {
    // --- A fence of the engine that does nothing ---
    no_sync("no-sync:segment.create", "segment.create",
            "a fresh segment's header is not synced before a manifest names it", "InfluxDB #9982"),
    no_sync("no-sync:segment.directory", "segment.directory",
            "a fresh segment's name is not synced before a manifest names it", "Kafka KAFKA-3968"),
    no_sync("no-sync:first_generation.mark", "first_generation.mark",
            "the mark that a first generation is being made may be gone while its files are not",
            "bbolt #567"),
    no_sync("no-sync:segment.commit", "segment.commit",
            "policy always: replies go out without their sync", "etcd #14370"),
    no_sync("no-sync:segment.everysec", "segment.everysec",
            "policy everysec: the sync of each second does nothing", "NATS #7564"),
    no_sync("no-sync:segment.rotate", "segment.rotate",
            "the old segment is not synced before its successor takes over", "Redis #11004"),
    no_sync("no-sync:segment.finish", "segment.finish",
            "a clean shutdown does not sync what is written", "RocksDB #12556"),
    no_sync("no-sync:manifest.temporary", "manifest.temporary",
            "a new manifest is renamed into place unsynced", "LevelDB #189"),
    no_sync("no-sync:manifest.rename", "manifest.rename",
            "the manifest's rename is not synced before old files are removed", "Redis #10737"),
    no_sync("no-sync:base.sync", "base.sync",
            "a base is named by the manifest before its bytes are durable", "ZOOKEEPER-2310"),
    no_sync("no-sync:base.directory", "base.directory",
            "a base's name is made durable together with the manifest's, not before it",
            "Pebble #5825"),
    no_sync("no-sync:checkpoint.sync", "checkpoint.sync",
            "a checkpoint is renamed over the old one unsynced", "Git bc22d845c"),
    no_sync("no-sync:checkpoint.rename", "checkpoint.rename",
            "a checkpoint is reported as done before its rename is durable", "RocksDB #10573"),
    no_sync("no-sync:recovery.segment", "recovery.segment",
            "what was replayed after a kill is served while it is only in the page cache",
            "RocksDB #9922"),
    no_sync("no-sync:recovery.aof_directory", "recovery.aof_directory",
            "recovery writes new files before the manifest's rename, which it saw in the page "
            "cache, is durable",
            "Redis #3487"),
    no_sync("no-sync:recovery.root", "recovery.root",
            "recovery serves from names in the root that it saw only in the page cache",
            "RocksDB #5287"),
    no_sync("no-sync:root.aof_directory", "root.aof_directory",
            "the log's directory is made, filled and acknowledged on; its own name is not synced",
            "mongo-rocks #35"),

    // --- Other bugs at the seam ---
    decorated("sync-error-ignored", D::kSyncErrorIgnored, "the result of a sync is not looked at",
              "Redis #8111"),
    decorated("sync-error-retried", D::kSyncErrorRetried,
              "a failed sync is called again, and the second answer is believed",
              "PostgreSQL 11.2, \"PANIC on fsync() failure\""),
    decorated("no-sync-after-error", D::kNoSyncAfterError,
              "after the first failed sync none is issued any more, and all report success",
              "CouchDB 1.0.0"),
    decorated("write-error-ignored", D::kWriteErrorIgnored,
              "a write that failed counts as written in full", "Redis #1604"),
    decorated("rename-without-sync", D::kRenameWithoutSync,
              "the directory sync that follows a rename does nothing", "Redis 99a425d0f"),
    decorated("ack-first", D::kSyncAckFirst, "a sync reports success at once and runs afterwards",
              "Redis 75987431f"),
    decorated("directory-ack-first", D::kDirectorySyncAckFirst,
              "a directory sync reports success at once, so removals overtake renames",
              "LevelDB #195"),
    decorated("directory-sync-only-first", D::kDirectorySyncOnlyFirst,
              "only the first sync of each directory does anything", "RocksDB 7.4.5"),

    // --- Branches of the engine ---
    branch("ack-before-sync", Mutant::kAckBeforeSync,
           "policy always: replies are released when written, not when synced", "Redis 75987431f"),
    branch("failed-sync-retried", Mutant::kFailedSyncRetried,
           "the log syncs its segment again after a failure and goes on",
           "PostgreSQL 11.2, \"PANIC on fsync() failure\""),
    branch("half-multi-applied", Mutant::kHalfMultiApplied,
           "the commands of a transaction without its EXEC are replayed", "Redis #5201"),
    branch("expired-key-resurrected", Mutant::kExpiredKeyResurrected,
           "a key that expired is deleted from memory without a DEL in the log", "Redis 670bf2fd3"),
    branch("checkpoint-misses-changed", Mutant::kCheckpointMissesChanged,
           "a key changed during a checkpoint is written as it is then, or not at all",
           "WiredTiger WT-7984 (MongoDB 4.4.8)"),
    branch("zero-tail-refused", Mutant::kZeroTailRefused,
           "a segment that ends in NUL bytes is an error instead of a torn tail", "Redis #5177"),
    branch("short-write-kept", Mutant::kShortWriteKept, "a short write counts as a whole one",
           "Redis #587"),
    branch("recovery-crosses-hole", Mutant::kRecoveryCrossesHole,
           "recovery skips a batch that does not verify and replays on behind it",
           "RocksDB #12488"),
    branch("relative-expiry-logged", Mutant::kRelativeExpiryLogged,
           "EXPIRE is logged with its seconds, not with the moment", "Redis #8474"),
    branch("window-not-enforced", Mutant::kWindowNotEnforced,
           "policy everysec: replies go on while a sync hangs", "Redis everysec, redis.conf"),
    branch("history-removed-early", Mutant::kHistoryRemovedEarly,
           "the old generation is removed before the manifest without it is published",
           "Badger #926"),
    branch("tail-not-synced", Mutant::kTailNotSynced,
           "recovery syncs nothing of what it replayed before it serves", "RocksDB #9922"),
    branch("checksum-ignored", Mutant::kChecksumIgnored,
           "a batch is replayed without a look at its checksum",
           "Redis AOF, Ganesan et al., FAST'17"),
    branch("expiry-lost-in-rewrite", Mutant::kExpiryLostInRewrite,
           "a key expired at load is dropped from the base before the log that persists it is read",
           "Redis #4950"),
    branch("flush-not-logged", Mutant::kFlushNotLogged,
           "FLUSHALL is applied and answered but not logged", "Redis #142"),
    branch("everysec-idle-tail", Mutant::kEverysecIdleTail,
           "policy everysec: no sync while nothing new is buffered, so the last second waits",
           "Redis #5985"),
    branch("no-space-ignored", Mutant::kNoSpaceIgnored,
           "the log goes on behind a record that was cut short for want of space",
           "Prometheus #7835"),
};

}  // namespace

std::span<const MutantInfo> all_mutants() { return kMutants; }

const MutantInfo* find_mutant(std::string_view name) {
  for (const MutantInfo& mutant : kMutants) {
    if (mutant.name == name) return &mutant;
  }
  return nullptr;
}

}  // namespace powercut::faults
