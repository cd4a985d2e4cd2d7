// What RESP3 has types of its own for. In RESP2 the same replies are arrays and strings, as the tests of the families say.
#include <gtest/gtest.h>

#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

class Resp3 : public testing::Test, protected CommandHarness {
 protected:
  Resp3() {
    operator()("HSET h f v");
    operator()("SADD s m");
    operator()("ZADD z 1.5 a inf b");
    protocol = 3;
  }
};

TEST_F(Resp3, Maps) {
  EXPECT_EQ((*this)("HGETALL h"), "%1\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_EQ((*this)("HGETALL absent"), "%0\r\n");
  EXPECT_EQ((*this)("HKEYS h"), "*1\r\n$1\r\nf\r\n");
  (*this)("MSET a xay b xby");
  EXPECT_EQ((*this)("LCS a b IDX MINMATCHLEN 9"),
            "%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:2\r\n");
}

TEST_F(Resp3, Sets) {
  for (const char* line : {"SMEMBERS s", "SINTER s", "SUNION s", "SDIFF s", "SPOP s 5"})
    EXPECT_EQ((*this)(line), "~1\r\n$1\r\nm\r\n") << line;
  EXPECT_EQ((*this)("SMEMBERS s"), "~0\r\n");
}

TEST_F(Resp3, NumbersAndTheirPairs) {
  EXPECT_EQ((*this)("ZSCORE z a"), ",1.5\r\n");
  EXPECT_EQ((*this)("ZINCRBY z 1 a"), ",2.5\r\n");
  EXPECT_EQ((*this)("ZMSCORE z b no"), "*2\r\n,inf\r\n_\r\n");
  const std::string pairs = "*2\r\n*2\r\n$1\r\na\r\n,2.5\r\n*2\r\n$1\r\nb\r\n,inf\r\n";
  EXPECT_EQ((*this)("ZRANGE z 0 -1 WITHSCORES"), pairs);
  EXPECT_EQ((*this)("ZUNION 1 z WITHSCORES"), pairs);
  EXPECT_EQ((*this)("ZPOPMIN z"), "*2\r\n$1\r\na\r\n,2.5\r\n");
  EXPECT_EQ((*this)("ZPOPMIN z 1"), "*1\r\n*2\r\n$1\r\nb\r\n,inf\r\n");
  EXPECT_EQ((*this)("HRANDFIELD h 1 WITHVALUES"), "*1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n");
}

TEST_F(Resp3, NothingIsOneThing) {
  EXPECT_EQ((*this)("GET absent"), "_\r\n");
  EXPECT_EQ((*this)("LPOP absent 3"), "_\r\n");
  EXPECT_EQ((*this)("ZRANDMEMBER absent"), "_\r\n");
}

TEST_F(Resp3, TextForPeople) { EXPECT_EQ((*this)("LOLWUT").substr(0, 1), "="); }

}  // namespace
}  // namespace powercut::engine
