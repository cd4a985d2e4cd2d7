#include "engine/command/outbox.h"

#include <gtest/gtest.h>

#include <string>

namespace powercut::engine {
namespace {

TEST(Outbox, AReplyWaitsForItsEntryAndForThoseBeforeIt) {
  Outbox outbox;
  outbox.bytes() += "+one\r\n";
  EXPECT_FALSE(outbox.hold(4, 4));
  outbox.bytes() += "+two\r\n";
  EXPECT_TRUE(outbox.hold(6, 4));
  outbox.bytes() += "+three\r\n";
  EXPECT_TRUE(outbox.hold(0, 4)) << "it rests on nothing, but two is before it";
  outbox.bytes() += "unfinished";
  EXPECT_EQ(outbox.ready(5), "+one\r\n");
  EXPECT_FALSE(outbox.idle());
  EXPECT_EQ(outbox.ready(6), "+one\r\n+two\r\n+three\r\n");
  EXPECT_TRUE(outbox.idle());
}

// However it is taken, what comes out is what went in.
TEST(Outbox, IsTakenInPieces) {
  Outbox outbox;
  std::string said;
  std::string heard;
  for (uint64_t lsn = 1; lsn <= 200; ++lsn) {
    const std::string reply =
        "+" + std::string(lsn % 37, static_cast<char>('a' + lsn % 26)) + "\r\n";
    said += reply;
    outbox.bytes() += reply;
    outbox.hold(lsn, lsn / 2);
    const size_t some = outbox.ready(lsn / 2).size() * (lsn % 3) / 2;
    heard += outbox.ready(lsn / 2).substr(0, some);
    outbox.consume(some);
  }
  heard += outbox.ready(200);
  EXPECT_EQ(heard, said);
}

}  // namespace
}  // namespace powercut::engine
