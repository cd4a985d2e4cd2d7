// What a replica is sent, when, and what is made of what it says.
#include "engine/replication/master.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/replication/master_harness.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class MasterTest : public WithMaster<Clockwork> {
 protected:
  MasterTest() {
    options.backlog_bytes = 200;
    master.set_options(options);
  }

  using WithMaster::ask;
  std::string ask(const std::string& lines) { return ask(client, lines); }

  // Sends a checkpoint to who waits for one; its bytes are `text`.
  Result<void> send(std::string_view text, const std::function<void()>& behind_cut = {}) {
    cuts_wanted = 0;
    return master.stream([&](File& out, const std::function<void()>& at_cut) -> Result<void> {
      at_cut();
      if (behind_cut) behind_cut();
      TRY_ASSIGN(const size_t written, out.write_at(0, text));
      EXPECT_EQ(written, text.size());
      return {};
    });
  }
  // The replica is online.
  void attach(Session& session, const std::string& port = "7") {
    EXPECT_EQ(ask(session, "REPLCONF listening-port " + port + " capa eof capa psync2"), "+OK\r\n");
    EXPECT_EQ(ask(session, "PSYNC ? -1"), "");
    EXPECT_TRUE(send("RDB").ok());
    log.released = log.applied;
    EXPECT_THAT(taken(session), StartsWith("+FULLRESYNC " + master.id()));
    EXPECT_EQ(ask(session, "REPLCONF ACK " + std::to_string(master.offset())), "");
  }

  Session replica{executor};
  Session other{executor};
};

TEST_F(MasterTest, SendsACheckpointAndThenAllThatCameBehindItsCut) {
  ask("SET before 1");
  EXPECT_EQ(master.offset(), 0u) << "nobody reads yet";
  EXPECT_EQ(ask(replica, "REPLCONF capa eof capa psync2"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "PSYNC ? -1"), "");
  EXPECT_EQ(cuts_wanted, 1);
  ask("SET early 1");  // in the checkpoint
  const uint64_t early = master.offset();
  EXPECT_TRUE(send("the RDB", [&] { ask("SET a 1"); }).ok());
  const std::string sent = taken(replica);
  const std::string begin =
      "+FULLRESYNC " + master.id() + " " + std::to_string(early) + "\r\n$EOF:";
  ASSERT_THAT(sent, StartsWith(begin));
  const std::string mark = sent.substr(begin.size(), 40);
  EXPECT_EQ(sent.substr(begin.size() + 40), "\r\nthe RDB" + mark)
      << "and nothing behind it: the reader could not tell it from the rest";
  ask("SET b 1");
  EXPECT_EQ(taken(replica), "");
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + std::to_string(early)),
            command({"SELECT", "0"}) + command({"SET", "a", "1"}) + command({"SET", "b", "1"}));
  ask("SET c 1");
  EXPECT_EQ(taken(replica), command({"SET", "c", "1"}));
  EXPECT_EQ(master.offset(), early +
                                 (command({"SELECT", "0"}) + command({"SET", "a", "1"})).size() +
                                 2 * command({"SET", "a", "1"}).size());
}

TEST_F(MasterTest, ATransactionIsSentWholeAndInItsDatabases) {
  attach(replica);
  ask("MULTI");
  ask("SET a 1");
  ask("SELECT 3");
  ask("SET b 1");
  EXPECT_EQ(taken(replica), "");
  ask("EXEC");
  EXPECT_EQ(taken(replica), command({"MULTI"}) + command({"SELECT", "0"}) +
                                command({"SET", "a", "1"}) + command({"SELECT", "3"}) +
                                command({"SET", "b", "1"}) + command({"EXEC"}));
}

TEST_F(MasterTest, NothingIsSentThatNoClientCouldBeToldOf) {
  attach(replica);
  release_all = false;
  client.feed("SET a 1\r\n");
  EXPECT_EQ(taken(client), "");
  EXPECT_EQ(taken(replica), "");
  // Nor in what is sent to one that comes back, or comes anew.
  EXPECT_EQ(ask(other, "REPLCONF capa eof capa psync2"), "+OK\r\n");
  EXPECT_EQ(ask(other, "PSYNC " + master.id() + " 1"), "");
  log.released = log.applied;
  EXPECT_EQ(taken(client), "+OK\r\n");
  EXPECT_THAT(taken(replica), HasSubstr("SET"));
  EXPECT_THAT(taken(other), StartsWith("+CONTINUE " + master.id() + "\r\n*2"));
}

TEST_F(MasterTest, ACheckpointWaitsForWhatItHas) {
  release_all = false;
  EXPECT_EQ(ask(replica, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "PSYNC ? -1"), "");
  client.feed("SET a 1\r\n");
  EXPECT_TRUE(send("the RDB").ok());
  EXPECT_EQ(taken(replica), "");
  log.released = log.applied;
  EXPECT_THAT(taken(replica), HasSubstr("the RDB"));
}

TEST_F(MasterTest, WhoComesBackIsSentWhatItMissed) {
  attach(replica);
  ask("SET a 1");
  const uint64_t seen = master.offset();
  ask("SET b 2");
  const auto come_back = [&](Session& session, const std::string& id, uint64_t offset) {
    ask(session, "REPLCONF capa eof capa psync2");
    return ask(session, "PSYNC " + id + " " + std::to_string(offset));
  };
  EXPECT_EQ(come_back(other, master.id(), seen + 1),
            "+CONTINUE " + master.id() + "\r\n" + command({"SET", "b", "2"}));
  EXPECT_EQ(master.stats().partial, 1u);
  ask("SET c 3");
  EXPECT_EQ(taken(other), command({"SET", "c", "3"}));
  // Nothing was missed.
  Session third(executor);
  EXPECT_EQ(come_back(third, master.id(), master.offset() + 1),
            "+CONTINUE " + master.id() + "\r\n");
  // Another history, or an offset that there is not: all anew.
  for (const auto& [id, offset] :
       std::vector<std::pair<std::string, uint64_t>>{{std::string(40, 'a'), seen + 1},
                                                     {master.id(), master.offset() + 2},
                                                     {master.id(), 0}}) {
    Session fourth(executor);
    EXPECT_EQ(come_back(fourth, id, offset), "");
    EXPECT_TRUE(master.wanted());
  }
  EXPECT_EQ(master.stats().partial_refused, 3u);
}

TEST_F(MasterTest, TheBacklogForgetsWhatIsOld) {
  attach(replica);
  for (int i = 0; i < 100; ++i) ask("SET a 1");
  EXPECT_LE(master.backlog().size(), 2 * options.backlog_bytes + 100);
  EXPECT_EQ(ask(other, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(other, "PSYNC " + master.id() + " 1"), "");
  EXPECT_TRUE(master.wanted());
  // But nothing that somebody needs who reads a checkpoint.
  EXPECT_TRUE(send("RDB").ok());
  (void)taken(other);
  (void)taken(replica);
  const uint64_t begin = master.offset();
  for (int i = 0; i < 100; ++i) ask("SET b 1");
  EXPECT_EQ(ask(other, "REPLCONF ACK " + std::to_string(begin)), taken(replica));
}

// Whoever of them came first.
TEST_F(MasterTest, TwoThatLoadAreBothKeptWhatTheyNeed) {
  for (const bool is_first : {true, false}) {
    Session one(executor), two(executor);
    Session& early = is_first ? one : two;
    Session& late = is_first ? two : one;
    // In this order they stand.
    for (Session* link : {&one, &two}) EXPECT_EQ(ask(*link, "REPLCONF capa eof"), "+OK\r\n");
    EXPECT_EQ(ask(early, "PSYNC ? -1"), "");
    EXPECT_TRUE(send("RDB").ok());
    const uint64_t begin_of_early = master.offset();
    for (int i = 0; i < 50; ++i) ask("SET a 1");
    EXPECT_EQ(ask(late, "PSYNC ? -1"), "");
    EXPECT_TRUE(send("RDB").ok());
    const uint64_t begin_of_late = master.offset();
    for (int i = 0; i < 50; ++i) ask("SET b 1");
    (void)taken(early);
    (void)taken(late);
    const std::string all = ask(early, "REPLCONF ACK " + std::to_string(begin_of_early));
    const std::string rest = ask(late, "REPLCONF ACK " + std::to_string(begin_of_late));
    EXPECT_EQ(all.size(), master.offset() - begin_of_early);
    EXPECT_EQ(rest.size(), master.offset() - begin_of_late);
    EXPECT_TRUE(all.ends_with(rest));
    EXPECT_GE(rest.size(), 50 * command({"SET", "b", "1"}).size());
  }
}

TEST_F(MasterTest, WithoutALimitNobodyFallsTooFarBehind) {
  options.most_behind = 0;
  master.set_options(options);
  EXPECT_EQ(ask(replica, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "PSYNC ? -1"), "");
  EXPECT_TRUE(send("RDB").ok());
  for (int i = 0; i < 1000; ++i) ask("SET b 1");
  EXPECT_FALSE(replica.closing());
}

// Nobody has synced what it does not have.
TEST_F(MasterTest, WhatIsSyncedIsNoMoreThanWhatIsConfirmed) {
  attach(replica);
  ask("SET a 1");
  const uint64_t end = master.offset();
  ask(replica, "REPLCONF ACK " + std::to_string(end - 1) + " FACK " + std::to_string(end));
  EXPECT_EQ(master.synced(end - 1), 1u);
  EXPECT_EQ(master.synced(end), 0u);
  EXPECT_EQ(master.confirmed(end), 0u);
  ask(replica, "REPLCONF ACK " + std::to_string(end) + " FACK " + std::to_string(end - 1));
  EXPECT_EQ(master.confirmed(end), 1u);
  EXPECT_EQ(master.synced(end), 0u);
}

// What this store is sent takes the place of what it had sent: whoever reads that begins anew.
TEST_F(MasterTest, WhoReadsAnotherHistoryIsToldAndDropped) {
  attach(replica);
  attach(other, "8");
  ask("SET a 1");
  const std::string id(40, 'b');
  master.begin_at(id, 500);
  EXPECT_TRUE(replica.closing() && other.closing());
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr(" is disconnected: what it reads has been replaced"));
  EXPECT_EQ(master.id(), id);
  EXPECT_EQ(master.offset(), 500u);
  EXPECT_EQ(master.second_id(), "");
  Session third(executor), fourth(executor);
  attach(third);
  lines.clear();
  master.rename(id);
  EXPECT_THAT(lines, ::testing::IsEmpty()) << "it is called so already";
  const uint64_t end = master.offset();
  const std::string next(40, 'c');
  master.rename(next);
  EXPECT_TRUE(third.closing());
  EXPECT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr("the master has another identity"));
  EXPECT_EQ(master.id(), next);
  EXPECT_EQ(master.second_id(), id);
  EXPECT_EQ(master.second_offset(), static_cast<int64_t>(end) + 1);
}

TEST_F(MasterTest, OneThatFallsTooFarBehindWhileItLoadsIsDropped) {
  options.most_behind = 1000;
  master.set_options(options);
  EXPECT_EQ(ask(replica, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "PSYNC ? -1"), "");
  EXPECT_TRUE(send("RDB").ok());
  for (int i = 0; i < 100; ++i) ask("SET b 1");
  EXPECT_TRUE(replica.closing());
  EXPECT_THAT(lines, ::testing::ElementsAre(HasSubstr("client-output-buffer-limit replica")));
  ask("SET b 1");
  EXPECT_LE(master.backlog().size(), 2 * options.backlog_bytes + 100);
}

TEST_F(MasterTest, WaitIsAnsweredWhenEnoughHaveConfirmed) {
  attach(replica);
  attach(other, "8");
  EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
  const uint64_t written = master.offset();
  (void)taken(replica);
  EXPECT_EQ(ask("WAIT 1 0"), "");
  EXPECT_EQ(taken(replica), command({"REPLCONF", "GETACK", "*"}));
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + std::to_string(written - 1)), "");
  EXPECT_EQ(taken(client), "");
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + std::to_string(written)), "");
  EXPECT_EQ(taken(client), ":1\r\n");
  EXPECT_EQ(ask("WAIT 1 0"), ":1\r\n") << "nothing was written since";
  EXPECT_EQ(ask("WAIT 2 50"), "");
  os.monotonic_ns += milliseconds(60).ns;
  executor.end_overdue_waits();
  EXPECT_EQ(taken(client), ":1\r\n");
  EXPECT_EQ(ask("MULTI"), "+OK\r\n");
  ask("SET a 2");
  ask("WAIT 2 0");
  EXPECT_EQ(ask("EXEC"), "*2\r\n+OK\r\n:1\r\n") << "a transaction waits for nobody";
}

TEST_F(MasterTest, AReplicaThatHasComeAgainCountsOnce) {
  const auto attach_at = [&](Session& link, const char* port) {
    EXPECT_EQ(ask(link, "REPLCONF ip-address b"), "+OK\r\n");
    attach(link, port);
  };
  attach_at(replica, "7");
  EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
  const std::string all = "REPLCONF ACK " + std::to_string(master.offset());
  ask(replica, all);
  EXPECT_EQ(master.confirmed(master.offset()), 1u);
  attach_at(other, "7");  // the link before stands: nobody was told that it is dead
  ask(other, all);
  EXPECT_FALSE(replica.closing());
  EXPECT_EQ(master.confirmed(master.offset()), 1u);
  EXPECT_EQ(master.good(), 1u);
  Session third(executor);
  attach_at(third, "8");
  ask(third, all);
  EXPECT_EQ(master.confirmed(master.offset()), 2u);
}

TEST_F(MasterTest, WaitaofGoesByWhatIsSynced) {
  attach(replica);
  EXPECT_THAT(ask("WAITAOF 1 0 0"), HasSubstr("appendonly is disabled"));
  control.synced = 0;
  EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
  const std::string written = std::to_string(master.offset());
  EXPECT_EQ(ask("WAITAOF 0 0 0"), "*2\r\n:0\r\n:0\r\n");
  EXPECT_EQ(ask("WAITAOF 1 1 0"), "");
  EXPECT_THAT(taken(replica), HasSubstr("GETACK"));
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + written), "");
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + written + " FACK 1"), "");
  EXPECT_EQ(ask(replica, "REPLCONF ACK " + written + " FACK " + written), "");
  EXPECT_EQ(taken(client), "") << "this store has not synced it";
  control.synced = log.applied;
  executor.end_confirmed_waits();
  EXPECT_EQ(taken(client), "*2\r\n:1\r\n:1\r\n");
  EXPECT_EQ(ask("WAITAOF 1 1 0"), "*2\r\n:1\r\n:1\r\n") << "nothing was written since";
  EXPECT_EQ(ask("SET a 2"), "+OK\r\n");
  EXPECT_EQ(ask("WAITAOF 1 0 0"), "");
  control.synced = std::nullopt;  // CONFIG SET appendonly no
  executor.end_confirmed_waits();
  EXPECT_THAT(taken(client), HasSubstr("appendonly is disabled"));
  EXPECT_THAT(ask("WAITAOF 2 0 0"), HasSubstr("must be between 0 and 1"));
  EXPECT_THAT(ask("WAITAOF 0 -1 0"), HasSubstr("must be positive"));
  EXPECT_THAT(ask("WAITAOF 0 0 -1"), HasSubstr("timeout is negative"));
  (void)taken(replica);
  EXPECT_EQ(ask(replica, "REPLCONF ACK 1 FACK x"), "");
  EXPECT_TRUE(replica.closing());
}

TEST_F(MasterTest, AReplicaIsAnsweredNothing) {
  attach(replica);
  EXPECT_EQ(ask(replica, "REPLCONF ACK 0"), "");
  EXPECT_FALSE(replica.closing());
  for (const char* said : {"PING", "GET a", "NOSUCH", "REPLCONF ACK x", "REPLCONF ACK 999999"}) {
    Session another(executor);
    attach(another);
    EXPECT_EQ(ask(another, said), "") << said;
    EXPECT_TRUE(another.closing()) << said;
  }
  Session broken(executor);
  attach(broken);
  EXPECT_EQ(ask(broken, "*1\r\n$x"), "");
  EXPECT_TRUE(broken.closing());
}

TEST_F(MasterTest, WhoCannotTakeItIsTold) {
  EXPECT_THAT(ask(replica, "SYNC"), HasSubstr("REPLCONF capa eof"));
  EXPECT_THAT(ask(replica, "REPLCONF nosuch 1"), HasSubstr("Unrecognized REPLCONF option: nosuch"));
  EXPECT_THAT(ask(replica, "REPLCONF rdb-filter-only functions"), StartsWith("-ERR"));
  EXPECT_THAT(ask(replica, "PSYNC ? x"), StartsWith("-ERR value is not an integer"));
  EXPECT_THAT(ask("REPLICAOF host 1"), HasSubstr("there is no network"));
  EXPECT_EQ(ask("REPLICAOF NO ONE"), "+OK\r\n");
  EXPECT_FALSE(master.wanted());
  EXPECT_FALSE(master.active());
}

TEST_F(MasterTest, ACheckpointAloneIsAllThatSomeWant) {
  EXPECT_EQ(ask(replica, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "REPLCONF rdb-only 1"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "SYNC"), "");
  EXPECT_TRUE(send("RDB").ok());
  EXPECT_THAT(taken(replica), StartsWith("$EOF:"));
  ask("SET a 1");
  EXPECT_EQ(ask(replica, "REPLCONF ACK 0"), "");
}

TEST_F(MasterTest, WhereItCannotBeSentTheReplicaIsDropped) {
  EXPECT_EQ(ask(replica, "REPLCONF capa eof"), "+OK\r\n");
  EXPECT_EQ(ask(replica, "PSYNC ? -1"), "");
  trouble = "the log is blocked";
  EXPECT_FALSE(send("RDB").ok());
  EXPECT_FALSE(replica.closing()) << "it waits on";
  trouble.clear();
  EXPECT_FALSE(send("RDB", [&] { trouble = "the log is blocked: EIO"; }).ok());
  EXPECT_TRUE(replica.closing());
  EXPECT_THAT(lines, ::testing::ElementsAre(HasSubstr("the log is blocked: EIO")));
}

TEST_F(MasterTest, RoleAndClientListTellOfThem) {
  attach(replica);
  EXPECT_EQ(ask("ROLE"),
            "*3\r\n$6\r\nmaster\r\n:0\r\n*1\r\n*3\r\n$5\r\nlocal\r\n$1\r\n7\r\n$1\r\n0\r\n");
  EXPECT_THAT(ask("CLIENT LIST TYPE replica"), HasSubstr(" flags=S "));
  EXPECT_EQ(master.good(), 1u);
  os.monotonic_ns += seconds(options.most_lag_s).ns;
  EXPECT_EQ(master.good(), 1u) << "just so long";
  os.monotonic_ns += 1;
  EXPECT_EQ(master.good(), 0u);
}

}  // namespace
}  // namespace powercut::engine
