// What a master does as time goes by: whom it reminds, whom it gives up, and when it forgets what nobody comes back for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/os/memory_os_testing.h"
#include "engine/replication/master_harness.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class MasterTimeTest : public WithMaster<MemoryOs> {
 protected:
  MasterTimeTest() {
    options.timeout_s = 60;
    options.ping_s = 10;
    options.backlog_ttl_s = 100;
    master.set_options(options);
  }
  ~MasterTimeTest() override {
    master.stop();
    os.rest(seconds(2));
    EXPECT_FALSE(os.any_task());
    os.destroy_tasks();
  }

  // Of what it says by itself, too.
  std::string taken(Session& from) {
    log.released = log.applied;
    return WithMaster::taken(from);
  }
  void wait(Session& session) {
    ask(session, "REPLCONF listening-port 7 capa eof capa psync2");
    ask(session, "PSYNC ? -1");
  }
  Result<void> send(size_t bytes) {
    return master.stream([&](File& out, const std::function<void()>& at_cut) -> Result<void> {
      at_cut();
      TRY(out.write_at(0, std::string(bytes / 2, 'x')));
      TRY(out.write_at(bytes / 2, std::string(bytes - bytes / 2, 'y')));
      return {};
    });
  }
  void attach(Session& session) {
    wait(session);
    EXPECT_TRUE(send(3).ok());
    (void)taken(session);
    confirm(session);
  }
  void confirm(Session& session) {
    ask(session, "REPLCONF ACK " + std::to_string(master.offset()));
  }
  static std::string ping() { return command({"PING"}); }

  std::unique_ptr<Session> one = std::make_unique<Session>(executor);
  std::unique_ptr<Session> two = std::make_unique<Session>(executor);
};

TEST_F(MasterTimeTest, WhoIsOnlineIsPingedAndHasToAnswer) {
  attach(*one);
  const uint64_t begin = master.offset();
  os.rest(milliseconds(9900));
  EXPECT_EQ(taken(*one), "");
  os.rest(milliseconds(200));
  EXPECT_EQ(taken(*one), ping());
  EXPECT_EQ(master.offset(), begin + ping().size()) << "it is a part of the stream";
  os.rest(seconds(45));
  confirm(*one);
  os.rest(seconds(60));
  EXPECT_FALSE(one->closing());
  os.rest(seconds(2));
  EXPECT_TRUE(one->closing());
  EXPECT_THAT(lines, ElementsAre(HasSubstr("it has said nothing for longer than repl-timeout")));
  EXPECT_EQ(master.confirmed(0), 0u);
}

TEST_F(MasterTimeTest, WhoLoadsIsWaitedForAsLong) {
  wait(*one);
  EXPECT_TRUE(send(3).ok());
  (void)taken(*one);
  os.rest(seconds(60));
  EXPECT_FALSE(one->closing());
  EXPECT_EQ(taken(*one), "") << "nobody is online who could read a PING";
  os.rest(seconds(2));
  EXPECT_TRUE(one->closing());
}

TEST_F(MasterTimeTest, WhoWaitsForACheckpointIsToldThatItIsWaitedFor) {
  wait(*one);
  EXPECT_EQ(cuts_wanted, 1);
  os.rest(milliseconds(3500));
  EXPECT_EQ(taken(*one), "\n\n\n");
  EXPECT_EQ(cuts_wanted, 4);
  os.rest(seconds(100));
  EXPECT_FALSE(one->closing()) << "it has nothing to say";
  EXPECT_TRUE(send(3).ok());
  os.rest(seconds(5));
  EXPECT_LE(cuts_wanted, 105);
}

TEST_F(MasterTimeTest, TheStreamIsForgottenWhenNobodyComesBack) {
  attach(*one);
  ask(client, "SET a 1");
  const std::string id = master.id();
  one.reset();
  os.rest(seconds(98));
  EXPECT_EQ(master.id(), id);
  attach(*two);  // all anew, of the same history
  os.rest(seconds(2));
  two.reset();
  os.rest(seconds(98));
  EXPECT_TRUE(master.active());
  os.rest(seconds(4));
  EXPECT_FALSE(master.active());
  EXPECT_EQ(master.offset(), 0u);
  ask(client, "SET a 2");
  EXPECT_EQ(master.offset(), 0u);
  Session again(executor);
  attach(again);
  EXPECT_NE(master.id(), id);
  options.backlog_ttl_s = 0;
  master.set_options(options);
  again.client().end();
}

TEST_F(MasterTimeTest, OrNeverWhereThatIsSaid) {
  options.backlog_ttl_s = 0;
  master.set_options(options);
  attach(*one);
  one.reset();
  os.rest(seconds(10'000));
  EXPECT_TRUE(master.active());
}

TEST_F(MasterTimeTest, AReplicaSaysNothingOfItsOwnInTheStream) {
  attach(*one);
  master.set_source(Master::Source::kMaster);
  EXPECT_FALSE(master.own());
  const uint64_t offset = master.offset();
  os.rest(seconds(30));
  master.ask();
  EXPECT_EQ(taken(*one), "") << "its master pings, and asks";
  EXPECT_EQ(master.offset(), offset);
  one.reset();
  os.rest(seconds(200));
  EXPECT_TRUE(master.active()) << "nor does it forget by itself";
  master.set_source(Master::Source::kNone);
  EXPECT_THAT(ask(*two, "PSYNC ? -1"), HasSubstr("NOMASTERLINK"));
}

TEST_F(MasterTimeTest, OthersGoOnUnderTheNameThatWasBefore) {
  attach(*one);
  ask(client, "SET a 1");
  const std::string before = master.id();
  const uint64_t offset = master.offset();
  master.promote(true);
  EXPECT_TRUE(one->closing());
  EXPECT_NE(master.id(), before);
  EXPECT_EQ(master.second_id(), before);
  EXPECT_EQ(master.second_offset(), static_cast<int64_t>(offset) + 1);
  const auto answer = [&](uint64_t from) {
    Session back(executor);
    ask(back, "REPLCONF capa eof capa psync2");
    return ask(back, "PSYNC " + before + " " + std::to_string(from));
  };
  EXPECT_THAT(answer(offset + 1), HasSubstr("+CONTINUE " + master.id()));
  ask(client, "SET a 2");
  EXPECT_THAT(answer(offset + 1), HasSubstr("SELECT"))
      << "whoever begins here has selected nothing";
  EXPECT_EQ(answer(offset + 2), "") << "that is of the history behind the parting";
  EXPECT_EQ(master.stats().partial, 2u);
  EXPECT_EQ(master.stats().partial_refused, 1u);
  const std::string now = master.id();
  master.rename(now);
  EXPECT_EQ(master.second_id(), before) << "it is the same";
  master.begin_at(std::string(40, 'c'), 7);
  EXPECT_EQ(master.second_id(), "");
  EXPECT_EQ(master.second_offset(), -1);
  EXPECT_EQ(master.offset(), 7u);
}

// --- A checkpoint that is taken slowly ---

TEST_F(MasterTimeTest, ACheckpointGoesOnWhenMostOfItIsTaken) {
  wait(*one);
  (void)taken(*one);
  bool sent = false;
  os.spawn("stream", [&] {
    EXPECT_TRUE(send(10 << 20).ok());
    sent = true;
  });
  os.rest(seconds(50));
  EXPECT_FALSE(sent) << "five million bytes wait for who takes none";
  log.released = log.applied;
  one->consume(one->ready().size() / 2);
  os.rest(seconds(1));
  EXPECT_FALSE(sent);
  const size_t first = taken(*one).size();
  EXPECT_GT(first, size_t{2} << 20);
  os.rest(seconds(1));
  EXPECT_FALSE(one->closing());
  (void)taken(*one);
  os.rest(seconds(1));
  EXPECT_TRUE(sent);
}

TEST_F(MasterTimeTest, WhoTakesNothingOfItIsDroppedAndTheOthersGetIt) {
  wait(*one);
  wait(*two);
  (void)taken(*one);
  (void)taken(*two);
  bool sent = false;
  os.spawn("stream", [&] {
    EXPECT_TRUE(send(10 << 20).ok());
    sent = true;
  });
  for (int i = 0; i < 62; ++i) {
    os.rest(seconds(1));
    (void)taken(*two);
  }
  EXPECT_TRUE(one->closing());
  EXPECT_FALSE(two->closing());
  EXPECT_TRUE(sent);
  EXPECT_THAT(lines, ElementsAre(HasSubstr("it takes nothing of its checkpoint (repl-timeout)")));
}

TEST_F(MasterTimeTest, ItEndsWithWhoTakesItAndWithTheLog) {
  wait(*one);
  std::string why;
  const auto begin = [&] {
    os.spawn("stream", [&] {
      const auto outcome = send(10 << 20);
      why = outcome.ok() ? "sent" : outcome.error().message;
    });
    os.rest(seconds(1));
  };
  begin();
  one.reset();
  os.rest(seconds(1));
  EXPECT_EQ(why, "the replica has gone");
  wait(*two);
  begin();
  trouble = "the log is blocked";
  os.rest(seconds(1));
  EXPECT_EQ(why, "the log is blocked");
  EXPECT_TRUE(two->closing());
}

}  // namespace
}  // namespace powercut::engine
