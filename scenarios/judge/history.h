// What happened, kept outside the faulty disk: every operation in its total order, when it was
// executed and acknowledged, and the digest of the state after it.
//
// The history learns of operations from the store's own door (KeyspaceObserver) and numbers them by
// LSN. It holds no copy of the state: S(k) is a digest, and the changes of each operation, so that
// a digest can be taken for any clock: an entry expired by then counts as absent.
//
// Self-check: at the end of each life the sums are recomputed from the keyspace. A change that
// passed the door unseen, or one that was never logged, shows there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/command/executor.h"
#include "engine/store/keyspace.h"

namespace powercut::scenarios {

inline constexpr Instant kNever{INT64_MAX};

struct Operation {
  Instant executed;
  Instant acked = kNever;      // the client was told
  uint64_t ack = 0;            // which acknowledgement it was, from 1; 0: none
  const void* task = nullptr;  // whose operation; the store's own tasks expire keys
  bool expiry_only = false;    // it did nothing but remove keys that had expired
};

class History final : public engine::KeyspaceObserver, public engine::OperationListener {
 public:
  // S(0) is the empty store.
  History();

  // A life of the store begins in the state S(lsn): what followed is forgotten.
  void attach(engine::Os& os, engine::Keyspace& keyspace, engine::Executor& executor, uint64_t lsn);
  void detach();

  uint64_t last_lsn() const { return operations_.size(); }
  const Operation& operation(uint64_t lsn) const { return operations_[lsn - 1]; }
  // The operation that the running task appended behind `after`, or 0.
  uint64_t own_operation(uint64_t after) const;
  void ack(uint64_t lsn, Instant at);
  uint64_t acked() const { return acked_; }

  // The digests of S(0)..S(last) for a wall clock: see keyspace_digest().
  const std::vector<uint64_t>& digests_at(int64_t now_ms);
  // A life that loads a checkpoint and drops what has expired has two states at that number, which
  // a clock that goes back tells apart: S(lsn), and what it held, and may have saved again.
  struct AsLoaded {
    uint64_t lsn;
    uint64_t digest;
  };
  std::optional<AsLoaded> as_loaded_at(int64_t now_ms) const;

  // Is it the digest of a state that the last attach() forgot? A crash before it may still show one.
  bool was_forgotten(uint64_t digest) const;

  // Changes that were made and not logged, since the last call. Call it when no operation is under
  // way.
  bool unlogged_change();
  // Empty, or how the history and the keyspace disagree.
  std::string self_check() const;

  // --- The store's door ---
  void before_change(engine::Database& db, std::string_view key, engine::Object* object) override;
  void before_flush(engine::Database& db) override;
  void before_swap(int a, int b) override;
  void on_operation(uint64_t lsn) override;

 private:
  static constexpr int kDatabases = engine::Keyspace::kDatabases;
  struct Touched {
    engine::Database* db;
    std::string key;
    uint64_t hash;  // before; 0: absent
    int64_t expire_at_ms;
  };
  struct Change {
    int16_t db;  // -1: databases a and b are swapped (in `before` and `after`)
    uint64_t before;
    uint64_t after;
    int64_t before_expires;
    int64_t after_expires;
  };

  using Sums = uint64_t[kDatabases];
  static void apply(const Change& change, int64_t now_ms, Sums& sums);
  static uint64_t digest_of(const Sums& sums);
  int number_of(const engine::Database& db) const;
  void touch(engine::Database& db, std::string_view key, const engine::Object* object);
  void settle();
  void note_dropped(uint64_t lsn);
  void add_to_sum(int db, uint64_t difference);
  uint64_t total() const;

  engine::Os* os_ = nullptr;
  engine::Keyspace* keyspace_ = nullptr;
  engine::Executor* executor_ = nullptr;
  std::vector<Operation> operations_;
  std::vector<uint64_t> digests_;  // [lsn], nothing expired
  std::vector<Change> changes_;
  std::vector<size_t> changes_end_;  // [lsn]
  std::vector<uint64_t> clocked_;    // scratch of digests_at
  std::vector<Touched> touched_;
  std::vector<Change> dropped_;  // keys that had expired when a checkpoint was loaded
  uint64_t loaded_lsn_ = 0;
  std::vector<Change> loaded_without_;  // the same, for the rest of this life
  std::vector<uint64_t> forgotten_;     // digests, with and without what had expired by then
  Sums sums_ = {};
  uint64_t digest_ = 0;  // total(), kept up to date
  Sums first_sums_ = {};
  int64_t soonest_expiry_ms_ = INT64_MAX;
  uint64_t acked_ = 0;
};

}  // namespace powercut::scenarios
