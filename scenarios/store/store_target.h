// One life of the store, as the judge drives it: sessions for its clients, and the marks of its log for
// what it promises.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "scenarios/judge/policy.h"
#include "scenarios/store/database/remote_database.h"
#include "scenarios/store/keyspace/cold_hashes.h"
#include "scenarios/store/keyspace/holds_keyspace.h"
#include "sim/sim_object_store.h"
#include "sim/target.h"

namespace powercut::scenarios {

// The database behind the store: on its own disk, or on another machine (scenarios/store/database/remote_database.h).
struct Behind {
  engine::SinkMode mode;
  bool remote = false;
  bool alone = false;  // there is no log: it is all that persists
};
// How a policy configures the store.
engine::EngineConfig config_of(const sim::Settings& settings, std::optional<Behind> behind = {});
// What stands beside the cold tier.
enum class Tiers : unsigned char { kCold, kArchived, kWarm };
// Values leave memory behind each operation; kArchived: and segments the disk; kWarm: most by way of the warm tier.
engine::EngineConfig tiered_config_of(const sim::Settings& settings, Tiers tiers);

class StoreTarget : public sim::Target, public HoldsKeyspace, private engine::OperationListener {
 public:
  // As Engine::open(). With a sink, when that has caught up, or has had a while to.
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings& settings,
                                                   std::optional<Behind> behind = {});
  // With a cold tier: when the values in it have been read.
  static Result<std::unique_ptr<sim::Target>> open_tiered(engine::Os& os,
                                                          const sim::Settings& settings,
                                                          Tiers tiers);
  // Of an engine that has been loaded, with these settings.
  static std::unique_ptr<StoreTarget> over(std::unique_ptr<engine::Engine> engine,
                                           const sim::Settings& settings);
  ~StoreTarget() override;
  engine::Engine& engine() { return *engine_; }

  void apply(uint64_t client, std::string_view request) override;
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override;
  uint64_t digest(int64_t wall_ms) override;
  sim::Promise promise() override;
  Result<void> shut_down() override;
  bool closed(uint64_t client) override;
  bool waits(uint64_t client) override;
  void hang_up(uint64_t client) override;
  bool ended() override { return engine_->stopped(); }
  std::string_view policy_in_force() override;
  std::vector<sim::Span> blocked() override;
  sim::Activity activity(std::optional<sim::Op> op, bool of_base) override;
  sim::Deeds deeds() override;
  std::string undone(const sim::WorldState& world) override;
  std::string recovery_summary() override { return engine_->recovery().summary(); }
  std::vector<std::string> recovery_story() override;
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override;
  engine::Keyspace& keyspace() override { return engine_->keyspace(); }
  const ColdHashes* cold() const override { return cold_.get(); }
  bool evicts() const override { return engine_->executor().evicts(); }
  bool amid_script() const override { return engine_->executor().scripts().busy(); }
  std::string may_not_go(bool expires) const override;
  std::string amiss() override;

 protected:
  StoreTarget(std::unique_ptr<engine::Engine> engine, const sim::Settings& settings);
  void on_operation(uint64_t lsn) override;
  // Waits until the database behind it has all; then it is held against the keyspace.
  void catch_up(engine::Os& os);
  virtual std::string difference_behind(engine::Os& os);

 private:
  struct Connection {
    std::unique_ptr<engine::Session> session;
    size_t due = 0;    // replies
    size_t given = 0;  // bytes of the last one, not yet taken out of the session
    // Of those due that had waited: how many are due behind it, and what served it, or that nothing did.
    struct Served {
      size_t behind;
      uint64_t by;
      std::optional<uint64_t> in_vain = {};
    };
    std::vector<Served> served = {};
    bool stands() const { return session != nullptr && (!session->closing() || due != 0); }
  };

  Connection& connection(uint64_t client);
  Connection& connect(uint64_t client);
  void on_served(uint64_t client, uint64_t lsn) override;
  void on_in_vain(uint64_t client, uint64_t lsn) override;
  void note_served(uint64_t client, const Connection::Served& served);
  void look_at_wait(const Connection& connection, std::string_view request);
  std::string waits_in_vain() const;
  std::string answers_otherwise() const;

  std::unique_ptr<sim::SimObjectStore> bucket_;  // null: there is no archive
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<ColdHashes> cold_;
  static Result<std::unique_ptr<engine::Engine>> open_engine(engine::Os& os,
                                                             const engine::EngineConfig& config,
                                                             const std::optional<Behind>& behind);
  const RemoteDatabase* remote_ = nullptr;  // the engine's
  std::vector<Connection> connections_;     // by client
  const Policy* policy_;                    // that it was opened with
  engine::SyncPolicy opened_sync_;          // the same
  bool log_off_;                            // it began without the log that the policy has
  uint64_t saved_at_end_ = 0;
  std::string served_otherwise_;  // who waited will be, in one line
  uint64_t kept_ = 0;             // if the log is turned off now: what it holds up to here, synced
};

// The length of the RESP2 reply at the start of `bytes`; 0 if it is not complete.
size_t reply_length(std::string_view bytes);

}  // namespace powercut::scenarios
