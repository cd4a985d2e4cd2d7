// e18: what is lost when a master is lost for good and its replica takes over, by what its clients waited for? See README.md.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "experiments/common/results.h"
#include "faults/personas.h"
#include "scenarios/store/replicas/served.h"
#include "sim/node_os.h"
#include "sim/sim_net.h"
#include "sim/sim_os.h"

namespace powercut::experiments {
namespace {

using engine::Engine;
using engine::SyncPolicy;

constexpr int64_t kLatenciesUs[] = {100, 300, 1'000, 3'000, 10'000, 30'000, 100'000};
constexpr uint64_t kSeeds = 12;
constexpr uint64_t kClients = 8;
constexpr Duration kThink = milliseconds(5);
constexpr Duration kWarm = seconds(2);
constexpr uint64_t kMomentsMs = 2'000;  // the master is lost at any of these, behind that

struct Mode {
  std::string_view name;
  std::string_view asks;  // behind each SET
  int64_t lines;          // of both replies
};
constexpr Mode kModes[] = {{"asynchronous", "", 1},
                           {"WAIT 1", "WAIT 1 0\r\n", 2},
                           {"WAITAOF 1 1", "WAITAOF 1 1 0\r\n", 4}};

struct Loss {
  uint64_t operations = 0;
  Duration age;  // of the oldest, when the master was lost
};

struct Outcome {
  Loss alone;     // the master is lost, and its replica lives
  Loss both;      // both lose their power at once
  Duration lag;   // as INFO has it: since the replica last confirmed anything
  Duration wait;  // of all acknowledgements together
  uint64_t acknowledged = 0;
};

class Failover {
 public:
  Failover(const Mode& mode, Duration latency, SyncPolicy policy, uint64_t seed)
      : mode_(mode),
        policy_(policy),
        choices_(seed),
        network_(os_,
                 {.latency_min = latency, .latency_max = latency + nanoseconds(latency.ns / 4)}),
        latency_(latency) {}

  Outcome run() {
    os_.spawn("main", [this] {
      live();
      os_.stop();
      os_.park(kForever);
    });
    os_.run();
    os_.destroy_tasks();
    return outcome_;
  }

 private:
  struct Machine {
    std::unique_ptr<sim::NodeOs> os;
    std::unique_ptr<Engine> engine;
  };
  struct Acknowledged {
    uint64_t number;
    Instant at;
  };

  Engine& start(const std::string& name, sim::Disk disk) {
    Machine& machine = *machines_.emplace_back(std::make_unique<Machine>());
    machine.os = std::make_unique<sim::NodeOs>(os_, std::move(disk));
    engine::EngineConfig config;
    config.aof.policy = policy_;
    machine.engine = Engine::make(*machine.os, config);
    machine.engine->set_net(&network_.node(name));
    CHECK(machine.engine->load().ok());
    scenarios::serve_links(*machine.os, network_.node(name), name, *machine.engine);
    return *machine.engine;
  }
  static void say(Engine& engine, const std::string& line) {
    const auto session = engine.connect();
    session->feed(line + "\r\n");
  }
  void rest(Duration time) {
    const Instant until = os_.now() + time;
    while (os_.now() < until) os_.park(until);
  }

  void live() {
    Engine& master = start("a", sim::Disk());
    Engine& replica = start("b", sim::Disk());
    sim::NodeOs& of_master = *machines_[0]->os;
    sim::NodeOs& of_replica = *machines_[1]->os;
    say(replica, "REPLICAOF a 6379");
    while (!replica.replica().linked()) rest(milliseconds(1));
    for (uint64_t client = 0; client < kClients; ++client)
      os_.spawn("client", [this, &master] { write_on(master); });
    rest(kWarm + milliseconds(static_cast<int64_t>(os_.choose("e18.moment", kMomentsMs))));
    lost_at_ = os_.now();
    over_ = true;
    const auto& replicas = master.executor().clients().replicas;
    if (!replicas.empty()) outcome_.lag = lost_at_ - replicas[0]->replica->confirmed_at;
    sim::Disk cut = of_replica.left(true);
    of_master.die();
    network_.partition_both("a", "b");  // with what is under way
    rest(latency_ * 2);
    say(replica, "REPLICAOF NO ONE");
    outcome_.alone = lost_of(replica);
    outcome_.both = lost_of(start("c", std::move(cut)));
  }

  void write_on(Engine& master) {
    const auto session = master.connect();
    while (!over_) {
      const uint64_t number = next_++;
      const Instant began = os_.now();
      session->feed(fmt::format("SET k:{} 1\r\n{}", number, mode_.asks));
      for (int64_t lines = 0; lines < mode_.lines && !over_;) {
        const std::string replies(session->wait_ready(os_.now() + kThink));
        lines += std::count(replies.begin(), replies.end(), '\n');
        session->consume(replies.size());
        if (lines < mode_.lines) continue;
        acknowledged_.push_back({number, os_.now()});
        outcome_.wait = outcome_.wait + (os_.now() - began);
        ++outcome_.acknowledged;
      }
      if (!over_) rest(kThink);
    }
    os_.park(kForever);
  }

  Loss lost_of(Engine& engine) const {
    Loss loss;
    for (const Acknowledged& one : acknowledged_) {
      if (engine.keyspace().peek(0, fmt::format("k:{}", one.number)) != nullptr) continue;
      ++loss.operations;
      loss.age = std::max(loss.age, lost_at_ - one.at);
    }
    return loss;
  }

  const Mode& mode_;
  const SyncPolicy policy_;
  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices_;
  sim::Trace trace_;
  sim::SimOs os_{world_, choices_, trace_, nullptr};
  std::vector<std::unique_ptr<Machine>> machines_;
  sim::SimNetwork network_;
  const Duration latency_;
  uint64_t next_ = 0;
  bool over_ = false;
  Instant lost_at_;
  std::vector<Acknowledged> acknowledged_;
  Outcome outcome_;
};

int64_t us(Duration time) { return time.ns / 1'000; }

void write_row(Csv& csv, std::string_view policy, SyncPolicy sync, const Mode& mode,
               Duration latency) {
  Outcome most;
  uint64_t beyond_lag = 0;
  uint64_t beyond_trip = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Outcome one = Failover(mode, latency, sync, seed).run();
    for (const auto& [is, of] : {std::pair{&most.alone, &one.alone}, {&most.both, &one.both}}) {
      is->operations = std::max(is->operations, of->operations);
      is->age = std::max(is->age, of->age);
    }
    // What the replica confirmed last it had said a latency before, and since then a latency's worth is under way.
    const Duration trip = (latency + nanoseconds(latency.ns / 4)) * 2;
    beyond_lag += one.alone.age > one.lag ? 1 : 0;
    beyond_trip += one.alone.age > one.lag + trip ? 1 : 0;
    most.lag = std::max(most.lag, one.lag);
    most.wait = most.wait + one.wait;
    most.acknowledged += one.acknowledged;
  }
  const auto count = static_cast<int64_t>(std::max<uint64_t>(most.acknowledged, 1));
  csv.row(policy, mode.name, us(latency), most.alone.operations, us(most.alone.age),
          most.both.operations, us(most.both.age), us(most.lag), beyond_lag, beyond_trip,
          us(most.wait) / count, most.acknowledged);
}

}  // namespace
}  // namespace powercut::experiments

int main(int argc, char** argv) {
  using namespace powercut;
  using namespace powercut::experiments;
  const Output output(argc, argv);
  Csv csv(
      "policy,mode,latency_us,master_lost_ops_max,master_lost_age_us_max,both_cut_lost_ops_max,"
      "both_cut_lost_age_us_max,lag_us_max,beyond_lag,beyond_lag_and_trip,wait_us_mean,"
      "acknowledged");
  uint64_t runs = 0;
  for (const auto& [policy, sync] :
       {std::pair{"everysec", SyncPolicy::kEverysec}, {"always", SyncPolicy::kAlways}}) {
    for (const Mode& mode : kModes) {
      for (const int64_t latency : kLatenciesUs) {
        if (output.sample() && latency != 1'000) continue;
        write_row(csv, policy, sync, mode, microseconds(latency));
        runs += kSeeds;
      }
    }
  }
  output.write("data.csv", csv.bytes());
  output.write_run({"e18_loss_on_failover", 1, kSeeds, runs});
}
