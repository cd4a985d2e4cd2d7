// The replies are those that redis-server 7.0.15 gives.
#include <gmock/gmock.h>

#include "engine/command/script_harness.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// --- One operation ---

TEST_F(ScriptTest, IsOneOperationWithAllThatItsCommandsDid) {
  EXPECT_EQ(run({"EVAL",
                 "redis.call('SET', KEYS[1], ARGV[1]) redis.call('SELECT', 2) "
                 "redis.call('RPUSH', 'l', 'x', 'y') return redis.call('INCR', 'n')",
                 "1", "a", "v w"}),
            ":1\r\n");
  EXPECT_EQ(log.take(), Strings{"0: SET a v w;2: RPUSH l x y;2: INCR n;"});
  EXPECT_EQ(listener.lsns, std::vector<uint64_t>{1});
  EXPECT_EQ(run({"GET", "a"}), "$3\r\nv w\r\n");  // of the client's database
}

TEST_F(ScriptTest, MayNotAskToWait) {
  EXPECT_NE(ask("EVAL \"return redis.pcall('xread', 'BLOCK', 5, 'STREAMS', 's', '$').err\" 0")
                .find("xread command is not allowed with BLOCK option from scripts"),
            std::string::npos);
}

TEST_F(ScriptTest, WhatItDidBeforeItFailedStaysAndIsOneOperation) {
  const std::string reply =
      eval("redis.call('SET', 'a', 1) redis.call('INCR', 'a') redis.call('LPUSH', 'a', 'x')");
  EXPECT_THAT(reply, StartsWith("-WRONGTYPE Operation against a key holding the wrong kind"));
  EXPECT_EQ(log.take(), Strings{"0: SET a 1;0: INCR a;"});
  EXPECT_EQ(run({"GET", "a"}), "$1\r\n2\r\n");
}

TEST_F(ScriptTest, AReplyToWhatFailedWaitsForWhatItDid) {
  release_all = false;
  EXPECT_EQ(eval("redis.call('SET', 'a', 1) error('no')"), "");
  log.released = log.applied;
  EXPECT_THAT(taken(session), StartsWith("-ERR user_script:1: no"));
}

TEST_F(ScriptTest, AKeyThatExpiresOnItsWayIsAPartOfIt) {
  run({"SET", "e", "old", "PX", "10"});
  log.take();
  os.unix_ms += 20;
  EXPECT_EQ(eval("local had = redis.call('EXISTS', 'e') redis.call('INCR', 'e') return had"),
            ":0\r\n");
  EXPECT_EQ(log.take(), Strings{"0: DEL e;0: INCR e;"});
}

TEST_F(ScriptTest, OneThatChangesNothingIsNoOperation) {
  EXPECT_EQ(eval("return redis.call('GET', 'a')"), "$-1\r\n");
  EXPECT_TRUE(log.take().empty());
}

TEST_F(ScriptTest, InATransactionItIsAPartOfThat) {
  ask("MULTI");
  run({"SET", "a", "1"});
  EXPECT_EQ(eval("redis.call('INCR', 'a') return redis.call('INCR', 'a')"), "+QUEUED\r\n");
  EXPECT_EQ(ask("EXEC"), "*2\r\n+OK\r\n:3\r\n");
  EXPECT_EQ(log.take(), Strings{"0: SET a 1;0: INCR a;0: INCR a;"});
}

TEST_F(ScriptTest, WhatIsDrawnIsLoggedAsItWasDrawn) {
  run({"SADD", "s", "a", "b", "c"});
  log.take();
  const std::string drawn = eval("return redis.call('SPOP', 's')");
  const Strings entries = log.take();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_THAT(entries[0], HasSubstr("SREM s " + bulks(drawn)[0]));
}

TEST_F(ScriptTest, NobodyWaitsInIt) {
  EXPECT_EQ(eval("return redis.call('BLMPOP', 0, 1, 'l', 'LEFT')"), "$-1\r\n");
  EXPECT_FALSE(session.waits());
}

TEST_F(ScriptTest, WhoWaitsIsServedByTheWholeOfIt) {
  EXPECT_EQ(run(other, {"BLPOP", "q", "0"}), "");
  EXPECT_EQ(eval("redis.call('RPUSH', 'q', 'a') return redis.call('RPUSH', 'q', 'b')"), ":2\r\n");
  EXPECT_EQ(log.take(), Strings{"0: RPUSH q a;0: RPUSH q b;0: LPOP q;"});
  EXPECT_EQ(taken(other), array({"q", "a"}));
}

// --- Values ---

TEST_F(ScriptTest, ValuesBecomeReplies) {
  EXPECT_EQ(eval("return 3.99"), ":3\r\n");
  EXPECT_EQ(eval("return -3.99"), ":-3\r\n");
  EXPECT_EQ(eval("return 'a\\0b'"), std::string("$3\r\na\0b\r\n", 9));
  EXPECT_EQ(eval("return true"), ":1\r\n");
  EXPECT_EQ(eval("return false"), "$-1\r\n");
  EXPECT_EQ(eval("return nil"), "$-1\r\n");
  EXPECT_EQ(eval(""), "$-1\r\n");
  EXPECT_EQ(eval("return {1, 'two', {3, {4}}, nil, 5}"),
            "*3\r\n:1\r\n$3\r\ntwo\r\n*2\r\n:3\r\n*1\r\n:4\r\n");
  EXPECT_EQ(eval("return {ok = 'fi\\nne'}"), "+fi ne\r\n");
  EXPECT_EQ(eval("return {err = 'MY error'}"), "-MY error\r\n");
  EXPECT_EQ(eval("return redis.status_reply('GOOD')"), "+GOOD\r\n");
  EXPECT_EQ(eval("return redis.error_reply('MY error')"), "-MY error\r\n");
  EXPECT_EQ(eval("return redis.error_reply('single')"), "-ERR single\r\n");
  EXPECT_EQ(eval("return {double = 1.5}"), "$3\r\n1.5\r\n");
  EXPECT_EQ(eval("return {big_number = '1\\r\\n2'}"), bulk("1  2"));
  EXPECT_EQ(eval("return {map = {a = 1}}"), "*2\r\n$1\r\na\r\n:1\r\n");
}

TEST_F(ScriptTest, RepliesBecomeValues) {
  EXPECT_EQ(eval("return type(redis.call('GET', 'none'))"), bulk("boolean"));
  EXPECT_EQ(eval("return redis.call('SET', 'a', 1).ok"), bulk("OK"));
  EXPECT_EQ(eval("return redis.call('INCR', 'a') + 40"), ":42\r\n");
  EXPECT_EQ(eval("redis.call('RPUSH', 'l', 'x', 'y') return redis.call('LRANGE', 'l', 0, -1)[2]"),
            bulk("y"));
  EXPECT_EQ(eval("return redis.pcall('INCR', 'l').err"),
            bulk("WRONGTYPE Operation against a key holding the wrong kind of value"));
  EXPECT_EQ(eval("return redis.call('SET', 'a', 1.5) and redis.call('GET', 'a')"), bulk("1.5"));
  EXPECT_EQ(eval("redis.call('SET', 'a', 10000000000000000) return redis.call('GET', 'a')"),
            bulk("10000000000000000"));
}

TEST_F(ScriptTest, SpeaksRespThreeIfItWantsTo) {
  run({"HSET", "h", "f", "v"});
  run({"ZADD", "z", "1.5", "m"});
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('HGETALL', 'h').map.f"), bulk("v"));
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('ZSCORE', 'z', 'm').double * 2"), ":3\r\n");
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('GET', 'none') == nil"), ":1\r\n");
  EXPECT_EQ(eval("redis.setresp(3) return false"), ":0\r\n");
  ask("HELLO 3");
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('HGETALL', 'h')"),
            "%1\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_EQ(eval("redis.setresp(3) return {true, {double = 1.5}, {big_number = '12'}}"),
            "*3\r\n#t\r\n,1.5\r\n(12\r\n");
  EXPECT_EQ(eval("return {set = {a = true}}"), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(eval("return {verbatim_string = {format = 'txt', string = 'x'}}"), "=5\r\ntxt:x\r\n");
  EXPECT_EQ(eval("return false"), "_\r\n");
}

// --- Errors ---

TEST_F(ScriptTest, ErrorsSayWhere) {
  EXPECT_EQ(error_of("return redis.call('NOSUCH')"),
            "-ERR Unknown Redis command called from script");
  EXPECT_EQ(error_of("return redis.call('GET')"),
            "-ERR Wrong number of args calling Redis command from script");
  EXPECT_EQ(error_of("return redis.call('SAVE')"),
            "-ERR This Redis command is not allowed from script");
  EXPECT_EQ(error_of("return redis.call()"),
            "-ERR Please specify at least one argument for this redis lib call");
  EXPECT_EQ(error_of("return redis.call('SET', 'a', {})"),
            "-ERR Lua redis lib command arguments must be strings or integers");
  EXPECT_THAT(eval("\nerror('no')"),
              ::testing::MatchesRegex(
                  "-ERR user_script:2: no script: [0-9a-f]{40}, on @user_script:2\\.\r\n"));
  EXPECT_EQ(error_of("error({err = 'MY words'})"), "-MY words");
  EXPECT_THAT(eval("return ?"), StartsWith("-ERR Error compiling script (new function): "
                                           "user_script:1: unexpected symbol near '?'"));
  EXPECT_EQ(eval("local ok, why = pcall(redis.call, 'INCR') return why"),
            bulk("ERR Wrong number of args calling Redis command from script"));
}

TEST_F(ScriptTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(run({"EVAL", "return 1", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run({"EVAL", "return 1", "1"}),
            "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(run({"EVAL", "return 1", "-1"}), "-ERR Number of keys can't be negative\r\n");
  EXPECT_EQ(run({"EVALSHA", "abc", "0"}), "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_EQ(run({"EVAL", "#!lua", "0"}), "-ERR Invalid script shebang\r\n");
  EXPECT_EQ(run({"EVAL", "#!js\nreturn 1", "0"}),
            "-ERR Unexpected engine in script shebang: #!js\r\n");
  EXPECT_EQ(run({"EVAL", "#!lua flags=x\nreturn 1", "0"}),
            "-ERR Unexpected flag in script shebang: x\r\n");
  EXPECT_EQ(run({"EVAL", "#!lua name=x\nreturn 1", "0"}),
            "-ERR Unknown lua shebang option: name=x\r\n");
}

TEST_F(ScriptTest, ReadsOnlyWhereItMay) {
  const std::string_view writes = "return redis.call('SET', 'a', 1)";
  const std::string refused = "-ERR Write commands are not allowed from read-only scripts.";
  EXPECT_THAT(run({"EVAL_RO", writes, "0"}), StartsWith(refused));
  EXPECT_THAT(eval("#!lua flags=no-writes\nreturn redis.call('SET', 'a', 1)"), StartsWith(refused));
  EXPECT_EQ(run({"EVAL_RO", "#!lua\nreturn 1", "0"}),
            "-ERR Can not execute a script with write flag using *_ro command.\r\n");
  EXPECT_EQ(run({"EVAL_RO", "return redis.call('DBSIZE')", "0"}), ":0\r\n");
  log.refused = "MISCONF why";
  EXPECT_THAT(eval(writes), StartsWith("-MISCONF why"));
  EXPECT_THAT(eval("#!lua\nreturn 1"), StartsWith("-MISCONF "));
  EXPECT_EQ(eval("return redis.call('DBSIZE')"), ":0\r\n");
}

TEST_F(ScriptTest, GrowsNoMoreAboveTheLimit) {
  run({"SET", "a", std::string(1000, 'x')});
  executor.set_max_memory(100);
  EXPECT_THAT(eval("return redis.call('SET', 'b', 1)"), StartsWith("-OOM command not allowed"));
  EXPECT_THAT(eval("#!lua\nreturn 1"), StartsWith("-OOM allow-oom flag is not set"));
  EXPECT_EQ(eval("#!lua flags=allow-oom\nreturn redis.call('SET', 'b', 1)"), "+OK\r\n");
  // Once it has written it goes on.
  EXPECT_EQ(eval("redis.call('DEL', 'b') return redis.call('SET', 'c', 1)"), "+OK\r\n");
}

// --- SCRIPT ---

TEST_F(ScriptTest, KnowsWhatItHasSeen) {
  const std::string digest = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";  // of "return 1"
  EXPECT_EQ(run({"EVALSHA", digest, "0"}), "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_EQ(run({"SCRIPT", "LOAD", "return 1"}), bulk(digest));
  EXPECT_EQ(run({"EVALSHA", "E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", "0"}), ":1\r\n");
  EXPECT_EQ(run({"SCRIPT", "EXISTS", digest, "no"}), "*2\r\n:1\r\n:0\r\n");
  EXPECT_EQ(run({"SCRIPT", "FLUSH", "SYNC"}), "+OK\r\n");
  EXPECT_EQ(run({"SCRIPT", "EXISTS", digest}), "*1\r\n:0\r\n");
  EXPECT_EQ(run({"SCRIPT", "FLUSH", "NOW"}),
            "-ERR SCRIPT FLUSH only support SYNC|ASYNC option\r\n");
  EXPECT_EQ(run({"SCRIPT", "KILL"}), "-NOTBUSY No scripts in execution right now.\r\n");
  EXPECT_TRUE(log.take().empty());
}

// --- While one takes long ---

class SlowScriptTest : public ScriptTest {
 protected:
  SlowScriptTest() {
    executor.scripts().set_busy_after(nanoseconds(2));
    os.tick_ns = 1;
  }
  Strings said;
};

constexpr std::string_view kBusy =
    "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";

TEST_F(SlowScriptTest, OthersAreToldAndMayEndIt) {
  run(other, {"MULTI"});
  control.on_let_others_run = [&] {
    said.push_back(run(other, {"GET", "a"}));
    said.push_back(run(other, {"EXEC"}));
    said.push_back(run(other, {"FUNCTION", "KILL"}));
    said.push_back(run(other, {"SCRIPT", "KILL"}));
  };
  EXPECT_EQ(error_of("while true do end"), "-ERR Script killed by user with SCRIPT KILL...");
  EXPECT_EQ(said,
            (Strings{std::string(kBusy),
                     "-EXECABORT Transaction discarded because of: " + std::string(kBusy.substr(1)),
                     std::string(kBusy), "+OK\r\n"}));
  EXPECT_EQ(run(other, {"GET", "a"}), "$-1\r\n");
}

TEST_F(SlowScriptTest, OneThatCatchesItsEndEndsAllTheSame) {
  control.on_let_others_run = [&] { run(other, {"SCRIPT", "KILL"}); };
  EXPECT_EQ(error_of("while true do pcall(function() while true do end end) end"),
            "-ERR Script killed by user with SCRIPT KILL...");
}

TEST_F(SlowScriptTest, OneThatHasWrittenGoesOnAndIsWhole) {
  run({"SET", "e", "1", "PX", "10"});
  log.take();
  control.on_let_others_run = [&] {
    EXPECT_TRUE(control.script_wrote);
    os.unix_ms += 100;
    EXPECT_EQ(executor.expire_some(10), 0u);
    said.push_back(run(other, {"SCRIPT", "KILL"}));
    EXPECT_TRUE(log.entries.empty());
  };
  EXPECT_EQ(eval("redis.call('INCR', 'n') for i = 1, 300000 do end return redis.call('GET', 'e')"),
            bulk("1"));
  ASSERT_FALSE(said.empty());
  EXPECT_THAT(said[0], StartsWith("-UNKILLABLE "));
  EXPECT_EQ(log.take(), Strings{"0: INCR n;"});
  control.on_let_others_run = nullptr;
  EXPECT_EQ(executor.expire_some(10), 1u);
}

// --- redis.* ---

TEST_F(ScriptTest, HasTheTableRedis) {
  EXPECT_EQ(eval("return redis.sha1hex('')"), bulk("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
  EXPECT_EQ(eval("return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}"),
            "*2\r\n$6\r\n7.0.15\r\n:458767\r\n");
  EXPECT_EQ(eval("return redis.replicate_commands()"), ":1\r\n");
  EXPECT_EQ(eval("return redis.acl_check_cmd('SET', 'a', 'b')"), ":1\r\n");
  EXPECT_EQ(error_of("return redis.acl_check_cmd('NOSUCH')"),
            "-ERR Invalid command passed to redis.acl_check_cmd()");
  EXPECT_EQ(eval("redis.log(redis.LOG_NOTICE, 'one', 'two')"), "$-1\r\n");
  EXPECT_EQ(control.lines, Strings{"script, notice: one two"});
  EXPECT_EQ(error_of("redis.log(9, 'x')"), "-ERR Invalid debug level.");
  EXPECT_EQ(error_of("redis.set_repl(7)"),
            "-ERR Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  EXPECT_EQ(eval("redis.set_repl(redis.REPL_ALL)"), "$-1\r\n");
  EXPECT_THAT(error_of("redis.set_repl(redis.REPL_NONE)"), HasSubstr("always logged"));
}

TEST_F(ScriptTest, RunsWithTheRightsOfWhoCalledIt) {
  ask("ACL SETUSER bob on nopass ~* +@all -set");
  run(other, {"AUTH", "bob", "x"});
  EXPECT_THAT(
      run(other, {"EVAL", "return redis.call('SET', 'a', 1)", "0"}),
      StartsWith("-ERR The user executing the script can't run this command or subcommand"));
  EXPECT_EQ(run(other, {"EVAL", "return redis.acl_check_cmd('SET', 'a', 1)", "0"}), "$-1\r\n");
  EXPECT_EQ(run(other, {"EVAL", "return redis.call('GET', 'a')", "0"}), "$-1\r\n");
}

// The same numbers as redis-server's for the same seed.
TEST_F(ScriptTest, DrawsFromASeed) {
  const std::string_view draws =
      "math.randomseed(7) return {math.random(100), math.random(100), math.random(100)}";
  const std::string drawn = eval(draws);
  EXPECT_EQ(eval(draws), drawn);
  EXPECT_EQ(eval("return math.random(5) <= 5"), ":1\r\n");
}

}  // namespace
}  // namespace powercut::engine
