// The store as a replica, over the simulated network: what a break in the middle leaves, what is served meanwhile, and what
// does not speak as a master does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "scenarios/store/keyspace/digest.h"
#include "scenarios/store/replicas/served.h"
#include "scenarios/store/replicas/stream_ledger.h"
#include "sim/node_os.h"
#include "sim/sim_net.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::Contains;
using ::testing::HasSubstr;

class ReplicaTest : public ::testing::Test {
 protected:
  struct Machine {
    std::unique_ptr<sim::NodeOs> os;
    std::unique_ptr<Engine> engine;
  };

  // Runs `body` in a world with a network; what stands in `machines_` outlives its tasks.
  void live(const std::function<void()>& body) {
    sim::SimOs os(world_, choices_, trace_, nullptr);
    sim::SimNetwork network(os, {.segment_bytes = 200});
    os_ = &os;
    net = &network;
    EXPECT_TRUE(sim::run_to_end(os, body));
    machines_.clear();
  }

  Engine& start(const std::string& name, sim::Disk disk = sim::Disk()) {
    Machine& machine = *machines_.emplace_back(std::make_unique<Machine>());
    machine.os = std::make_unique<sim::NodeOs>(*os_, std::move(disk));
    engine::EngineConfig config;
    config.aof.policy = engine::SyncPolicy::kAlways;
    config.sizes = sizes;
    machine.engine = Engine::make(*machine.os, config);
    machine.engine->set_net(&net->node(name));
    Engine::Process process;
    process.log_line = [this](std::string_view line) { lines.emplace_back(line); };
    machine.engine->set_process(std::move(process));
    EXPECT_TRUE(machine.engine->load().ok());
    serve_links(*machine.os, net->node(name), name, *machine.engine);
    return *machine.engine;
  }
  sim::NodeOs& last_os() { return *machines_.back()->os; }

  static std::string ask(Engine& engine, const std::string& line) {
    const auto session = engine.connect();
    session->feed(line + "\r\n");
    return std::string(session->wait_ready());
  }
  // So many keys, with values of 5,000 bytes that do not become shorter on the way.
  static void fill(Engine& engine, int keys) {
    std::string value;
    for (uint32_t i = 0, x = 1; i < 5000; ++i, x = x * 1664525 + 1013904223)
      value += static_cast<char>('0' + (x >> 16) % 75);
    for (int i = 0; i < keys; ++i) ask(engine, "SET key:" + std::to_string(i) + " " + value);
  }
  bool becomes(const std::function<bool()>& is) {
    const Instant last = os_->now() + seconds(30);
    while (!is() && os_->now() < last) os_->park(os_->now() + microseconds(100));
    return is();
  }
  static uint64_t state_of(Engine& engine) { return keyspace_digest(engine.keyspace(), INT64_MIN); }
  bool follows_all(Engine& replica, Engine& master) {
    return becomes([&] {
      return replica.replica().linked() && replica.master().offset() == master.master().offset() &&
             state_of(replica) == state_of(master);
    });
  }
  void rest(Duration time) { os_->park(os_->now() + time); }

  engine::Os* os_ = nullptr;
  sim::SimNetwork* net = nullptr;
  std::vector<std::string> lines;
  engine::EngineSizes sizes;

 private:
  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices_{1};
  sim::Trace trace_;
  std::vector<std::unique_ptr<Machine>> machines_;
};

TEST_F(ReplicaTest, ServesTheOldDataSetUntilTheNewOneIsWhole) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    fill(master, 100);
    ask(replica, "SET old 1");
    EXPECT_EQ(ask(replica, "REPLICAOF a 6379"), "+OK\r\n");
    ASSERT_TRUE(becomes([&] { return replica.replica().stats().sync_bytes > 100'000; }));
    EXPECT_TRUE(replica.replica().syncs());
    EXPECT_EQ(ask(replica, "DBSIZE"), ":1\r\n");
    net->cut("a", "b");  // in the middle
    EXPECT_TRUE(becomes([&] { return replica.replica().stats().failed > 0; }));
    EXPECT_EQ(ask(replica, "GET old"), "$1\r\n1\r\n");
    EXPECT_TRUE(follows_all(replica, master));
    EXPECT_EQ(ask(replica, "EXISTS old"), ":0\r\n");
    EXPECT_EQ(replica.replica().stats().full, 1u);
  });
}

// What changed behind the walk waits in memory for a replica that takes its data slowly.
TEST_F(ReplicaTest, ACheckpointThatIsSentHoldsNoMoreThanAReplicaMay) {
  sizes.unsent_bytes = 100'000;
  live([&] {
    Engine& master = start("a");
    ask(master, "CONFIG SET client-output-buffer-limit 'replica 200000 0 0'");
    fill(master, 1000);
    Engine& replica = start("b");
    ask(replica, "REPLICAOF a 6379");
    ASSERT_TRUE(becomes([&] { return replica.replica().stats().sync_bytes > 10'000; }));
    // Few bytes of the stream, and each of a value that is handed over as it was.
    const auto session = master.connect();
    for (int i = 0; i < 1000; ++i) session->feed("SETRANGE key:" + std::to_string(i) + " 0 x\r\n");
    const auto is_said = Contains(HasSubstr("more changed while it was sent than"));
    EXPECT_TRUE(becomes([&] { return testing::Value(lines, is_said); }))
        << testing::PrintToString(lines);
    EXPECT_TRUE(follows_all(replica, master));
  });
}

TEST_F(ReplicaTest, IsNotLinkedWhenItWasPromotedAsItsLogBeganAnew) {
  live([&] {
    ask(start("a"), "MSET x 1 y 2");
    Engine& replica = start("b");
    ask(replica, "REPLICAOF a 6379");
    ASSERT_TRUE(becomes([&] { return replica.keyspace().size(0) == 2; }));
    ASSERT_EQ(replica.replica().stats().full, 0u);  // its log has no base of that yet
    replica.follow_nobody();
    EXPECT_TRUE(becomes([&] { return replica.replica().stats().full == 1; }));
    rest(seconds(1));
    EXPECT_FALSE(replica.replica().linked());
    EXPECT_EQ(ask(replica, "SET z 3"), "+OK\r\n");
  });
}

TEST_F(ReplicaTest, TheLedgerHearsOfAReplicaThatHoldsOtherData) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    StreamLedger ledger;
    const StreamLedger::Machine machines[] = {{"a", &master}, {"b", &replica}};
    ask(replica, "CONFIG SET replica-read-only no");
    ask(replica, "REPLICAOF a 6379");
    ASSERT_TRUE(becomes([&] { return replica.replica().linked(); }));
    EXPECT_EQ(ledger.look(machines), "");
    ask(master, "SET x 1");
    ledger.note(master);
    ASSERT_TRUE(follows_all(replica, master));
    EXPECT_EQ(ledger.look(machines), "");
    ask(replica, "SET x 2");
    EXPECT_THAT(ledger.look(machines), HasSubstr("b says that it is at offset"));
  });
}

TEST_F(ReplicaTest, AKillLeavesTheOldDataSetOrTheNewOne) {
  live([&] {
    Engine& master = start("a");
    ask(master, "MSET x 1 y 2");
    Engine& replica = start("b");
    sim::NodeOs& os = last_os();
    ask(replica, "SET old 1");
    ask(replica, "REPLICAOF a 6379");
    ASSERT_TRUE(becomes(
        [&] { return replica.replica().stats().full > 0 || replica.keyspace().size(0) == 2; }));
    os.die();
    net->kill("b");
    net->restart("b");
    Engine& again = start("b", os.left(true));
    const std::string old = ask(again, "EXISTS old");
    EXPECT_EQ(ask(again, "DBSIZE"), old == ":1\r\n" ? ":1\r\n" : ":2\r\n");
    ask(again, "REPLICAOF a 6379");
    EXPECT_TRUE(follows_all(again, master));
  });
}

TEST_F(ReplicaTest, GoesOnBehindABreakAndAcrossAPromotion) {
  live([&] {
    Engine& master = start("a");
    Engine& one = start("b");
    Engine& two = start("c");
    ask(master, "SET x 1");
    ask(one, "REPLICAOF a 6379");
    ASSERT_TRUE(follows_all(one, master));
    ask(two, "REPLICAOF b 6379");
    ASSERT_TRUE(follows_all(two, master));
    for (int i = 0; i < 20; ++i) {
      ask(master, "MULTI\r\nINCR n\r\nRPUSH l a b c\r\nSELECT 3\r\nINCR m\r\nEXEC");
      net->cut(i % 2 == 0 ? "a" : "c", "b");
    }
    EXPECT_TRUE(follows_all(two, master));
    EXPECT_EQ(one.replica().stats().full, 1u);
    EXPECT_EQ(two.replica().stats().full, 1u);
    EXPECT_EQ(two.master().id(), master.master().id());
    net->kill("a");
    ask(one, "REPLICAOF NO ONE");
    EXPECT_NE(one.master().id(), master.master().id());
    EXPECT_EQ(one.master().second_id(), master.master().id());
    ask(one, "INCR n");
    EXPECT_TRUE(follows_all(two, one));
    EXPECT_EQ(two.replica().stats().full, 1u);
    EXPECT_EQ(two.master().id(), one.master().id());
  });
}

TEST_F(ReplicaTest, WhatClientsMayDoIsSaid) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    ask(replica, "SET mine 1");
    const auto waiter = replica.connect();
    waiter->feed("BLPOP nothing 0\r\n");
    ask(replica, "CONFIG SET replica-serve-stale-data no");
    ask(replica, "REPLICAOF a 6379");
    EXPECT_THAT(std::string(waiter->wait_ready()), HasSubstr("UNBLOCKED"));
    EXPECT_THAT(ask(replica, "GET mine"), HasSubstr("MASTERDOWN"));
    ASSERT_TRUE(follows_all(replica, master));
    EXPECT_THAT(ask(replica, "SET x 1"), HasSubstr("READONLY"));
    EXPECT_THAT(ask(replica, "EVAL \"return redis.call('SET', 'x', '1')\" 0"),
                HasSubstr("READONLY"));
    EXPECT_THAT(ask(replica, "WAIT 0 0"), HasSubstr("replica instances"));
    EXPECT_EQ(ask(replica, "ROLE"),
              "*5\r\n$5\r\nslave\r\n$1\r\na\r\n:6379\r\n$9\r\nconnected\r\n:" +
                  std::to_string(replica.master().offset()) + "\r\n");
    EXPECT_THAT(ask(replica, "INFO replication"), HasSubstr("master_link_status:up\r\n"));
    ask(replica, "CONFIG SET replica-read-only no");
    EXPECT_EQ(ask(replica, "SET here-alone 1"), "+OK\r\n");
    EXPECT_EQ(ask(master, "EXISTS here-alone"), ":0\r\n");
  });
}

TEST_F(ReplicaTest, WhatHasExpiredGoesByTheMastersWord) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    ask(replica, "REPLICAOF a 6379");
    ask(master, "SET short 1 PX 100");
    master.set_active_expire(false);
    ASSERT_TRUE(follows_all(replica, master));
    rest(milliseconds(500));
    EXPECT_EQ(ask(replica, "GET short"), "$-1\r\n");
    EXPECT_EQ(replica.keyspace().size(0), 1u) << "it is there until the master says so";
    EXPECT_EQ(ask(master, "GET short"), "$-1\r\n");
    EXPECT_TRUE(becomes([&] { return replica.keyspace().size(0) == 0; }));
  });
}

TEST_F(ReplicaTest, WhatIsNoMasterIsToldOnce) {
  live([&] {
    Engine& replica = start("b");
    Engine& locked = start("a");
    ask(replica, "REPLICAOF nowhere 6379");
    rest(seconds(5));
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0],
              "the master at nowhere:6379 is not followed: connect to nowhere: there is no such "
              "host; it is tried again each second");
    ask(locked, "CONFIG SET requirepass secret");
    ask(replica, "REPLICAOF a 6379");
    rest(seconds(5));
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_THAT(lines[1], HasSubstr("wants a password"));
    ask(replica, "CONFIG SET masterauth wrong");
    rest(seconds(5));
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_THAT(lines[2], HasSubstr("refuses masterauth"));
    ask(replica, "CONFIG SET masterauth secret");
    EXPECT_TRUE(becomes([&] { return replica.replica().linked(); }));
  });
}

// The lines of INFO replication; what is drawn stands as its name.
std::string info_of(Engine& engine, const std::vector<std::pair<std::string, std::string>>& names) {
  const auto session = engine.connect();
  session->feed("INFO replication\r\n");
  std::string text(session->wait_ready());
  text = text.substr(text.find("# Replication"));
  for (const auto& [what, name] : names)
    for (size_t at = text.find(what); at != text.npos; at = text.find(what))
      text.replace(at, what.size(), name);
  std::string lines;
  for (const char c : text)
    if (c != '\r') lines += c;
  return lines;
}

TEST_F(ReplicaTest, InfoSaysAllOfBothSides) {
  live([&] {
    Engine& master = start("a");
    const std::string none(40, '0');
    EXPECT_EQ(info_of(master, {}),
              "# Replication\nrole:master\nconnected_slaves:0\nmaster_failover_state:no-failover\n"
              "master_replid:" +
                  none + "\nmaster_replid2:" + none +
                  "\nmaster_repl_offset:0\nsecond_repl_offset:-1\nrepl_backlog_active:0\n"
                  "repl_backlog_size:1048576\nrepl_backlog_first_byte_offset:0\n"
                  "repl_backlog_histlen:0\n\n");
    Engine& replica = start("b");
    ask(replica, "CONFIG SET replica-announce-ip here replica-announce-port 7 replica-priority 5");
    ask(replica, "REPLICAOF a 6379");
    ASSERT_TRUE(follows_all(replica, master));
    rest(milliseconds(10));  // until it has said that it has all
    EXPECT_EQ(ask(master, "CONFIG SET min-replicas-to-write 1 repl-backlog-size 2mb"), "+OK\r\n");
    EXPECT_EQ(ask(master, "SET x 1"), "+OK\r\n");
    ASSERT_TRUE(follows_all(replica, master));
    rest(milliseconds(1500));
    const std::string offset = std::to_string(master.master().offset());
    EXPECT_EQ(offset, "50");
    EXPECT_EQ(info_of(master, {{master.master().id(), "ID"}, {none, "NONE"}}),
              "# Replication\nrole:master\nconnected_slaves:1\nmin_slaves_good_slaves:1\n"
              "slave0:ip=here,port=7,state=online,offset=50,lag=0\n"
              "master_failover_state:no-failover\nmaster_replid:ID\nmaster_replid2:NONE\n"
              "master_repl_offset:50\nsecond_repl_offset:-1\nrepl_backlog_active:1\n"
              "repl_backlog_size:2097152\nrepl_backlog_first_byte_offset:1\n"
              "repl_backlog_histlen:50\n\n");
    EXPECT_EQ(info_of(replica, {{master.master().id(), "ID"}, {none, "NONE"}}),
              "# Replication\nrole:slave\nmaster_host:a\nmaster_port:6379\n"
              "master_link_status:up\nmaster_last_io_seconds_ago:1\nmaster_sync_in_progress:0\n"
              "slave_read_repl_offset:50\nslave_repl_offset:50\nslave_priority:5\n"
              "slave_read_only:1\nreplica_announced:1\nconnected_slaves:0\n"
              "master_failover_state:no-failover\nmaster_replid:ID\nmaster_replid2:NONE\n"
              "master_repl_offset:50\nsecond_repl_offset:-1\nrepl_backlog_active:1\n"
              "repl_backlog_size:1048576\nrepl_backlog_first_byte_offset:1\n"
              "repl_backlog_histlen:50\n\n");
    net->kill("a");
    net->cut("a", "b");
    rest(seconds(3));
    EXPECT_THAT(info_of(replica, {}),
                HasSubstr("master_link_status:down\nmaster_last_io_seconds_ago:-1\n"));
    EXPECT_THAT(info_of(replica, {}), HasSubstr("\nmaster_link_down_since_seconds:3\n"));
  });
}

TEST_F(ReplicaTest, InfoSaysHowFarItLoads) {
  live([&] {
    Engine& master = start("a");
    fill(master, 100);
    Engine& replica = start("b");
    EXPECT_THAT(info_of(replica, {}), HasSubstr("role:master\n"));
    ask(replica, "REPLICAOF a 6379");
    EXPECT_THAT(info_of(replica, {}), HasSubstr("\nmaster_link_down_since_seconds:-1\n"));
    ASSERT_TRUE(becomes([&] { return replica.replica().stats().sync_bytes > 100'000; }));
    const std::string read = std::to_string(replica.replica().stats().sync_bytes);
    EXPECT_THAT(
        info_of(replica, {}),
        HasSubstr("\nmaster_sync_in_progress:1\nslave_read_repl_offset:-1\n"
                  "slave_repl_offset:-1\nmaster_sync_total_bytes:0\n"
                  "master_sync_read_bytes:" +
                  read +
                  "\nmaster_sync_left_bytes:0\nmaster_sync_perc:0.00\n"
                  "master_sync_last_io_seconds_ago:0\nmaster_link_down_since_seconds:-1\n"));
  });
}

TEST_F(ReplicaTest, WhatIsConfiguredIsKept) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    EXPECT_THAT(ask(master, "CONFIG SET min-replicas-to-write 1"), HasSubstr("OK"));
    EXPECT_THAT(ask(master, "SET x 1"), HasSubstr("NOREPLICAS"));
    EXPECT_THAT(ask(master, "CONFIG SET min-replicas-max-lag 0"), HasSubstr("OK"));
    EXPECT_EQ(ask(master, "SET x 1"), "+OK\r\n") << "then it is not asked for";
    ask(master, "CONFIG SET min-replicas-max-lag 10");
    EXPECT_EQ(ask(replica, "CONFIG GET replicaof"), "*2\r\n$9\r\nreplicaof\r\n$0\r\n\r\n");
    ask(replica, "REPLICAOF a 6379");
    EXPECT_THAT(ask(replica, "CONFIG GET replicaof"), HasSubstr("a 6379"));
    ASSERT_TRUE(follows_all(replica, master));
    rest(milliseconds(10));
    EXPECT_EQ(ask(master, "SET x 2"), "+OK\r\n");
    ask(replica, "REPLICAOF NO ONE");
    EXPECT_THAT(ask(replica, "CONFIG GET replicaof"), HasSubstr("$0\r\n"));
    EXPECT_EQ(ask(replica, "SET x 3"), "+OK\r\n");
  });
}

TEST_F(ReplicaTest, AMasterHandsOverAndFollows) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    EXPECT_THAT(ask(master, "FAILOVER"), HasSubstr("requires connected replicas"));
    EXPECT_THAT(ask(master, "PSYNC ? 1 FAILOVER"), HasSubstr("can't be sent to a master"));
    ask(replica, "CONFIG SET replica-announce-ip b replica-announce-port 6379");
    ask(replica, "REPLICAOF a 6379");
    ask(master, "SET x 1");
    ASSERT_TRUE(follows_all(replica, master));
    EXPECT_THAT(ask(replica, "PSYNC " + std::string(40, 'f') + " 1 FAILOVER"),
                HasSubstr("must match my replid"));
    EXPECT_EQ(ask(master, "FAILOVER"), "+OK\r\n");
    ASSERT_TRUE(
        becomes([&] { return master.replica().follows() && !replica.replica().follows(); }));
    EXPECT_TRUE(follows_all(master, replica));
    EXPECT_EQ(master.replica().stats().full, 0u) << "nothing is lost on the way";
    EXPECT_EQ(ask(replica, "SET x 2"), "+OK\r\n");
    EXPECT_TRUE(follows_all(master, replica));
    EXPECT_THAT(ask(master, "CONFIG GET replicaof"), HasSubstr("b 6379"));
    EXPECT_THAT(ask(replica, "CONFIG GET replicaof"), HasSubstr("$0\r\n"));
    EXPECT_THAT(lines, ::testing::Contains("failover: the master hands over to this store"));
    EXPECT_THAT(lines, ::testing::Contains("failover: b:6379 has taken over"));
  });
}

TEST_F(ReplicaTest, TheThirdMachineFollowsWhoeverTakesOver) {
  live([&] {
    Engine& master = start("a");
    Engine& replica = start("b");
    Engine& third = start("c");
    ask(replica, "CONFIG SET replica-announce-ip b replica-announce-port 6379");
    ask(replica, "REPLICAOF a 6379");
    ask(third, "REPLICAOF a 6379");
    ask(master, "SET x 1");
    ASSERT_TRUE(follows_all(replica, master));
    ASSERT_TRUE(follows_all(third, master));
    rest(milliseconds(10));  // until they have said that they have all
    EXPECT_EQ(ask(master, "FAILOVER TO b 6379"), "+OK\r\n");
    ASSERT_TRUE(
        becomes([&] { return master.replica().follows() && !replica.replica().follows(); }));
    EXPECT_EQ(ask(replica, "SET x 2"), "+OK\r\n");
    EXPECT_TRUE(follows_all(third, replica)) << "through its old master";
    ask(third, "REPLICAOF b 6379");
    EXPECT_EQ(ask(replica, "SET x 3"), "+OK\r\n");
    EXPECT_TRUE(follows_all(third, replica));
    EXPECT_TRUE(follows_all(master, replica));
    EXPECT_EQ(third.replica().stats().full, 1u);
  });
}

TEST_F(ReplicaTest, AReplicaWhoseLinkIsHalfOpenCountsOnce) {
  live([&] {
    Engine& master = start("a");
    Engine& one = start("b");
    Engine& two = start("c");
    ask(one, "CONFIG SET replica-announce-ip b replica-announce-port 6379");
    ask(two, "CONFIG SET replica-announce-ip c replica-announce-port 6379");
    ask(one, "REPLICAOF a 6379");
    ask(two, "REPLICAOF a 6379");
    ASSERT_TRUE(follows_all(one, master));
    ASSERT_TRUE(follows_all(two, master));
    net->partition("a", "c");
    const auto client = master.connect();
    client->feed("SET x 1\r\nWAIT 1 1000\r\n");
    rest(milliseconds(100));
    EXPECT_EQ(std::string(client->ready()), "+OK\r\n:1\r\n");
    client->consume(client->ready().size());
    const uint64_t before = one.replica().stats().partial;
    net->forget_way("b", "a");
    ASSERT_TRUE(becomes([&] { return one.replica().stats().partial > before; }));
    EXPECT_EQ(master.executor().clients().replicas.size(), 3u) << "the dead one stands yet";
    client->feed("WAIT 2 500\r\n");
    rest(seconds(1));
    EXPECT_EQ(std::string(client->ready()), ":1\r\n");
    net->heal();
    EXPECT_TRUE(follows_all(two, master));
  });
}

TEST_F(ReplicaTest, AReplicaWithoutItsMasterHasNothingToSend) {
  live([&] {
    Engine& replica = start("b");
    start("a");
    Engine& next = start("c");
    net->partition_both("a", "b");
    ask(replica, "REPLICAOF a 6379");
    ask(next, "REPLICAOF b 6379");
    rest(seconds(3));
    EXPECT_THAT(next.replica().stats().last_error, HasSubstr("NOMASTERLINK"));
    net->heal();
    EXPECT_TRUE(follows_all(next, replica));
  });
}

}  // namespace
}  // namespace powercut::scenarios
