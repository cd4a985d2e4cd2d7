// Scripts and functions in the whole store, on a real directory: what is there after the next start, and who is let in
// while one takes long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine/engine.h"
#include "engine/os/posix/posix_os.h"

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::StartsWith;

class StoredScriptsTest : public ::testing::Test {
 protected:
  StoredScriptsTest() {
    std::string name = (fs::temp_directory_path() / "powercut-scripts-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~StoredScriptsTest() override { fs::remove_all(root_); }

  // Opens the store, runs `body` in a task, shuts down.
  void in(const std::function<void()>& body) {
    auto opened_os = PosixOs::open(root_);
    ASSERT_TRUE(opened_os.ok());
    os_ = std::move(*opened_os);
    os_->spawn("test", [&] {
      EngineConfig config;
      config.aof.policy = SyncPolicy::kAlways;
      auto opened = Engine::open(*os_, config);
      ASSERT_TRUE(opened.ok()) << opened.error().message;
      engine_ = std::move(*opened);
      session_ = engine_->connect();
      other_ = engine_->connect();
      body();
      EXPECT_TRUE(engine_->shut_down(false).ok());
    });
    os_->run();
    os_->destroy_tasks();
    other_.reset();
    session_.reset();
    engine_.reset();
    os_.reset();
  }

  static std::string ask(Session& session, std::initializer_list<std::string_view> words) {
    std::string request;
    append_command(request, std::span<const std::string_view>(words.begin(), words.size()));
    session.feed(request);
    session.wait_ready();
    const std::string reply(session.ready());
    session.consume(reply.size());
    return reply;
  }
  std::string ask(std::initializer_list<std::string_view> words) { return ask(*session_, words); }
  void wait_for_rewrite() {
    while (engine_->keeper().stats().rewrites == 0) os_->park(os_->now() + milliseconds(1));
  }

  fs::path root_;
  std::unique_ptr<PosixOs> os_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Session> other_;
};

constexpr std::string_view kLibrary =
    "#!lua name=one\nredis.register_function('f', function(keys) return redis.call('INCR', "
    "keys[1]) "
    "end)";
constexpr std::string_view kOther =
    "#!lua name=two\nredis.register_function('g', function() return 7 end)";

TEST_F(StoredScriptsTest, FunctionsAreThereAfterAStartFromTheLogAndFromABase) {
  in([&] {
    ask({"FUNCTION", "LOAD", kLibrary});
    ask({"FUNCTION", "LOAD", kOther});
    ask({"FCALL", "f", "1", "n"});
  });
  in([&] {
    EXPECT_EQ(ask({"FCALL", "f", "1", "n"}), ":2\r\n");
    ask({"BGREWRITEAOF"});
    wait_for_rewrite();
    ask({"FUNCTION", "DELETE", "two"});
  });
  in([&] {
    EXPECT_EQ(ask({"FCALL", "f", "1", "n"}), ":3\r\n");
    EXPECT_EQ(ask({"FCALL", "g", "0"}), "-ERR Function not found\r\n");
    EXPECT_EQ(ask({"DEBUG", "RELOAD"}).substr(0, 4), "-ERR");  // not allowed here
    EXPECT_TRUE(engine_->check_log().ok());
    EXPECT_TRUE(engine_->check_checkpoint().ok());
    ask({"FLUSHALL"});
  });
  in([&] { EXPECT_EQ(ask({"FCALL", "f", "1", "n"}), ":1\r\n"); });
}

TEST_F(StoredScriptsTest, WhatAScriptDidIsThereAlsoWhereItFailed) {
  in([&] {
    EXPECT_THAT(ask({"EVAL", "redis.call('SET', 'a', 1) redis.call('NOSUCH')", "0"}),
                StartsWith("-ERR Unknown Redis command"));
    EXPECT_EQ(engine_->aof().applied_lsn(), 1u);
  });
  in([&] { EXPECT_EQ(ask({"GET", "a"}), "$1\r\n1\r\n"); });
}

// A script that has written holds back the jobs that would cut through it: a base has all of it, or nothing.
TEST_F(StoredScriptsTest, OthersAreLetInWhileOneTakesLong) {
  in([&] {
    engine_->executor().scripts().set_busy_after(nanoseconds(1));
    bool ended = false;
    std::string said;
    os_->spawn("other", [&] {
      said = ask(*other_, {"GET", "a"});
      ask(*other_, {"SCRIPT", "KILL"});
      ended = true;
    });
    EXPECT_THAT(ask({"EVAL", "while true do end", "0"}), StartsWith("-ERR Script killed by user"));
    while (!ended) os_->park(os_->now() + milliseconds(1));
    EXPECT_THAT(said, StartsWith("-BUSY "));

    EXPECT_TRUE(engine_->background_save().ok());
    EXPECT_TRUE(engine_->rewrite_aof().ok());
    EXPECT_EQ(ask({"EVAL",
                   "redis.call('SET', 'a', 1) for i = 1, 3000000 do end "
                   "return redis.call('INCR', 'a')",
                   "0"}),
              ":2\r\n");
    wait_for_rewrite();
    EXPECT_TRUE(engine_->check_log().ok());
  });
  in([&] { EXPECT_EQ(ask({"GET", "a"}), "$1\r\n2\r\n"); });
}

}  // namespace
}  // namespace powercut::engine
