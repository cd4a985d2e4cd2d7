// A store that follows a master whose every word the test says: what it asks for, what it makes of the answer, and when its
// offset moves.
#include "engine/replication/replica.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/rdb_format.h"
#include "engine/command/executor_harness.h"
#include "engine/os/memory_os_testing.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// One link, as both ends see it.
struct Wire {
  std::string to_replica;
  std::string from_replica;
  bool closed = false;
  bool broken = false;
  size_t room = SIZE_MAX;   // for what the replica says
  size_t piece = SIZE_MAX;  // that one receive() gets
};

class ScriptedLink final : public Link {
 public:
  ScriptedLink(Os& os, std::shared_ptr<Wire> wire) : os_(os), wire_(std::move(wire)) {}
  ~ScriptedLink() override { wire_->closed = true; }
  Result<size_t> receive(char* out, size_t size, Instant deadline) override {
    for (;;) {
      if (wire_->broken) return Error{Errc::kIo, "the link is broken"};
      const size_t n = std::min({size, wire_->piece, wire_->to_replica.size()});
      std::copy_n(wire_->to_replica.data(), n, out);
      wire_->to_replica.erase(0, n);
      if (n > 0) return n;
      if (wire_->closed) return size_t{0};
      if (os_.now() >= deadline) return Error{Errc::kTimeout, "nothing came"};
      os_.park(std::min(deadline, os_.now() + milliseconds(1)));
    }
  }
  Result<size_t> send(std::string_view data, Instant) override {
    if (wire_->broken) return Error{Errc::kIo, "the link is broken"};
    const size_t n = std::min(data.size(), wire_->room);
    if (n == 0) return Error{Errc::kTimeout, "no room"};
    wire_->room -= wire_->room == SIZE_MAX ? 0 : n;
    wire_->from_replica += data.substr(0, n);
    return n;
  }

 private:
  Os& os_;
  std::shared_ptr<Wire> wire_;
};

class ScriptedNet final : public Net {
 public:
  explicit ScriptedNet(Os& os) : os_(os) {}
  Result<std::unique_ptr<Link>> connect(const std::string& host, int port,
                                        Instant deadline) override {
    asked.push_back(host + ":" + std::to_string(port));
    patience = deadline - os_.now();
    if (!refusal.empty()) return Error{Errc::kRefused, refusal};
    wire = std::make_shared<Wire>();
    return std::unique_ptr<Link>(std::make_unique<ScriptedLink>(os_, wire));
  }
  Result<std::unique_ptr<Listener>> listen(const std::string&, int) override {
    return Error{Errc::kUnsupported, "nobody listens here"};
  }

  std::string refusal;
  std::vector<std::string> asked;
  Duration patience;
  std::shared_ptr<Wire> wire;

 private:
  Os& os_;
};

class FollowersLog final : public FakeLog {
 public:
  using FakeLog::FakeLog;
  std::optional<uint64_t> synced_lsn() const override { return synced; }
  bool has_space(size_t) override { return space; }
  std::optional<uint64_t> synced;
  bool space = true;
};

std::string command(std::initializer_list<std::string_view> words) {
  std::string bytes;
  append_command(bytes, words);
  return bytes;
}

// What a master's checkpoint holds.
std::string checkpoint_of(Keyspace& keyspace, std::string_view stream_db = "") {
  MemoryOs os;
  Checkpoint checkpoint(os, keyspace);
  RdbHeader header;
  if (!stream_db.empty()) header.aux.emplace_back(kRdbAuxStreamDb, stream_db);
  checkpoint.begin(header);
  const auto file = os.open("x", Open::kCreateNew).value();
  EXPECT_TRUE(checkpoint.write(*file).ok());
  checkpoint.abandon();
  return os.at("x");
}

class ReplicaTest : public ::testing::Test {
 protected:
  ReplicaTest() {
    replica.set_net(&net);
    options.announced_port = 77;
    replica.set_options(options);
    theirs.put(0, "x", "theirs");
    theirs.settle();
  }
  ~ReplicaTest() override {
    replica.stop();
    os.rest(seconds(2));
    EXPECT_FALSE(os.any_task()) << "it ends when it is told to";
    os.destroy_tasks();
  }

  // What it has said since it was last looked.
  std::string said() {
    os.rest(milliseconds(2));
    return net.wire == nullptr ? "" : std::exchange(net.wire->from_replica, {});
  }
  void say(const std::string& bytes) {
    net.wire->to_replica += bytes;
    os.rest(milliseconds(2));
  }
  // Answers until it asks for the stream: with what.
  std::string introduced() {
    EXPECT_EQ(said(), command({"PING"}));
    say("+PONG\r\n");
    EXPECT_EQ(said(), command({"REPLCONF", "listening-port", "77"}));
    say("+OK\r\n");
    EXPECT_EQ(said(), command({"REPLCONF", "capa", "eof", "capa", "psync2"}));
    say("+OK\r\n");
    return said();
  }
  void follow(const std::string& host = "m") {
    replica.follow(host, 1);
    os.rest(Duration{0});
  }
  std::string marked(const std::string& rdb) { return "$EOF:" + mark + "\r\n" + rdb + mark; }
  // It has all, at offset 100.
  void follow_all() {
    follow();
    EXPECT_THAT(introduced(), HasSubstr("PSYNC"));
    say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
    EXPECT_THAT(said(), HasSubstr("ACK\r\n$3\r\n100\r\n"));
    EXPECT_TRUE(replica.linked());
  }
  std::string state() { return std::string(replica.master_link()->state); }
  std::string text_of(const std::string& key, int db = 0) const {
    const Object* object = keyspace.peek(db, key);
    return object == nullptr ? "(none)" : std::string(std::string_view(*object->value.string()));
  }
  uint64_t offset() const { return master.offset(); }

  const std::string id = std::string(40, 'a');
  const std::string mark = std::string(40, 'm');
  MemoryOs os;
  ScriptedNet net{os};
  Keyspace theirs;
  Keyspace keyspace;
  FollowersLog log{os};
  FakeControl control;
  Executor executor{os, keyspace, log, control};
  std::string trouble;
  std::vector<std::string> lines;
  int changes = 0;
  Result<void> replaced;         // what replace() says
  bool replaces = true;          // ... and whether it does
  std::function<void()> before;  // it does
  Master master{os, executor.clients(), log, {[] {}, [] { return ""; }, [](std::string_view) {}}};
  Replica replica{
      os,
      executor,
      master,
      {.replace =
           [this](const std::function<bool()>& is_ready, const std::function<void()>& replace) {
             EXPECT_TRUE(is_ready());
             if (before) before();
             if (replaces) replace();
             return replaced;
           },
       .count = [this] { return ++log.applied; },
       .make_keyspace = [] { return std::make_unique<Keyspace>(); },
       .trouble = [this] { return trouble; },
       .on_change = [this] { ++changes; },
       .log_line = [this](std::string_view line) { lines.emplace_back(line); }}};
  ReplicaOptions options;
};

// --- How it begins ---

TEST_F(ReplicaTest, AsksForAllAndTakesItOver) {
  keyspace.put(0, "mine", "1");
  keyspace.settle();
  EXPECT_EQ(replica.master_link(), nullptr);
  EXPECT_TRUE(master.own());
  follow();
  EXPECT_THAT(net.asked, ElementsAre("m:1"));
  EXPECT_EQ(net.patience, seconds(5));
  EXPECT_EQ(state(), "connecting");
  EXPECT_FALSE(master.own());
  EXPECT_EQ(introduced(), command({"PSYNC", "?", "-1"}));
  EXPECT_EQ(replica.master_link()->offset, -1);
  say("+FULLRESYNC " + id + " 100\r\n");
  EXPECT_EQ(state(), "sync");
  EXPECT_TRUE(replica.syncs());
  const std::string rdb = checkpoint_of(theirs, "3");
  net.wire->piece = 7;
  say("\n\r\n" + marked(rdb.substr(0, rdb.size() / 2)).substr(0, 47 + rdb.size() / 2));
  EXPECT_EQ(replica.stats().sync_bytes + 40, rdb.size() / 2) << "it may be the mark that begins";
  EXPECT_EQ(text_of("mine"), "1") << "until the master's is whole";
  EXPECT_EQ(replica.stats().sync_total, std::nullopt);
  say(rdb.substr(rdb.size() / 2) + mark);
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", "100"}));
  EXPECT_EQ(text_of("mine"), "(none)");
  EXPECT_EQ(text_of("x"), "theirs");
  EXPECT_EQ(replica.stats().sync_bytes, rdb.size());
  EXPECT_EQ(replica.stats().full, 1u);
  EXPECT_EQ(replica.stats().failed, 0u);
  EXPECT_TRUE(replica.linked());
  EXPECT_EQ(state(), "connected");
  EXPECT_EQ(replica.master_link()->offset, 100);
  EXPECT_EQ(replica.stream_db(), 3);
  EXPECT_EQ(master.id(), id);
  EXPECT_EQ(master.offset(), 100u);
  EXPECT_FALSE(os.there(std::string(kSyncFile)));
  EXPECT_THAT(lines, ElementsAre("the data set of the master at m:1 is there: 1 keys, offset 100"));
  EXPECT_GE(changes, 3);
}

TEST_F(ReplicaTest, TakesOneWhoseLengthIsSaid) {
  follow();
  (void)introduced();
  const std::string rdb = checkpoint_of(theirs);
  say("+FULLRESYNC " + id + " 0\r\n$" + std::to_string(rdb.size()) + "\r\n" + rdb.substr(0, 9));
  EXPECT_EQ(replica.stats().sync_total, rdb.size());
  EXPECT_EQ(replica.stats().sync_bytes, 9u);
  // What stands behind it is the stream already.
  say(rdb.substr(9) + command({"SET", "y", "1"}));
  EXPECT_EQ(text_of("x"), "theirs");
  EXPECT_EQ(text_of("y"), "1");
  EXPECT_EQ(offset(), command({"SET", "y", "1"}).size());
  EXPECT_EQ(replica.stream_db(), 0);
}

TEST_F(ReplicaTest, SaysWhoItIsWhereAPasswordIsWanted) {
  options.password = "secret";
  options.announced_host = "here";
  replica.set_options(options);
  follow();
  EXPECT_EQ(said(), command({"PING"}));
  say("-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(said(), command({"AUTH", "secret"}));
  say("+OK\r\n");
  EXPECT_EQ(said(), command({"REPLCONF", "listening-port", "77"}));
  say("-ERR unknown\r\n");
  EXPECT_EQ(said(), command({"REPLCONF", "ip-address", "here"}));
  say("-ERR unknown\r\n");
  EXPECT_EQ(said(), command({"REPLCONF", "capa", "eof", "capa", "psync2"}));
  say("-ERR unknown\r\n");
  EXPECT_EQ(said(), command({"PSYNC", "?", "-1"})) << "masters that do not know these do without";
  options.user = "repl";
  replica.set_options(options);
  net.wire->closed = true;
  os.rest(seconds(1));
  EXPECT_EQ(said(), command({"PING"}));
  say("-NOPERM no\r\n");
  EXPECT_EQ(said(), command({"AUTH", "repl", "secret"}));
  say("-WRONGPASS no\r\n");
  EXPECT_EQ(replica.stats().last_error, "the master refuses masterauth: 'WRONGPASS no'");
}

TEST_F(ReplicaTest, WhatDoesNotSpeakAsAMasterIsNotFollowed) {
  const auto refused = [&](const std::vector<std::string>& answers) {
    follow();
    os.rest(seconds(1));
    for (const std::string& answer : answers) say(answer);
    EXPECT_FALSE(replica.linked());
    EXPECT_EQ(state(), "connect");
    EXPECT_EQ(replica.stats().full, 0u);
    EXPECT_FALSE(os.there(std::string(kSyncFile)));
    replica.promote();
    os.rest(seconds(2));
    return replica.stats().last_error;
  };
  const std::vector<std::string> introduces = {"+PONG\r\n", "+OK\r\n", "+OK\r\n"};
  const auto answers_sync = [&](const std::string& answer) {
    std::vector<std::string> all = introduces;
    all.push_back(answer);
    return refused(all);
  };
  EXPECT_EQ(refused({"-ERR no\r\n"}), "the master answers PING with '-ERR no'");
  EXPECT_EQ(refused({"-NOAUTH who?\r\n"}), "the master wants a password: CONFIG SET masterauth");
  EXPECT_EQ(refused({std::string(4097, 'x')}),
            "what answers there does not speak as a master does");
  EXPECT_EQ(answers_sync("-NOMASTERLINK no\r\n"),
            "the master answers PSYNC with '-NOMASTERLINK no'");
  EXPECT_EQ(answers_sync("+CONTINUE\r\n"), "the master goes on where nothing was asked for");
  for (const std::string& wrong :
       {"+FULLRESYNC " + id, "+FULLRESYNC " + id + " x", "+FULLRESYNC " + id + " -1",
        "+FULLRESYNC " + id.substr(1) + " 1", "+FULLRESYNC " + id + " 1 2"})
    EXPECT_EQ(answers_sync(wrong + "\r\n"), "the master answers PSYNC with '" + wrong + "'");
  const std::string full = "+FULLRESYNC " + id + " 1\r\n";
  for (const std::string wrong : {"-ERR disk", "$0", "$-1", "$x", "12", "$EOF:short"})
    EXPECT_EQ(answers_sync(full + wrong + "\r\n"),
              "the master sends no checkpoint: '" + wrong + "'");
  EXPECT_THAT(answers_sync(full + marked("REDIS no")), HasSubstr("the master's checkpoint"));
  std::string damaged = checkpoint_of(theirs);
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_THAT(answers_sync(full + marked(damaged)), HasSubstr("the master's checkpoint"));
  for (const char* db : {"16", "-1"})
    EXPECT_EQ(answers_sync(full + marked(checkpoint_of(theirs, db))),
              std::string("the master's stream is in database ") + db);
  EXPECT_EQ(text_of("x"), "(none)");
}

TEST_F(ReplicaTest, IsTriedAgainEachSecondAndSaidOnce) {
  net.refusal = "connect to m: refused";
  follow();
  os.rest(milliseconds(3500));
  EXPECT_EQ(net.asked.size(), 4u);
  EXPECT_EQ(replica.stats().failed, 4u);
  EXPECT_THAT(lines, ElementsAre("the master at m:1 is not followed: connect to m: refused; it is "
                                 "tried again each second"));
  net.refusal = "another reason";
  os.rest(seconds(1));
  EXPECT_EQ(lines.size(), 2u);
  net.refusal.clear();
  os.rest(milliseconds(500));
  (void)introduced();
  say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
  EXPECT_TRUE(replica.linked());
  net.refusal = "another reason";
  net.wire->broken = true;
  os.rest(seconds(3));
  EXPECT_THAT(lines.back(), HasSubstr("another reason")) << "it was followed meanwhile";
}

TEST_F(ReplicaTest, OfAnotherMasterItIsSaidAgain) {
  net.refusal = "refused";
  follow();
  os.rest(seconds(1));
  follow("n");
  os.rest(seconds(3));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("the master at n:1 is not followed: refused"));
}

// CLIENT KILL, of the client that the master is here.
TEST_F(ReplicaTest, ALinkThatIsClosedHereIsMadeAnew) {
  follow_all();
  Session somebody(executor);
  somebody.feed("CLIENT KILL TYPE master\r\n");
  say(command({"SET", "y", "1"}));
  os.rest(milliseconds(300));
  EXPECT_FALSE(replica.linked());
  EXPECT_EQ(replica.stats().last_error, "the link was closed here");
  os.rest(seconds(1));
  EXPECT_THAT(introduced(), StartsWith(command({"PSYNC", id, "1"}).substr(0, 20)));
}

// At a line's length too much nobody waits for its end.
TEST_F(ReplicaTest, ALineHasItsLimit) {
  follow();
  say(std::string(4096, 'x'));
  EXPECT_EQ(replica.stats().failed, 0u);
  say("x");
  EXPECT_EQ(replica.stats().last_error, "what answers there does not speak as a master does");
}

TEST_F(ReplicaTest, AMasterThatSaysNothingIsLeft) {
  options.timeout_s = 3;
  replica.set_options(options);
  follow();
  EXPECT_EQ(net.patience, seconds(3));
  os.rest(milliseconds(2900));
  EXPECT_EQ(replica.stats().failed, 0u);
  os.rest(milliseconds(400));
  EXPECT_EQ(replica.stats().last_error, "the master has said nothing for longer than repl-timeout");
  os.rest(seconds(1));
  (void)introduced();
  say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
  for (int i = 0; i < 3; ++i) {
    os.rest(seconds(2));
    say(command({"PING"}));
  }
  EXPECT_TRUE(replica.linked());
  EXPECT_EQ(replica.stats().failed, 1u);
  os.rest(milliseconds(3300));
  EXPECT_EQ(replica.stats().failed, 2u);
  EXPECT_EQ(replica.down_since().ns / 1'000'000 / 100, os.now().ns / 1'000'000 / 100 - 1);
}

TEST_F(ReplicaTest, WhatCannotBeKeptIsNotTakenOver) {
  keyspace.put(0, "mine", "1");
  keyspace.settle();
  for (const char* call : {"create temp-sync.rdb", "write temp-sync.rdb", "read temp-sync.rdb"}) {
    os.fail_on(call, Errc::kNoSpace);
    follow();
    (void)introduced();
    say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
    EXPECT_FALSE(replica.linked()) << call;
    EXPECT_THAT(replica.stats().last_error, HasSubstr(kSyncFile)) << call;
    EXPECT_EQ(text_of("mine"), "1");
    os.breaks = nullptr;
    replica.promote();
    os.rest(seconds(2));
  }
  replaces = false;
  replaced = Error{Errc::kIo, "no new generation"};
  follow();
  (void)introduced();
  say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
  EXPECT_EQ(replica.stats().last_error, "no new generation");
  EXPECT_EQ(text_of("mine"), "1");
  EXPECT_EQ(replica.stats().full, 0u);
  os.rest(seconds(1));
  replaces = true;
  EXPECT_EQ(introduced(), command({"PSYNC", "?", "-1"}));
  say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
  EXPECT_EQ(text_of("mine"), "(none)");
  EXPECT_TRUE(replica.linked()) << "the log is healed, and nothing is applied before that";
  EXPECT_EQ(lines.back(), "no new generation");
}

TEST_F(ReplicaTest, OneThatIsPromotedWhileItLoadsKeepsWhatItHas) {
  keyspace.put(0, "mine", "1");
  keyspace.settle();
  before = [&] { replica.promote(); };
  follow();
  (void)introduced();
  say("+FULLRESYNC " + id + " 100\r\n" + marked(checkpoint_of(theirs)));
  EXPECT_EQ(text_of("mine"), "1");
  EXPECT_FALSE(replica.follows());
  EXPECT_TRUE(master.own());
  EXPECT_EQ(replica.stats().full, 0u);
}

// --- The stream ---

TEST_F(ReplicaTest, TheOffsetMovesWithWhatIsAppliedAndNeverInsideATransaction) {
  follow_all();
  log.entries.clear();
  const std::string set = command({"SET", "y", "1"});
  say(set.substr(0, 5));
  EXPECT_EQ(offset(), 100u);
  say(set.substr(5));
  EXPECT_EQ(offset(), 100 + set.size());
  EXPECT_EQ(text_of("y"), "1");
  const uint64_t before_it = offset();
  const std::string begun =
      command({"MULTI"}) + command({"SELECT", "3"}) + command({"SET", "z", "1"});
  say(begun);
  EXPECT_EQ(offset(), before_it);
  EXPECT_EQ(text_of("z", 3), "(none)");
  say(command({"SET", "w", "2"}) + command({"EXEC"}));
  EXPECT_EQ(offset(), before_it + begun.size() + command({"SET", "w", "2"}).size() +
                          command({"EXEC"}).size());
  EXPECT_EQ(text_of("z", 3), "1");
  EXPECT_EQ(log.entries.size(), 2u) << "a transaction is one operation";
  EXPECT_EQ(replica.stream_db(), 3);
  say(command({"PING"}) + "\r\n");
  EXPECT_EQ(text_of("w", 3), "2");
  EXPECT_EQ(master.backlog().from(101).substr(0, set.size()), set) << "byte for byte";
  EXPECT_EQ(replica.master_link()->offset, static_cast<int64_t>(offset()));
}

TEST_F(ReplicaTest, SaysEachSecondHowFarItIsAndAtOnceWhenItIsAsked) {
  follow_all();
  os.rest(milliseconds(800));
  EXPECT_EQ(said(), "");
  os.rest(milliseconds(400));
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", "100"}));
  const std::string asks = command({"REPLCONF", "GETACK", "*"});
  say(asks);
  const std::string far = std::to_string(100 + asks.size());
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", far})) << "with the question itself";
  say(command({"REPLCONF", "other", "*"}));
  EXPECT_EQ(said(), "");
  EXPECT_EQ(replica.synced_offset(), std::nullopt);
}

TEST_F(ReplicaTest, SaysWhatIsSyncedAndAgainWhenMoreIs) {
  log.synced = 0;
  follow_all();
  EXPECT_EQ(log.applied, 1u);
  const std::string bytes = command({"SET", "y", "1"}) + command({"REPLCONF", "GETACK", "*"});
  say(bytes);
  const std::string far = std::to_string(100 + bytes.size());
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", far, "FACK", "0"}));
  log.synced = 1;
  os.rest(milliseconds(10));
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", far, "FACK", "100"})) << "the data set itself";
  EXPECT_EQ(replica.synced_offset(), 100u);
  EXPECT_EQ(said(), "");
  log.synced = 2;
  os.rest(milliseconds(10));
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", far, "FACK", far}));
  os.rest(milliseconds(10));
  EXPECT_EQ(said(), "") << "it owes nothing more";
}

TEST_F(ReplicaTest, WhatTheLinkDoesNotTakeIsSaidLater) {
  follow_all();
  net.wire->room = 5;
  say(command({"REPLCONF", "GETACK", "*"}));
  std::string all = said();
  EXPECT_EQ(all.size(), 5u);
  const std::string more = command({"REPLCONF", "GETACK", "*"});
  net.wire->room = SIZE_MAX;
  say(more);
  all += said();
  const std::string one = command({"REPLCONF", "ACK", std::to_string(100 + more.size())});
  EXPECT_THAT(all, StartsWith(one)) << "what was begun is ended";
}

TEST_F(ReplicaTest, NothingIsAppliedWhileTheLogDoesNotTakeIt) {
  follow_all();
  trouble = "the log is blocked";
  say(command({"SET", "y", "1"}));
  os.rest(milliseconds(100));
  EXPECT_EQ(text_of("y"), "(none)");
  EXPECT_EQ(offset(), 100u);
  trouble.clear();
  log.space = false;
  os.rest(milliseconds(100));
  EXPECT_EQ(text_of("y"), "(none)");
  log.space = true;
  log.busy = 2;
  os.rest(milliseconds(100));
  EXPECT_EQ(text_of("y"), "1");
  EXPECT_EQ(log.busy, 0);
  EXPECT_TRUE(replica.linked());
}

TEST_F(ReplicaTest, WhatItCannotDoIsHadAnew) {
  for (const std::string& wrong : {command({"NOSUCH"}), command({"SET", "y"}),
                                   command({"LPUSH", "x", "1"}), std::string("*x\r\n")}) {
    follow_all();
    say(command({"SET", "y", "1"}) + wrong);
    EXPECT_FALSE(replica.linked()) << wrong;
    EXPECT_EQ(replica.master_link()->offset, -1) << wrong;
    os.rest(seconds(1));
    EXPECT_EQ(introduced(), command({"PSYNC", "?", "-1"})) << wrong;
    replica.promote();
    EXPECT_EQ(master.second_id(), "")
        << "what it did in part is no part of that history: " << wrong;
    os.rest(seconds(2));
  }
}

// --- Behind a break ---

TEST_F(ReplicaTest, GoesOnWhereItWas) {
  follow_all();
  const std::string set = command({"SET", "y", "1"});
  say(set + set.substr(0, 7));
  net.wire->closed = true;
  os.rest(seconds(2));
  EXPECT_EQ(replica.stats().last_error, "the master has closed the link");
  EXPECT_EQ(introduced(), command({"PSYNC", id, std::to_string(101 + set.size())}))
      << "half a command is asked for again";
  say("+CONTINUE\r\n" + set);
  EXPECT_TRUE(replica.linked());
  EXPECT_EQ(replica.stats().partial, 1u);
  EXPECT_EQ(replica.stats().full, 1u);
  EXPECT_EQ(offset(), 100 + 2 * set.size());
  EXPECT_EQ(master.id(), id);
  EXPECT_EQ(lines.back(),
            "the master at m:1 goes on behind offset " + std::to_string(100 + set.size()));
  // Under another name, which the master has drawn meanwhile.
  net.wire->broken = true;
  os.rest(seconds(2));
  EXPECT_THAT(introduced(), StartsWith(command({"PSYNC", id, "1"}).substr(0, 20)));
  const std::string other(40, 'b');
  say("+CONTINUE " + other + "\r\n");
  EXPECT_EQ(master.id(), other);
  EXPECT_EQ(master.second_id(), id);
}

TEST_F(ReplicaTest, AnotherOneIsAskedWhereThisOneStopped) {
  follow_all();
  follow("n");
  os.rest(seconds(1));
  EXPECT_EQ(net.asked.back(), "n:1");
  EXPECT_EQ(introduced(), command({"PSYNC", id, "101"}));
  EXPECT_EQ(replica.stats().failed, 0u) << "the link to the first has not failed";
}

TEST_F(ReplicaTest, AMasterThatFollowsKnowsItsOwnOffset) {
  replica.promote();
  EXPECT_EQ(changes, 0) << "it follows nobody";
  master.begin_at(id, 50);
  log.synced = 9;
  log.applied = 9;
  follow();
  EXPECT_EQ(introduced(), command({"PSYNC", id, "51"}));
  say("+CONTINUE\r\n");
  EXPECT_TRUE(replica.linked());
  EXPECT_EQ(said(), command({"REPLCONF", "ACK", "50", "FACK", "50"}));
}

TEST_F(ReplicaTest, APromotedOneIsAMasterOfItsOwn) {
  follow_all();
  replica.promote();
  EXPECT_TRUE(master.own());
  EXPECT_NE(master.id(), id);
  EXPECT_EQ(master.second_id(), id);
  EXPECT_EQ(text_of("x"), "theirs");
  say(command({"SET", "y", "1"}));
  EXPECT_EQ(text_of("y"), "(none)");
  os.rest(seconds(3));
  EXPECT_EQ(net.asked.size(), 1u);
  EXPECT_EQ(replica.stats().failed, 0u);
}

// --- Handing over ---

TEST_F(ReplicaTest, AsksWithItsFirstQuestionWhetherTheOtherTakesOver) {
  master.begin_at(id, 50);
  replica.hand_over("n", 2);
  os.rest(Duration{0});
  EXPECT_TRUE(replica.hands_over());
  EXPECT_EQ(introduced(), command({"PSYNC", id, "51", "FAILOVER"}));
  say("-ERR not now\r\n");
  EXPECT_TRUE(replica.hands_over());
  EXPECT_EQ(replica.stats().failed, 1u);
  os.rest(seconds(1));
  EXPECT_EQ(introduced(), command({"PSYNC", id, "51", "FAILOVER"}));
  say("+CONTINUE\r\n");
  EXPECT_FALSE(replica.hands_over());
  replica.hand_over("o", 2);
  replica.promote();
  EXPECT_FALSE(replica.hands_over());
}

}  // namespace
}  // namespace powercut::engine
