// What happened, kept outside the faulty disk: every operation in its total order, when it was
// executed and acknowledged, and a digest of the state after it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/os/os.h"
#include "scenarios/judge/backups.h"
#include "scenarios/judge/policy.h"
#include "sim/target.h"

namespace powercut::scenarios {

inline constexpr Instant kNever{INT64_MAX};

struct Operation {
  Instant executed;
  Instant acked = kNever;  // the client was told
  Instant acked_from =
      kNever;        // ... or had been by then: it was looked at no sooner; at most `acked`
  uint64_t ack = 0;  // which acknowledgement it was, from 1; 0: none
  const void* task = nullptr;  // whose operation; an engine's own tasks may have some
  size_t policy_changes = 0;   // how many there had been when it was acknowledged
  bool expiry_only = false;    // it did nothing but remove what had expired
};

// A client has put another policy in force.
struct PolicyChange {
  Instant at;
  const Policy* policy;  // null: the run's
};

class History : public sim::OperationObserver {
 public:
  History();

  // A life of the engine begins in the state S(k): what followed is forgotten. Both outlive detach().
  void attach(engine::Os& os, sim::Target& target, uint64_t k);
  void detach();
  // As it is now, for what is judged when it has forgotten. REQUIRES: detached.
  virtual std::unique_ptr<History> copy() const = 0;

  uint64_t last_lsn() const { return operations_.size(); }
  const Operation& operation(uint64_t lsn) const { return operations_[lsn - 1]; }
  // The operation that the running task appended behind `after`, or 0.
  uint64_t own_operation(uint64_t after) const;
  // Did it append several, where a request is to be one? Then a crash may leave half of it.
  virtual bool split_request(uint64_t /*after*/) const { return false; }
  // The first time counts.
  // `from`: it may have been told since then.
  void ack(uint64_t lsn, Instant at, Instant from);
  void ack(uint64_t lsn, Instant at) { ack(lsn, at, at); }
  uint64_t acked() const { return acked_; }
  // A client was told that so many operations are in a snapshot, and so many forced; the latter holds until another
  // policy is in force.
  void note_kept(uint64_t saved, uint64_t synced) {
    saved_ = std::max(saved_, saved);
    synced_ = std::max(synced_, synced);
  }
  BackupLedger& backups() { return backups_; }
  const BackupLedger& backups() const { return backups_; }
  // That backup has more than a life to come goes on from: of what it holds nothing is known then.
  void disown(std::string backup) { disowned_.insert(std::move(backup)); }
  bool is_disowned(const std::string& backup) const { return disowned_.count(backup) != 0; }
  uint64_t saved() const { return saved_; }
  uint64_t synced() const { return synced_; }
  // The last operation that a good answer to the last of these requests shows, by a client in that database, which
  // sent one behind the other; 0: none that is known. `made`: the last there was when the engine made the answer.
  virtual uint64_t shown_by(std::span<const std::string> /*requests*/, int /*db*/,
                            uint64_t /*made*/) const {
    return 0;
  }
  // Asked in the step in which the engine makes it.
  uint64_t shown_by(std::span<const std::string> requests, int db) const {
    return shown_by(requests, db, last_lsn());
  }
  // What is acknowledged from now on is so under this policy, until the life ends; null: the run's.
  void put_in_force(const Policy* policy, Instant at);
  // In order.
  const std::vector<PolicyChange>& policy_changes() const { return policy_changes_; }
  // From now on what attach() forgets can be asked for: where a disk may bring it back.
  void remember_forgotten() { remembers_ = true; }
  // Is it, by that clock, the digest of a state that any attach() has forgotten since?
  bool was_forgotten(uint64_t digest, int64_t wall_ms) const;

  // The digests of S(0)..S(last) for a wall clock.
  virtual const std::vector<uint64_t>& digests_at(int64_t wall_ms) = 0;
  // One state may look two ways at that number, which a clock that goes back tells apart: S(k), and
  // what it was when it was loaded without what had expired.
  struct AsLoaded {
    uint64_t lsn;
    uint64_t digest;
  };
  virtual std::optional<AsLoaded> as_loaded_at(int64_t /*wall_ms*/) const { return std::nullopt; }

  // Changes that were made and are no operation, since the last call. Call it when none is under way.
  virtual bool unlogged_change() { return false; }
  // What an operation did though it may not, or left beside the state that is not as the state says: the first one of the
  // run, in one line; empty: nothing.
  virtual std::string untrue() const { return {}; }
  // Empty, or how the history and the engine's state disagree.
  virtual std::string self_check() = 0;

 protected:
  virtual void on_attach(sim::Target& target, uint64_t k) = 0;
  virtual void on_detach() {}

  engine::Os& os() const { return *os_; }
  // `of_nobody`: no client asked for it, though a client's task may have made it.
  void append(bool expiry_only, bool of_nobody = false);

 private:
  engine::Os* os_ = nullptr;
  sim::Target* target_ = nullptr;
  std::vector<Operation> operations_;
  bool remembers_ = false;
  std::vector<std::shared_ptr<History>> forgotten_;  // as they were before attach()
  std::vector<PolicyChange> policy_changes_;
  uint64_t acked_ = 0;
  BackupLedger backups_;
  std::set<std::string> disowned_;
  uint64_t saved_ = 0;
  uint64_t synced_ = 0;
};

// For any engine whose state does not change with the clock: it is asked for its digest after each
// operation.
class PlainHistory final : public History {
 public:
  // `empty`: the digest of S(0).
  explicit PlainHistory(uint64_t empty = 0) : digests_{empty} {}
  std::unique_ptr<History> copy() const override { return std::make_unique<PlainHistory>(*this); }

  const std::vector<uint64_t>& digests_at(int64_t) override { return digests_; }
  std::string self_check() override;
  void on_operation(uint64_t number) override;

 protected:
  void on_attach(sim::Target& target, uint64_t k) override;
  void on_detach() override { target_ = nullptr; }

 private:
  sim::Target* target_ = nullptr;
  std::vector<uint64_t> digests_;  // [k]
};

}  // namespace powercut::scenarios
