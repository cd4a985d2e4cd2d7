// Two stores in one world, as the judge drives them: a master, which clients talk to, and its replica, whose disk is the
// run's. A crash takes the master for good, and the replica is what starts again, promoted: what recovery comes to must be
// what the master was behind one of its operations, and have what the replica's log had written or synced.
//
// While they live it is looked, at each operation of either and each request, whether the replica holds what the master held
// behind one of its operations, and no earlier one than the master takes for confirmed, or has told a client of (WAIT), or
// could tell clients of before the replica last confirmed: that is what INFO's lag bounds. What WAITAOF told a client of must
// be what each of the two comes up with behind a power cut.
//
// Before a life serves, its master is made: another machine follows the one that has survived, is promoted, and followed by
// it. In some lives the two change places once more before that, and the one that was the master has what nobody else has; in
// some the master starts again while its replica lives.
//
// What goes wrong meanwhile is said among the requests (scenarios/store/network_event.h): the network breaks, the replica
// alone is killed or cut and starts again with its own log.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/store/network_event.h"
#include "scenarios/store/store_target.h"
#include "sim/node_os.h"
#include "sim/process_os.h"
#include "sim/sim_net.h"

namespace powercut::scenarios {

class ReplicatedTarget final : public sim::Target,
                               public HoldsKeyspace,
                               private sim::OperationObserver {
 public:
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings& settings);
  ~ReplicatedTarget() override;

  void begin(uint64_t number) override;
  std::string broken() override { return broken_; }
  void apply(uint64_t client, std::string_view request) override;
  std::optional<sim::Reply> acknowledged(uint64_t client, Instant deadline) override;
  uint64_t digest(int64_t wall_ms) override { return front().digest(wall_ms); }
  sim::Promise promise() override;
  Result<void> shut_down() override;
  bool closed(uint64_t client) override { return front().closed(client); }
  bool waits(uint64_t client) override { return front().waits(client); }
  void hang_up(uint64_t client) override { front().hang_up(client); }
  bool ended() override { return front().ended(); }
  std::vector<sim::Span> blocked() override;
  sim::Activity activity(std::optional<sim::Op> op, bool of_base) override {
    return replica_->activity(op, of_base);
  }
  sim::Deeds deeds() override { return replica_->deeds(); }
  std::string undone(const sim::WorldState& world) override;
  std::string recovery_summary() override { return replica_->recovery_summary(); }
  std::vector<std::string> recovery_story() override;
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override {
    return front().contents(wall_ms, most);
  }
  engine::Keyspace& keyspace() override { return front().keyspace(); }
  bool evicts() const override { return master_ != nullptr && master_->evicts(); }
  bool amid_script() const override { return master_ != nullptr && master_->amid_script(); }

 private:
  // The other machine: its life, and those that it had before.
  struct Machine {
    std::unique_ptr<sim::NodeOs> os;
    std::unique_ptr<engine::Engine> engine;  // until it is the master
  };
  struct Reached {
    uint64_t lsn;  // of the replica
    uint64_t number;
  };

  ReplicatedTarget(engine::Os& os, const sim::Settings& settings);
  StoreTarget& front() { return master_ != nullptr ? *master_ : *replica_; }
  engine::Engine& survivor() { return replica_->engine(); }

  // --- How the master is made ---
  void put_engine(Machine& machine, sim::Disk disk) const;
  void start_machine(sim::Disk disk);
  void fail_over_and_back();
  void start_master_again();
  void end_machine();
  std::string say(engine::Engine& engine, std::string_view line);
  void follow(engine::Engine& replica, engine::Engine& master, std::string_view name);

  // --- What happens to them ---
  void happen(const NetworkEvent& event);
  void break_links(Duration later);
  void heal_in(Duration time);
  void begin_anew();
  void ask_for_confirmation(const std::string& question);
  void hear_confirmation();
  void cut_master_aside();

  // --- The replica alone ---
  void end_replica(sim::CrashKind kind);
  void start_replica_again(sim::CrashKind kind);
  std::unique_ptr<engine::Engine> load_replica();
  bool sync_failed_unseen() const;
  void judge_comeback(uint64_t lsn, uint64_t least);

  // --- What is looked at ---
  void on_operation(uint64_t lsn) override;  // of the master
  void on_replica(uint64_t lsn);
  void look();
  void look_at_floors(uint64_t digest);
  void look_at_lag();
  void note_released();
  void note_silence();
  Instant reached_until(Instant confirmed_at) const;
  bool held(uint64_t digest, uint64_t from) const;
  uint64_t number_of(uint64_t replica_lsn) const;
  uint64_t last_number() const { return first_ + states_.size() - 1; }
  void accuse(std::string text);

  class ReplicaObserver;
  engine::Os& os_;
  const sim::Settings settings_;
  sim::SimNetwork network_;
  std::unique_ptr<ReplicaObserver> of_replica_;
  std::vector<Machine> machines_;                           // the last is the one that is used
  std::vector<std::unique_ptr<sim::ProcessOs>> processes_;  // of the replica: likewise
  std::vector<std::unique_ptr<StoreTarget>> dead_;          // what it was in those before
  std::unique_ptr<StoreTarget> replica_;
  std::unique_ptr<StoreTarget> master_;
  std::unique_ptr<engine::Session> waiter_;
  uint64_t first_ = 0;             // the operation that this life began behind
  uint64_t before_ = 0;            // the master's LSN then
  std::vector<uint64_t> states_;   // [number - first_]: of the master behind that operation
  std::vector<uint64_t> offsets_;  // likewise: where its stream was
  std::vector<Instant> released_;  // likewise: when it was seen that clients could be told of it
  size_t at_ = 0;                  // of states_: the first that the replica may be in
  std::vector<Reached> reached_;
  bool down_ = false;     // the replica has died, and does not serve yet: replica_ is what it was
  size_t died_ = 0;       // of processes_: which one
  bool cut_ = false;      // ... and what was written, and not synced, is gone
  bool anew_ = false;     // it serves, and has not taken over the master's data set yet
  Instant confirmed_at_;  // when the replica last confirmed anything, as the master has it
  uint64_t link_ = 0;     // the link that is online, by its client
  Instant linked_at_;     // when that was seen first
  std::vector<sim::Span> silences_;  // nothing that the master says reaches it, or reached it
  uint64_t last_link_ = 0;           // links to it up to this client are of lives before
  std::string not_started_;          // why the last try to start it again failed
  bool asking_ = false;
  uint64_t asked_ = 0;           // the operation that the waiter asks for
  uint64_t told_ = 0;            // the last that a client was told to be on the replica (WAIT)
  uint64_t told_synced_ = 0;     // ... and synced there (WAITAOF)
  uint64_t told_here_ = 0;       // ... and in the log of the master, by its LSN
  std::vector<Machine> asides_;  // of the master, as power cuts beside its life leave it
  std::string broken_;
};

}  // namespace powercut::scenarios
