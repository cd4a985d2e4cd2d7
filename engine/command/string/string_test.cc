#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "engine/command/command_harness.h"
#include "engine/command/number.h"

namespace powercut::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::string_literals;

class StringTest : public ::testing::Test, public CommandHarness {
 protected:
  void put_hash(std::string_view key) {
    Hash hash;
    hash.set("f", "v");
    keyspace.put(db, key, Value(std::move(hash)));
    keyspace.settle();
  }
  CommandHarness& run_line = *this;
};

TEST_F(StringTest, SetAndGet) {
  EXPECT_EQ(run_line("GET k"), "$-1\r\n");
  EXPECT_EQ(run_line("SET k v"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("0: SET k v"));
  EXPECT_EQ(run_line("GET k"), "$1\r\nv\r\n");
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(StringTest, KeysAndValuesMayHoldAnyByte) {
  const std::string key = "\0\r\n\xff"s;
  const std::string value = "a\0b\r\n"s;
  run({"SET", key, value});
  run({"APPEND", key, "\0"s});
  EXPECT_EQ(run({"GET", key}), "$6\r\na\0b\r\n\0\r\n"s);
  run({"SET", "", ""});
  EXPECT_EQ(run({"GET", ""}), "$0\r\n\r\n");
}

TEST_F(StringTest, SetReplacesAnyTypeAndClearsTheExpiry) {
  put_hash("h");
  EXPECT_EQ(run_line("GET h"), kWrongTypeReply);
  EXPECT_EQ(run_line("SET h v EX 10"), "+OK\r\n");
  EXPECT_EQ(run_line("SET h w"), "+OK\r\n");
  EXPECT_EQ(run_line("TTL h"), ":-1\r\n");
}

TEST_F(StringTest, SetLogsTheAbsoluteExpiry) {
  run_line("SET k v EX 10");
  EXPECT_THAT(log, ElementsAre("0: SET k v PXAT 1700000010000"));
  run_line("set k v px 15 nx");
  EXPECT_THAT(log, IsEmpty());
  run_line("set k v px 15 xx get");
  EXPECT_THAT(log, ElementsAre("0: SET k v PXAT 1700000000015"));
  run_line("SET k v EXAT 1800000000");
  EXPECT_THAT(log, ElementsAre("0: SET k v PXAT 1800000000000"));
  run_line("SETEX k 3 v");
  EXPECT_THAT(log, ElementsAre("0: SET k v PXAT 1700000003000"));
  run_line("PSETEX k 3 v");
  EXPECT_THAT(log, ElementsAre("0: SET k v PXAT 1700000000003"));
}

TEST_F(StringTest, SetConditions) {
  EXPECT_EQ(run_line("SET k v XX"), "$-1\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("SET k v NX"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("0: SET k v NX"));
  EXPECT_EQ(run_line("SET k w NX"), "$-1\r\n");
  EXPECT_EQ(run_line("SET k w NX GET"), "$1\r\nv\r\n");
  EXPECT_EQ(run_line("SET k w GET"), "$1\r\nv\r\n");
  EXPECT_THAT(log, ElementsAre("0: SET k w"));
  EXPECT_EQ(run_line("SET new w GET"), "$-1\r\n");
  EXPECT_EQ(run_line("SETNX k x"), ":0\r\n");
  EXPECT_EQ(run_line("SETNX other x"), ":1\r\n");
}

TEST_F(StringTest, SetKeepsTheExpiryIfAsked) {
  run_line("SET k v EX 10");
  EXPECT_EQ(run_line("SET k w KEEPTTL"), "+OK\r\n");
  EXPECT_THAT(log, ElementsAre("0: SET k w KEEPTTL"));
  EXPECT_EQ(run_line("TTL k"), ":10\r\n");
  run_line("SET k w KEEPTTL GET");
  EXPECT_THAT(log, ElementsAre("0: SET k w KEEPTTL"));
  EXPECT_EQ(run_line("SET new w KEEPTTL"), "+OK\r\n");
}

TEST_F(StringTest, SetErrors) {
  for (const std::string_view line :
       {"SET k v NX XX", "SET k v EX 1 PX 1", "SET k v KEEPTTL EX 1", "SET k v EX 1 KEEPTTL",
        "SET k v EX", "SET k v FOO", "GETEX k PERSIST EX 1", "GETEX k FOO"}) {
    EXPECT_EQ(run_line(line), "-ERR syntax error\r\n") << line;
  }
  for (const std::string_view time :
       {"EX 0", "PX -1", "EX 9223372036854775", "EX 9223372036854775807", "PX 9223372036854775807",
        "EXAT 9223372036854775807"}) {
    EXPECT_EQ(run_line("SET k v " + std::string(time)),
              "-ERR invalid expire time in 'set' command\r\n")
        << time;
  }
  EXPECT_EQ(run_line("SET k v EX x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run_line("SETEX k 0 v"), "-ERR invalid expire time in 'setex' command\r\n");
  EXPECT_EQ(run_line("PSETEX k 0 v"), "-ERR invalid expire time in 'psetex' command\r\n");
  put_hash("h");
  EXPECT_EQ(run_line("SET h v GET"), kWrongTypeReply);
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("TYPE h"), "+hash\r\n");
}

TEST_F(StringTest, GetAndChange) {
  EXPECT_EQ(run_line("GETSET k v"), "$-1\r\n");
  EXPECT_THAT(log, ElementsAre("0: SET k v"));
  EXPECT_EQ(run_line("GETSET k w"), "$1\r\nv\r\n");
  EXPECT_EQ(run_line("GETDEL k"), "$1\r\nw\r\n");
  EXPECT_THAT(log, ElementsAre("0: DEL k"));
  EXPECT_EQ(run_line("GETDEL k"), "$-1\r\n");
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(StringTest, GetexLogsWhatItDidToTheExpiry) {
  run_line("SET k v");
  EXPECT_EQ(run_line("GETEX k"), "$1\r\nv\r\n");
  EXPECT_THAT(log, IsEmpty());
  run_line("GETEX k EX 5");
  EXPECT_THAT(log, ElementsAre("0: PEXPIREAT k 1700000005000"));
  run_line("GETEX k PERSIST");
  EXPECT_THAT(log, ElementsAre("0: PERSIST k"));
  run_line("GETEX k PERSIST");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("GETEX k PXAT 1"), "$1\r\nv\r\n");
  EXPECT_THAT(log, ElementsAre("0: DEL k"));
  EXPECT_EQ(run_line("GETEX k EX x"), "$-1\r\n");
}

TEST_F(StringTest, SeveralAtOnce) {
  put_hash("h");
  EXPECT_EQ(run_line("MSET a 1 b 2 a 3"), "+OK\r\n");
  EXPECT_EQ(run_line("MGET a h none b"), "*4\r\n$1\r\n3\r\n$-1\r\n$-1\r\n$1\r\n2\r\n");
  EXPECT_EQ(run_line("MSETNX c 1 a 1"), ":0\r\n");
  EXPECT_EQ(run_line("GET c"), "$-1\r\n");
  EXPECT_EQ(run_line("MSETNX c 1 d 1"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: MSETNX c 1 d 1"));
  EXPECT_EQ(run_line("MSET a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
}

TEST_F(StringTest, AnExpiredKeyIsLoggedBeforeTheCommand) {
  run_line("SET k 5 PX 10");
  advance_ms(10);
  EXPECT_EQ(run_line("INCR k"), ":1\r\n");
  EXPECT_THAT(log, ElementsAre("0: DEL k", "0: INCR k"));
}

// --- In place ---

TEST_F(StringTest, AppendAndRanges) {
  EXPECT_EQ(run_line("APPEND k Hello"), ":5\r\n");
  EXPECT_EQ(run({"APPEND", "k", " World"}), ":11\r\n");
  EXPECT_EQ(run_line("GETRANGE k 0 4"), "$5\r\nHello\r\n");
  EXPECT_EQ(run_line("GETRANGE k -5 -1"), "$5\r\nWorld\r\n");
  EXPECT_EQ(run_line("SUBSTR k -100 0"), "$1\r\nH\r\n");
  EXPECT_EQ(run_line("GETRANGE k -1 -100"), "$0\r\n\r\n");
  EXPECT_EQ(run_line("GETRANGE none 0 -1"), "$0\r\n\r\n");
  EXPECT_EQ(run_line("SETRANGE k 6 Redis"), ":11\r\n");
  EXPECT_EQ(run_line("SETRANGE z 2 x"), ":3\r\n");
  EXPECT_EQ(run_line("GET z"), "$3\r\n\0\0x\r\n"s);
  EXPECT_EQ(run({"SETRANGE", "none", "5", ""}), ":0\r\n");
  EXPECT_EQ(run_line("EXISTS none"), ":0\r\n");
  EXPECT_EQ(run_line("STRLEN k"), ":11\r\n");
}

TEST_F(StringTest, LengthsAreLimited) {
  constexpr std::string_view kTooLong =
      "-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n";
  EXPECT_EQ(run_line("SETRANGE k 536870912 x"), kTooLong);
  EXPECT_EQ(run_line("SETRANGE k 9223372036854775807 x"), kTooLong);
  EXPECT_EQ(run_line("SETRANGE k -1 x"), "-ERR offset is out of range\r\n");
  EXPECT_EQ(run_line("SETBIT k 4294967296 1"),
            "-ERR bit offset is not an integer or out of range\r\n");
  EXPECT_EQ(run_line("EXISTS k"), ":0\r\n");
}

TEST_F(StringTest, Counters) {
  EXPECT_EQ(run_line("INCR n"), ":1\r\n");
  EXPECT_EQ(run_line("INCRBY n 9"), ":10\r\n");
  EXPECT_THAT(log, ElementsAre("0: INCRBY n 9"));
  EXPECT_EQ(run_line("DECRBY n 20"), ":-10\r\n");
  EXPECT_EQ(run_line("DECR n"), ":-11\r\n");
  run_line("SET n 9223372036854775807");
  EXPECT_EQ(run_line("INCR n"), "-ERR increment or decrement would overflow\r\n");
  EXPECT_EQ(run_line("DECRBY n -9223372036854775808"), "-ERR decrement would overflow\r\n");
  run_line("SET n 1x");
  EXPECT_EQ(run_line("INCR n"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_THAT(log, IsEmpty());
  put_hash("h");
  EXPECT_EQ(run_line("INCR h"), kWrongTypeReply);
}

TEST_F(StringTest, CountersKeepTheExpiry) {
  run_line("SET n 1 EX 100");
  run_line("INCR n");
  run_line("INCRBYFLOAT n 0.5");
  EXPECT_THAT(log, ElementsAre("0: SET n 2.5 KEEPTTL"));
  EXPECT_EQ(run_line("TTL n"), ":100\r\n");
}

TEST_F(StringTest, FloatCounters) {
  EXPECT_EQ(run_line("INCRBYFLOAT n 10.5"), "$4\r\n10.5\r\n");
  EXPECT_EQ(run_line("INCRBYFLOAT n 0.1"), "$4\r\n10.6\r\n");
  EXPECT_EQ(run_line("INCRBYFLOAT m 5.0e3"), "$4\r\n5000\r\n");
  EXPECT_EQ(run_line("INCRBYFLOAT n inf"), "-ERR increment would produce NaN or Infinity\r\n");
  EXPECT_EQ(run_line("INCRBYFLOAT n x"), "-ERR value is not a valid float\r\n");
  EXPECT_EQ(run_line("GET n"), "$4\r\n10.6\r\n");
}

// --- Bits ---

TEST_F(StringTest, Bits) {
  EXPECT_EQ(run_line("SETBIT k 7 1"), ":0\r\n");
  EXPECT_EQ(run_line("SETBIT k 7 1"), ":1\r\n");
  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(run_line("GET k"), "$1\r\n\x01\r\n");
  EXPECT_EQ(run_line("GETBIT k 7"), ":1\r\n");
  EXPECT_EQ(run_line("GETBIT k 4294967295"), ":0\r\n");
  EXPECT_EQ(run_line("SETBIT k 0 2"), "-ERR bit is not an integer or out of range\r\n");
  run_line("SETBIT k 17 0");
  EXPECT_THAT(log, ElementsAre("0: SETBIT k 17 0"));
  EXPECT_EQ(run_line("STRLEN k"), ":3\r\n");
}

TEST_F(StringTest, BitCountAndPosition) {
  run_line("SET k foobar");
  EXPECT_EQ(run_line("BITCOUNT k"), ":26\r\n");
  EXPECT_EQ(run_line("BITCOUNT k 1 1"), ":6\r\n");
  EXPECT_EQ(run_line("BITCOUNT k 5 30 BIT"), ":17\r\n");
  EXPECT_EQ(run_line("BITCOUNT k -100 -200"), ":0\r\n");
  EXPECT_EQ(run_line("BITCOUNT k 1"), "-ERR syntax error\r\n");
  run({"SET", "k", "\xff\xf0\x00"s});
  EXPECT_EQ(run_line("BITPOS k 0"), ":12\r\n");
  EXPECT_EQ(run_line("BITPOS k 1 2"), ":-1\r\n");
  EXPECT_EQ(run_line("BITPOS k 0 0 0"), ":-1\r\n");
  EXPECT_EQ(run_line("BITPOS k 0 5 14 BIT"), ":12\r\n");
  run({"SET", "k", "\xff"});
  EXPECT_EQ(run_line("BITPOS k 0"), ":8\r\n");
  EXPECT_EQ(run_line("BITPOS none 0"), ":0\r\n");
  EXPECT_EQ(run_line("BITPOS none 1"), ":-1\r\n");
}

TEST_F(StringTest, BitOperations) {
  run({"MSET", "a", "\xf0\x0f", "b", "\xff"});
  EXPECT_EQ(run_line("BITOP AND d a b none"), ":2\r\n");
  EXPECT_EQ(run_line("GET d"), "$2\r\n\0\0\r\n"s);
  run_line("BITOP OR d a b");
  EXPECT_EQ(run_line("GET d"), "$2\r\n\xff\x0f\r\n");
  run_line("BITOP XOR d a b");
  EXPECT_EQ(run_line("GET d"), "$2\r\n\x0f\x0f\r\n");
  run_line("BITOP NOT d a");
  EXPECT_EQ(run_line("GET d"), "$2\r\n\x0f\xf0\r\n");
  EXPECT_EQ(run_line("BITOP OR d none"), ":0\r\n");
  EXPECT_EQ(run_line("EXISTS d"), ":0\r\n");
}

TEST_F(StringTest, LongestCommonSubsequence) {
  run_line("MSET a ohmytext b mynewtext");
  EXPECT_EQ(run_line("LCS a b"), "$6\r\nmytext\r\n");
  EXPECT_EQ(run_line("LCS a b LEN"), ":6\r\n");
  EXPECT_EQ(run_line("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
            "*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n"
            "$3\r\nlen\r\n:6\r\n");
  EXPECT_EQ(run_line("LCS a none"), "$0\r\n\r\n");
}

// --- Properties ---

RC_GTEST_FIXTURE_PROP(StringTest, RangesAreSubstrings, (std::string text, int first, int last)) {
  run({"SET", "k", text});
  const auto n = static_cast<int64_t>(text.size());
  first %= 20;
  last %= 20;
  std::string expected;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = first < 0 ? std::max<int64_t>(first + n, 0) : first;
    const int64_t to = last < 0 ? std::max<int64_t>(last + n, 0) : last;
    if (i >= from && i <= to) expected += text[static_cast<size_t>(i)];
  }
  if (first < 0 && last < 0 && first > last) expected.clear();
  RC_ASSERT(run({"GETRANGE", "k", format_integer(first), format_integer(last)}) ==
            "$" + std::to_string(expected.size()) + "\r\n" + expected + "\r\n");
}

RC_GTEST_FIXTURE_PROP(StringTest, BitCountIsTheSumOfTheBits, (std::string text)) {
  run({"SET", "k", text});
  const auto bits = static_cast<int64_t>(text.size()) * 8;
  const auto first = *rc::gen::inRange<int64_t>(0, bits + 1);
  const auto last = *rc::gen::inRange<int64_t>(first, bits + 8);
  int64_t sum = 0;
  int64_t first_set = -1;
  for (int64_t i = first; i <= last; ++i) {
    if (run({"GETBIT", "k", format_integer(i)}) != ":1\r\n") continue;
    ++sum;
    if (first_set < 0) first_set = i;
  }
  const std::string from = format_integer(first);
  const std::string to = format_integer(last);
  RC_ASSERT(run({"BITCOUNT", "k", from, to, "BIT"}) == ":" + std::to_string(sum) + "\r\n");
  RC_ASSERT(run({"BITPOS", "k", "1", from, to, "BIT"}) == ":" + std::to_string(first_set) + "\r\n");
}

}  // namespace
}  // namespace powercut::engine
