// The warm tier on the simulated disk: to commands, to what is written of the data, and to a start a value there is one in
// memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/redis_parameters.h"
#include "scenarios/store/engine_life_testing.h"
#include "scenarios/store/keyspace/digest.h"

namespace powercut::scenarios {
namespace {

using engine::Engine;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// No scratch memory is had while `full`.
class WarmTrouble final : public sim::Injector {
 public:
  bool full = false;
  sim::Injection on_call(const sim::SeamCall& call) override {
    sim::Injection injection;
    if (full && call.path == "scratch") injection.error = Errc::kNoSpace;
    return injection;
  }
};

class WarmTest : public EngineLifeTest<WarmTrouble> {
 protected:
  WarmTest() {
    config.rewrite_percentage = 0;
    config.tier = {.path = "cold", .hot_bytes = 1, .warm_bytes = 1 << 20};
    config.sizes.tier.least_bytes = 0;
  }

  static void wait(engine::Os& os, int64_t ms = 100) { os.park(os.now() + milliseconds(ms)); }
  static const engine::Away* away(Engine& engine, std::string_view key) {
    const engine::Object* object = engine.keyspace().peek(0, key);
    return object == nullptr ? nullptr : object->value.away();
  }
  static bool is_warm(Engine& engine, std::string_view key) {
    return away(engine, key) != nullptr && away(engine, key)->warm();
  }
  // Values on the heap, of each type.
  static void fill(Engine& engine) {
    for (const char* line : {"SET a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "RPUSH l 1 2 3",
                             "HSET h f 1 g 2", "SADD s x y", "ZADD z 1 m 2 n", "XADD x 1-1 f v",
                             "SET b bbbbbbbbbbbbbbbbbbbbbbbbbbb", "PEXPIREAT b 9000000000000"})
      EXPECT_NE(ask(engine, line)[0], '-') << line;
  }
  static const std::vector<const char*>& keys() {
    static const std::vector<const char*> all = {"a", "l", "h", "s", "z", "x", "b"};
    return all;
  }
  static void expect_all_warm(Engine& engine) {
    for (const char* key : keys()) EXPECT_TRUE(is_warm(engine, key)) << key;
  }
};

TEST_F(WarmTest, CommandsSeeAValueThereAsOneInMemory) {
  std::vector<std::string> plain;
  const std::vector<std::string> lines = {"DEBUG DIGEST",
                                          "DEBUG DIGEST-VALUE a h",
                                          "TYPE z",
                                          "TTL a",
                                          "OBJECT ENCODING z",
                                          "MEMORY USAGE h",
                                          "DUMP l",
                                          "COPY s s2",
                                          "SMEMBERS s2",
                                          "RENAME x y",
                                          "XLEN y",
                                          "STRLEN b",
                                          "LRANGE l 0 -1",
                                          "HGETALL h",
                                          "PEXPIRETIME b",
                                          "SORT l BY w_* GET #",
                                          "DEBUG DIGEST",
                                          "DEL z",
                                          "EXISTS z a",
                                          "APPEND a more",
                                          "GETRANGE a 40 -1",
                                          "INCR n",
                                          "SORT l BY w_*",
                                          "DEBUG DIGEST"};
  const auto* debug = engine::find_redis_parameter("enable-debug-command");
  ASSERT_TRUE(engine::set_redis_parameter(config, *debug, "yes").ok());
  const auto say_all = [&](engine::Os& os, Engine& engine) {
    std::vector<std::string> replies;
    fill(engine);
    ask(engine,
        "MSET w_1 333333333333333333333 w_2 2222222222222222222222 w_3 11111111111111111111111");
    for (const std::string& line : lines) {
      wait(os);
      replies.push_back(line + ": " + ask(engine, line));
    }
    return replies;
  };
  config.tier = {};
  live([&](engine::Os& os, Engine& engine) { plain = say_all(os, engine); });
  for (const std::string& reply : plain) EXPECT_EQ(reply.find(": -"), reply.npos) << reply;
  in_world([](engine::Os& os) {
    const auto names = os.list("appendonlydir").value();
    for (const std::string& name : names) EXPECT_TRUE(os.remove("appendonlydir/" + name).ok());
  });
  config.tier = {.path = "cold", .hot_bytes = 1, .warm_bytes = 1 << 20};
  live([&](engine::Os& os, Engine& engine) {
    EXPECT_EQ(say_all(os, engine), plain);
    EXPECT_GT(engine.tier()->stats().warm_came, 10u);
    EXPECT_EQ(engine.tier()->folder().count(), 0u);
  });
}

TEST_F(WarmTest, AScriptHasWhatItDidNotName) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    expect_all_warm(engine);
    EXPECT_THAT(ask(engine, "EVAL \"return redis.call('GET', 'b')\" 0"), StartsWith("$27\r\nbbb"));
    wait(os);
    EXPECT_EQ(ask(engine,
                  "EVAL \"redis.call('EXPIRE', 'l', 1000) redis.call('RPUSH', 'l', 4) return "
                  "redis.call('LLEN', 'l')\" 0"),
              ":4\r\n");
  });
}

TEST_F(WarmTest, AStartHasAllOfItFromTheLogAndFromABase) {
  uint64_t before = 0;
  config.tier.hot_bytes = 0;
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    before = keyspace_digest(engine.keyspace(), INT64_MIN);
    EXPECT_EQ(ask(engine, "CONFIG SET hot-tier-size 1"), "+OK\r\n");
    wait(os);
    expect_all_warm(engine);
  });
  config.tier.hot_bytes = 1;
  live([&](engine::Os& os, Engine& engine) {
    wait(os);
    expect_all_warm(engine);
    EXPECT_EQ(ask(engine, "BGREWRITEAOF")[0], '+');
    wait(os, 1000);
    expect_all_warm(engine);
    EXPECT_EQ(engine.keeper().stats().last_error, "");
  });
  config.tier = {};
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(keyspace_digest(engine.keyspace(), INT64_MIN), before);
    EXPECT_NE(engine.recovery().base, "") << "and it rests on no cold tier";
  });
}

TEST_F(WarmTest, SaveWritesIt) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    EXPECT_EQ(ask(engine, "SAVE"), "+OK\r\n");
    expect_all_warm(engine);
  });
  config.tier = {};
  config.recovery.append_only = false;
  in_world([](engine::Os& os) {
    const auto names = os.list("appendonlydir").value();
    for (const std::string& name : names) EXPECT_TRUE(os.remove("appendonlydir/" + name).ok());
    EXPECT_TRUE(os.remove("appendonlydir").ok());
  });
  live([&](engine::Os&, Engine& engine) {
    EXPECT_EQ(ask(engine, "DBSIZE"), ":7\r\n");
    EXPECT_EQ(ask(engine, "HGET h g"), "$1\r\n2\r\n");
    EXPECT_EQ(ask(engine, "PEXPIRETIME b"), ":9000000000000\r\n");
  });
}

TEST_F(WarmTest, WithoutSpaceAStartIsRefusedAndAnotherSizeAsWell) {
  injector.full = true;
  EXPECT_THAT(refusal(), HasSubstr("a warm tier of 1048576 bytes cannot be made in dir: "));
  injector.full = false;
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    injector.full = true;
    EXPECT_THAT(ask(engine, "CONFIG SET warm-tier-size 2mb"), HasSubstr("make space there"));
    EXPECT_EQ(ask(engine, "CONFIG GET warm-tier-size"),
              "*2\r\n$14\r\nwarm-tier-size\r\n$7\r\n1048576\r\n");
    injector.full = false;
    expect_all_warm(engine);
    EXPECT_EQ(ask(engine, "CONFIG SET warm-tier-size 2mb"), "+OK\r\n");
    EXPECT_EQ(ask(engine, "LLEN l"), ":3\r\n");
    EXPECT_EQ(ask(engine, "CONFIG SET warm-tier-size 0"), "+OK\r\n");
    wait(os, 2000);
    for (const char* key : keys()) EXPECT_FALSE(is_warm(engine, key)) << key;
    EXPECT_EQ(ask(engine, "HGET h g"), "$1\r\n2\r\n");
    EXPECT_THAT(ask(engine, "CONFIG SET warm-tier-size 5"), HasSubstr("it must be 0, or from 1mb"));
  });
  config.tier.path.clear();
  EXPECT_THAT(refusal(), HasSubstr("warm-tier-size needs a cold tier"));
}

TEST_F(WarmTest, InfoSaysWhatLiesThere) {
  live([&](engine::Os& os, Engine& engine) {
    fill(engine);
    wait(os);
    ask(engine, "GET a");
    const auto& stats = engine.tier()->stats();
    EXPECT_GT(engine.tier()->warm_used(), 0u);
    EXPECT_GE(stats.warm_left, 7u);
    EXPECT_GE(stats.warm_came, 1u);
    EXPECT_THAT(ask(engine, "INFO persistence"),
                HasSubstr(fmt::format(
                    "warm_tier_size:1048576\r\nwarm_tier_used:{}\r\nwarm_values:{}\r\n"
                    "warm_left:{}\r\nwarm_came_back:{}\r\nwarm_moved_on:0\r\nwarm_failures:0\r\n"
                    "warm_bytes_written:{}\r\nwarm_bytes_read:{}\r\n",
                    engine.tier()->warm_used(), engine.tier()->warm_values(), stats.warm_left,
                    stats.warm_came, stats.warm_left_bytes, stats.warm_came_bytes)));
  });
}

}  // namespace
}  // namespace powercut::scenarios
