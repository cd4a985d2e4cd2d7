// The replies are those that redis-server 7.0.15 gives.
#include <gmock/gmock.h>

#include "engine/command/script_harness.h"

namespace powercut::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class FunctionTest : public ScriptTest {
 protected:
  static std::string library(const std::string& name, const std::string& function,
                             const std::string& body) {
    return "#!lua name=" + name + "\nredis.register_function('" + function +
           "', function(keys, args) " + body + " end)\n";
  }
  std::string load(const std::string& text) { return run({"FUNCTION", "LOAD", text}); }
  std::string replace(const std::string& text) {
    return run({"FUNCTION", "LOAD", "REPLACE", text});
  }

  const std::string one = library("one", "f", "return redis.call('INCR', keys[1]) + args[1]");
};

TEST_F(FunctionTest, AreLoadedAndCalled) {
  EXPECT_EQ(load(one), bulk("one"));
  EXPECT_EQ(log.take(), Strings{"0: FUNCTION LOAD " + one + ";"});
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "40"}), ":41\r\n");
  EXPECT_EQ(log.take(), Strings{"0: INCR n;"});
  EXPECT_EQ(run({"FCALL", "F", "1", "n", "40"}), ":42\r\n");  // in any case
  EXPECT_THAT(run({"FCALL_RO", "f", "1", "n", "1"}),
              StartsWith("-ERR Can not execute a script with write flag using *_ro command."));
  EXPECT_EQ(run({"FCALL", "g", "0"}), "-ERR Function not found\r\n");
  EXPECT_EQ(run({"FCALL", "f", "x"}), "-ERR Bad number of keys provided\r\n");
  EXPECT_THAT(run({"FCALL", "f", "1", "n"}), HasSubstr(" script: f, on @user_function:2.\r\n"));
}

TEST_F(FunctionTest, ALibraryStaysUntilItIsReplacedOrDeleted) {
  load(one);
  EXPECT_EQ(load(one), "-ERR Library 'one' already exists\r\n");
  EXPECT_EQ(replace(library("one", "g", "return 2")), bulk("one"));
  EXPECT_EQ(run({"FCALL", "g", "0"}), ":2\r\n");
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "1"}), "-ERR Function not found\r\n");
  EXPECT_EQ(load(library("two", "G", "return 3")), "-ERR Function G already exists\r\n");
  ask("FLUSHALL");
  EXPECT_EQ(run({"FCALL", "g", "0"}), ":2\r\n");
  EXPECT_EQ(run({"FUNCTION", "DELETE", "one"}), "+OK\r\n");
  EXPECT_EQ(run({"FUNCTION", "DELETE", "one"}), "-ERR Library not found\r\n");
  EXPECT_EQ(run({"FCALL", "g", "0"}), "-ERR Function not found\r\n");
}

TEST_F(FunctionTest, AFailedReplacementLeavesWhatWasThere) {
  load(one);
  EXPECT_THAT(replace("#!lua name=one\nredis.register_function('x', 1)"), StartsWith("-ERR Error"));
  EXPECT_EQ(replace("#!lua name=one\nlocal x = 1"), "-ERR No functions registered\r\n");
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "1"}), ":2\r\n");
}

TEST_F(FunctionTest, RefusesWhatIsNoLibrary) {
  EXPECT_EQ(load("x"), "-ERR Missing library metadata\r\n");
  EXPECT_EQ(load("#!lua name=a"), "-ERR Invalid library metadata\r\n");
  EXPECT_EQ(load("#!lua\nx"), "-ERR Library name was not given\r\n");
  EXPECT_EQ(load("#!lua name=a-b\nx"),
            "-ERR Library names can only contain letters, numbers, or underscores(_) and must be "
            "at least one character long\r\n");
  EXPECT_EQ(load("#!js name=a\nx"), "-ERR Engine 'js' not found\r\n");
  EXPECT_EQ(load("#!lua name=a x=y\nx"), "-ERR Invalid metadata value given: x=y\r\n");
  EXPECT_THAT(load("#!lua name=a\n?"),
              StartsWith("-ERR Error compiling function: user_function:2: unexpected symbol"));
  EXPECT_THAT(load("#!lua name=a\nredis.register_function{function_name = 'f', callback = "
                   "function() end, flags = {'no'}}"),
              HasSubstr("unknown flag given"));
  EXPECT_THAT(load("#!lua name=a\nredis.register_function('f!', function() end)"),
              HasSubstr("Library names can only contain"));
  EXPECT_EQ(run({"FUNCTION", "LOAD", "now", "x"}), "-ERR Unknown option given: now\r\n");
}

// While it is loaded, a library finds what it needs for that, and nothing else.
TEST_F(FunctionTest, LoadingDoesNothingElse) {
  for (const auto& [code, name] : {std::pair{"redis.call('PING')", "call"},
                                   {"math.random()", "math"},
                                   {"x = redis.setresp", "setresp"}}) {
    EXPECT_THAT(load("#!lua name=a\n" + std::string(code)),
                HasSubstr("attempted to access nonexistent global variable '" + std::string(name)))
        << code;
  }
  EXPECT_THAT(load("#!lua name=a\nx = 1"), HasSubstr("Attempt to modify a readonly table"));
  EXPECT_THAT(load("#!lua name=a\nredis.call = 1"), HasSubstr("Attempt to modify a readonly"));
  load(library("b", "h", "return redis.register_function('x', function() end)"));
  EXPECT_THAT(run({"FCALL", "h", "0"}), HasSubstr("'register_function'"));
  os.tick_ns = 1'000'000;
  EXPECT_THAT(load("#!lua name=a\nwhile true do end"), HasSubstr("FUNCTION LOAD timeout"));
}

TEST_F(FunctionTest, AreListed) {
  EXPECT_EQ(load("#!lua name=two\nredis.register_function{function_name = 'r', description = 'd', "
                 "callback = function() return 1 end, flags = {'no-writes'}}"),
            bulk("two"));
  EXPECT_EQ(run({"FUNCTION", "LIST"}),
            "*1\r\n*6\r\n$12\r\nlibrary_name\r\n$3\r\ntwo\r\n$6\r\nengine\r\n$3\r\nLUA\r\n"
            "$9\r\nfunctions\r\n*1\r\n*6\r\n$4\r\nname\r\n$1\r\nr\r\n$11\r\ndescription\r\n"
            "$1\r\nd\r\n$5\r\nflags\r\n*1\r\n+no-writes\r\n");
  EXPECT_EQ(run({"FCALL_RO", "r", "0"}), ":1\r\n");
  EXPECT_EQ(run({"FUNCTION", "LIST", "LIBRARYNAME", "t?"}), "*0\r\n");
  EXPECT_THAT(run({"FUNCTION", "LIST", "LIBRARYNAME", "t*", "WITHCODE"}),
              HasSubstr("library_code"));
  EXPECT_EQ(run({"FUNCTION", "LIST", "NO"}), "-ERR Unknown argument NO\r\n");
  EXPECT_EQ(run({"FUNCTION", "STATS"}),
            "*4\r\n$14\r\nrunning_script\r\n$-1\r\n$7\r\nengines\r\n*2\r\n$3\r\nLUA\r\n*4\r\n"
            "$15\r\nlibraries_count\r\n:1\r\n$15\r\nfunctions_count\r\n:1\r\n");
}

TEST_F(FunctionTest, ADumpIsRestored) {
  load(one);
  const std::string payload = bulks(run({"FUNCTION", "DUMP"})).at(0);
  EXPECT_EQ(run({"FUNCTION", "RESTORE", payload}), "-ERR Library one already exists\r\n");
  EXPECT_EQ(run({"FUNCTION", "FLUSH"}), "+OK\r\n");
  EXPECT_EQ(run({"FUNCTION", "RESTORE", payload}), "+OK\r\n");
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "1"}), ":2\r\n");
  load(library("two", "g", "return 2"));
  EXPECT_EQ(run({"FUNCTION", "RESTORE", payload, "FLUSH"}), "+OK\r\n");
  EXPECT_EQ(keyspace.libraries().size(), 1u);
  replace(library("one", "g", "return 3"));
  log.take();
  EXPECT_EQ(run({"FUNCTION", "RESTORE", payload, "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(log.take(), Strings{"0: FUNCTION RESTORE " + payload + " REPLACE;"});
  EXPECT_EQ(run({"FUNCTION", "RESTORE", "x" + payload}),
            "-ERR DUMP payload version or checksum are wrong\r\n");
  EXPECT_THAT(run({"FUNCTION", "RESTORE", payload, "NOW"}),
              StartsWith("-ERR Wrong restore policy"));
}

TEST_F(FunctionTest, AreReadyWhereDataCameFromElsewhere) {
  keyspace.put_library("one", one);
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "1"}), ":2\r\n");
  keyspace.put_library("bad", "#!lua name=bad\n?");
  EXPECT_THAT(executor.scripts().broken_library(),
              StartsWith("the library bad: Error compiling function"));
  EXPECT_EQ(run({"FCALL", "f", "1", "n", "1"}), ":3\r\n");
}

TEST_F(FunctionTest, OneThatTakesLongIsEndedByItsOwnCommand) {
  load(library("slow", "s", "while true do end"));
  executor.scripts().set_busy_after(nanoseconds(2));
  os.tick_ns = 1;
  Strings said;
  control.on_let_others_run = [&] {
    said.push_back(run(other, {"SCRIPT", "KILL"}));
    said.push_back(run(other, {"FUNCTION", "STATS"}).substr(0, 41));
    said.push_back(run(other, {"FUNCTION", "KILL"}));
  };
  EXPECT_THAT(run({"FCALL", "s", "0"}), StartsWith("-ERR Script killed by user"));
  ASSERT_EQ(said.size(), 3u);
  EXPECT_THAT(said[0],
              StartsWith("-BUSY Redis is busy running a script. You can only call FUNCTION"));
  EXPECT_EQ(said[1], "*4\r\n$14\r\nrunning_script\r\n*6\r\n$4\r\nname\r\n$1");
  EXPECT_EQ(said[2], "+OK\r\n");
}

}  // namespace
}  // namespace powercut::engine
