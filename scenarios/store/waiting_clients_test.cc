// Clients that wait for a key, as the judge drives them: whose operation their reply acknowledges, and what a kill leaves
// of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "faults/personas.h"
#include "scenarios/store/store_history.h"
#include "scenarios/store/store_target.h"
#include "sim/request.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

class WaitingClients : public ::testing::Test {
 protected:
  // One life of a store that syncs always, to a kill.
  void live(const std::function<void(engine::Os&, sim::Target&)>& body) {
    sim::SimOs os(world_, choices_, trace_, nullptr);
    std::unique_ptr<sim::Target> target;
    EXPECT_TRUE(sim::run_to_end(os, [&] {
      auto opened = StoreTarget::open(os, {"always"});
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      target = std::move(*opened);
      history_.attach(os, *target, target->recovery.last);
      body(os, *target);
      history_.detach();
    }));
  }
  static void say(sim::Target& target, uint64_t client, const std::vector<std::string>& words) {
    target.apply(client, sim::encode_request(words));
  }

  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  sim::SeededChoices choices_{1};
  sim::Trace trace_;
  StoreHistory history_;
};

TEST_F(WaitingClients, AreServedByThePushAndAcknowledgeIt) {
  live([&](engine::Os& os, sim::Target& target) {
    say(target, 0, {"SET", "a", "1"});
    say(target, 0, {"BLPOP", "q", "0"});
    EXPECT_TRUE(target.waits(0));
    EXPECT_FALSE(target.waits(1));
    say(target, 1, {"RPUSH", "q", "x"});
    EXPECT_FALSE(target.waits(0));
    EXPECT_EQ(history_.last_lsn(), 2u);
    EXPECT_FALSE(history_.unlogged_change());
    EXPECT_FALSE(history_.split_request(0));
    EXPECT_FALSE(target.acknowledged(0, os.now())) << "nothing is synced yet";
    EXPECT_EQ(target.acknowledged(0, kForever)->served_by, 0u);
    const auto reply = target.acknowledged(0, kForever);
    EXPECT_EQ(reply->bytes, "*2\r\n$1\r\nq\r\n$1\r\nx\r\n");
    EXPECT_EQ(reply->served_by, 2u);
    EXPECT_GE(target.promise().synced, 2u);
  });
  const uint64_t digest = history_.digests_at(0)[2];
  live([&](engine::Os&, sim::Target& target) {
    EXPECT_EQ(target.recovery.last, 2u);
    EXPECT_EQ(target.digest(0), digest);
    EXPECT_EQ(target.contents(0, 9).size(), 1u) << "the queue is empty";
  });
}

TEST_F(WaitingClients, OfAGroupHaveWhatTheyWereGivenBehindAKill) {
  live([&](engine::Os& os, sim::Target& target) {
    say(target, 0, {"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
    say(target, 0, {"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"});
    say(target, 1, {"XADD", "s", "1-1", "f", "v"});
    EXPECT_FALSE(history_.unlogged_change());
    EXPECT_EQ(history_.last_lsn(), 2u);
    EXPECT_EQ(target.acknowledged(0, kForever)->bytes, "+OK\r\n");
    EXPECT_EQ(target.acknowledged(0, kForever)->served_by, 2u);
    EXPECT_FALSE(target.acknowledged(0, os.now()));
  });
  const uint64_t digest = history_.digests_at(0)[2];
  live([&](engine::Os&, sim::Target& target) {
    EXPECT_EQ(target.digest(0), digest);
    EXPECT_THAT(target.contents(0, 9),
                ::testing::ElementsAre(
                    "s = the stream 1-1 \"f\"=\"v\", 1 added, the last 1-1; group \"g\" has read 1 "
                    "up to 1-1, \"c\" has 1-1 (1)"));
  });
}

TEST_F(WaitingClients, MayGo) {
  live([&](engine::Os&, sim::Target& target) {
    say(target, 0, {"BLPOP", "q", "0"});
    target.hang_up(0);
    EXPECT_FALSE(target.waits(0));
    say(target, 1, {"RPUSH", "q", "x"});
    say(target, 0, {"LLEN", "q"});
    EXPECT_EQ(target.acknowledged(0, kForever)->bytes, ":1\r\n");
  });
}

TEST_F(WaitingClients, WaitAsLongAsTheySay) {
  live([&](engine::Os& os, sim::Target& target) {
    const Instant began = os.now();
    say(target, 0, {"BZPOPMIN", "z", "0.25"});
    const auto reply = target.acknowledged(0, kForever);
    EXPECT_EQ(reply->bytes, "*-1\r\n");
    EXPECT_EQ(reply->served_by, 0u);
    EXPECT_EQ(reply->in_vain, 0u);
    EXPECT_EQ((os.now() - began).ms(), 250);
  });
}

}  // namespace
}  // namespace powercut::scenarios
