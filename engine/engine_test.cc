// The store, whole, on a real directory: open, write, end, open again; what Redis wrote; rewriting under load;
// damage.
#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/backup/backups.h"
#include "engine/backup/restore.h"
#include "engine/checkpoint/rdb_decode.h"
#include "engine/checkpoint/rdb_harness.h"
#include "engine/os/posix/posix_os.h"
#include "engine/os/read_only_os.h"

namespace powercut::engine {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures =
    fs::path(POWERCUT_SOURCE_DIR) / "engine/checkpoint/testdata/redis-7.0.15";

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void overwrite(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

EngineConfig with_policy(SyncPolicy policy) {
  EngineConfig config;
  config.aof.policy = policy;
  return config;
}
EngineConfig always() { return with_policy(SyncPolicy::kAlways); }

// A client that writes until `stop`, and counts what it was told.
struct Load {
  explicit Load(Engine& engine) : session(engine.connect()) {}
  std::unique_ptr<Session> session;
  int acked = 0;
  bool stop = false;
  bool ended = false;
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    std::string name = (fs::temp_directory_path() / "powercut-engine-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~EngineTest() override { fs::remove_all(root_); }

  // Opens the store, runs `body` in a task, shuts down; the error of opening, if any.
  Result<void> with(EngineConfig config, const std::function<void()>& body) {
    auto opened_os = PosixOs::open(root_);
    EXPECT_TRUE(opened_os.ok());
    os_ = std::move(*opened_os);
    Result<void> outcome;
    bool ended = false;
    os_->spawn("test", [&] {
      auto opened = Engine::open(*os_, config);
      ended = true;
      if (!opened.ok()) return void(outcome = opened.error());
      ended = false;
      engine_ = std::move(*opened);
      session_ = engine_->connect();
      body();
      if (!engine_->stopped()) outcome = engine_->shut_down(true);
      ended = true;
    });
    os_->run();
    EXPECT_TRUE(ended) << "the test's task waits for ever";
    os_->destroy_tasks();
    for (const auto& load : loads_) load->session.reset();
    session_.reset();
    engine_.reset();
    os_.reset();
    return outcome;
  }
  void in(EngineConfig config, const std::function<void()>& body) {
    const auto outcome = with(std::move(config), body);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  }

  // The reply to one inline command.
  static std::string ask(Session& session, std::string line) {
    session.feed(line + "\r\n");
    for (std::string reply;;) {
      session.wait_ready();
      reply += session.ready();
      session.consume(session.ready().size());
      if (session.idle()) return reply;
    }
  }
  std::string ask(std::string line) { return ask(*session_, std::move(line)); }

  std::string info(std::string_view name) {
    const std::string text = ask("INFO");
    const size_t at = text.find("\n" + std::string(name) + ":");
    if (at == std::string::npos) return "(none)";
    const size_t begin = at + name.size() + 2;
    return text.substr(begin, text.find('\r', begin) - begin);
  }
  void wait_until(std::string_view name, std::string_view value) {
    for (int i = 0; i < 2000 && info(name) != value; ++i) os_->park(os_->now() + milliseconds(1));
    EXPECT_EQ(info(name), value) << name;
  }

  fs::path segment() const {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(root_ / "appendonlydir")) {
      if (entry.path().extension() == ".aof" && entry.path() > newest) newest = entry.path();
    }
    return newest;
  }
  void copy_fixture(const std::string& name) {
    fs::copy(kFixtures / name, root_,
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }

  fs::path root_;
  std::unique_ptr<PosixOs> os_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> session_;
  std::vector<std::unique_ptr<Load>> loads_;
};

// What aof-plain and rdb hold; rdb_test compares the latter with expected.json value by value.
PlainKeyspace expected() {
  Keyspace keyspace;
  keyspace.set_loading(true);
  EXPECT_TRUE(load_rdb(contents(kFixtures / "rdb/dump.rdb"), "dump.rdb", keyspace).ok());
  const auto json = nlohmann::json::parse(contents(kFixtures / "expected.json"));
  PlainKeyspace all = plain(keyspace);
  EXPECT_EQ(all.size(), json.size());
  for (const auto& [key, value] : all) {
    const auto& item = json[std::to_string(key.first) + ":" + hex(key.second)];
    EXPECT_EQ(value.type, item["type"]);
    EXPECT_EQ(value.expire_at_ms, item["expire_at_ms"]);
  }
  return all;
}

TEST_F(EngineTest, WhatWasWrittenIsThereAgain) {
  in(always(), [&] {
    EXPECT_TRUE(engine_->recovery().found_nothing);
    EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
    EXPECT_EQ(ask("SELECT 3"), "+OK\r\n");
    EXPECT_EQ(ask("RPUSH l x y"), ":2\r\n");
    EXPECT_EQ(ask("PEXPIREAT l 99999999999999"), ":1\r\n");
  });
  in(always(), [&] {
    EXPECT_EQ(plain(engine_->keyspace()).size(), 2u);
    EXPECT_EQ(engine_->recovery().entries, 3u);
    EXPECT_EQ(engine_->recovery().dropped_bytes, 0u);
    for (const char* line : {"MULTI", "INCR a", "INCR a"}) ask(line);
    EXPECT_EQ(ask("EXEC"), "*2\r\n:2\r\n:3\r\n");
  });
  in(always(), [&] {
    EXPECT_EQ(ask("GET a"), "$1\r\n3\r\n");
    EXPECT_EQ(engine_->recovery().entries, 4u);
  });
}

TEST_F(EngineTest, ATornTailIsDroppedWhole) {
  std::string whole, longer;
  in(always(), [&] {
    ask("SET a 1");
    whole = contents(segment());
    for (const char* line : {"MULTI", "SET a 2", "SET b 2", "EXEC"}) ask(line);
    longer = contents(segment());
  });
  const std::string nul(300, '\0');
  for (const std::string& tail :
       {longer.substr(whole.size(), 60), longer.substr(whole.size(), 1), nul,
        longer.substr(whole.size(), 40) + nul, std::string("*2\r\n$")}) {
    overwrite(segment(), whole + tail);
    in(always(), [&] {
      EXPECT_EQ(engine_->recovery().dropped_bytes, tail.size());
      EXPECT_EQ(ask("MGET a b"), "*2\r\n$1\r\n1\r\n$-1\r\n");
    });
    EXPECT_TRUE(contents(segment()).starts_with(whole + "#pc closed"));
  }
}

TEST_F(EngineTest, ATornTailIsRefusedIfNothingMayBeDropped) {
  in(always(), [&] { ask("SET a 1"); });
  const std::string torn = contents(segment()) + "*2\r\n$";
  overwrite(segment(), torn);
  EngineConfig careful = always();
  careful.recovery.drops_torn_end = false;
  const auto refused = with(careful, [] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("aof-load-truncated"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(contents(segment()), torn);
  in(always(), [&] { EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n"); });
  in(careful, [&] { EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n"); });
}

// After a clean end redis-server may go on in our segment, by its own rules.
TEST_F(EngineTest, WhatRedisAppendedToOurSegmentCounts) {
  for (int i = 0; i < 3; ++i) in(always(), [&] { ask("INCR a"); });
  const std::string closed = contents(segment());
  const std::string select = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";
  const std::string set = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n";
  overwrite(segment(),
            closed + "#TS:1700000000\r\n" + select + set + "*1\r\n$5\r\nMULTI\r\n" + set);
  in(always(), [&] {
    EXPECT_EQ(ask("MGET a b"), "*2\r\n$1\r\n3\r\n$1\r\n1\r\n");
    EXPECT_GT(engine_->recovery().dropped_bytes, 0u);
    ask("INCR a");
  });
  in(always(), [&] { EXPECT_EQ(ask("MGET a b"), "*2\r\n$1\r\n4\r\n$1\r\n1\r\n"); });
}

TEST_F(EngineTest, DamageBelowTheSyncedMarkIsRefusedAndNamed) {
  in(always(), [&] {
    for (int i = 0; i < 10; ++i) ask("SET key" + std::to_string(i) + " value");
  });
  std::string bytes = contents(segment());
  const size_t at = bytes.find("key5");
  bytes[at] ^= 1;
  overwrite(segment(), bytes);
  const auto refused = with(always(), [] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  const std::string& message = refused.error().message;
  for (const std::string& part :
       {segment().filename().string() + " offset ", std::string("on-corruption truncate")}) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(contents(segment()), bytes) << "a refusal changes nothing";

  EngineConfig truncate = always();
  truncate.recovery.on_corruption = OnCorruption::kTruncate;
  in(truncate, [&] {
    EXPECT_EQ(ask("DBSIZE"), ":5\r\n");
    EXPECT_TRUE(engine_->recovery().dropped_corruption);
    EXPECT_EQ(ask("SET after 1"), "+OK\r\n");
  });
  in(always(), [&] { EXPECT_EQ(ask("DBSIZE"), ":6\r\n"); });
}

TEST_F(EngineTest, WhatRedisWroteOpensAndGoesOn) {
  PlainKeyspace all = expected();
  for (const std::string name : {"aof-plain", "aof-hybrid", "rdb"}) {
    SCOPED_TRACE(name);
    fs::remove_all(root_);
    fs::create_directory(root_);
    copy_fixture(name);
    PlainKeyspace wanted = all;
    if (name == "aof-hybrid") {
      wanted[{0, "after-rewrite"}] = {"string", Object::kNoExpiry, {{"1", ""}}};
      wanted.erase({0, "list:small"});
      auto& counter = wanted.at({0, "str:int"}).items[0].first;
      counter = std::to_string(std::stoll(counter) + 1);
    }
    in(always(), [&] {
      EXPECT_EQ(plain(engine_->keyspace()), wanted);
      EXPECT_EQ(ask("SET more 1"), "+OK\r\n");
    });
    wanted[{0, "more"}] = {"string", Object::kNoExpiry, {{"1", ""}}};
    in(always(), [&] { EXPECT_EQ(plain(engine_->keyspace()), wanted); });
  }
}

// What a manifest says is from the disk: a number without a next is damage, a high one is gone past.
TEST_F(EngineTest, NumbersOfAManifestAreGonePastOrRefused) {
  const fs::path log = root_ / "appendonlydir";
  fs::create_directory(log);
  const auto manifest = [&](std::string_view line) {
    overwrite(log / "appendonly.aof.manifest", std::string(line) + "\n");
  };
  const auto refusal = [&] {
    const auto refused = with(always(), [] {});
    return refused.ok() ? std::string("opened") : refused.error().message;
  };
  manifest("file appendonly.aof.1.incr.aof seq 18446744073709551615 type i");
  EXPECT_NE(refusal().find("too large"), std::string::npos) << refusal();

  fs::copy_file(kFixtures / "rdb/dump.rdb", log / "appendonly.aof.1.base.rdb");
  manifest("file appendonly.aof.1.base.rdb seq 1 type b lsn 18446744073709551615");
  EXPECT_NE(refusal().find("no entry 18446744073709551615"), std::string::npos) << refusal();

  overwrite(log / "appendonly.aof.1.incr.aof", "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
  manifest("file appendonly.aof.1.incr.aof seq 41 type i");
  in(always(), [&] {
    EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n");
    EXPECT_TRUE(fs::exists(log / "appendonly.aof.42.incr.aof"));
    ask("BGREWRITEAOF");
    wait_until("aof_rewrites", "1");
  });
  in(always(), [&] { EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n"); });
}

TEST_F(EngineTest, ATornTransactionOfRedisIsCutWhole) {
  copy_fixture("aof-torn-multi");
  for (int i = 0; i < 2; ++i) {
    in(always(), [&] {
      EXPECT_EQ(ask("KEYS *"), "*1\r\n$6\r\nbefore\r\n");
      EXPECT_EQ(ask("GETSET before now").substr(0, 1), "$");
    });
  }
}

TEST_F(EngineTest, RewritesAndSavesUnderLoadLoseNothing) {
  in(always(), [&] {
    for (int i = 0; i < 3000; ++i)
      session_->feed("SET old" + std::to_string(i) + " value" + std::to_string(i) + "\r\n");
    EXPECT_EQ(ask("DBSIZE").substr(0, 5), "+OK\r\n");
    Load& load = *loads_.emplace_back(std::make_unique<Load>(*engine_));
    os_->spawn("load", [&] {
      for (; !load.stop; ++load.acked) {
        EXPECT_EQ(ask(*load.session, "SET new" + std::to_string(load.acked) + " 1"), "+OK\r\n");
        ask(*load.session, "APPEND old" + std::to_string(load.acked % 3000) + " x");
      }
      load.ended = true;
    });
    EXPECT_EQ(ask("BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
    wait_until("aof_rewrite_in_progress", "1");
    EXPECT_EQ(ask("SAVE"), "+OK\r\n");
    EXPECT_EQ(info("aof_rewrites"), "1");
    EXPECT_EQ(ask("BGREWRITEAOF"), "+Background append only file rewriting started\r\n");
    wait_until("aof_rewrites", "2");
    EXPECT_EQ(info("aof_last_bgrewrite_status"), "ok");
    load.stop = true;
    while (!load.ended) os_->park(os_->now() + milliseconds(1));
  });
  const size_t acked = static_cast<size_t>(loads_[0]->acked);
  EXPECT_GT(acked, 0u);
  in(always(), [&] {
    EXPECT_EQ(engine_->keyspace().size(0), 3000 + acked);
    EXPECT_EQ(engine_->recovery().dropped_bytes, 0u);
    EXPECT_TRUE(engine_->recovery().set_aside.empty());
    size_t appended = 0;
    for (const auto& [key, value] : plain(engine_->keyspace())) {
      const std::string& text = value.items[0].first;
      if (key.second.starts_with("old")) appended += text.size() - text.find_last_not_of('x') - 1;
    }
    EXPECT_EQ(appended, acked);
  });
}

TEST_F(EngineTest, AShutdownUnderLoadSucceedsAndKeepsWhatWasAcked) {
  for (const SyncPolicy policy : {SyncPolicy::kAlways, SyncPolicy::kEverysec, SyncPolicy::kNo}) {
    fs::remove_all(root_);
    fs::create_directory(root_);
    loads_.clear();
    const EngineConfig config = with_policy(policy);
    in(config, [&] {
      for (int i = 0; i < 8; ++i) {
        Load& load = *loads_.emplace_back(std::make_unique<Load>(*engine_));
        os_->spawn("load", [i, &load] {
          for (;; ++load.acked) ask(*load.session, "INCR n" + std::to_string(i));
        });
      }
      os_->park(os_->now() + milliseconds(30));
      session_->feed("SHUTDOWN\r\n");
      EXPECT_TRUE(engine_->stopped());
      EXPECT_TRUE(session_->closing());
    });
    in(config, [&] {
      for (size_t i = 0; i < loads_.size(); ++i) {
        const std::string reply = ask("GET n" + std::to_string(i));
        EXPECT_GT(loads_[i]->acked, 0);
        EXPECT_GE(std::stoi(reply.substr(reply.find('\n') + 1)), loads_[i]->acked);
      }
    });
  }
}

TEST_F(EngineTest, ACheckpointSaysHowMuchMemoryItsDataTook) {
  in(always(), [&] {
    ask("SET a 1");
    EXPECT_EQ(ask("SAVE"), "+OK\r\n");
  });
  Keyspace keyspace;
  keyspace.set_loading(true);
  const auto info = load_rdb(contents(root_ / "dump.rdb"), "dump.rdb", keyspace);
  ASSERT_TRUE(info.ok());
  const std::string* used = info->find_aux("used-mem");
  ASSERT_NE(used, nullptr);
  EXPECT_EQ(*used, std::to_string(keyspace.memory_bytes()));
}

TEST_F(EngineTest, TheLogGoesOffAndOnAtRunTime) {
  in(always(), [&] {
    ask("SET a 1");
    EXPECT_EQ(ask("CONFIG SET appendonly no"), "+OK\r\n");
    EXPECT_EQ(info("aof_enabled"), "0");
    ask("SET b 1");
    EXPECT_EQ(ask("BGREWRITEAOF").substr(0, 4), "-ERR");
    EXPECT_EQ(ask("CONFIG SET appendonly yes"), "+OK\r\n");
    EXPECT_EQ(ask("CONFIG GET appendonly"), "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
    ask("SET c 1");
  });
  in(always(), [&] { EXPECT_EQ(ask("DBSIZE"), ":3\r\n"); });
}

TEST_F(EngineTest, ALogTurnedOnLeavesTheFilesOfAnOlderOneAlone) {
  in(always(), [&] {
    EXPECT_EQ(ask("SAVE"), "+OK\r\n");
    ask("SET old 1");
  });
  EngineConfig off = always();
  off.recovery.append_only = false;
  in(off, [&] {
    ask("SET new 1");
    EXPECT_EQ(ask("CONFIG SET appendonly yes"), "+OK\r\n");
  });
  in(always(), [&] {
    EXPECT_EQ(ask("KEYS *"), "*1\r\n$3\r\nnew\r\n");
    EXPECT_EQ(engine_->recovery().set_aside.size(), 1u);
  });
}

TEST_F(EngineTest, FilesOfAnotherServerStayUntilOursHaveBeenStartedFrom) {
  const fs::path log = root_ / "appendonlydir";
  fs::create_directory(log);
  const std::string name = "appendonly.aof.1.incr.aof";
  std::ofstream(log / "appendonly.aof.manifest") << "file " << name << " seq 1 type i\n";
  std::ofstream(log / name) << "*3\r\n$3\r\nSET\r\n$5\r\ntheir\r\n$1\r\n1\r\n";
  in(always(), [&] {
    ask("SET ours 1");
    EXPECT_TRUE(fs::exists(log / name));
    ask("BGREWRITEAOF");
    wait_until("aof_rewrite_in_progress", "0");
    EXPECT_TRUE(fs::exists(log / name));
  });
  EXPECT_TRUE(fs::exists(log / name));
  in(always(), [&] { EXPECT_EQ(ask("DBSIZE"), ":2\r\n"); });
  EXPECT_FALSE(fs::exists(log / name));
}

TEST_F(EngineTest, AFirstGenerationCutHalfWayIsMadeAgain) {
  fs::copy(kFixtures / "rdb/dump.rdb", root_ / "dump.rdb");
  const fs::path log = root_ / "appendonlydir";
  fs::create_directory(log);
  overwrite(log / "first-generation", "");
  overwrite(log / "appendonly.aof.1.base.rdb", "REDIS0010 and no mo");
  const PlainKeyspace all = expected();
  in(always(), [&] { EXPECT_EQ(plain(engine_->keyspace()), all); });
  EXPECT_FALSE(fs::exists(log / "first-generation"));
  in(always(), [&] { EXPECT_EQ(plain(engine_->keyspace()), all); });

  // Without the mark, data without a manifest are a lost manifest.
  fs::remove(log / "appendonly.aof.manifest");
  const auto refused = with(always(), [] {});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("restore the manifest"), std::string::npos)
      << refused.error().message;
}

// Of a first start that was cut, when there was nothing to keep: only its mark stands.
TEST_F(EngineTest, TheMarkOfAFirstGenerationGoesOnceThereIsOne) {
  const fs::path mark = root_ / "appendonlydir/first-generation";
  fs::create_directory(root_ / "appendonlydir");
  overwrite(mark, "");
  in(always(), [&] {
    EXPECT_FALSE(fs::exists(mark));
    EXPECT_EQ(ask("SET a 1"), "+OK\r\n");
  });
}

// --- The log's directory is moved away under the running store ---

TEST_F(EngineTest, AWriteIsAnsweredOnceTheLogHasANameAgain) {
  in(always(), [&] {
    ask("SET a 1");
    fs::rename(root_ / "appendonlydir", root_ / "moved");
    EXPECT_EQ(ask("SET b 1"), "+OK\r\n");
    EXPECT_EQ(info("aof_healed"), "1");
  });
  in(always(), [&] { EXPECT_EQ(ask("MGET a b"), "*2\r\n$1\r\n1\r\n$1\r\n1\r\n"); });
}

TEST_F(EngineTest, ARewriteSeesThatTheLogHasNoName) {
  in(always(), [&] {
    ask("SET a 1");
    fs::rename(root_ / "appendonlydir", root_ / "moved");
    ask("BGREWRITEAOF");
    wait_until("aof_healed", "1");
    EXPECT_NE(info("persistence_last_error").find("has no name any more"), std::string::npos)
        << info("persistence_last_error");
  });
  in(always(), [&] { EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n"); });
}

TEST_F(EngineTest, WritesThatNeedMemoryAreRefusedAboveTheLimit) {
  in(always(), [&] {
    ask("SET a 1");
    EXPECT_EQ(ask("CONFIG SET maxmemory 257kb save \"60 5\""), "+OK\r\n");
    ask("SET b " + std::string(3000, 'x'));
    EXPECT_EQ(ask("SET c 1"), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    EXPECT_EQ(ask("DEL b"), ":1\r\n");
    EXPECT_EQ(info("refused_writes"), "1");
    // All or nothing.
    EXPECT_EQ(ask("CONFIG SET maxmemory 5 appendfsync often").substr(0, 22),
              "-ERR CONFIG SET failed");
    EXPECT_EQ(ask("CONFIG GET maxmemory"), "*2\r\n$9\r\nmaxmemory\r\n$6\r\n263168\r\n");
  });
}

// The more often, the less each counts: Redis 7.0 counts a hundred as about ten, with a factor of 10, and all with 0.
TEST_F(EngineTest, UsesAreCountedByChanceUpToTheirFactor) {
  in(always(), [&] {
    EXPECT_EQ(ask("CONFIG SET maxmemory-policy allkeys-lfu"), "+OK\r\n");
    const auto counted = [&](const std::string& key) {
      ask("SET " + key + " 1");
      for (int i = 0; i < 100; ++i) ask("GET " + key);
      return std::stoi(ask("OBJECT FREQ " + key).substr(1));
    };
    const int some = counted("a");
    EXPECT_GT(some, 5);
    EXPECT_LT(some, 30);
    EXPECT_EQ(ask("CONFIG SET lfu-log-factor 0"), "+OK\r\n");
    EXPECT_GT(counted("b"), 100);
  });
}

TEST_F(EngineTest, WhatClientsHavePendingIsOfMaxmemoryAndHasALimitOfItsOwn) {
  in(always(), [&] {
    ask("SET a 1");
    ask("CONFIG SET maxmemory 512kb maxmemory-policy allkeys-random");
    const auto other = engine_->connect();
    const auto pend = [&](size_t bytes) {
      other->feed(fmt::format("*2\r\n$3\r\nGET\r\n${}\r\n", 10 * bytes) + std::string(bytes, 'x'));
    };
    pend(200 << 10);
    EXPECT_EQ(ask("GET a"), "$1\r\n1\r\n");
    EXPECT_EQ(ask("CONFIG SET maxmemory-clients 30%"), "+OK\r\n");
    EXPECT_TRUE(other->closing()) << "30 % of 512 KiB";
    EXPECT_EQ(info("evicted_clients"), "1");
    EXPECT_EQ(info("evicted_keys"), "0");
    EXPECT_EQ(ask("CONFIG GET maxmemory-clients"),
              "*2\r\n$17\r\nmaxmemory-clients\r\n$3\r\n30%\r\n");
    ask("CONFIG SET maxmemory-clients 0");
    const auto third = engine_->connect();
    third->feed("*2\r\n$3\r\nGET\r\n$9000000\r\n" + std::string(300 << 10, 'x'));
    ask("SET b 1");
    EXPECT_FALSE(third->closing());
    EXPECT_GE(std::stoi(info("evicted_keys")), 1);
  });
}

TEST_F(EngineTest, ConfigSetSaysWhatItCouldNotTake) {
  in(always(), [&] {
    EXPECT_EQ(ask("CONFIG SET maxmemory 0 save"), "-ERR syntax error\r\n");
    EXPECT_EQ(ask("CONFIG SET NoSuch 1"),
              "-ERR Unknown option or number of arguments for CONFIG SET - 'NoSuch'\r\n");
    EXPECT_EQ(ask("CONFIG SET Hash-Max-Listpack-Entries 1k"),
              "-ERR CONFIG SET failed (possibly related to argument 'hash-max-listpack-entries') - "
              "argument couldn't be parsed into an integer\r\n");
    EXPECT_EQ(ask("CONFIG SET Hash-Max-Listpack-Entries 7"), "+OK\r\n");
  });
}

TEST_F(EngineTest, TheLogOfDenialsIsAsLongAsItMayBe) {
  in(always(), [&] {
    const auto denied = [&] {
      for (const char* name : {"ann", "bob", "cid"})
        EXPECT_EQ(ask(fmt::format("AUTH {} x", name)).substr(0, 10), "-WRONGPASS");
      return ask("ACL LOG").substr(0, 2);
    };
    EXPECT_EQ(denied(), "*3");
    EXPECT_EQ(ask("CONFIG SET acllog-max-len 1"), "+OK\r\n");
    EXPECT_EQ(denied(), "*1");
  });
}

// A reply that waits under one policy must not wait for ever under the next.
TEST_F(EngineTest, ThePolicyChangesAtRunTime) {
  in(with_policy(SyncPolicy::kNo), [&] {
    for (const std::string policy : {"always", "everysec", "no", "always"}) {
      EXPECT_EQ(ask("SET a " + policy), "+OK\r\n");
      EXPECT_EQ(ask("CONFIG SET appendfsync " + policy), "+OK\r\n");
      EXPECT_EQ(ask("GET a").substr(0, 1), "$");
    }
    wait_until("aof_synced_lsn", info("aof_applied_lsn"));
  });
}

// --- Backups ---

// Up to that entry, what the log in this directory restores to: what GET k1 ... GET k9 would say.
std::string restored(const fs::path& root, RestoreTo to) {
  auto os = PosixOs::open(root);
  std::string keys;
  (*os)->spawn("restore", [&] {
    ReadOnlyOs read_only(**os);
    Keyspace keyspace;
    const auto state = load_state(read_only, keyspace, to);
    if (!state.ok()) return void(keys = state.error().message);
    for (int i = 1; i <= 9; ++i)
      if (keyspace.database(0).table().find("k" + std::to_string(i)) != nullptr)
        keys += std::to_string(i);
  });
  (*os)->run();
  return keys;
}

class BackupTest : public EngineTest {
 protected:
  fs::path folder(const std::string& id) const { return fs::path(root_) / "backups" / id; }
  // As whoever keeps a copy of it elsewhere.
  fs::path copied(const std::string& id) {
    const fs::path elsewhere = fs::path(root_) / ("copy-of-" + id);
    fs::create_directory(elsewhere);
    fs::copy(folder(id), elsewhere / kAofDirectory);
    return elsewhere;
  }
};

TEST_F(BackupTest, ItIsOfEveryEntryBetweenAndKeepsWhatARewriteRemoves) {
  in(always(), [&] {
    ask("SET k1 a");
    ask("BGREWRITEAOF");
    wait_until("aof_rewrites", "1");
    ask("SET k2 b");
    EXPECT_EQ(ask("BACKUP START monday"), "$6\r\nmonday\r\n");
    ask("SET k3 c");
    ask("BGREWRITEAOF");
    wait_until("aof_rewrites", "2");
    ask("SET k4 d");
    EXPECT_THAT(ask("BACKUP SEAL"),
                ::testing::HasSubstr("from-lsn\r\n:1\r\n$6\r\nto-lsn\r\n:4\r\n"));
    ask("SET k5 e");
    ask("BGREWRITEAOF");
    wait_until("aof_rewrites", "3");
    EXPECT_THAT(ask("BACKUP LIST"), ::testing::StartsWith("*1\r\n*12\r\n$2\r\nid\r\n$6\r\nmonday"));
    EXPECT_EQ(ask("BACKUP STATUS"), "$-1\r\n");
  });
  const fs::path elsewhere = copied("monday");
  EXPECT_EQ(restored(elsewhere, {}), "1234");
  EXPECT_EQ(restored(elsewhere, {.lsn = 3}), "123");
  EXPECT_EQ(restored(elsewhere, {.lsn = 1}), "1");
  EXPECT_EQ(restored(elsewhere, {.lsn = 0}), "entry 0 is not there: the log has 1 to 4");
  EXPECT_EQ(restored(elsewhere, {.lsn = 5}), "entry 5 is not there: the log has 1 to 4");
  EXPECT_EQ(restored(elsewhere, {.unix_s = 9}),
            "the log has no timestamps (aof-timestamp-enabled); name an entry instead");
}

TEST_F(BackupTest, ATimeIsBetweenTransactionsAndNotBeforeTheFirst) {
  EngineConfig config = always();
  config.aof.timestamps = true;
  in(config, [&] {
    ask("SET k1 a");
    ask("BACKUP START b");
    ask("MULTI");
    ask("SET k2 a");
    ask("SET k3 a");
    ask("EXEC");
    ask("BACKUP SEAL");
  });
  const fs::path elsewhere = copied("b");
  EXPECT_EQ(restored(elsewhere, {.unix_s = 9}),
            "the log does not reach back to 9: it begins with entry 0");
  EXPECT_EQ(restored(elsewhere, {.unix_s = INT64_MAX}), "123");
  EXPECT_EQ(restored(elsewhere, {.lsn = 1}), "1");
  const std::string text = contents(elsewhere / kAofDirectory / kManifestName);
  EXPECT_EQ(parse_backup(text, "b").value().last_lsn, 2u);
}

TEST_F(BackupTest, AStartRemovesHalfOfOneThatTheStoreMadeAndNothingElse) {
  in(always(), [&] {
    ask("SET k1 a");
    ask("BACKUP START whole");
    ask("BACKUP SEAL");
    ask("BACKUP START half");
  });
  const fs::path log = fs::path(root_) / kAofDirectory;
  EXPECT_TRUE(fs::exists(folder("half")) && fs::exists(log / "backup-half.unsealed"));
  overwrite(log / "backup-whole.unsealed", "");  // as a power cut may bring it back
  fs::create_directory(folder("theirs"));
  overwrite(folder("theirs") / "appendonly.aof.1.incr.aof", "x");
  in(always(), [&] {
    EXPECT_FALSE(fs::exists(folder("half")) || fs::exists(log / "backup-half.unsealed"));
    EXPECT_FALSE(fs::exists(log / "backup-whole.unsealed"));
    EXPECT_TRUE(fs::exists(folder("theirs") / "appendonly.aof.1.incr.aof"));
    EXPECT_EQ(ask("BACKUP SEAL"), "-NOBACKUP no backup is under way\r\n");
    EXPECT_THAT(ask("BACKUP START theirs"), ::testing::HasSubstr("there is one of that name"));
  });
  EXPECT_EQ(restored(copied("whole"), {}), "1");
}

TEST_F(BackupTest, OneThatIsRemovedIsGoneAndItsNameIsFree) {
  in(always(), [&] {
    ask("SET k1 a");
    ask("BACKUP START a");
    EXPECT_EQ(ask("BACKUP REMOVE a"), "-NOBACKUP backups/a: there is no sealed backup there\r\n");
    ask("BACKUP SEAL");
    EXPECT_EQ(ask("BACKUP REMOVE ../a"),
              "-NOBACKUP backups/../a: there is no sealed backup there\r\n");
    overwrite(folder("a") / "notes.txt", "mine");
    EXPECT_EQ(ask("BACKUP REMOVE a"),
              "-NOBACKUP backups/a: 'notes.txt' in it is not the store's; remove the folder by "
              "hand\r\n");
    EXPECT_TRUE(fs::exists(folder("a") / kManifestName));
    fs::remove(folder("a") / "notes.txt");
    EXPECT_EQ(ask("BACKUP REMOVE a"), "+OK\r\n");
    EXPECT_EQ(ask("BACKUP LIST"), "*0\r\n");
    EXPECT_FALSE(fs::exists(folder("a")));
    EXPECT_FALSE(fs::exists(fs::path(root_) / kAofDirectory / "backup-a.unsealed"));
    EXPECT_EQ(ask("BACKUP START a"), "$1\r\na\r\n");
  });
}

TEST_F(BackupTest, TheNewestAreRetained) {
  in(always(), [&] {
    const auto seal = [&](const std::string& id) {
      ask("SET k1 " + id);
      ask("BACKUP START " + id);
      ask("BACKUP SEAL");
    };
    for (const char* id : {"c", "b", "a"}) seal(id);
    EXPECT_TRUE(fs::exists(folder("c"))) << "all are";
    ask("CONFIG SET backup-retain-count 2");
    EXPECT_TRUE(fs::exists(folder("c"))) << "until one is sealed";
    seal("d");
    EXPECT_FALSE(fs::exists(folder("c")) || fs::exists(folder("b")));
    EXPECT_TRUE(fs::exists(folder("a")) && fs::exists(folder("d")));
    ask("CONFIG SET backup-retain-count 0");
    // Sealed long ago.
    const fs::path manifest = folder("a") / kManifestName;
    Manifest old = parse_manifest(contents(manifest)).value();
    overwrite(manifest, encode_manifest(old, "# backup from 0 to 3 at 1000\n"));
    ask("CONFIG SET backup-retain-seconds 3600");
    seal("e");
    EXPECT_FALSE(fs::exists(folder("a")));
    EXPECT_TRUE(fs::exists(folder("d")) && fs::exists(folder("e")));
    // Somebody's file keeps that one, and neither the others nor the log suffer from it.
    overwrite(folder("d") / "notes.txt", "mine");
    ask("CONFIG SET backup-retain-seconds 0");
    seal("f");
    ask("CONFIG SET backup-retain-count 1");
    seal("g");
    EXPECT_TRUE(fs::exists(folder("d") / kManifestName) && fs::exists(folder("g")));
    EXPECT_FALSE(fs::exists(folder("e")) || fs::exists(folder("f")));
    EXPECT_EQ(info("aof_last_write_status"), "ok");
    EXPECT_EQ(info("aof_healed"), "0");
  });
}

TEST_F(BackupTest, OneAtATimeAndNoneWithoutALog) {
  in(always(), [&] {
    EXPECT_EQ(ask("BACKUP ABORT"), "-NOBACKUP no backup is under way\r\n");
    EXPECT_THAT(ask("BACKUP START ../x"), ::testing::StartsWith("-NOBACKUP a backup's name"));
    EXPECT_EQ(ask("BACKUP START a b"), "-ERR syntax error\r\n");
    overwrite(fs::path(root_) / "backups", "a file");
    EXPECT_THAT(ask("BACKUP START a"), ::testing::StartsWith("-NOBACKUP "));
    EXPECT_EQ(ask("BACKUP SEAL"), "-NOBACKUP no backup is under way\r\n");
    EXPECT_FALSE(fs::exists(fs::path(root_) / kAofDirectory / "backup-a.unsealed"))
        << "a start would take what comes to stand there for half a backup";
    fs::remove(fs::path(root_) / "backups");
    EXPECT_EQ(ask("BACKUP START a"), "$1\r\na\r\n");
    EXPECT_EQ(ask("BACKUP START b"), "-NOBACKUP backup a is under way\r\n");
    EXPECT_EQ(ask("BACKUP ABORT"), "+OK\r\n");
    EXPECT_FALSE(fs::exists(folder("a")));
    EXPECT_EQ(ask("BACKUP START a"), "$1\r\na\r\n");
    ask("CONFIG SET appendonly no");
    EXPECT_THAT(ask("BACKUP SEAL"), ::testing::HasSubstr("turned off"));
    EXPECT_THAT(ask("BACKUP START c"), ::testing::HasSubstr("no append only file"));
  });
}

}  // namespace
}  // namespace powercut::engine
