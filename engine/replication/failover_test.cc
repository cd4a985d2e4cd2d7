// FAILOVER: what it waits for, whom it hands over to, and what it says where nobody takes over.
#include "engine/replication/failover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/replication/master_harness.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Nobody answers: what a link would say is said by the test.
class NobodyThere final : public Net {
 public:
  Result<std::unique_ptr<Link>> connect(const std::string&, int, Instant) override {
    return Error{Errc::kRefused, "nobody listens"};
  }
  Result<std::unique_ptr<Listener>> listen(const std::string&, int) override {
    return Error{Errc::kUnsupported, "nobody listens here"};
  }
};

class FailoverTest : public ::testing::Test {
 protected:
  FailoverTest() {
    log.master = control.master = &master;
    replica.set_net(&net);
    one.client().address = "10.0.0.1:50000";
    two.client().address = "10.0.0.2:50000";
  }
  ~FailoverTest() override {
    (void)failover.abort();
    replica.stop();
    master.stop();
    os.rest(seconds(10));
    EXPECT_FALSE(os.any_task());
    os.destroy_tasks();
  }

  std::string ask(Session& from, const std::string& lines) {
    from.feed(lines + "\r\n");
    log.released = log.applied;
    const std::string bytes(from.ready());
    from.consume(bytes.size());
    return bytes;
  }
  // It is online, and has confirmed all that there is.
  void attach(Session& session, int port) {
    ask(session, "REPLCONF listening-port " + std::to_string(port) + " capa eof capa psync2");
    ask(session, "PSYNC ? -1");
    EXPECT_TRUE(master
                    .stream([](File& out, const std::function<void()>& at_cut) -> Result<void> {
                      at_cut();
                      TRY(out.write_at(0, "RDB"));
                      return {};
                    })
                    .ok());
    confirm(session);
  }
  void confirm(Session& session) {
    ask(session, "REPLCONF ACK " + std::to_string(master.offset()));
  }
  // A client that may have to wait: what it has been answered so far.
  std::string write(const std::string& line) {
    os.spawn("client", [this, line] { replies += ask(client, line); });
    rest(0);
    return std::exchange(replies, {});
  }
  std::string why(FailoverWish wish) {
    const auto begun = failover.begin(std::move(wish));
    return begun.ok() ? "" : begun.error().message;
  }
  void rest(int64_t ms) { os.rest(milliseconds(ms)); }

  MemoryOs os;
  NobodyThere net;
  Keyspace keyspace;
  ReplicatedLog log{os};
  ReplicatedControl control;
  Executor executor{os, keyspace, log, control};
  std::string replies;
  std::vector<std::string> lines;
  std::vector<std::string> handed;
  int taken_back = 0;
  Master master{os, executor.clients(), log, {[] {}, [] { return ""; }, [](std::string_view) {}}};
  Replica replica{os,
                  executor,
                  master,
                  {.replace = [](const auto&, const auto&) -> Result<void> { return {}; },
                   .count = [] { return uint64_t{0}; },
                   .make_keyspace = [] { return std::make_unique<Keyspace>(); },
                   .trouble = [] { return std::string(); },
                   .on_change = [] {},
                   .log_line = [](std::string_view) {}}};
  Failover failover{os,
                    executor,
                    master,
                    replica,
                    {.hand_over =
                         [this](const std::string& host, int port) {
                           handed.push_back(host + ":" + std::to_string(port));
                           replica.hand_over(host, port);
                         },
                     .take_back =
                         [this] {
                           ++taken_back;
                           replica.promote();
                         },
                     .log_line = [this](std::string_view line) { lines.emplace_back(line); }}};
  Session client{executor};
  Session one{executor};
  Session two{executor};
};

TEST_F(FailoverTest, IsRefusedWhereThereIsNobodyToTakeOver) {
  EXPECT_EQ(why({}), "FAILOVER requires connected replicas.");
  EXPECT_EQ(failover.abort().error().message, "No failover in progress.");
  attach(one, 7);
  EXPECT_EQ(why({.host = "", .force = true}),
            "FAILOVER with force option requires both a timeout and target HOST and IP.");
  EXPECT_THAT(why({.host = "", .force = true, .timeout_ms = 5}), HasSubstr("requires both"));
  EXPECT_THAT(why({.host = "10.0.0.1", .port = 7, .force = true}), HasSubstr("requires both"));
  EXPECT_EQ(why({.host = "10.0.0.1", .port = 8}),
            "FAILOVER target HOST and PORT is not a replica.");
  EXPECT_EQ(why({.host = "10.0.0.9", .port = 7}),
            "FAILOVER target HOST and PORT is not a replica.");
  ask(two, "REPLCONF listening-port 8 capa eof");
  ask(two, "PSYNC ? -1");
  EXPECT_EQ(why({.host = "10.0.0.2", .port = 8}), "FAILOVER target replica is not online.");
  EXPECT_EQ(failover.state(), "no-failover");
  EXPECT_EQ(why({}), "");
  EXPECT_EQ(failover.state(), "waiting-for-sync");
  EXPECT_EQ(why({}), "FAILOVER already in progress.");
  rest(0);
  EXPECT_EQ(failover.state(), "failover-in-progress");
  EXPECT_EQ(why({}), "FAILOVER already in progress.");
}

TEST_F(FailoverTest, WritesWaitUntilOneHasAll) {
  attach(one, 7);
  attach(two, 8);
  EXPECT_EQ(ask(client, "SET a 1"), "+OK\r\n");
  EXPECT_EQ(why({}), "");
  rest(20);
  EXPECT_EQ(failover.state(), "waiting-for-sync");
  EXPECT_THAT(handed, ElementsAre()) << "nobody has confirmed it";
  EXPECT_EQ(write("SET a 2"), "");
  EXPECT_THAT(ask(one, ""), HasSubstr("GETACK")) << "they are asked";
  ask(one, "REPLCONF ACK " + std::to_string(master.offset() - 1));
  rest(20);
  EXPECT_THAT(handed, ElementsAre());
  confirm(two);
  rest(10);
  EXPECT_THAT(handed, ElementsAre("10.0.0.2:8")) << "whoever has all first";
  EXPECT_EQ(failover.state(), "no-failover") << "the other did not answer";
}

TEST_F(FailoverTest, OnlyWhoIsMeantTakesOver) {
  attach(one, 7);
  attach(two, 8);
  ask(client, "SET a 1");
  EXPECT_EQ(why({.host = "10.0.0.1", .port = 7}), "");
  rest(10);
  confirm(two);
  rest(50);
  EXPECT_THAT(handed, ElementsAre());
  confirm(one);
  rest(10);
  EXPECT_THAT(handed, ElementsAre("10.0.0.1:7"));
}

TEST_F(FailoverTest, WhoDoesNotTakeOverLeavesThisStoreAMaster) {
  attach(one, 7);
  EXPECT_EQ(why({}), "");
  rest(20);
  EXPECT_EQ(taken_back, 1);
  EXPECT_THAT(lines, ElementsAre("failover: 10.0.0.1:7 has not taken over (nobody listens); this "
                                 "store is a master"));
  EXPECT_EQ(failover.state(), "no-failover");
  EXPECT_FALSE(replica.follows());
  EXPECT_EQ(ask(client, "SET a 1"), "+OK\r\n") << "writes go on";
}

TEST_F(FailoverTest, IsGivenUpInTime) {
  attach(one, 7);
  ask(client, "SET a 1");
  EXPECT_EQ(why({.host = "", .timeout_ms = 100}), "");
  rest(95);
  EXPECT_EQ(failover.state(), "waiting-for-sync");
  EXPECT_EQ(write("SET a 2"), "");
  rest(10);
  EXPECT_EQ(failover.state(), "no-failover");
  EXPECT_THAT(lines, ElementsAre("failover: no replica has confirmed all in time; this store stays "
                                 "a master"));
  EXPECT_THAT(handed, ElementsAre());
  EXPECT_EQ(replies, "+OK\r\n") << "what waited is done";
}

TEST_F(FailoverTest, OrForced) {
  attach(one, 7);
  ask(client, "SET a 1");
  EXPECT_EQ(why({.host = "10.0.0.1", .port = 7, .force = true, .timeout_ms = 100}), "");
  rest(95);
  EXPECT_THAT(handed, ElementsAre());
  rest(10);
  EXPECT_THAT(handed, ElementsAre("10.0.0.1:7")) << "whatever it has";
}

TEST_F(FailoverTest, OrWhenThatIsAsked) {
  attach(one, 7);
  ask(client, "SET a 1");
  EXPECT_EQ(why({}), "");
  rest(10);
  EXPECT_TRUE(failover.abort().ok());
  rest(10);
  EXPECT_EQ(failover.state(), "no-failover");
  EXPECT_THAT(lines, ElementsAre("failover: given up; this store stays a master"));
  confirm(one);
  rest(50);
  EXPECT_THAT(handed, ElementsAre());
  EXPECT_EQ(why({}), "") << "and another may be begun";
  rest(10);
  EXPECT_THAT(handed, ElementsAre("10.0.0.1:7"));
}

TEST_F(FailoverTest, OrWhenThisStoreFollowsAnotherMeanwhile) {
  attach(one, 7);
  ask(client, "SET a 1");
  EXPECT_EQ(why({}), "");
  rest(10);
  replica.follow("elsewhere", 1);
  EXPECT_EQ(why({}), "FAILOVER already in progress.");
  rest(10);
  EXPECT_EQ(failover.state(), "no-failover");
  EXPECT_THAT(lines, ElementsAre("failover: given up; this store stays a master"));
  EXPECT_EQ(why({}), "FAILOVER is not valid when server is a replica.");
}

}  // namespace
}  // namespace powercut::engine
