#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "engine/command/command_harness.h"
#include "engine/command/number.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeysTest : public ::testing::Test, public CommandHarness {
 protected:
  // Runs a SCAN and adds the keys to `seen`; the next cursor.
  std::string scan(const std::string& cursor, const std::string& options,
                   std::multiset<std::string>& seen) {
    const std::string reply = run_line("SCAN " + cursor + options);
    std::vector<std::string> bulks;
    for (size_t at = reply.find('$'); at != std::string::npos; at = reply.find('$', at)) {
      const size_t length = std::stoul(reply.substr(at + 1));
      at = reply.find("\r\n", at) + 2;
      bulks.push_back(reply.substr(at, length));
      at += length;
    }
    seen.insert(bulks.begin() + 1, bulks.end());
    return bulks[0];
  }
  CommandHarness& run_line = *this;
};

TEST_F(KeysTest, DeleteAndCount) {
  run_line("MSET a 1 b 2");
  EXPECT_EQ(run_line("EXISTS a a none"), ":2\r\n");
  EXPECT_EQ(run_line("TOUCH a b none"), ":2\r\n");
  EXPECT_EQ(run_line("DBSIZE"), ":2\r\n");
  EXPECT_EQ(run_line("DEL a none a"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: DEL a none a"));
  EXPECT_EQ(run_line("UNLINK none"), ":0\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("TYPE a"), "+none\r\n");
  EXPECT_EQ(run_line("TYPE b"), "+string\r\n");
}

// --- Expiry ---

TEST_F(KeysTest, ExpiryIsLoggedAbsolute) {
  run_line("SET k v");
  EXPECT_EQ(run_line("EXPIRE k 10"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: PEXPIREAT k 1700000010000"));
  run_line("PEXPIRE k 10");
  EXPECT_THAT(log, ElementsAre("0: PEXPIREAT k 1700000000010"));
  run_line("EXPIREAT k 1800000000");
  EXPECT_THAT(log, ElementsAre("0: PEXPIREAT k 1800000000000"));
  run_line("PEXPIREAT k 1700000001499 LT");
  EXPECT_THAT(log, ElementsAre("0: PEXPIREAT k 1700000001499"));
  EXPECT_EQ(run_line("PTTL k"), ":1499\r\n");
  EXPECT_EQ(run_line("TTL k"), ":1\r\n");
  EXPECT_EQ(run_line("PEXPIRETIME k"), ":1700000001499\r\n");
  EXPECT_EQ(run_line("EXPIRETIME k"), ":1700000001\r\n");
  EXPECT_EQ(run_line("PERSIST k"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: PERSIST k"));
  EXPECT_EQ(run_line("PERSIST k"), ":0\r\n");
  EXPECT_EQ(run_line("TTL k"), ":-1\r\n");
  EXPECT_EQ(run_line("TTL none"), ":-2\r\n");
  EXPECT_EQ(run_line("EXPIRE none 10"), ":0\r\n");
}

TEST_F(KeysTest, AnExpiryInThePastDeletes) {
  for (const std::string_view line :
       {"EXPIRE k 0", "EXPIRE k -1", "PEXPIREAT k 1700000000000", "EXPIREAT k -5"}) {
    run_line("SET k v");
    EXPECT_EQ(run_line(line), ":1\r\n");
    EXPECT_THAT(log, ElementsAre("0: DEL k")) << line;
    EXPECT_EQ(run_line("DBSIZE"), ":0\r\n");
  }
}

TEST_F(KeysTest, WhileLoadingNothingExpires) {
  keyspace.set_loading(true);
  run_line("SET k v");
  run_line("PEXPIREAT k -1");
  EXPECT_EQ(run_line("EXISTS k"), ":1\r\n");
  EXPECT_EQ(run_line("PERSIST k"), ":1\r\n");
}

TEST_F(KeysTest, KeysVanishInTime) {
  run_line("SET k v PX 100");
  advance_ms(99);
  EXPECT_EQ(run_line("PTTL k"), ":1\r\n");
  advance_ms(1);
  EXPECT_EQ(run_line("KEYS *"), "*0\r\n");
  EXPECT_EQ(run_line("SCAN 0"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("EXISTS k"), ":0\r\n");
  EXPECT_THAT(log, ElementsAre("0: DEL k"));
}

TEST_F(KeysTest, ExpiryConditions) {
  run_line("SET k v");
  EXPECT_EQ(run_line("EXPIRE k 10 XX"), ":0\r\n");
  EXPECT_EQ(run_line("EXPIRE k 10 GT"), ":0\r\n");
  EXPECT_EQ(run_line("EXPIRE k 10 NX"), ":1\r\n");
  EXPECT_EQ(run_line("EXPIRE k 20 NX"), ":0\r\n");
  EXPECT_EQ(run_line("EXPIRE k 20 LT"), ":0\r\n");
  EXPECT_EQ(run_line("EXPIRE k 20 GT XX"), ":1\r\n");
  EXPECT_EQ(run_line("EXPIRE k 20 GT"), ":0\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("EXPIRE k 5 LT"), ":1\r\n");
}

TEST_F(KeysTest, ExpiryErrors) {
  run_line("SET k v");
  EXPECT_EQ(run_line("EXPIRE k x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run_line("EXPIRE k 10 FOO"), "-ERR Unsupported option FOO\r\n");
  EXPECT_EQ(run_line("EXPIRE k 10 NX GT"),
            "-ERR NX and XX, GT or LT options at the same time are not compatible\r\n");
  EXPECT_EQ(run_line("EXPIRE k 10 GT LT"),
            "-ERR GT and LT options at the same time are not compatible\r\n");
  EXPECT_EQ(run_line("EXPIRE k 9223372036854775807"),
            "-ERR invalid expire time in 'expire' command\r\n");
  EXPECT_EQ(run_line("PEXPIRE k 9223372036854775807"),
            "-ERR invalid expire time in 'pexpire' command\r\n");
  EXPECT_EQ(run_line("EXPIREAT k -9223372036854775808"),
            "-ERR invalid expire time in 'expireat' command\r\n");
  EXPECT_EQ(run_line("PEXPIREAT k 9223372036854775807"), ":1\r\n");
  EXPECT_EQ(run_line("EXPIRETIME k"), ":9223372036854776\r\n");
}

// --- Moving ---

TEST_F(KeysTest, RenameTakesTheExpiryAlong) {
  run_line("SET a 1 EX 10");
  run_line("SET b 2 EX 99");
  EXPECT_EQ(run_line("RENAME a b"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("0: RENAME a b"));
  EXPECT_EQ(run_line("GET b"), "$1\r\n1\r\n");
  EXPECT_EQ(run_line("TTL b"), ":10\r\n");
  EXPECT_EQ(run_line("RENAME a b"), "-ERR no such key\r\n");
  EXPECT_EQ(run_line("RENAME b b"), "+OK\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("RENAMENX b b"), ":0\r\n");
  EXPECT_EQ(run_line("RENAMENX b c"), ":1\r\n");
  run_line("SET plain 1");
  run_line("RENAME plain c");
  EXPECT_EQ(run_line("TTL c"), ":-1\r\n");
  EXPECT_EQ(run_line("DBSIZE"), ":1\r\n");
}

TEST_F(KeysTest, Copy) {
  run_line("SET a 1 EX 10");
  EXPECT_EQ(run_line("COPY a b"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: COPY a b"));
  EXPECT_EQ(run_line("TTL b"), ":10\r\n");
  run_line("APPEND a x");
  EXPECT_EQ(run_line("GET b"), "$1\r\n1\r\n");
  EXPECT_EQ(run_line("COPY a b"), ":0\r\n");
  EXPECT_EQ(run_line("COPY a b REPLACE"), ":1\r\n");
  EXPECT_EQ(run_line("COPY a a DB 3"), ":1\r\n");
  EXPECT_EQ(run_line("COPY none b REPLACE"), ":0\r\n");
  EXPECT_EQ(run_line("COPY a a"), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(run_line("COPY a b DB 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run_line("COPY a b DB"), "-ERR syntax error\r\n");
  EXPECT_EQ(keyspace.size(3), 1u);
}

TEST_F(KeysTest, CopyIsDeep) {
  Hash hash;
  hash.set("f", "v");
  keyspace.put(0, "h", Value(std::move(hash)));
  keyspace.settle();
  run_line("COPY h g");
  keyspace.find_for_write(0, "h")->value.hash()->set("f", "w");
  EXPECT_EQ(*keyspace.find(0, "g")->value.hash()->find("f"), "v");
  keyspace.settle();
}

TEST_F(KeysTest, Databases) {
  run_line("SET a 1 EX 10");
  EXPECT_EQ(run_line("MOVE a 1"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: MOVE a 1"));
  EXPECT_EQ(run_line("MOVE a 1"), ":0\r\n");
  EXPECT_EQ(run_line("MOVE a 0"), "-ERR source and destination objects are the same\r\n");
  EXPECT_EQ(run_line("SELECT 1"), "+OK\r\n");
  EXPECT_EQ(run_line("TTL a"), ":10\r\n");
  run_line("SET b 1");
  EXPECT_THAT(log, ElementsAre("1: SET b 1"));
  EXPECT_EQ(run_line("SWAPDB 0 1"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("1: SWAPDB 0 1"));
  EXPECT_EQ(run_line("DBSIZE"), ":0\r\n");
  EXPECT_EQ(run_line("SELECT 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run_line("SELECT x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run_line("SWAPDB x 1"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(run_line("SWAPDB 1 x"), "-ERR invalid second DB index\r\n");
  EXPECT_EQ(run_line("SWAPDB 1 16"), "-ERR DB index is out of range\r\n");
  EXPECT_EQ(run_line("SWAPDB 2147483648 0"), "-ERR invalid first DB index\r\n");
  EXPECT_EQ(db, 1);
}

TEST_F(KeysTest, Flush) {
  run_line("SET a 1");
  run_line("SELECT 1");
  run_line("SET b 1");
  EXPECT_EQ(run_line("FLUSHDB ASYNC"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("1: FLUSHDB ASYNC"));
  EXPECT_EQ(keyspace.size(0), 1u);
  EXPECT_EQ(run_line("FLUSHALL"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("1: FLUSHALL"));
  EXPECT_EQ(keyspace.size(0), 0u);
  EXPECT_EQ(run_line("FLUSHALL FOO"), "-ERR syntax error\r\n");
}

// --- Walking ---

TEST_F(KeysTest, KeysByPattern) {
  run_line("MSET one 1 two 2 three 3");
  EXPECT_EQ(run_line("KEYS t[wx]o"), "*1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(run_line("KEYS none*"), "*0\r\n");
}

TEST_F(KeysTest, RandomKey) {
  EXPECT_EQ(run_line("RANDOMKEY"), "$-1\r\n");
  run_line("SET a 1 PX 5");
  run_line("SET b 1");
  advance_ms(5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run_line("RANDOMKEY"), "$1\r\nb\r\n");
  EXPECT_EQ(run_line("DBSIZE"), ":1\r\n");
}

TEST_F(KeysTest, ScanOptions) {
  run_line("MSET one 1 two 2 three 3");
  EXPECT_EQ(run_line("SCAN 0 MATCH tw*"), "*2\r\n$1\r\n0\r\n*1\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(run_line("SCAN 0 COUNT 2"), "*2\r\n$1\r\n1\r\n*2\r\n$5\r\nthree\r\n$3\r\ntwo\r\n");
  EXPECT_EQ(run_line("SCAN 1"), "*2\r\n$1\r\n0\r\n*1\r\n$3\r\none\r\n");
  EXPECT_EQ(run_line("SCAN 99 TYPE hash"), "*2\r\n$1\r\n0\r\n*0\r\n");
  EXPECT_EQ(run_line("SCAN 0 TYPE String COUNT 1"), "*2\r\n$1\r\n2\r\n*1\r\n$5\r\nthree\r\n");
  EXPECT_EQ(run_line("SCAN x"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(run_line("SCAN 18446744073709551616"), "-ERR invalid cursor\r\n");
  EXPECT_EQ(run_line("SCAN -18446744073709551615"), run_line("SCAN 1"));
  EXPECT_EQ(run({"SCAN", ""}), run_line("SCAN 0"));
  EXPECT_EQ(run({"SCAN", std::string_view("1\0x", 3)}), run_line("SCAN 1"));
  EXPECT_EQ(run({"SCAN", " 1"}), "-ERR invalid cursor\r\n");
  EXPECT_EQ(run_line("SCAN 0 COUNT 0"), "-ERR syntax error\r\n");
  EXPECT_EQ(run_line("SCAN 0 COUNT x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run_line("SCAN 0 FOO"), "-ERR syntax error\r\n");
}

RC_GTEST_FIXTURE_PROP(KeysTest, ScanMissesNothingThatStays, ()) {
  const auto count = *rc::gen::inRange(0, 200);
  std::set<std::string> staying;
  for (int i = 0; i < count; ++i) {
    run({"SET", "stay" + std::to_string(i), "v"});
    run({"SET", "go" + std::to_string(i), "v"});
    staying.insert("stay" + std::to_string(i));
  }
  std::multiset<std::string> seen;
  std::string cursor = "0";
  do {
    cursor = scan(cursor, " COUNT " + std::to_string(*rc::gen::inRange(1, 20)), seen);
    const auto name = std::to_string(*rc::gen::inRange(0, 250));
    if (*rc::gen::arbitrary<bool>()) {
      run({"DEL", "go" + name});
    } else {
      run({"SET", "new" + name, "v"});
    }
  } while (cursor != "0");
  for (const std::string& key : staying) RC_ASSERT(seen.contains(key));
}

TEST_F(KeysTest, Object) {
  run({"MSET", "int", "12", "short", "abc", "long", std::string(45, 'x')});
  EXPECT_EQ(run_line("OBJECT ENCODING int"), "$3\r\nint\r\n");
  EXPECT_EQ(run_line("OBJECT encoding short"), "$6\r\nembstr\r\n");
  EXPECT_EQ(run_line("OBJECT ENCODING long"), "$3\r\nraw\r\n");
  EXPECT_EQ(run_line("OBJECT ENCODING none"), "$-1\r\n");
  EXPECT_EQ(run_line("OBJECT REFCOUNT int"), ":1\r\n");
  EXPECT_EQ(run_line("OBJECT FOO int"), "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.\r\n");
  EXPECT_EQ(run_line("OBJECT ENCODING"),
            "-ERR wrong number of arguments for 'object|encoding' command\r\n");
}

}  // namespace
}  // namespace powercut::engine
