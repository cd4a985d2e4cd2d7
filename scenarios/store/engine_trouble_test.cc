// The engine when single calls fail, on virtual time: what it says, what it leaves, and how it goes on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "faults/personas.h"
#include "sim/sim_os.h"
#include "sim/sim_os_testing.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using engine::EngineConfig;
using engine::SyncPolicy;
using sim::Op;

class Fails final : public sim::Injector {
 public:
  std::function<std::optional<Errc>(const sim::SeamCall& call)> call;
  Duration syncs_take{0};

  sim::Injection on_call(const sim::SeamCall& made) override {
    sim::Injection injection;
    if (call) injection.error = call(made);
    if (made.op == Op::kSync) injection.extra_latency = syncs_take;
    return injection;
  }
};

class EngineTrouble : public ::testing::Test {
 protected:
  EngineTrouble() { config_.aof.policy = SyncPolicy::kAlways; }

  // `body` runs in a task, in one life of the process.
  void live(const std::function<void()>& body) {
    sim::SeededChoices choices(1);
    sim::Trace trace;
    sim::SimOs os(world_, choices, trace, &fails_);
    os_ = &os;
    EXPECT_TRUE(sim::run_to_end(os, body)) << "the test waits for ever";
    session_.reset();
    engine_.reset();
  }
  void open() {
    auto opened = Engine::open(*os_, config_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    engine_ = std::move(*opened);
    session_ = engine_->connect();
  }
  std::string ask(std::string_view line) {
    session_->feed(std::string(line) + "\r\n");
    std::string reply(session_->wait_ready());
    session_->consume(reply.size());
    return reply;
  }
  std::string info(std::string_view name) {
    const std::string text = ask("INFO");
    const size_t at = text.find("\n" + std::string(name) + ":");
    if (at == text.npos) return "(none)";
    const size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\r', begin) - begin);
  }
  void wait(Duration time) {
    const Instant until = os_->now() + time;
    while (os_->now() < until) os_->park(until);
  }
  void write(std::string_view path, std::string_view bytes) {
    auto file = os_->open(path, engine::Open::kCreateNew);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(engine::write_whole(**file, 0, bytes).ok());
  }
  bool stands(std::string_view path) { return os_->open(path, engine::Open::kRead).ok(); }

  sim::WorldState world_{sim::Disk(faults::find_persona("ext4-ordered")->rules)};
  Fails fails_;
  EngineConfig config_;
  sim::SimOs* os_ = nullptr;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<engine::Session> session_;
};

constexpr std::string_view kSet = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";

// --- Starting ---

TEST_F(EngineTrouble, WithoutHardLinksASingleLogIsMovedIntoItsDirectory) {
  fails_.call = [](const sim::SeamCall& call) {
    return call.op == Op::kLink ? std::optional(Errc::kUnsupported) : std::nullopt;
  };
  live([&] {
    write("appendonly.aof", kSet);
    open();
    EXPECT_EQ(ask("GET k"), "$1\r\nv\r\n");
    EXPECT_FALSE(stands("appendonly.aof"));
    const auto moved = engine::read_whole(*os_, "appendonlydir/appendonly.aof");
    ASSERT_TRUE(moved.ok());
    EXPECT_EQ(*moved, kSet);
  });
}

TEST_F(EngineTrouble, AStartThatCannotMakeTheLogsDirectorySaysSo) {
  for (const Errc code : {Errc::kRefused, Errc::kNoSpace, Errc::kIo}) {
    fails_.call = [code](const sim::SeamCall& call) {
      return call.op == Op::kMakeDirectory ? std::optional(code) : std::nullopt;
    };
    live([&] {
      const auto opened = Engine::open(*os_, config_);
      ASSERT_FALSE(opened.ok());
      EXPECT_EQ(opened.error().code, code) << opened.error().message;
    });
  }
}

TEST_F(EngineTrouble, ItMayBeEndedWhileItLoads) {
  live([&] {
    std::string log;
    for (int i = 0; i < 5000; ++i) log += kSet;
    write("appendonly.aof", log);
    engine::LoadProgress progress;
    config_.recovery.progress = &progress;
    engine_ = Engine::make(*os_, config_);
    std::optional<bool> loaded;
    os_->spawn("load", [&] { loaded = engine_->load().ok(); });
    for (int i = 0; i < 1000 && engine_->load_progress().total_bytes == 0; ++i)
      os_->park(os_->now());
    ASSERT_TRUE(engine_->loading());
    ASSERT_FALSE(loaded.has_value());
    EXPECT_TRUE(engine_->shut_down(true).ok());
    EXPECT_TRUE(engine_->stopped());
    for (int i = 0; i < 10'000 && !loaded; ++i) wait(milliseconds(1));
    EXPECT_EQ(loaded, true);
    EXPECT_GT(engine_->load_progress().total_bytes, 0u) << "what a client is told";
    EXPECT_TRUE(stands("appendonly.aof"));
  });
}

TEST_F(EngineTrouble, EndedWhileItsFirstSegmentIsMadeItServesNothing) {
  live([&] {
    engine_ = Engine::make(*os_, config_);
    fails_.syncs_take = seconds(1);
    std::optional<bool> loaded;
    os_->spawn("load", [&] { loaded = engine_->load().ok(); });
    wait(milliseconds(500));
    ASSERT_TRUE(stands("appendonlydir/appendonly.aof.1.incr.aof"));
    ASSERT_FALSE(loaded.has_value());
    EXPECT_TRUE(engine_->shut_down(true).ok());
    wait(seconds(10));
    EXPECT_EQ(loaded, true);
    EXPECT_TRUE(engine_->loading());
  });
}

// --- Rewriting ---

TEST_F(EngineTrouble, ARewriteWhoseFilesAreNotForcedHasFailed) {
  for (const Op op : {Op::kSync, Op::kSyncDirectory})
    live([&] {
      open();
      bool failed = false;
      fails_.call = [&](const sim::SeamCall& call) -> std::optional<Errc> {
        const bool base = op == Op::kSync ? call.path.find(".base.") != call.path.npos
                                          : call.path == engine::kAofDirectory;
        if (failed || call.op != op || !base) return std::nullopt;
        failed = true;
        return Errc::kIo;
      };
      ask("BGREWRITEAOF");
      wait(seconds(1));
      EXPECT_TRUE(failed);
      EXPECT_EQ(info("aof_last_bgrewrite_status"), "err") << static_cast<int>(op);
      EXPECT_EQ(info("aof_rewrites"), "0");
      fails_.call = {};
    });
}

TEST_F(EngineTrouble, ACheckpointThatCannotBeSentIsInTheWayOfNoOther) {
  live([&] {
    open();
    ask("SET a 1");
    const auto out = os_->open("sent", engine::Open::kCreateNew).value();
    fails_.call = [](const sim::SeamCall& call) {
      return call.path == "sent" ? std::optional(Errc::kIo) : std::nullopt;
    };
    EXPECT_FALSE(engine_->generations().send(*out, -1, [] {}).ok());
    EXPECT_FALSE(engine_->generations().checkpoint().running());
    EXPECT_EQ(ask("SAVE"), "+OK\r\n");
  });
}

TEST_F(EngineTrouble, ARewriteThatIsNotPublishedLeavesNoBase) {
  live([&] {
    open();
    EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
    int manifests = 0;
    fails_.call = [&](const sim::SeamCall& call) -> std::optional<Errc> {
      const bool opens = call.op == Op::kOpen && call.path.ends_with(engine::kManifestTemporary);
      return opens && ++manifests == 2 ? std::optional(Errc::kNoSpace) : std::nullopt;
    };
    ask("BGREWRITEAOF");
    wait(seconds(1));
    ASSERT_EQ(manifests, 2) << "of the next segment, and of the base";
    EXPECT_EQ(info("aof_last_bgrewrite_status"), "err");
    EXPECT_EQ(info("aof_rewrites_consecutive_failures"), "1");
    EXPECT_EQ(info("aof_rewrites"), "0");
    EXPECT_EQ(info("aof_last_rewrite_time_sec"), "-1");
    const auto names = os_->list("appendonlydir");
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) EXPECT_EQ(name.find(".base."), name.npos) << name;

    EXPECT_EQ(ask("SET b 1"), "+OK\r\n");
    ask("BGREWRITEAOF");
    wait(seconds(1));
    EXPECT_EQ(info("aof_last_bgrewrite_status"), "ok");
    EXPECT_EQ(info("aof_rewrites_consecutive_failures"), "0");
  });
  live([&] {
    open();
    EXPECT_EQ(ask("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n");
  });
}

// --- Ending ---

TEST_F(EngineTrouble, AnEndThatFailsLeavesTheStoreUp) {
  live([&] {
    open();
    EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
    fails_.call = [](const sim::SeamCall& call) {
      return call.op == Op::kWrite ? std::optional(Errc::kNoSpace) : std::nullopt;
    };
    const auto refused = engine_->shut_down(false);
    ASSERT_FALSE(refused.ok()) << "there is no space for the closed mark";
    EXPECT_EQ(refused.error().code, Errc::kNoSpace);
    EXPECT_FALSE(engine_->stopped());
    fails_.call = {};
    EXPECT_EQ(ask("SET b 1"), "+OK\r\n");
    EXPECT_TRUE(engine_->shut_down(false).ok());
    EXPECT_TRUE(engine_->stopped());
  });
}

// Whoever asks is told at once that something is wrong, and may ask again.
TEST_F(EngineTrouble, AnEndDoesNotWaitForAHeal) {
  live([&] {
    open();
    int syncs = 0;
    fails_.call = [&](const sim::SeamCall& call) -> std::optional<Errc> {
      return call.op == Op::kSync && ++syncs == 1 ? std::optional(Errc::kIo) : std::nullopt;
    };
    session_->feed("SET a 1\r\n");
    for (int i = 0; i < 1000 && syncs == 0; ++i) wait(milliseconds(1));
    fails_.syncs_take = seconds(60);
    for (int i = 0; i < 1000 && syncs == 1; ++i) wait(milliseconds(1));
    ASSERT_EQ(syncs, 2) << "the heal's first is under way";
    const Instant asked = os_->now();
    EXPECT_FALSE(engine_->shut_down(false).ok());
    EXPECT_LT(os_->now(), asked + seconds(1));
    EXPECT_EQ(syncs, 2);
    fails_.syncs_take = {};
    EXPECT_EQ(session_->wait_ready(), "+OK\r\n");
    EXPECT_TRUE(engine_->shut_down(false).ok());
  });
}

class NoNet final : public engine::Net {
 public:
  Result<std::unique_ptr<engine::Link>> connect(const std::string&, int, Instant) override {
    return Error{Errc::kRefused, "nobody listens"};
  }
  Result<std::unique_ptr<engine::Listener>> listen(const std::string&, int) override {
    return Error{Errc::kUnsupported, "nor here"};
  }
};

TEST_F(EngineTrouble, WhileItEndsItFollowsNobody) {
  NoNet net;
  config_.aof.policy = SyncPolicy::kEverysec;
  live([&] {
    open();
    engine_->set_net(&net);
    ask("SET a 1");
    fails_.syncs_take = seconds(1);
    bool ended = false;
    os_->spawn("ends", [&] { ended = engine_->shut_down(false).ok(); });
    wait(milliseconds(100));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ask("REPLICAOF 127.0.0.1 1"), "-ERR the store ends\r\n");
    wait(seconds(5));
    EXPECT_TRUE(ended);
  });
}

// --- Expiring ---

TEST_F(EngineTrouble, TheExpirerWakesWhenTheNextKeyExpires) {
  live([&] {
    open();
    EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
    EXPECT_EQ(ask("SET b 1 PX 20"), "+OK\r\n");
    EXPECT_EQ(engine_->keyspace().size(0), 2u);
    wait(milliseconds(25));
    EXPECT_EQ(engine_->keyspace().size(0), 1u);
  });
}

}  // namespace
}  // namespace powercut::scenarios
