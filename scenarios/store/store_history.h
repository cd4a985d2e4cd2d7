// The store's history: digests of a keyspace in which keys expire.
//
// It learns of operations from the store's own door (KeyspaceObserver) and numbers them by LSN. It
// holds no copy of the state: S(k) is a digest, and the changes of each operation, so that a digest
// can be taken for any clock: an entry expired by then counts as absent.
//
// Self-check: at the end of each life the sums are recomputed from the keyspace. A change that
// passed the door unseen, or one that was never logged, shows there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/keyspace.h"
#include "scenarios/judge/history.h"
#include "scenarios/store/keyspace/holds_keyspace.h"

namespace powercut::scenarios {

class StoreHistory : public History, public engine::KeyspaceObserver {
 public:
  // S(0) is the empty store.
  StoreHistory();
  std::unique_ptr<History> copy() const override { return std::make_unique<StoreHistory>(*this); }

  // See keyspace_digest().
  const std::vector<uint64_t>& digests_at(int64_t wall_ms) override;
  // A life that loads a checkpoint and drops what has expired has two states at that number: S(lsn),
  // and what it held, and may have saved again.
  std::optional<AsLoaded> as_loaded_at(int64_t wall_ms) const override;
  bool unlogged_change() override;
  std::string untrue() const override { return untrue_; }
  std::string self_check() override;
  void on_operation(uint64_t lsn) override;
  using History::shown_by;
  uint64_t shown_by(std::span<const std::string> requests, int db, uint64_t made) const override;
  // Keys that expire are operations of their own.
  bool split_request(uint64_t after) const override;

  // --- The store's door ---
  void before_change(engine::Database& db, std::string_view key, engine::Object* object) override;
  void before_flush(engine::Database& db) override;
  void before_swap(int a, int b) override;
  void before_library(std::string_view name) override;

 protected:
  // `target` is a HoldsKeyspace.
  void on_attach(sim::Target& target, uint64_t lsn) override;
  void on_detach() override;

 private:
  static constexpr int kDatabases = engine::Keyspace::kDatabases;
  static constexpr int kPlaces = kDatabases + 1;  // and kLibraries
  struct Touched {
    engine::Database* db = nullptr;  // null: a library of functions
    std::string key = {};
    uint64_t hash = 0;  // before; 0: absent
    int64_t expire_at_ms = engine::Object::kNoExpiry;
  };
  struct Change {
    int16_t db;  // kLibraries; -1: databases a and b are swapped (in `before` and `after`)
    uint64_t before;
    uint64_t after;
    int64_t before_expires;
    int64_t after_expires;
  };

  // When a key was last changed.
  struct Mark {
    uint64_t key;  // hash of its database's identity and it; 0: any
    uint64_t lsn;
  };

  using Sums = uint64_t[kPlaces];
  static void apply(const Change& change, int64_t now_ms, Sums& sums);
  static uint64_t digest_of(const Sums& sums);
  uint64_t last_change(const std::vector<uint64_t>& marks, uint64_t made) const;
  void touch(engine::Database& db, std::string_view key, const engine::Object* object);
  void settle();
  uint64_t hash_of_library(std::string_view name) const;
  std::string unasked(bool expiry_only) const;
  std::string miscounted() const;
  void begin_sums();
  void note_dropped(uint64_t lsn);
  void add_to_sum(int db, uint64_t difference);
  uint64_t total() const;

  HoldsKeyspace* holds_ = nullptr;
  engine::Keyspace* keyspace_ = nullptr;
  std::vector<uint64_t> digests_;  // [lsn], nothing expired
  std::vector<Change> changes_;
  std::vector<size_t> changes_end_;  // [lsn]
  std::vector<uint64_t> clocked_;    // scratch of digests_at
  std::vector<Touched> touched_;
  std::vector<Mark> marks_;
  std::vector<Change> dropped_;  // keys that had expired when a checkpoint was loaded
  uint64_t loaded_lsn_ = 0;
  std::vector<Change> loaded_without_;  // the same, for the rest of this life
  Sums sums_ = {};
  uint64_t digest_ = 0;  // total(), kept up to date
  Sums first_sums_ = {};
  int64_t soonest_expiry_ms_ = INT64_MAX;
  std::string untrue_;
};

}  // namespace powercut::scenarios
