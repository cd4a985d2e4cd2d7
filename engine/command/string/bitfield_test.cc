#include "engine/command/command_harness.h"

namespace powercut::engine {
namespace {

constexpr std::string_view kBadType =
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 "
    "is.\r\n";
constexpr std::string_view kBadOffset = "-ERR bit offset is not an integer or out of range\r\n";

class BitfieldTest : public ::testing::Test {
 protected:
  std::string run(std::string_view line) { return harness(line); }
  // The integers of a reply, and "-" for a null.
  std::string numbers(std::string_view line) {
    const std::string reply = harness(line);
    EXPECT_EQ(reply[0], '*') << reply;
    std::string joined;
    for (size_t i = reply.find("\r\n") + 2; i < reply.size(); i = reply.find("\r\n", i) + 2) {
      if (!joined.empty()) joined += ' ';
      joined += reply[i] == ':' ? reply.substr(i + 1, reply.find("\r\n", i) - i - 1) : "-";
    }
    return joined;
  }
  std::vector<std::string> log() const { return harness.log; }
  using Log = std::vector<std::string>;
  CommandHarness harness;
};

TEST_F(BitfieldTest, SetsAndGetsSignedAndUnsigned) {
  EXPECT_EQ(numbers("BITFIELD b SET i8 0 -100 SET i8 0 101 GET i8 0"), "0 -100 101");
  EXPECT_EQ(log(), Log{"0: BITFIELD b SET i8 0 -100 SET i8 0 101 GET i8 0"});
  EXPECT_EQ(numbers("BITFIELD b SET u8 0 255 GET u8 0 GET i8 0"), "101 255 -1");
  EXPECT_EQ(numbers("BITFIELD b SET u8 #0 65 SET u8 #1 66 SET u8 #2 67"), "255 0 0");
  EXPECT_EQ(run("GET b"), bulk("ABC"));
  EXPECT_EQ(numbers("BITFIELD b GET i4 #1 GET u5 3"), "1 1");  // 0001 of 'A'; 00001
  EXPECT_EQ(numbers("BITFIELD b SET i64 5 -9223372036854775808 GET i64 5 GET u63 5"),
            "2902675512956551168 -9223372036854775808 4611686018427387904");
}

TEST_F(BitfieldTest, ReadsZerosBehindTheString) {
  EXPECT_EQ(numbers("BITFIELD none GET u8 0 GET i64 4294967000"), "0 0");
  EXPECT_EQ(run("EXISTS none"), ":0\r\n");
  EXPECT_EQ(run("BITFIELD none"), "*0\r\n");
  run("SET b \x7f");
  EXPECT_EQ(numbers("BITFIELD b GET u16 0"), "32512");
  EXPECT_TRUE(log().empty());
}

TEST_F(BitfieldTest, OverflowsAsTold) {
  EXPECT_EQ(numbers("BITFIELD b SET u8 0 100 INCRBY u8 0 257 INCRBY u8 0 -200"), "0 101 157");
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW SAT INCRBY u8 0 257 INCRBY u8 0 -300"), "255 0");
  EXPECT_EQ(numbers("BITFIELD b SET i8 0 100 INCRBY i8 0 100 OVERFLOW SAT INCRBY i8 0 -128"),
            "0 -56 -128");
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW SAT SET i8 0 1000 SET i8 0 -1000 GET i8 0"),
            "-128 127 -128");
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW SAT SET u8 0 -1 GET u8 0"), "128 255");
  EXPECT_EQ(numbers("BITFIELD b SET u8 0 -2 GET u8 0"), "255 254");
  EXPECT_EQ(numbers("BITFIELD w SET i64 0 9223372036854775807 INCRBY i64 0 1"),
            "0 -9223372036854775808");
  EXPECT_EQ(numbers("BITFIELD w OVERFLOW SAT INCRBY i64 0 -1"), "-9223372036854775808");
  EXPECT_EQ(numbers("BITFIELD w SET u63 0 -1 GET u63 0"),
            "4611686018427387904 9223372036854775807");
  EXPECT_EQ(numbers("BITFIELD w OVERFLOW SAT INCRBY u63 0 9223372036854775807"),
            "9223372036854775807");
}

TEST_F(BitfieldTest, WhatFailsChangesNoNumber) {
  run("SET b \x7f\x7f");
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW FAIL INCRBY i8 0 1 SET u4 0 16 GET i8 0"), "- - 127");
  EXPECT_TRUE(log().empty());
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW FAIL INCRBY i8 0 1 INCRBY i8 8 -1"), "- 126");
  EXPECT_EQ(log(), Log{"0: BITFIELD b OVERFLOW FAIL INCRBY i8 0 1 INCRBY i8 8 -1"});
  harness.protocol = 3;
  EXPECT_EQ(run("BITFIELD b OVERFLOW FAIL INCRBY i8 0 1"), "*1\r\n_\r\n");
}

// A state that the log must have, though no number was written.
TEST_F(BitfieldTest, MakesTheStringLongEnoughInAnyCase) {
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW FAIL SET u8 9 256"), "-");
  EXPECT_EQ(run("STRLEN b"), ":3\r\n");
  EXPECT_EQ(numbers("BITFIELD c SET u8 0 0"), "0");
  EXPECT_EQ(log(), Log{"0: BITFIELD c SET u8 0 0"});
  EXPECT_EQ(numbers("BITFIELD c SET u8 0 0"), "0");
  EXPECT_TRUE(log().empty());
  EXPECT_EQ(numbers("BITFIELD b OVERFLOW FAIL SET u8 24 256"), "-");
  EXPECT_EQ(log(), Log{"0: BITFIELD b OVERFLOW FAIL SET u8 24 256"});
}

TEST_F(BitfieldTest, RefusesWhatItCannotDo) {
  for (const std::string_view type : {"u64", "i65", "u0", "i-1", "x8", "8", "u", "U8", "u08"}) {
    EXPECT_EQ(run("BITFIELD b GET " + std::string(type) + " 0"), kBadType) << type;
  }
  EXPECT_EQ(harness.run({"BITFIELD", "b", "GET", "", "0"}), kBadType);
  for (const std::string_view offset :
       {"-1", "x", "#", "#-1", "4294967296", "#536870912", "#9223372036854775807"}) {
    EXPECT_EQ(run("BITFIELD b SET u8 " + std::string(offset) + " 1"), kBadOffset) << offset;
  }
  EXPECT_EQ(run("BITFIELD b SET u8 0 1 GET u8"), kSyntaxReply);
  EXPECT_EQ(run("BITFIELD b SET u8 0"), kSyntaxReply);
  EXPECT_EQ(run("BITFIELD b OVERFLOW"), kSyntaxReply);
  EXPECT_EQ(run("BITFIELD b OVERFLOW up"), "-ERR Invalid OVERFLOW type specified\r\n");
  EXPECT_EQ(run("BITFIELD b INCRBY u8 0 1.5"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(run("EXISTS b"), ":0\r\n");
  run("RPUSH l x");
  EXPECT_EQ(run("BITFIELD l GET u8 0"), kWrongTypeReply);
  EXPECT_EQ(run("BITFIELD l SET u8 0 1"), kWrongTypeReply);
  EXPECT_EQ(run("BITFIELD_RO l GET u8 0"), kWrongTypeReply);
}

TEST_F(BitfieldTest, TheReadOnlyOneOnlyReads) {
  run("SET b A");
  EXPECT_EQ(numbers("BITFIELD_RO b GET u8 0 OVERFLOW SAT GET i4 4"), "65 1");
  EXPECT_EQ(run("BITFIELD_RO b GET u8 0 SET u8 0 1"),
            "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
  EXPECT_EQ(run("BITFIELD_RO b"), "*0\r\n");
}

}  // namespace
}  // namespace powercut::engine
