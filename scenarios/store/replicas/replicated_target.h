// Stores in one world, as the judge drives them: a master (a), which clients talk to, and its replica (b), whose disk is the
// run's; as replicated-3 another replica (c). A crash takes all others for good, and b is what starts again, promoted: what
// recovery comes to must be what the master was behind one of its operations, and have what b's log had written or synced.
//
// While they live each replica is looked at, behind each operation and each request (scenarios/store/replicas/watched_replica.h): it is
// at any moment what would be promoted if nothing else were left. What WAITAOF told a client of must be what each of them comes
// up with behind a power cut: b behind the run's, the others on a copy of their disks.
//
// Of several replicas n may be told, and fewer than there are. What WAIT told of all of them each holds until it has lost it
// by a crash of its own, which the others do not notice. What it told of one of the two, the one that is further holds: it
// survives the loss of the master and of no replica, so a replica that has started again with less takes it along where it
// was alone in having it. A replica that follows another one, c that follows b, is behind that one and counts for nobody's WAIT; each
// replica counts once, however often it has come.
//
// Before a life serves, its master is made: another machine follows the one that has survived, is promoted, and followed by
// it. In some lives the two change places once more before that, and the one that was the master has what nobody else has; in
// some the master starts again while its replicas live; with two replicas FAILOVER does it in some, while a client writes, and
// the third machine follows whoever is the master.
//
// What goes wrong meanwhile is said among the requests (scenarios/store/replicas/network_event.h): the network breaks, a replica
// alone is killed or cut and starts again with its own log.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/store/replicas/another_client.h"
#include "scenarios/store/replicas/master_history.h"
#include "scenarios/store/replicas/network_event.h"
#include "scenarios/store/replicas/replica_machine.h"
#include "scenarios/store/replicas/stream_ledger.h"
#include "scenarios/store/replicas/watched_replica.h"
#include "scenarios/store/store_target.h"
#include "sim/sim_net.h"

namespace powercut::scenarios {

class ReplicatedTarget final : public sim::Target,
                               public HoldsKeyspace,
                               private sim::OperationObserver {
 public:
  // `replicas`: one, or two.
  static Result<std::unique_ptr<sim::Target>> open(engine::Os& os, const sim::Settings& settings,
                                                   size_t replicas);
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
    return survivor_->store().activity(op, of_base);
  }
  sim::Deeds deeds() override { return survivor_->store().deeds(); }
  std::string undone(const sim::WorldState& world) override;
  std::string recovery_summary() override { return survivor_->store().recovery_summary(); }
  std::vector<std::string> recovery_story() override;
  std::vector<std::string> contents(int64_t wall_ms, size_t most) override {
    return front().contents(wall_ms, most);
  }
  engine::Keyspace& keyspace() override { return front().keyspace(); }
  bool evicts() const override { return master_ != nullptr && master_->evicts(); }
  bool amid_script() const override { return master_ != nullptr && master_->amid_script(); }

 private:
  // The nodes.
  static constexpr const char* kMaster = "a";
  static constexpr const char* kSurvivor = "b";
  static constexpr const char* kThird = "c";

  // A machine as a power cut beside its life leaves it.
  struct Aside {
    std::unique_ptr<sim::NodeOs> os;
    std::unique_ptr<engine::Engine> engine;
  };
  struct Writer;

  ReplicatedTarget(engine::Os& os, const sim::Settings& settings, size_t replicas);
  StoreTarget& front() { return master_ != nullptr ? *master_ : survivor_->store(); }
  engine::Engine& survivor() { return survivor_->engine(); }
  engine::Engine& third() { return third_->engine(); }
  std::vector<WatchedReplica*> replicas() const;

  // --- How the master is made: replicated_beginning.cc ---
  std::unique_ptr<engine::Engine> engine_on(engine::Os& os, const std::string& name) const;
  void start_machine();
  void end_machine();
  void fail_over_and_back();
  bool leave_third_with_the_old();
  void fail_over_by_command();
  void hand_over(engine::Engine& from, engine::Engine& to, const std::string& name);
  void write(engine::Engine& engine, Writer& writer);
  void start_master_again();
  void settle();
  std::string tell(engine::Engine& engine, std::string_view line);
  void follow(engine::Engine& replica, engine::Engine& master, std::string_view name);
  void catch_up(engine::Engine& replica, engine::Engine& master);
  void watch();

  // --- What happens to them ---
  void happen(const NetworkEvent& event);
  void break_links(Duration later);
  void cut_links();
  void part(const NetworkEvent& event);
  void heal_in(Duration time);

  // --- What clients are told of replicas ---
  void hear_confirmation();
  void hear_of_several(const AnotherClient::Told& told);
  void cut_master_aside(uint64_t number);
  void cut_third_aside(uint64_t number);

  // --- What is looked at ---
  void on_operation(uint64_t lsn) override;  // of the master
  void look();
  void look_at_one_of_two();
  void look_at_streams();
  void note_released();
  void note_loss();
  void accuse(std::string text);

  engine::Os& os_;
  const sim::Settings settings_;
  sim::Settings settings_of_others_;  // whatever befalls the run's own
  sim::SimNetwork network_;
  MasterHistory history_;
  StreamLedger ledger_;
  WatchedReplica::World world_;
  OtherMachine master_machine_;
  std::vector<std::unique_ptr<engine::Engine>> engines_;  // on it: the last until it is the master
  std::unique_ptr<WatchedReplica> survivor_;
  std::unique_ptr<WatchedReplica> third_;  // null: there are two machines
  std::unique_ptr<StoreTarget> master_;
  AnotherClient another_;
  uint64_t first_ = 0;        // the operation that this life began behind
  bool chained_ = false;      // c follows b
  uint64_t told_of_one_ = 0;  // the last that a client was told to be on one of two (WAIT)
  uint64_t told_here_ = 0;    // the last that a client was told to be in the master's log (WAITAOF)
  std::vector<Aside> asides_;  // of the master
  std::vector<Aside> asides_of_third_;
  std::string broken_;
};

}  // namespace powercut::scenarios
