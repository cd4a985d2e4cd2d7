// One replica of a replicated target, through its lives, and what it is held to while its master lives. It is looked at each
// operation and each request:
//
//   state       it holds what the master held behind one of its operations, and never goes back but by a crash of its own
//   floors      no earlier one than it has confirmed upstream, than a client was told to be here (WAIT), or than could be
//               told clients before it last confirmed: that is what INFO's lag bounds
//   ceiling     no later one than clients of whom it follows could be told (asked only where there are several replicas)
//   comeback    behind a kill of its own it has what its log had written, behind a power cut what was synced, and what
//               WAITAOF told a client to be synced here
//
// Where states repeat, it is in the first that it may be in for floors, and in the last for who follows it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/store/replicas/master_history.h"
#include "scenarios/store/replicas/replica_machine.h"
#include "scenarios/store/store_target.h"
#include "sim/sim_net.h"

namespace powercut::scenarios {

class WatchedReplica final : private sim::OperationObserver {
 public:
  // Whom it follows.
  struct Upstream {
    std::string name;  // of its node
    // Null: it has died, or its stream is not the master's now.
    std::function<engine::Engine*()> engine;
    std::function<uint64_t()> shown;  // the last operation of which its clients could be told
    bool is_master = true;            // else a replica, which says nothing of a lag
  };
  // Of all replicas of a target.
  struct World {
    engine::Os& os;
    sim::SimNetwork& network;
    MasterHistory& history;
    std::function<void(std::string)> accuse;
    std::function<void()> on_loss;  // one has come back with its own log alone
    bool several = false;
  };
  // `name`: of its node, which it announces where there are several.
  WatchedReplica(World& world, std::string name, std::unique_ptr<ReplicaMachine> machine,
                 const sim::Settings& settings);
  ~WatchedReplica() override;

  // --- Its lives ---
  // The first one, before anybody is followed. Errors: as Engine::load().
  Result<void> start();
  // Links to it are accepted.
  void serve();
  // From now on it is watched: it has what the master has.
  void watch(Upstream upstream);
  // Its process is killed, or its machine loses its power, and it starts again with its own log. Nothing, if it is down.
  void end(sim::CrashKind kind);
  // It is promoted, and told to follow again.
  void begin_anew();

  bool started() const { return store_ != nullptr; }
  StoreTarget& store() { return *store_; }
  engine::Engine& engine() { return store_->engine(); }
  const std::string& name() const { return name_; }
  ReplicaMachine& machine() { return *machine_; }
  const std::string& follows() const { return upstream_.name; }
  bool down() const { return down_; }
  // It serves what its own log had, and has not taken over the master's data set yet.
  bool anew() const { return anew_; }
  // Why the last try to start it again failed; empty: it has not.
  const std::string& not_started() const { return not_started_; }
  const std::vector<std::unique_ptr<StoreTarget>>& dead() const { return dead_; }

  // --- What is looked at ---
  void look_at_lag();
  void look();
  // From now on nothing reaches it of what it follows, or nothing of what it says goes there; until then. Behind that comes what
  // was said long before.
  void note_silence();
  void end_silence();
  // Whom it follows has started again: what links said to the one before counts no more.
  void forget_links();
  // It has confirmed that operation, or that it is synced here, as a client was told.
  void tell(uint64_t number) { told_ = std::max(told_, number); }
  void tell_synced(uint64_t number) { told_synced_ = std::max(told_synced_, number); }

  // --- Where it is ---
  // The operation that it is behind, at least.
  uint64_t number() const { return at_; }
  // The same of what its log has up to that LSN of its own.
  uint64_t number_of(uint64_t lsn) const;
  // It holds what the master did behind that operation, or a later one.
  bool holds(uint64_t number);
  // As its log says: that survives a power cut of it.
  bool says_synced(uint64_t number);
  // The last operation of which clients of its own could have been told.
  uint64_t shown();
  // The LSN behind which its log has that operation; nothing: it has never been behind it.
  std::optional<uint64_t> lsn_of(uint64_t number) const;
  // What it promises if the world ends now: the numbers of the run, and the lag.
  sim::Promise promise();

 private:
  struct Reached {
    uint64_t lsn;     // of its own
    uint64_t number;  // the first operation that it may be behind
    uint64_t most;    // ... and the last
  };

  void on_operation(uint64_t lsn) override;
  Result<std::unique_ptr<engine::Engine>> load(bool again);
  void start_again(sim::CrashKind kind);
  void judge_comeback(uint64_t lsn, uint64_t least);
  void look_at_floors(uint64_t digest);
  void look_at_confirmed(const engine::ReplicaState& link, uint64_t digest);
  void look_at_owed(const engine::ReplicaState& link, uint64_t digest);
  Instant reached_until(Instant confirmed_at) const;
  bool is_link(const engine::Client& client) const;
  void accuse(std::string text) { world_.accuse(std::move(text)); }

  World& world_;
  const sim::Settings settings_;
  const std::string name_;
  const std::string called_;  // in an accusation
  const std::unique_ptr<ReplicaMachine> machine_;
  Upstream upstream_;
  engine::Os* process_ = nullptr;
  std::vector<std::unique_ptr<StoreTarget>> dead_;  // what it was in lives before
  std::unique_ptr<StoreTarget> store_;
  uint64_t at_ = 0;  // the first operation that it may be behind
  std::vector<Reached> reached_;
  uint64_t shown_ = 0;
  bool down_ = false;  // it has died, and does not serve yet: store_ is what it was
  bool cut_ = false;   // ... and what was written, and not synced, is gone
  bool anew_ = false;
  Instant confirmed_at_;             // when it last confirmed anything, as its master has it
  uint64_t link_ = 0;                // the link that is online, by its client
  Instant linked_at_;                // when that was seen first
  std::vector<sim::Span> silences_;  // nothing of the one reaches the other
  uint64_t last_link_ = 0;           // links to it up to this client are of lives before
  std::string not_started_;
  uint64_t told_ = 0;         // the last that a client was told to be here (WAIT)
  uint64_t told_synced_ = 0;  // ... and synced here (WAITAOF)
};

// What a client that sends this line is answered at once.
std::string say(engine::Engine& engine, std::string_view line);
// As a machine of that name is configured: where there are several replicas, it says where it is.
engine::EngineConfig machine_config(const sim::Settings& settings, const std::string& name,
                                    bool several);

}  // namespace powercut::scenarios
