#include <gtest/gtest.h>

#include "engine/command/command_harness.h"
#include "engine/command/command_table.h"

namespace powercut::engine {
namespace {

// Every key of some type, and the other keys stand so in the table that removing any moves another.
void fill(CommandHarness& run, std::string_view without) {
  const auto made = [&](const char* key, const char* line) {
    if (without != key) run(line);
  };
  made("s1", "SET s1 one");
  made("s2", "SET s2 22");
  made("l1", "RPUSH l1 a b c");
  made("l2", "RPUSH l2 x y");
  made("h1", "HSET h1 f 1 g 2");
  made("e1", "SADD e1 a b c");
  made("e2", "SADD e2 b x");
  made("z1", "ZADD z1 1 a 2 b");
  made("z2", "ZADD z2 3 b 4 c");
  made("last", "SET last behind");
}

constexpr std::string_view kKeys[] = {"s1", "s2", "l1", "l2", "h1", "e1", "e2", "z1", "z2", "last"};

// Commands that look at more than one key, or twice at one.
constexpr std::string_view kLines[] = {"COPY last s1",
                                       "COPY s1 last REPLACE",
                                       "COPY l1 l2 REPLACE",
                                       "RENAME last s1",
                                       "RENAME l1 last",
                                       "RENAMENX last s1",
                                       "LMOVE l1 l2 LEFT RIGHT",
                                       "LMOVE l2 l1 LEFT LEFT",
                                       "RPOPLPUSH l2 l1",
                                       "SMOVE e1 e2 a",
                                       "SMOVE e2 e1 x",
                                       "SINTERSTORE e1 e1 e2",
                                       "SUNIONSTORE last e1 e2",
                                       "SDIFFSTORE e2 e1 e2",
                                       "SINTER e1 e2",
                                       "SUNION e2 e1",
                                       "ZUNIONSTORE z1 2 z1 z2",
                                       "ZINTERSTORE last 2 z2 z1",
                                       "ZRANGESTORE z1 z2 0 -1",
                                       "ZUNION 2 z1 z2",
                                       "BITOP AND s1 s2 last",
                                       "BITOP NOT last s1",
                                       "SORT l1 ALPHA STORE last",
                                       "SORT e1 ALPHA STORE l1",
                                       "MSET s1 a last b",
                                       "MSETNX s1 a s2 b",
                                       "MGET s1 s2 last",
                                       "GETEX s1 PERSIST",
                                       "GETDEL s2",
                                       "GETSET s1 v",
                                       "SET s1 v GET",
                                       "DEL s1 last l1",
                                       "EXISTS s1 s1 last",
                                       "LMPOP 2 l1 l2 LEFT",
                                       "ZMPOP 2 z1 z2 MIN",
                                       "LCS s1 last",
                                       "UNLINK last s1",
                                       "TOUCH s1 s2",
                                       "APPEND last more",
                                       "INCRBY s2 5",
                                       "HINCRBY h1 f 3",
                                       "SINTERCARD 2 e1 e2",
                                       "ZDIFFSTORE z2 2 z2 z1"};

// What has expired is as if it were not there, whatever else the command holds.
TEST(ExpiredKeys, AreAsIfTheyWereNotThere) {
  for (const std::string_view line : kLines) {
    for (const std::string_view expired : kKeys) {
      CommandHarness with, without;
      fill(with, "");
      fill(without, expired);
      with("PEXPIRE " + std::string(expired) + " 5");
      with.keyspace.set_now({with.keyspace.now().unix_ms + 10});
      without.keyspace.set_now(with.keyspace.now());
      EXPECT_EQ(with(std::string(line)), without(std::string(line))) << line << ", " << expired;
      for (const std::string_view key : kKeys) {
        const std::string dump = "DUMP " + std::string(key);
        EXPECT_EQ(with(dump), without(dump)) << line << ", " << expired << ": " << key;
      }
    }
  }
}

}  // namespace
}  // namespace powercut::engine
